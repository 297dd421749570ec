"""The SMTP server that takes mail in: 250 only when vault and log have it; 4xx whenever it may be sent again; nothing is lost."""

import asyncio
import contextlib
import logging
import ssl
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from aiosmtpd.smtp import Envelope, Session

from cordboard import metrics
from cordboard.errors import ConfigurationError, CordboardError, InvalidInput, NotFound, Overloaded
from cordboard.gateway.entrance.entrance import Entrance
from cordboard.gateway.mail.dialogue import Dialogue
from cordboard.gateway.mail.limits import SmtpLimits
from cordboard.gateway.mail.postroom import Looping, Postroom, Recipient
from cordboard.gateway.mail.rate import SenderRate
from cordboard.gateway.mail.returns import Returns
from cordboard.gateway.policy_view import PolicyView
from cordboard.gateway.serve import bind

logger = logging.getLogger(__name__)

_LATER = "451 4.3.0 Not now, try again later"
_NOBODY = "550 5.1.1 No such address here"


@dataclass(frozen=True, slots=True)
class SmtpDoor:
    """Mail over SMTP as a door of the gateway. `ready` hears the port."""

    host: str = "127.0.0.1"
    port: int = 0
    hostname: str = "localhost"
    tls: ssl.SSLContext | None = None
    returns: Returns | None = None
    limits: SmtpLimits | None = None
    insecure_listen: bool = False
    ready: Callable[[int], None] | None = None

    async def run(self, entrance: Entrance) -> None:
        """Until cancelled. Raises ConfigurationError if it cannot listen."""
        await serve_smtp(
            entrance,
            entrance.policy,
            host=self.host,
            port=self.port,
            ready=self.ready,
            limits=self.limits,
            tls=self.tls,
            hostname=self.hostname,
            returns=self.returns,
            insecure_listen=self.insecure_listen,
        )


def tls_context(cert: Path, key: Path) -> ssl.SSLContext:
    """For STARTTLS, from PEM files. Raises ConfigurationError."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(cert, key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(f"the certificate {cert} and its key {key} cannot be used: {error}") from error
    return context


async def serve_smtp(
    entrance: Entrance,
    policy: PolicyView,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    ready: Callable[[int], None] | None = None,
    limits: SmtpLimits | None = None,
    tls: ssl.SSLContext | None = None,
    hostname: str = "localhost",
    returns: Returns | None = None,
    insecure_listen: bool = False,
) -> None:
    """Take mail for the policy's entry points until cancelled; then mails on their way are finished, within limits.shutdown_s.

    `ready` hears the port; `tls` offers STARTTLS. Raises ConfigurationError if it cannot listen.
    """
    # aiosmtpd logs every command, addresses and all.
    logging.getLogger("mail.log").setLevel(logging.CRITICAL + 1)
    office = MailOffice(Postroom(entrance, policy, returns), policy, limits or SmtpLimits())
    listener = bind(host, port, insecure_listen=insecure_listen)
    bound: int = listener.getsockname()[1]
    loop = asyncio.get_running_loop()
    with contextlib.closing(listener):
        server = await loop.create_server(lambda: Dialogue(office, office, hostname, tls), sock=listener)
        try:
            if ready is not None:
                ready(bound)
            await loop.create_future()
        finally:
            server.close()
            await office.close()


class MailOffice:
    """All connections of one server, and what is decided on their recipients and mails (aiosmtpd calls the `handle_` methods)."""

    def __init__(self, postroom: Postroom, policy: PolicyView, limits: SmtpLimits) -> None:
        self.limits = limits
        self._postroom = postroom
        self._policy = policy
        self._rate = SenderRate(limits.mails_per_minute, limits.senders)
        self._dialogues: set[Dialogue] = set()
        self._clients: Counter[str] = Counter()
        self._receiving = 0
        self._admissions: set[asyncio.Task[str]] = set()
        self._closing = False

    # -- connections ------------------------------------------------------------------------------------------------------

    @property
    def closing(self) -> bool:
        return self._closing

    def enter(self, dialogue: Dialogue, client: str) -> bool:
        if len(self._dialogues) >= self.limits.connections or self._clients[client] >= self.limits.connections_per_client:
            metrics.REFUSED.labels("mail", Overloaded.reason).inc()
            return False
        self._dialogues.add(dialogue)
        self._clients[client] += 1
        return True

    def leave(self, dialogue: Dialogue, client: str) -> None:
        if dialogue in self._dialogues:
            self._dialogues.remove(dialogue)
            self._clients[client] -= 1
            if not self._clients[client]:
                del self._clients[client]

    def reserve(self, count: int) -> bool:
        if count >= 0 and self._receiving + count >= self.limits.receiving_bytes:
            metrics.REFUSED.labels("mail", Overloaded.reason).inc()
            return False
        self._receiving += count
        return True

    async def close(self) -> None:
        """No new mails; those on their way are finished."""
        self._closing = True
        try:
            async with asyncio.timeout(self.limits.shutdown_s):
                while self._dialogues or self._admissions:
                    for dialogue in list(self._dialogues):
                        dialogue.dismiss()
                    await asyncio.sleep(0.02)
        except TimeoutError:
            logger.warning("%d mail connections did not end in time", len(self._dialogues))
        finally:
            for dialogue in list(self._dialogues):
                dialogue.abort()
            for admission in self._admissions:
                admission.cancel()

    # -- what aiosmtpd asks -----------------------------------------------------------------------------------------------

    async def handle_EHLO(
        self,
        dialogue: Dialogue,
        session: Session,
        envelope: Envelope,
        hostname: str,
        said: list[str],
    ) -> list[str]:
        session.host_name = hostname
        return [line for line in said if not line.startswith("250-AUTH")]

    async def handle_RCPT(
        self,
        dialogue: Dialogue,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        if self._policy.policy is None:
            return _LATER
        if len(envelope.rcpt_tos) >= self.limits.recipients:
            return "452 4.5.3 Too many recipients"
        recipient = self._postroom.recipient(address)
        if recipient is None:
            dialogue.mistakes += 1
            if dialogue.mistakes > self.limits.bad_commands:
                asyncio.get_running_loop().call_soon(dialogue.dismiss)
            return _NOBODY
        sender = _mail_from(envelope)
        if not self._rate.take(sender, recipient.door.name, asyncio.get_running_loop().time()):
            metrics.REFUSED.labels("mail", "rate_limited").inc()
            return "451 4.7.1 Too many mails from you, try again later"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, dialogue: Dialogue, session: Session, envelope: Envelope) -> str:
        # A task of its own: a client that hangs up must not stop its mail half-way.
        raw = envelope.content
        assert isinstance(raw, bytes)
        admission = asyncio.create_task(self._admit(raw, _mail_from(envelope), list(envelope.rcpt_tos)))
        self._admissions.add(admission)
        self._receiving += len(raw)

        def done(admission: "asyncio.Task[str]") -> None:
            self._admissions.discard(admission)
            self._receiving -= len(raw)

        admission.add_done_callback(done)
        return await asyncio.shield(admission)

    async def handle_exception(self, error: Exception) -> str:
        """Anything that went wrong in a command: the client may come again. Its text may hold an address, so it is not told."""
        logger.error("an SMTP command failed with %s", type(error).__name__)
        return "451 4.3.0 Internal error, try again later"

    async def _admit(self, raw: bytes, mail_from: str, addresses: list[str]) -> str:
        recipients: list[Recipient] = []
        for address in addresses:
            recipient = self._postroom.recipient(address)
            if recipient is None:  # the policy changed since
                return _NOBODY
            recipients.append(recipient)
        try:
            async with asyncio.timeout(self.limits.admit_s):
                await self._postroom.deliver(raw, mail_from, recipients)
        except Looping:
            return "554 5.4.6 This mail has been here before"
        except InvalidInput as error:
            too_large = error.reason in ("too_large", "text_too_long")
            return "552 5.3.4 The mail is too large" if too_large else "554 5.6.0 The mail cannot be stored"
        except NotFound as error:
            return _LATER if error.reason == "no_policy" else _NOBODY
        except (CordboardError, TimeoutError) as error:
            logger.warning("a mail was put off: %s", getattr(error, "reason", "timeout"))
            return _LATER
        except Exception as error:  # noqa: BLE001  a mistake of ours must not lose a mail: it stays with its sender
            logger.error("a mail could not be taken in: %s", type(error).__name__)
            return _LATER
        return "250 2.0.0 OK"


def _mail_from(envelope: Envelope) -> str:
    """Empty for the null sender."""
    sender = envelope.mail_from or ""
    return "" if sender == "<>" else sender
