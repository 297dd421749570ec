# ruff: noqa: E501
"""Mails that nobody wrote: mutations of the nasty ones, and a check that whatever comes is read and can be stored.

`python -m tests.mail_fuzz SECONDS [SEED]` runs it for long.
"""

from __future__ import annotations

import random
import secrets
import sys
import time

from cordboard.events.policy import EntryPoint, MailPolicy
from cordboard.gateway.entrance.papers import contents_of, files_of
from cordboard.gateway.mail.letters import Delivery, make_letter, natured
from cordboard.gateway.mail.limits import FILES_MAX, REFERENCES_MAX
from cordboard.gateway.mail.parse import parse
from cordboard.vault.words import ATTACHMENT_MAX, TEXT_MAX, Draft, check_draft
from tests.mails import DOOR, MAILS

SERVICE = EntryPoint(name="service", channel="mail", address=DOOR)
POLICY = MailPolicy(no_action=["dank u", "merci"])
OURS = frozenset({"webshop.example"})
CORPUS = [one.raw for one in MAILS.values() if len(one.raw) < 20_000]
TOKENS = [  # one line a kind
    b"\r\n", b"\n", b"\r", b"\0", b"\xff", b"\xe9", b"\xf0\x9f\x8e\x81", b"--grens", b"--grens--", b"--r", b"=?utf-8?B?", b"?=", b"=?x?Q?", b"<", b">", b'"',
    b"(", b")", b";", b",", b":", b"=", b"@", b" ", b"\t", b">", b"Content-Type: multipart/mixed; boundary=grens\r\n", b"Content-Type: message/rfc822\r\n",
    b"Content-Type: text/html\r\n", b"Content-Type: message/delivery-status\r\n", b"Content-Transfer-Encoding: base64\r\n", b"Content-Transfer-Encoding: quoted-printable\r\n",
    b"Content-Disposition: attachment; filename*0*=utf-8''%E9; filename*1=", b"; charset=utf-16", b"; charset=utf-7", b"; charset=idna", b"; format=flowed",
    b"From: ", b"To: ", b"Date: ", b"References: ", b"In-Reply-To: <a@b>", b"Message-ID: <", b"<blockquote>", b"<table><tr>", b"<!--", b"]]>", b"&#", b"<script>",
    b"On 3 Nov 2026 x wrote:\r\n", b"Van: x\r\nVerzonden: y\r\n", b"-- \r\n", b"begin 644 x\r\n", b"Status: 5.1.1\r\n", b"Action: ", b"\xfe\xff", b"\xed\xa0\x80", b"(" * 300, b"\xc2\x85",
]  # fmt: skip


def mutate(chance: random.Random) -> bytes:
    """One mail of the corpus, some places of it changed, cut, doubled, or mixed with another's."""
    data = bytearray(chance.choice(CORPUS))
    for _ in range(chance.randint(1, 12)):
        at = chance.randint(0, len(data))
        match chance.randrange(6):
            case 0:
                data[at:at] = chance.choice(TOKENS)
            case 1:
                data[at : at + chance.randint(1, 60)] = b""
            case 2:
                data[at : at + 1] = bytes([chance.randrange(256)])
            case 3:
                other = chance.choice(CORPUS)
                begin = chance.randint(0, len(other))
                data[at:at] = other[begin : begin + chance.randint(0, 2_000)]
            case 4:
                data[at:at] = data[at : at + chance.randint(1, 200)] * chance.randint(1, 20)
            case 5:
                data[at : at + chance.randint(0, 20)] = chance.randbytes(chance.randint(0, 20))
    return bytes(data)


def exercise(raw: bytes, mail_from: str | None = "", returned: bool = False) -> None:
    """From bytes to what the vault would be given; everything within its bounds."""
    mail, delivery = parse(raw), Delivery(SERVICE, mail_from, returned)
    letter = make_letter(mail, delivery, natured(mail, delivery, OURS), POLICY)
    contact, message = secrets.token_bytes(16), secrets.token_bytes(16)
    contents, files = contents_of(letter, contact, message), files_of(letter, message)
    check_draft(Draft("mail", letter.external_id, contact, message, b"fact", None, contents, letter.threads, None, files))
    assert len(mail.text.encode()) <= TEXT_MAX and len(mail.references) <= REFERENCES_MAX
    assert len(mail.files) <= FILES_MAX and sum(len(file.data) for file in files) <= ATTACHMENT_MAX
    assert files[-1].data == raw
    assert "\n" not in letter.subject and (letter.sender is None or "@" in letter.sender.address)
    assert make_letter(mail, delivery, natured(mail, delivery, OURS), POLICY) == letter


def main(seconds: float, seed: int) -> None:
    chance, done, slowest, end = random.Random(seed), 0, (0.0, b""), time.monotonic() + seconds
    while time.monotonic() < end:
        raw = mutate(chance)
        began = time.monotonic()
        try:
            exercise(raw, chance.choice(["", None, "a@b.example"]), chance.random() < 0.2)
        except BaseException:
            print(f"seed {seed}, mail {done}: {raw!r}")
            raise
        slowest = max(slowest, (time.monotonic() - began, raw))
        done += 1
    print(f"{done} mails, the slowest took {slowest[0]:.3f} s and had {len(slowest[1])} bytes")


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
