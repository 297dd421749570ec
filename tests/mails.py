"""Mails that are hard to read, generated. Each must come in as exactly one contact, and break nothing. See also returned_mails.py."""

# ruff: noqa: E501, RUF001 - one mail a line
from __future__ import annotations

import base64
import quopri
from dataclasses import dataclass

from tests.returned_mails import RETURNED

DOOR = "klantenservice@webshop.example"
SENDER = "anna@klant.example"


@dataclass(frozen=True)
class Mail:
    """`raw` as it comes over the wire. `mail_from` empty: the null sender."""

    raw: bytes
    mail_from: str = SENDER

    @property
    def bare(self) -> bool:
        """Has line ends that SMTP forbids: over SMTP it is refused, from a mailbox it comes in."""
        rest = self.raw.replace(b"\r\n", b"")
        return b"\r" in rest or b"\n" in rest


def mail(
    *headers: str | bytes, body: str | bytes = "Goedemiddag, waar is mijn pakket?\r\n", who: str = f"Anna <{SENDER}>"
) -> bytes:
    """A mail with From, To and the given header lines."""
    lines: list[str | bytes] = [f"From: {who}", f"To: {DOOR}", *headers]
    return b"\r\n".join(_bytes(line) for line in lines) + b"\r\n\r\n" + _bytes(body)


def multipart(kind: str, *parts: str | bytes, boundary: str = "grens", more: tuple[str, ...] = (), close: bool = True) -> bytes:
    """`parts` with their own headers."""
    body = b"".join(b"--" + boundary.encode() + b"\r\n" + _bytes(part) + b"\r\n" for part in parts)
    head = ("MIME-Version: 1.0", f'Content-Type: multipart/{kind}; boundary="{boundary}"', *more)
    return mail("Subject: Delen", *head, body=body + (f"--{boundary}--\r\n".encode() if close else b""))


def part(media_type: str, data: str | bytes, *headers: str, encode: bool = True) -> bytes:
    """One part, base64 unless told otherwise."""
    head = [f"Content-Type: {media_type}", *headers]
    if encode:
        head.append("Content-Transfer-Encoding: base64")
        data = base64.encodebytes(_bytes(data)).replace(b"\n", b"\r\n")
    return "\r\n".join(head).encode() + b"\r\n\r\n" + _bytes(data)


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


TEXT = part("text/plain; charset=utf-8", "Zie bijlage. Groeten, Anna", encode=False)
PDF = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"


def nested(depth: int) -> bytes:
    """A mail in a mail in a mail …"""
    inner = mail("Subject: Diepste", body="Bodem\r\n")
    for level in range(depth):
        inner = mail(f"Subject: Laag {level}", "Content-Type: message/rfc822", body=inner)
    return inner


def nested_multiparts(depth: int) -> bytes:
    """Multiparts in multiparts; the text is at the bottom."""
    inner = b"Content-Type: text/plain\r\n\r\nBodem\r\n"
    for level in range(depth):
        inner = (
            b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level) + inner + b"\r\n--b%d--\r\n" % level
        )
    return b"From: " + SENDER.encode() + b"\r\nSubject: Dozen\r\n" + inner


def digest() -> bytes:
    """Three mails as one."""
    one = "Subject: Deel {}\r\nFrom: x@y.example\r\n\r\nTekst {}"
    return multipart("digest", *(f"\r\n{one.format(n, n)}" for n in range(3)))


ICS = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nSUMMARY:Afspraak\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
HEADERS: dict[str, bytes] = {
    "plain": mail("Subject: Pakket", "Message-ID: <plain@klant.example>"),
    "no headers at all": b"\r\nAlleen tekst\r\n",
    "no subject, no id": mail(),
    "empty": b"",
    "only a line end": b"\r\n",
    "only a header": b"Subject: Alleen dit",
    "colon first": b": leeg\r\nSubject: Toch\r\n\r\nTekst\r\n",
    "header line without colon": mail("Subject: Voor", "dit is geen kop", "X-Na: ja"),
    "words in one charset, cut within a character": mail("Subject: =?utf-8?B?UMOkY2tjaGVuIMO=?= =?utf-8?B?vGJlcg==?="),
    "words in two charsets": mail("Subject: =?iso-8859-1?Q?caf=E9?= =?utf-8?B?w6nDqQ==?= en =?windows-1252?q?=80?="),
    "word in an unknown charset": mail("Subject: =?x-klingon?Q?nuqneH_=E9?="),
    "word with broken base64": mail("Subject: =?utf-8?B?!!!=?= =?utf-8?B?YWJj?="),
    "word with a language": mail("Subject: =?utf-8*nl?Q?Vraag?="),
    "word in quotes": mail("Subject: Vraag", who='"=?utf-8?Q?J=C3=A9r=C3=B4me?=" <jerome@klant.example>'),
    "comma in an encoded name": mail("Subject: Vraag", who="=?utf-8?Q?Jansen,_Anna?= <anna@klant.example>"),
    "header injection in a subject": mail("Subject: =?utf-8?Q?Hoi=0D=0ABcc:_x@y.example=0D=0A=0D=0Atekst?="),
    "header injection in a name": mail("Subject: a", who="=?utf-8?B?QQ0KQmNjOiB4?= <anna@klant.example>"),
    "eight bits without charset": mail("Subject: Größe".encode("latin-1"), body="Größe ist zu groß\r\n".encode("cp1252")),
    "UTF-8 without charset": mail("Subject: Größe", body="Größe ist zu groß\r\n"),
    "huge subject": mail("Subject: " + "lang " * 12_000),
    "huge header": mail("X-Groot: " + "x" * 60_000, "Subject: Groot"),
    "five thousand headers": mail(*(f"X-{n}: {n}" for n in range(5_000)), "Subject: Veel"),
    "folded subject": mail("Subject: een\r\n twee\r\n\tdrie"),
    "a thousand references": mail("Subject: Re: lang", "References: " + "\r\n ".join(f"<{n}@klant.example>" for n in range(1_000))),
    "broken references": mail("References: <a@b <c@d> e@f> <<g@h>>", "In-Reply-To: niets"),
    "id of a kilobyte": mail("Message-ID: <" + "i" * 1_500 + "@klant.example>"),
    "id without brackets": mail("Message-ID: abc@klant.example"),
    "two of everything": mail("Subject: een", "Subject: twee", "Message-ID: <1@k>", "Message-ID: <2@k>", "From: b@klant.example"),
    "no sender": b"Subject: Van niemand\r\n\r\nTekst\r\n",
    "group as sender": mail("Subject: a", who="Groep: a@klant.example, b@klant.example;"),
    "broken sender": mail("Subject: a", who='"Anna <anna@@klant..example>, (<((('),
    "deep comment": mail("Subject: a", who="(" * 5_000 + "Anna" + ")" * 5_000 + " <anna@klant.example>"),
    "hundred recipients": mail("Subject: a", "Cc: " + ", ".join(f"p{n}@klant.example" for n in range(3_000))),
    "impossible date": mail("Date: Tue, 99 Foo 20266 99:99:99 +9999"),
    "NUL bytes": mail("Subject: nul\0nul", body=b"tekst\0met\0nullen\r\n"),
    "bare CR": mail("Subject: kale CR", body=b"een\rtwee\r\n"),
    "bare LF": mail("Subject: kale LF", body=b"een\ntwee\r\n"),
    "smuggled": mail("Subject: kaal", body=b"een\n.\r\nMAIL FROM:<x@y>\r\n"),
    "Unix line ends": mail("Subject: unix").replace(b"\r\n", b"\n"),
    "right to left": mail("Subject: =?utf-8?B?16nXnNeV150=?=", body="\u202eשלום עולם, كيف الحال\r\n"),
    "emoji": mail("Subject: 🎁📦", body="👩‍👩‍👧‍👦 blij 🇳🇱\r\n"),
    "bidi trick in a name": multipart("mixed", TEXT, part("application/pdf; name=\"rek\u202efdp.exe\"", PDF)),
}  # fmt: skip
BODIES: dict[str, bytes] = {
    "wrong charset name": mail("Content-Type: text/plain; charset=utf-9-ish", body="Größe\r\n"),
    "charset that is not one": mail("Content-Type: text/plain; charset=punycode", body="a-" * 30_000),
    "charset of another codec": mail("Content-Type: text/plain; charset=zlib", body="tekst\r\n"),
    "Latin-1 that says UTF-8": mail("Content-Type: text/plain; charset=utf-8", body="Größe\r\n".encode("latin-1")),
    "one bad byte in UTF-8": mail("Content-Type: text/plain; charset=utf-8", body="Größe für Übergrößen\r\n".encode() + b"\xff\r\n"),
    "UTF-16": mail("Content-Type: text/plain; charset=utf-16", "Content-Transfer-Encoding: base64", body=base64.b64encode("Hallo".encode("utf-16"))),
    "UTF-7": mail("Content-Type: text/plain; charset=utf-7", body="Gr+APYA3w-e\r\n"),
    "Japanese": mail("Content-Type: text/plain; charset=iso-2022-jp", body="注文について\r\n".encode("iso-2022-jp")),
    "broken quoted-printable": mail("Content-Transfer-Encoding: quoted-printable", body="a=ZZ=3=\r\nb=C3=A9=\r\n=E"),
    "quoted-printable": mail("Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: quoted-printable", body=quopri.encodestring("Größe é ".encode() * 20)),
    "broken base64": mail("Content-Type: text/plain", "Content-Transfer-Encoding: base64", body="SGFsbG8*&^%$\r\n=wer"),
    "unknown encoding": mail("Content-Transfer-Encoding: x-magie", body="tekst\r\n"),
    "uuencode as an encoding": mail("Content-Transfer-Encoding: x-uuencode", body="begin 644 a.txt\r\n%2&%L;&\\ \r\n`\r\nend\r\n"),
    "uuencode in the text": mail(body="Zie:\r\nbegin 644 a.txt\r\n%2&%L;&\\ \r\n`\r\nend\r\n"),
    "flowed": mail("Content-Type: text/plain; format=flowed; delsp=no", body="Dit is een \r\nlange regel.\r\n\r\n> oud\r\n"),
    "only HTML": mail("Content-Type: text/html; charset=utf-8", body="<p>Beste,</p><p>Waar is mijn <b>pakket</b>?<br>Groet</p>"),
    "HTML, deep": mail("Content-Type: text/html", body="<div>" * 10_000 + "diep"),
    "HTML, too deep": mail("Content-Type: text/html", body=("<div>" * 10 + "\r\n") * 10_000 + "te diep"),
    "HTML, bad": mail("Content-Type: text/html", body="<p <b></i><table><td><script>x</scr<!--<a href='>tekst"),
    "HTML, entities": mail("Content-Type: text/html", body="&lt;b&gt; &eacute; &#128512; &#xD800; &#0; &unknown;"),
    "HTML, pictures alone": mail("Content-Type: text/html", body="<img src='cid:1'><style>p{}</style><script>alert(1)</script>"),
    "long text": mail("Subject: lang", body="woorden en nog eens woorden\r\n" * 20_000),
    "one long line": mail("Subject: lang", body="x" * 60_000 + "\r\n"),
}  # fmt: skip
PARTS: dict[str, bytes] = {
    "boundary that never comes": mail("Content-Type: multipart/mixed; boundary=nooit", body="Toch tekst\r\n"),
    "no boundary": mail("Content-Type: multipart/mixed", body="--x\r\n\r\nTekst\r\n--x--\r\n"),
    "never closed": multipart("mixed", TEXT, part("application/pdf; name=a.pdf", PDF), close=False),
    "cut off": multipart("mixed", TEXT, part("application/pdf; name=a.pdf", PDF * 500))[:-2_000],
    "empty boundary": mail('Content-Type: multipart/mixed; boundary=""', body="--\r\n\r\nTekst\r\n----\r\n"),
    "boundary within a boundary": multipart("mixed", multipart("mixed", TEXT, boundary="a"), boundary="ab"),
    "alternative": multipart("alternative", TEXT, part("text/html", "<p>Zie <i>bijlage</i></p>")),
    "alternative with an empty plain text": multipart("alternative", part("text/plain", "  "), part("text/html", "<p>Echt</p>")),
    "winmail.dat": multipart("mixed", TEXT, part('application/ms-tnef; name="winmail.dat"', b"\x78\x9f\x3e\x22" + bytes(64))),
    "calendar invitation": multipart("alternative", TEXT, part("text/calendar; method=REQUEST; charset=utf-8", ICS)),
    "signed": multipart("signed", TEXT, part("application/pkcs7-signature; name=smime.p7s", bytes(range(256)))),
    "sealed": mail("Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m", "Content-Transfer-Encoding: base64", body=base64.encodebytes(bytes(500))),
    "PGP": multipart("encrypted", part("application/pgp-encrypted", "Version: 1"), part("application/octet-stream", "-----BEGIN PGP")),
    "mail in a mail": nested(1),
    "thirty mails deep": nested(30),
    "five hundred mails deep": nested(500),
    "thirty multiparts deep": nested_multiparts(30),
    "a thousand multiparts deep": nested_multiparts(1_000),
    "a thousand parts": multipart("mixed", *(b"\r\ndeel" for _ in range(1_000))),
    "a hundred files": multipart("mixed", TEXT, *(part(f"image/png; name={n}.png", b"png") for n in range(100))),
    "digest": digest(),
    "base64 of zeros": multipart("mixed", TEXT, part("application/zip; name=bom.zip", bytes(1_500_000))),
    "name by RFC 2231": multipart("mixed", TEXT, part("application/pdf", PDF, "Content-Disposition: attachment; filename*0*=utf-8''rek%C3%A9; filename*1=ning.pdf")),
    "name by RFC 2047": multipart("mixed", TEXT, part('application/pdf; name="=?utf-8?Q?rek=C3=A9ning.pdf?="', PDF)),
    "name by both, broken": multipart("mixed", TEXT, part("application/pdf; name==?utf-8?B?????=", PDF, "Content-Disposition: attachment; filename*=utf-8'%E9%ZZ; filename*9*=x")),
    "name in raw bytes": multipart("mixed", TEXT, part("application/pdf", PDF).replace(b"pdf", 'pdf; name="rekéning.pdf"'.encode("latin-1"), 1)),
    "name that climbs": multipart("mixed", TEXT, part('application/pdf; name="../../../etc/passwd"', PDF)),
    "name of a megabyte": multipart("mixed", TEXT, part("application/pdf; name=" + "n" * 50_000 + ".pdf", PDF)),
    "parameters without end": multipart("mixed", TEXT, part('application/pdf; a="' + ";" * 50_000, PDF)),
    "media type that is none": multipart("mixed", TEXT, part("geen type", "x"), part("a/b/c/d", "y"), part("", "z")),
    "text as a file": multipart("mixed", TEXT, part("text/plain; name=log.txt", "regel\n", "Content-Disposition: attachment")),
    "texts between files": multipart("mixed", TEXT, part("image/png; name=a.png", b"png"), part("text/plain", "En nog iets")),
    "picture in the text": multipart("related", part("text/html", "<p>Kijk <img src='cid:p'></p>"), part("image/png", b"png", "Content-ID: <p>", "Content-Disposition: inline")),
    "part headers alone": multipart("mixed", "Content-Type: text/plain", "Content-Type: image/png"),
    "message/partial": mail("Content-Type: message/partial; id=x; number=1; total=3", body="Subject: deel\r\n\r\ntekst"),
    "external body": mail("Content-Type: message/external-body; access-type=URL; URL=ftp://x", body="Content-Type: text/plain\r\n\r\n"),
}  # fmt: skip
MAILS: dict[str, Mail] = {
    **{name: Mail(raw) for name, raw in (HEADERS | BODIES | PARTS).items()},
    **{name: Mail(raw, mail_from) for name, (raw, mail_from) in RETURNED.items()},
}
LOOPS = frozenset({"our own id", "our own X-Loop", "sixty hops"})
"""Those that SMTP refuses, because they have been here."""
