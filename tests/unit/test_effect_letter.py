"""A mail as people and machines read it: threads hold together, and no word of the outside leaves its place."""

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cordboard.effects.attempt import Undeliverable
from cordboard.effects.letter import (
    QUOTED_LINES_MAX,
    REFERENCES_MAX,
    SUBJECT_MAX,
    Thread,
    Words,
    ascii_domain,
    body,
    reply_subject,
    template_for,
    write_letter,
)
from cordboard.events.policy import MailPolicy, MailTemplate

OWN, TO = "support@shop.example", "jan@home.example"
THREAD = Thread("<own@shop.example>", "<question@home.example>", ("<first@home.example>",))
NL = MailTemplate(greeting="Beste {customer},", signature="Groet, {agent}")
EN = MailTemplate(greeting="Dear {customer},", signature="Regards, {agent}")


def words(**changed: str | None) -> Words:
    given = {"text": "Yes.", "subject": "Is it?", "agent": "Anna", "customer": "Jan", "quoted": "Well?", "language": "en"}
    return Words(**(given | changed))  # type: ignore[arg-type]


def read(written: Words, thread: Thread = THREAD, *, to: str = TO, mail: MailPolicy | None = None) -> EmailMessage:
    return message_from_bytes(write_letter(mail or MailPolicy(), OWN, to, written, thread, 1_700_000_000_123).data, policy=default)


@pytest.mark.parametrize(
    ("subject", "reply"),
    [
        ("Question", "Re: Question"),
        ("Re: Question", "Re: Question"),
        ("RE: re: Aw: Question", "Re: Question"),
        ("Re[2]: Antw: Question", "Re: Question"),
        ("Regarding: this", "Re: Regarding: this"),
        ("Retour: artikel", "Re: Retour: artikel"),
        ("", "Re:"),
        ("Re:", "Re:"),
        ("  two\r\n lines\tand \x00 more ", "Re: two lines and more"),
    ],
)
def test_a_subject_is_answered_once(subject: str, reply: str) -> None:
    assert reply_subject(subject) == reply
    assert reply_subject(reply) == reply


def test_templates_follow_the_language() -> None:
    templates = {"nl": NL, "en": EN}
    found = [template_for(templates, language) for language in ("nl", "nl-BE", "EN", "fr", None)]
    assert found == [("nl", NL), ("nl", NL), ("en", EN), ("nl", NL), ("nl", NL)]
    assert template_for({}, "fr-BE") == ("fr-be", MailTemplate())


def test_greeting_answer_signature_and_question_stand_in_this_order() -> None:
    assert body({"nl": NL}, words(text="\r\nJa.\r\nZeker.\n\n", quoted="Echt?\n> nee\n\nDan ja.\n\n", language="nl")) == (
        "Beste Jan,\n\nJa.\nZeker.\n\nGroet, Anna\n\nJan schreef:\n> Echt?\n>> nee\n>\n> Dan ja.\n"
    )
    assert body({}, words(quoted="", customer="")) == "Yes.\n"


def test_a_long_question_is_quoted_in_part() -> None:
    text = body({}, words(quoted="\n".join(f"line {number}" for number in range(10_000))))
    lines = text.split("\n")
    assert lines[-2] == "> […]" and lines[-3] == f"> line {QUOTED_LINES_MAX - 1}"
    assert len(body({}, words(quoted="x" * 1_000_000))) < 9_000


def test_names_fill_their_places_and_nothing_else() -> None:
    text = body({"en": EN}, words(customer="{agent} {0.__class__}\nBcc: x", agent="{customer}"))
    assert text.startswith("Dear {agent} {0.__class__} Bcc: x,\n") and "Regards, {customer}\n" in text


def test_a_name_that_nobody_knows_leaves_no_gap() -> None:
    assert body({"en": EN}, words(customer="", agent="\n", quoted="")) == "Dear,\n\nYes.\n\nRegards,\n"


def test_long_threads_keep_their_beginning_and_their_end() -> None:
    before = [f"<{number}@home.example>" for number in range(100)]
    mail = read(words(), Thread("<own@shop.example>", "<question@home.example>", before))
    known = str(mail["References"]).split()
    assert (
        len(known) == REFERENCES_MAX
        and known[0] == "<0@home.example>"
        and known[-2:] == ["<99@home.example>", "<question@home.example>"]
    )


def test_ids_longer_than_a_line_stay_as_they_are() -> None:
    long = f"<{'x' * 200}@home.example>"
    mail = read(words(), Thread("<own@shop.example>", long, (long, f"<{'y' * 200}@home.example>")))
    assert mail["In-Reply-To"] == long and str(mail["References"]).split() == [long, f"<{'y' * 200}@home.example>"]


@pytest.mark.parametrize("bad", ["", "question", "<a b>", "<a>\r\nBcc: x@y.example", "<é@home.example>", "<>", f"<{'x' * 300}>"])
def test_what_is_no_id_is_left_out(bad: str) -> None:
    mail = read(words(), Thread("<own@shop.example>", bad, ("<first@home.example>",)))
    assert mail["In-Reply-To"] is None and mail["References"] is None
    mail = read(words(), Thread("<own@shop.example>", "<question@home.example>", (bad,)))
    assert mail["References"] == "<question@home.example>" and mail["Bcc"] is None


def test_addresses_are_written_as_dns_and_smtp_have_them() -> None:
    assert ascii_domain("Jan@Bücher.example") == "Jan@xn--bcher-kva.example"
    letter = write_letter(MailPolicy(), OWN, "jürgen@home.example", words(), THREAD, 0)
    assert letter.unicode and "jürgen@home.example".encode() in letter.data
    assert not write_letter(MailPolicy(), OWN, TO, words(customer="Jürgen"), THREAD, 0).unicode


@pytest.mark.parametrize(
    "bad",
    ["", "jan", "jan@", "@home.example", "a b@home.example", "jan@home.example\r\nBcc: x", "jan@home.example,x@y.example",
     "<jan@home.example>", "jan@home..example", ".jan@home.example",
     "x" * 65 + "@home.example", "jan@" + "x" * 250 + ".example", "jan@[127.0.0.1]"],
)  # fmt: skip
def test_what_is_no_address_is_no_recipient(bad: str) -> None:
    with pytest.raises(Undeliverable) as refused:
        read(words(), to=bad)
    assert refused.value.failure == "no_recipient"


def test_the_same_answer_is_the_same_mail() -> None:
    first = write_letter(MailPolicy(sender_name="Shop"), OWN, TO, words(text="é" * 2_000), THREAD, 5)
    assert first == write_letter(MailPolicy(sender_name="Shop"), OWN, TO, words(text="é" * 2_000), THREAD, 5)


HEADERS = {
    "message-id",
    "in-reply-to",
    "references",
    "from",
    "to",
    "subject",
    "date",
    "content-type",
    "content-transfer-encoding",
    "mime-version",
}


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    text=st.text(max_size=300), subject=st.text(max_size=300), agent=st.text(max_size=50), customer=st.text(max_size=50),
    quoted=st.text(max_size=300), answers=st.text(max_size=50), before=st.lists(st.text(max_size=50), max_size=3),
)  # fmt: skip
def test_whatever_the_outside_writes_stays_in_its_place(
    text: str, subject: str, agent: str, customer: str, quoted: str, answers: str, before: list[str]
) -> None:
    written = Words(text, subject, agent, customer, quoted, "en")
    data = write_letter(MailPolicy(templates={"en": EN}), OWN, TO, written, Thread("<own@shop.example>", answers, before), 0).data
    head, _, _ = data.partition(b"\r\n\r\n")
    assert b"\n" not in data.replace(b"\r\n", b"") and all(len(line) < 998 for line in data.split(b"\r\n"))
    mail = message_from_bytes(data, policy=default)
    assert {name.lower() for name in mail} <= HEADERS and len(mail.keys()) == len(set(mail.keys()))
    assert [address.addr_spec for address in mail["To"].addresses] == [TO]
    assert mail["Message-ID"] == "<own@shop.example>" and len(mail["Subject"]) <= SUBJECT_MAX + 4
    assert head.isascii()
