"""Mail out: answers go to the relay, in the customer's thread, from the address they wrote to.

One connection a mail: nothing is kept open that could have gone stale, and one bad dialogue spoils no other.
"""

import asyncio
import re
import ssl
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from aiosmtplib import SMTP
from aiosmtplib.errors import (
    SMTPAuthenticationError,
    SMTPException,
    SMTPNotSupported,
    SMTPRecipientsRefused,
    SMTPResponseException,
)

from cordboard.effects.answer import Answer, read_answer
from cordboard.effects.attempt import Deferred, Parcel, Undeliverable
from cordboard.effects.fold import Effect
from cordboard.effects.letter import Letter, Thread, Words, ascii_domain, write_letter
from cordboard.effects.origins import Origin
from cordboard.effects.relay import Relay
from cordboard.events.policy import Policy
from cordboard.vault import Vault
from cordboard.vault.tokens import BOUNCES, EFFECTS, bounce_address, bounce_token, effect_id, message_id

_ENHANCED = re.compile(r"([245])\.\d{1,3}\.\d{1,3}\b")
_EMAIL = "email"
_QUIT_S = 2.0


@dataclass(frozen=True, slots=True)
class MailOut:
    """`hostname` is what we say in EHLO. `step_s` bounds one step of the dialogue, `dialogue_s` all of it."""

    relay: Relay
    hostname: str | None = None
    step_s: float = 30.0
    dialogue_s: float = 300.0
    tls: ssl.SSLContext | None = None
    """None: the system's certificate authorities."""


class MailTransport:
    """Effects of kind `mail`."""

    def __init__(self, settings: MailOut, vault: Vault, site: str) -> None:
        self._settings = settings
        self._vault = vault
        self._site = site
        self._bounces, self._ids = vault.derive_key(BOUNCES), vault.derive_key(EFFECTS)

    async def prepare(self, effect: Effect, origin: Origin | None, policy: Policy) -> Parcel:
        answer = await read_answer(self._vault, effect, origin)
        own, to = _own(answer, origin, policy), await self._to(answer, origin)
        if _is_ours(to, policy):
            raise Undeliverable("no_recipient", "the recipient is one of our own addresses")
        domain = (ascii_domain(own) or own).rpartition("@")[2]
        thread = Thread(message_id(effect_id(self._ids, self._site, effect.commit, *effect.place), domain), *_before(answer))
        letter = write_letter(policy.mail, own, to, _words(answer, origin), thread, effect.requested_ms)
        if origin is not None:
            # Before it is sent: the customer's answer to it must find the case, however quick it is.
            await self._vault.remember_threads([thread.own], origin.case)
        sender = bounce_address(letter.sender, bounce_token(self._bounces, effect.commit, *effect.place)) or letter.sender
        return Parcel(letter.recipient.rpartition("@")[2], partial(send_letter, self._settings, sender, letter))

    async def _to(self, answer: Answer, origin: Origin | None) -> str:
        if answer.envelope is not None:
            return answer.envelope.to
        known = await self._vault.address(origin.customer, _EMAIL) if origin is not None and origin.customer is not None else None
        if known is None:
            raise Undeliverable("no_recipient", "the contact has no mail address to answer to")
        return known[1]


async def send_letter(settings: MailOut, sender: str, letter: Letter) -> None:
    """Returns when the relay has taken it. Raises Deferred, Undeliverable."""
    try:
        async with asyncio.timeout(settings.dialogue_s):
            await _dialogue(settings, sender, letter)
    except SMTPAuthenticationError as error:
        # Our own mistake and every mail's, so not the end of this one: an operator may mend it meanwhile.
        raise Deferred(f"the relay does not accept our password ({error.code})") from error
    except (SMTPException, OSError, TimeoutError) as error:
        raise Deferred(f"the relay cannot be reached: {type(error).__name__}") from error


async def _dialogue(settings: MailOut, sender: str, letter: Letter) -> None:
    relay = settings.relay
    client = SMTP(
        hostname=relay.host,
        port=relay.port,
        local_hostname=settings.hostname,
        timeout=settings.step_s,
        use_tls=relay.tls == "implicit",
        start_tls={"required": True, "offered": None}.get(relay.tls, False),
        # STARTTLS that is merely offered protects against listeners, not against impostors: they would not offer it.
        **({"tls_context": settings.tls} if settings.tls is not None else {"validate_certs": relay.tls != "offered"}),
    )
    try:
        await client.connect()
        if relay.user is not None and relay.password is not None:
            await client.login(relay.user, relay.password)
        options = ["SMTPUTF8", "BODY=8BITMIME"] if letter.unicode else []
        await _hand_over(client, sender, letter, options)
        with suppress(SMTPException, OSError, TimeoutError):  # it is taken, whatever becomes of the goodbye
            await client.quit(timeout=_QUIT_S)
    finally:
        client.close()


async def _hand_over(client: SMTP, sender: str, letter: Letter, options: list[str]) -> None:
    """The transaction alone: what is answered here is about this mail."""
    try:
        await client.sendmail(sender, [letter.recipient], letter.data, mail_options=options)
    except SMTPRecipientsRefused as error:
        refusal = error.recipients[0]
        raise _verdict("recipient", refusal.code, refusal.message) from error
    except SMTPResponseException as error:
        raise _verdict("mail", error.code, error.message) from error
    except SMTPNotSupported as error:
        raise Undeliverable("rejected", "the relay cannot take addresses beyond ASCII") from error
    except ValueError as error:
        raise Undeliverable("no_recipient", "an address cannot be written in SMTP") from error


def _verdict(what: str, code: int, message: str) -> Deferred | Undeliverable:
    """Final or not, by the enhanced code (RFC 3463) if there is one. The server's words stay out: they quote addresses."""
    enhanced = _ENHANCED.match(message.strip())
    said = f"the relay refuses the {what}: {code}{f' {enhanced[0]}' if enhanced else ''}"
    final = (enhanced[1] == "5") if enhanced and enhanced[1] != "2" else 500 <= code < 600
    return Undeliverable("rejected", said) if final and code != 421 else Deferred(said)


def _own(answer: Answer, origin: Origin | None, policy: Policy) -> str:
    """The address that the customer wrote to, or the door's, or any."""
    ours = [door for door in policy.entry_points if door.address]
    written = (answer.envelope.own if answer.envelope is not None else "").lower()
    by_address = [door for door in ours if door.address == written]
    by_name = [door for door in ours if origin is not None and door.name == origin.entry_point]
    door = next(iter([*by_address, *by_name, *ours]), None)
    if door is None or door.address is None:
        raise Undeliverable("not_configured", "the policy has no mail address to answer from")
    return door.address


def _is_ours(address: str, policy: Policy) -> bool:
    return any(door.address == address.lower() for door in policy.entry_points)


def _before(answer: Answer) -> tuple[str, tuple[str, ...]]:
    envelope = answer.envelope
    return ("", ()) if envelope is None else (envelope.message_id, tuple(envelope.references))


def _words(answer: Answer, origin: Origin | None) -> Words:
    envelope = answer.envelope
    contacts = origin.language if origin is not None else None
    return Words(
        text=answer.text,
        subject=answer.subject,
        agent=answer.agent,
        customer=answer.customer,
        quoted=answer.quoted,
        language=contacts or (envelope.language if envelope is not None else None),
    )
