"""What kind of mail it is, and the letter that becomes of it."""

from __future__ import annotations

import pytest

from cordboard.events.policy import EntryPoint, MailPolicy
from cordboard.gateway.entrance.letter import Letter
from cordboard.gateway.mail.letters import Delivery, make_letter, natured
from cordboard.gateway.mail.nature import Nature
from cordboard.gateway.mail.parse import parse
from cordboard.gateway.mail.rate import SenderRate
from tests.mails import DOOR, LOOPS, MAILS, SENDER, mail, multipart, part
from tests.returned_mails import AUTOMATIC, BOUNCES, ORIGINAL_ID

SERVICE = EntryPoint(name="service", channel="mail", address=DOOR)
POLICY = MailPolicy(no_action=["dank u wel", "merci"])
OURS = frozenset({"webshop.example"})
REPLY = f"In-Reply-To: {ORIGINAL_ID}"


def kind_of(raw: bytes, mail_from: str | None = SENDER, returned: bool = False) -> Nature:
    return natured(parse(raw), Delivery(SERVICE, mail_from, returned), OURS)


def letter_of(raw: bytes, mail_from: str | None = SENDER, *, reference: bytes | None = None) -> Letter:
    parsed, delivery = parse(raw), Delivery(SERVICE, mail_from, reference is not None, reference)
    return make_letter(parsed, delivery, natured(parsed, delivery, OURS), POLICY)


@pytest.mark.parametrize("name", BOUNCES)
def test_bounces_of_every_make_are_the_systems_word(name: str) -> None:
    raw, mail_from = BOUNCES[name]
    letter = letter_of(raw, mail_from)
    assert letter.author == "system" and letter.automatic and letter.sender is None and letter.envelope is None
    assert letter.attachments[-1].data == raw


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("report", "The message to weg@klant.example could not be delivered (5.1.1): 550 5.1.1 User unknown"),
        ("report with headers alone", "The message to weg@klant.example could not be delivered (5.2.2): 552 mailbox full"),
        ("delayed", "The message to weg@klant.example has not been delivered yet (4.4.1): connection timed out"),
        ("delivered", "The message to weg@klant.example has been delivered (2.0.0): 250 ok"),
        ("qmail", "The message could not be delivered (5.7.1): 550 5.7.1 Sorry, no mailbox here"),
        (
            "exim",
            "The message to weg@klant.example could not be delivered (5.0.0): SMTP error from remote mail server: 550 No such user",
        ),
        ("Exchange, in Dutch", "The message could not be delivered (5.1.10): #5.1.10 smtp;550 5.1.10"),
        ("report without fields", "The message could not be delivered."),
    ],
)
def test_a_bounce_says_what_happened_in_a_line(name: str, text: str) -> None:
    assert letter_of(*BOUNCES[f"bounce: {name}"]).text == text


@pytest.mark.parametrize("name", ["report", "report with headers alone", "qmail", "report type missing"])
def test_a_bounce_finds_the_mail_that_came_back(name: str) -> None:
    assert letter_of(*BOUNCES[f"bounce: {name}"]).replies_to[0] == ORIGINAL_ID


def test_only_a_failure_brings_a_case_back() -> None:
    assert not letter_of(*BOUNCES["bounce: report"]).no_action
    assert letter_of(*BOUNCES["bounce: delayed"]).no_action
    assert letter_of(*BOUNCES["bounce: delivered"]).no_action


def test_whatever_comes_to_a_return_address_is_a_bounce_on_its_contact() -> None:
    letter = letter_of(mail("Subject: Hm", body="Niet gelukt\r\n"), "", reference=bytes(16))
    assert letter.author == "system" and letter.reference == bytes(16)


def test_a_person_who_writes_to_a_return_address_is_a_person_on_that_contact() -> None:
    letter = letter_of(mail("Subject: Re: Pakket", body="Nog een vraag\r\n"), reference=bytes(16))
    assert (letter.author, letter.reference, letter.text) == ("customer", bytes(16), "Nog een vraag")


def test_people_may_write_about_bounces() -> None:
    assert kind_of(mail("Subject: Undeliverable: my parcel")) == Nature()


@pytest.mark.parametrize("name", AUTOMATIC)
def test_automatic_mails_are_known(name: str) -> None:
    assert kind_of(*AUTOMATIC[name]).automatic


@pytest.mark.parametrize("name", [name for name in AUTOMATIC if "newsletter" not in name and "nobody" not in name])
def test_automatic_replies_ask_for_nothing_within_their_thread(name: str) -> None:
    assert letter_of(*AUTOMATIC[name]).no_action


def test_an_automatic_reply_to_nothing_is_a_mail_like_others() -> None:
    letter = letter_of(mail("Subject: Out of office", "Auto-Submitted: auto-replied"))
    assert letter.automatic and not letter.no_action


def test_people_are_no_machines() -> None:
    for name in ("plain", "emoji", "only HTML", "a thousand references", "mail in a mail"):
        assert kind_of(MAILS[name].raw) == Nature(), name
    assert kind_of(mail("Auto-Submitted: no", "Precedence: first-class")) == Nature()


@pytest.mark.parametrize("name", sorted(LOOPS))
def test_mails_that_go_round_are_known(name: str) -> None:
    assert kind_of(MAILS[name].raw).looping


def test_a_thank_you_within_a_thread_asks_for_nothing() -> None:
    thanks = mail(
        REPLY,
        body="Beste,\r\n\r\nDank u wel!\r\n\r\nGroeten, Anna\r\n\r\nOp 3 nov schreef Service <s@w.example>:\r\n> Het komt.\r\n",
    )
    assert letter_of(thanks).no_action
    assert not letter_of(mail(body="Dank u wel!\r\n")).no_action, "a thread it does not have"
    assert not letter_of(mail(REPLY, body="Dank u wel, maar waar?\r\n")).no_action


def test_a_thank_you_with_a_file_asks_for_something_and_a_logo_does_not_count() -> None:
    with_file = multipart("mixed", "\r\nDank u wel", part("application/pdf", "x"), more=(REPLY,))
    with_logo = multipart("related", "\r\nDank u wel", part("image/png; name=logo.png", "x"), more=(REPLY,))
    assert not letter_of(with_file).no_action
    assert letter_of(with_logo).no_action


def test_a_letter_knows_the_way_back() -> None:
    raw = mail(
        "Subject: Re: Pakket",
        "Message-ID: <3@k>",
        "In-Reply-To: <2@w>",
        "References: <1@k> <2@w>",
        "Reply-To: Anna Thuis <thuis@klant.example>",
    )
    letter = letter_of(raw)
    assert letter.sender is not None and letter.envelope is not None
    assert (letter.sender.address, letter.sender.name) == (SENDER, "Anna")
    assert (letter.envelope.to, letter.envelope.name, letter.envelope.own) == ("thuis@klant.example", "Anna Thuis", DOOR)
    assert (letter.envelope.message_id, letter.envelope.references) == ("<3@k>", ["<1@k>", "<2@w>"])
    same_mail = f"{letter.entry_point} <3@k>"
    assert letter.replies_to == (same_mail, "<2@w>", "<1@k>")
    assert letter.threads == ("<3@k>", same_mail)


def test_an_answer_never_goes_to_ourselves() -> None:
    letter = letter_of(mail(f"Reply-To: {DOOR}"))
    assert letter.envelope is not None and letter.envelope.to == SENDER


def test_without_a_sender_the_envelope_tells_one_and_without_that_there_is_none() -> None:
    letter = letter_of(MAILS["no sender"].raw, "Bram@Klant.Example")
    assert letter.sender is not None and letter.sender.address == "bram@klant.example"
    assert letter_of(MAILS["no sender"].raw, "").sender is None


def test_the_same_mail_is_the_same_letter_and_another_is_another() -> None:
    one = mail("Message-ID: <1@k>", body="een")
    again = b"Received: from a by b\r\n" + one
    assert letter_of(one).external_id == letter_of(again, "x@y.example").external_id
    assert letter_of(one).external_id != letter_of(mail("Message-ID: <2@k>", body="een")).external_id
    assert letter_of(one).external_id != letter_of(mail("Message-ID: <1@k>", who="b@klant.example")).external_id
    nameless = MAILS["no subject, no id"].raw
    assert letter_of(nameless).external_id == letter_of(nameless).external_id != letter_of(nameless + b"x").external_id


def test_rules_see_the_new_words_alone() -> None:
    letter = letter_of(mail(REPLY, body="Waar is het?\r\n\r\nOn 3 Nov 2026, Service wrote:\r\n> Het komt.\r\n"))
    assert letter.classified_text == "Waar is het?" and "Het komt." in letter.text


def test_one_sender_cannot_write_more_than_so_often_to_one_address() -> None:
    rate = SenderRate(per_minute=2, most=2)
    assert [rate.take("a", "x", 0.0) for _ in range(3)] == [True, True, False]
    assert rate.take("a", "y", 0.0) and rate.take("A", "X", 60.0)
    assert rate.take("b", "x", 60.0) and rate.take("c", "x", 60.0)
    assert rate.take("a", "x", 60.0), "the oldest pair is forgotten"
