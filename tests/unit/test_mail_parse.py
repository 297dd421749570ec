"""Bytes to a mail: what people wrote, whatever their programs made of it."""

from __future__ import annotations

import pytest

from cordboard.gateway.mail.headers import decode_words, read_addresses
from cordboard.gateway.mail.limits import FILES_MAX, NAME_MAX, REFERENCES_MAX, SUBJECT_MAX
from cordboard.gateway.mail.parse import ORIGINAL, parse
from cordboard.vault.words import ATTACHMENT_MAX, TEXT_MAX
from tests.mails import MAILS, PDF, mail, multipart, part

SUBJECTS = {
    "words in one charset, cut within a character": "Päckchen über",
    "words in two charsets": "cafééé en €",
    "word with a language": "Vraag",
    "header injection in a subject": "Hoi Bcc: x@y.example tekst",
    "eight bits without charset": "Größe",
    "UTF-8 without charset": "Größe",
    "folded subject": "een twee drie",
    "five thousand headers": "Veel",
    "NUL bytes": "nul nul",
    "emoji": "🎁📦",
    "only a header": "Alleen dit",
}
TEXTS = {
    "no headers at all": "Alleen tekst",
    "eight bits without charset": "Größe ist zu groß",
    "UTF-8 without charset": "Größe ist zu groß",
    "wrong charset name": "Größe",
    "charset of another codec": "tekst",
    "Latin-1 that says UTF-8": "Größe",
    "one bad byte in UTF-8": "Größe für Übergrößen\n\ufffd",
    "UTF-16": "Hallo",
    "UTF-7": "Größe",
    "Japanese": "注文について",
    "quoted-printable": "Größe é " * 20,
    "broken base64": "Hallo",
    "flowed": "Dit is een lange regel.\n\n> oud",
    "only HTML": "Beste,\n\nWaar is mijn pakket?\nGroet",
    "HTML, deep": "diep",
    "HTML, too deep": "te diep",
    "HTML, pictures alone": "",
    "bare CR": "een\ntwee",
    "NUL bytes": "tekstmetnullen",
    "boundary that never comes": "Toch tekst",
    "alternative": "Zie bijlage. Groeten, Anna",
    "alternative with an empty plain text": "Echt",
    "texts between files": "Zie bijlage. Groeten, Anna\n\nEn nog iets",
    "thirty multiparts deep": "Bodem",
    "picture in the text": "Kijk",
}
FILES = {
    "winmail.dat": [("winmail.dat", "application/ms-tnef")],
    "calendar invitation": [("part-1.ics", "text/calendar")],
    "signed": [("smime.p7s", "application/pkcs7-signature")],
    "sealed": [("smime.p7m", "application/pkcs7-mime")],
    "mail in a mail": [("part-1.eml", "message/rfc822")],
    "thirty mails deep": [("part-1.eml", "message/rfc822")],
    "digest": [(f"part-{number}.eml", "message/rfc822") for number in (1, 2, 3)],
    "name by RFC 2231": [("rekéning.pdf", "application/pdf")],
    "name by RFC 2047": [("rekéning.pdf", "application/pdf")],
    "name in raw bytes": [("rekéning.pdf", "application/pdf")],
    "name that climbs": [("passwd", "application/pdf")],
    "bidi trick in a name": [("rekfdp.exe", "application/pdf")],
    "text as a file": [("log.txt", "text/plain")],
    "picture in the text": [("part-1.png", "image/png")],
    "never closed": [("a.pdf", "application/pdf")],
    "cut off": [("a.pdf", "application/pdf")],
}


@pytest.mark.parametrize("name", MAILS)
def test_every_mail_is_read_within_bounds_and_kept_whole(name: str) -> None:
    raw = MAILS[name].raw
    parsed = parse(raw)
    assert parsed.original.data == raw and parsed.original.name == ORIGINAL
    assert len(parsed.text.encode()) <= TEXT_MAX and len(parsed.new_text) <= len(parsed.text) + TEXT_MAX
    assert len(parsed.subject) <= SUBJECT_MAX and "\n" not in parsed.subject
    assert len(parsed.references) <= REFERENCES_MAX
    assert len(parsed.files) <= FILES_MAX and sum(len(file.data) for file in parsed.files) + len(raw) <= ATTACHMENT_MAX
    for file in parsed.files:
        assert 0 < len(file.name) <= NAME_MAX and file.name.isprintable() and "/" not in file.name


@pytest.mark.parametrize("name", SUBJECTS)
def test_subjects(name: str) -> None:
    assert parse(MAILS[name].raw).subject == SUBJECTS[name]


@pytest.mark.parametrize("name", TEXTS)
def test_texts(name: str) -> None:
    assert parse(MAILS[name].raw).text == TEXTS[name]


@pytest.mark.parametrize("name", FILES)
def test_files(name: str) -> None:
    assert [(file.name, file.media_type) for file in parse(MAILS[name].raw).files] == FILES[name]


def test_a_file_comes_out_as_it_went_in() -> None:
    found = parse(multipart("mixed", "\r\nZie bijlage", part("application/pdf; name=a.pdf", PDF)))
    assert found.text == "Zie bijlage"
    assert found.files[0].data == PDF


def test_a_text_that_is_too_long_says_where_it_goes_on() -> None:
    text = parse(MAILS["long text"].raw).text
    assert text.startswith("woorden en nog eens woorden\n") and text.endswith(f"[… The text goes on in {ORIGINAL}.]")


def test_files_that_do_not_fit_are_in_the_original_alone() -> None:
    found = parse(MAILS["a hundred files"].raw)
    assert len(found.files) == FILES_MAX
    assert found.text.endswith(f"[37 more in {ORIGINAL}.]")


def test_the_last_references_are_kept() -> None:
    found = parse(MAILS["a thousand references"].raw)
    assert found.references == tuple(f"<{number}@klant.example>" for number in range(950, 1_000))


def test_an_id_of_absurd_length_stays_the_same_for_replies() -> None:
    first = parse(MAILS["id of a kilobyte"].raw)
    answer = parse(mail("In-Reply-To: <" + "i" * 1_500 + "@klant.example>"))
    assert answer.in_reply_to == (first.message_id,) and len(first.message_id) < 100


def test_addresses() -> None:
    one = read_addresses("=?utf-8?Q?Jansen,_Anna?= <Anna@Klant.Example>, b@klant.example")
    assert [(found.address, found.name) for found in one] == [("anna@klant.example", "Jansen, Anna"), ("b@klant.example", "")]
    assert read_addresses("zomaar wat") == [] == read_addresses("@") == read_addresses("c@@d")


def test_a_broken_word_stays_to_be_read() -> None:
    assert decode_words("voor =?utf-8?Q?half") == "voor =?utf-8?Q?half"


def test_tables_lists_and_quotations_in_html() -> None:
    html = "<p>Hoi</p><ul><li>een<li>twee</ul><table><tr><td>a<td>b<tr><td>c</table><blockquote>oud<br>ouder</blockquote>x"
    assert parse(mail("Content-Type: text/html", body=html)).text == "Hoi\n\n- een\n- twee\n\na b\nc\n\n> oud\n> ouder\nx"
