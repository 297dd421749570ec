"""From a mail to the letter that the entrance takes: who wrote, what it answers, what kind of mail it is."""

import asyncio
import hashlib
from collections.abc import Collection
from dataclasses import dataclass

from cordboard.events.policy import EntryPoint, MailPolicy
from cordboard.gateway.entrance.letter import File, Letter, Sender
from cordboard.gateway.mail.courtesy import without_courtesy
from cordboard.gateway.mail.headers import Address, read_address
from cordboard.gateway.mail.limits import REFERENCES_CHARS_MAX
from cordboard.gateway.mail.nature import Nature, nature
from cordboard.gateway.mail.parse import Parsed, parse
from cordboard.policy.no_action import NoAction
from cordboard.vault.envelope import Envelope

_AT_ONCE = 64 * 1024
"""Bytes of a mail that are parsed on the loop itself; longer ones on a thread."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One mail at one of our doors. `mail_from` is the envelope's sender: empty the null sender, None not known.

    `returned`: it came to the return address of a mail of ours; `reference` is that mail's contact, if the journal has it.
    """

    door: EntryPoint
    mail_from: str | None = None
    returned: bool = False
    reference: bytes | None = None


async def read(raw: bytes) -> Parsed:
    """`parse`, without keeping the loop waiting."""
    return parse(raw) if len(raw) <= _AT_ONCE else await asyncio.to_thread(parse, raw)


def natured(mail: Parsed, delivery: Delivery, our_domains: Collection[str]) -> Nature:
    return nature(mail, delivery.mail_from, delivery.returned, our_domains)


def make_letter(mail: Parsed, delivery: Delivery, kind: Nature, policy: MailPolicy) -> Letter:
    """The letter of one mail at one door."""
    again = _again(mail, delivery)
    replies_to = tuple(dict.fromkeys((*mail.in_reply_to, *reversed(mail.references))))
    if kind.bounce is not None:
        return _bounced(mail, delivery, kind, replies_to)
    writer = mail.sender or _envelope_sender(delivery)
    known = bool(replies_to) or delivery.reference is not None
    return Letter(
        channel=delivery.door.channel,
        entry_point=delivery.door.name,
        external_id=external_id(mail, delivery),
        sender=Sender("email", writer.address, writer.name) if writer is not None else None,
        subject=mail.subject,
        text=mail.text,
        classified_text=mail.new_text or mail.text,
        envelope=_envelope(mail, delivery, writer),
        threads=(*_threads(mail), *again),
        replies_to=(*again, *replies_to),
        attachments=_files(mail),
        automatic=kind.automatic,
        no_action=kind.looping or (known and (kind.auto_reply or _asks_nothing(mail, policy))),
        reference=delivery.reference,
    )


def external_id(mail: Parsed, delivery: Delivery) -> str:
    """What makes a repeat of this mail at this door the same mail: Message-ID, author and what it says, since some programs give
    many mails one id, and anybody may use another's; for lack of a Message-ID, every byte."""
    writer = mail.sender.address if mail.sender is not None else ""
    if mail.message_id:
        said = "\0".join(("id", delivery.door.name, writer, mail.message_id)).encode() + b"\0" + mail.digest
    else:
        said = "\0".join(("raw", delivery.door.name, delivery.mail_from or "")).encode() + b"\0" + mail.original.data
    return hashlib.blake2b(said, digest_size=24).hexdigest()


def _bounced(mail: Parsed, delivery: Delivery, kind: Nature, replies_to: tuple[str, ...]) -> Letter:
    """A word of the system on the contact whose answer came back. A delay asks for nothing."""
    bounce = kind.bounce
    assert bounce is not None
    original = (bounce.original_id,) if bounce.original_id else ()
    return Letter(
        channel=delivery.door.channel,
        entry_point=delivery.door.name,
        external_id=external_id(mail, delivery),
        subject=mail.subject,
        text=bounce.summary(),
        threads=_threads(mail),
        replies_to=tuple(dict.fromkeys((*original, *replies_to))),
        attachments=_files(mail),
        automatic=True,
        no_action=bounce.action != "failed",
        author="system",
        reference=delivery.reference,
    )


def _envelope(mail: Parsed, delivery: Delivery, writer: Address | None) -> Envelope:
    answer_to = mail.reply_to if mail.reply_to is not None and mail.reply_to.address != delivery.door.address else writer
    references = list(mail.references)
    while sum(map(len, references)) > REFERENCES_CHARS_MAX:
        del references[min(1, len(references) - 1)]  # the first one names the thread
    return Envelope(
        transport="mail",
        to=answer_to.address if answer_to is not None else "",
        name=answer_to.name or (writer.name if writer is not None else "") if answer_to is not None else "",
        own=delivery.door.address or "",
        subject=mail.subject,
        message_id=mail.message_id,
        references=references,
    )


def _envelope_sender(delivery: Delivery) -> Address | None:
    address = read_address(delivery.mail_from or "")
    return Address(address) if address else None


def _threads(mail: Parsed) -> tuple[str, ...]:
    return (mail.message_id,) if mail.message_id else ()


def _again(mail: Parsed, delivery: Delivery) -> tuple[str, ...]:
    """By this key another version of the same mail (a banner more, say) joins the contact of the first one at the same door.

    One mail to two doors is two contacts.
    """
    return (f"{delivery.door.name} {mail.message_id}",) if mail.message_id else ()


def _files(mail: Parsed) -> tuple[File, ...]:
    return tuple(File(part.name, part.media_type, part.data) for part in (*mail.files, mail.original))


def _asks_nothing(mail: Parsed, policy: MailPolicy) -> bool:
    """Nothing but thanks, and no file beyond the pictures of a signature."""
    if any(not file.media_type.startswith("image/") for file in mail.files):
        return False
    return NoAction(policy).holds(without_courtesy(mail.new_text))
