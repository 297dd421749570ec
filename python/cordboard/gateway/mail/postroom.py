"""Where mails from every side become letters and go to the entrance, one for each of our addresses that they came to."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from cordboard.errors import InvalidInput, NotFound
from cordboard.events.policy import EntryPoint, Policy
from cordboard.gateway.entrance.entrance import Entrance
from cordboard.gateway.entrance.letter import File, Letter, Sender
from cordboard.gateway.mail.letters import Delivery, external_id, make_letter, natured, read
from cordboard.gateway.mail.parse import Parsed
from cordboard.gateway.mail.returns import Returns
from cordboard.gateway.policy_view import PolicyView
from cordboard.vault.address import spelled

logger = logging.getLogger(__name__)

_DELIVERED = ("to", "envelope-to", "x-original-to", "delivered-to")
"""Where servers write which address a mail in a mailbox came to; the last one that says so is right."""


class Looping(InvalidInput):
    """The mail has been here before, or too often anywhere: taken in again it would come for ever."""

    reason = "mail_loop"


@dataclass(frozen=True, slots=True)
class Recipient:
    """An address as the outside wrote it, and the entry point that has it."""

    address: str
    door: EntryPoint


class Postroom:
    """Any number of mails at once. `returns` None: bounces are told by their text alone."""

    def __init__(self, entrance: Entrance, policy: PolicyView, returns: Returns | None = None) -> None:
        self._entrance = entrance
        self._policy = policy
        self._returns = returns

    def recipient(self, address: str) -> Recipient | None:
        """Whose mail this is; `+something` at the end of the local part makes no difference. None: nobody's here."""
        local, _, domain = address.strip().rpartition("@")
        while local:
            door = self._policy.mail_door(f"{local}@{domain}")
            if door is not None:
                return Recipient(address, door)
            local = local.rpartition("+")[0]
        return None

    async def deliver(
        self, raw: bytes, mail_from: str | None, recipients: Sequence[Recipient], *, refuse_loops: bool = True
    ) -> None:
        """The mail is durable for every recipient when this returns; after any error it may be delivered again, whole.

        Raises what `Entrance.admit` raises, and Looping if `refuse_loops`.
        """
        mail = await read(raw)
        policy = self._policy.in_force()
        seen: set[str] = set()
        for recipient in recipients:
            if recipient.door.name not in seen:
                seen.add(recipient.door.name)
                await self._admit(mail, await self._delivery(recipient, mail_from), policy, refuse_loops)

    async def deliver_found(self, raw: bytes, address: str) -> None:
        """The same for a mail that lay in the mailbox of `address`, where nobody can be told of a loop.

        Raises what `Entrance.admit` raises, and NotFound if no entry point has the address.
        """
        mail = await read(raw)
        recipient = self.recipient(address)
        policy = self._policy.in_force()
        if recipient is None:
            raise NotFound("no entry point has the address of this mailbox", reason="unknown_entry_point")
        for name in _DELIVERED:
            for found in mail.headers.addresses(name):
                if self._returns is not None and self._returns.is_ours(found.address):
                    recipient = Recipient(found.address, recipient.door)
        mail_from = "" if mail.headers.word("return-path") == "<>" else None
        await self._admit(mail, await self._delivery(recipient, mail_from), policy, refuse_loops=False)

    async def _delivery(self, recipient: Recipient, mail_from: str | None) -> Delivery:
        returns = self._returns
        if returns is None or not returns.is_ours(recipient.address):
            return Delivery(recipient.door, mail_from)
        return Delivery(recipient.door, mail_from, returned=True, reference=await returns.contact(recipient.address))

    async def _admit(self, mail: Parsed, delivery: Delivery, policy: Policy, refuse_loops: bool) -> None:
        letter = self._letter(mail, delivery, policy, refuse_loops)
        try:
            await self._entrance.admit(letter)
        except InvalidInput as error:
            if error.reason == "unknown_customer" and letter.author == "system":
                logger.info("a mail to somebody who has been erased came back; it is not kept")
                return
            # Something in it cannot be stored as it is: then the original alone.
            logger.warning("a letter was refused (%s); its original goes in alone", error.reason)
            await self._entrance.admit(_bare(mail, delivery))

    def _letter(self, mail: Parsed, delivery: Delivery, policy: Policy, refuse_loops: bool) -> Letter:
        domains = frozenset(door.address.rpartition("@")[2] for door in policy.entry_points if door.address)
        try:
            kind = natured(mail, delivery, domains)
            if kind.looping and refuse_loops:
                raise Looping("this mail has been here before")
            return make_letter(mail, delivery, kind, policy.mail)
        except Looping:
            raise
        except Exception as error:  # noqa: BLE001  no mail is lost for a mistake of ours; what it says may be personal
            logger.error("a mail could not be read: %s; its original goes in alone", type(error).__name__)
            return _bare(mail, delivery)


def _bare(mail: Parsed, delivery: Delivery) -> Letter:
    """Nothing but whose it is: without that no erasure would find it."""
    original = File(mail.original.name, mail.original.media_type, mail.original.data)
    letter = Letter(channel=delivery.door.channel, entry_point=delivery.door.name, external_id=external_id(mail, delivery))
    letter = replace(letter, subject=mail.subject, attachments=(original,))
    if delivery.returned:
        return replace(letter, author="system", reference=delivery.reference)
    return replace(letter, sender=_sender(mail))


def _sender(mail: Parsed) -> Sender | None:
    try:
        spelled("email", mail.sender.address if mail.sender is not None else "")
    except InvalidInput:
        return None
    assert mail.sender is not None
    return Sender("email", mail.sender.address, mail.sender.name)
