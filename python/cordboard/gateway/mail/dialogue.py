"""One SMTP connection: aiosmtpd's protocol, with our own reading of DATA and of STARTTLS, and with ends to everything.

aiosmtpd keeps a mail as a list of its lines, which costs thirty times the mail's size if they are empty. Here it is one buffer, and
all buffers have one bound together. Only CRLF ends a line of a mail; a bare CR or LF in one is refused, because the servers on its
way may have read it otherwise (SMTP smuggling).
"""

import asyncio
import ssl
from collections import defaultdict
from typing import Any, Protocol, cast

from aiosmtpd.smtp import SMTP, Envelope, Session, syntax

from cordboard.gateway.mail.limits import SmtpLimits

_COMMAND_BYTES = 1_024
_HANDSHAKE_S = 30.0
_END = b".\r\n"


class Office(Protocol):
    """What a connection belongs to: the server, all connections together."""

    limits: SmtpLimits

    @property
    def closing(self) -> bool: ...
    def enter(self, dialogue: "Dialogue", client: str) -> bool:
        """False: there are too many."""
        ...

    def leave(self, dialogue: "Dialogue", client: str) -> None: ...
    def reserve(self, count: int) -> bool:
        """Room for so many bytes more; negative gives back."""
        ...


class Dialogue(SMTP):
    """`hooks` decide on recipients and mails (smtp.py)."""

    def __init__(self, office: Office, hooks: object, hostname: str, tls: ssl.SSLContext | None) -> None:
        self._office = office
        self._limits = office.limits
        self._client = ""
        self._refused = False
        self._receiving = False
        self._busy = False
        self.line_length_limit = office.limits.line_bytes
        super().__init__(
            hooks,
            data_size_limit=office.limits.message_bytes,
            enable_SMTPUTF8=True,
            hostname=hostname,
            ident="ESMTP",
            tls_context=tls,
            timeout=office.limits.idle_s,
            auth_exclude_mechanism=("LOGIN", "PLAIN"),
            command_call_limit=office.limits.commands,
            loop=asyncio.get_running_loop(),
        )
        # aiosmtpd shares one table between all connections, and every EHLO makes it larger.
        self.command_size_limits = defaultdict(lambda: _COMMAND_BYTES)
        self.mistakes = 0

    # -- the connection ---------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        peer = transport.get_extra_info("peername")
        self._client = str(peer[0]) if peer else ""
        if self._office.closing or not self._office.enter(self, self._client):
            self._refused = True
            cast(asyncio.Transport, transport).write(b"421 4.7.0 Too many connections, try again later\r\n")
            transport.close()
            return
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        if self._receiving:
            self._reset_timeout(self._limits.data_idle_s)
        super().data_received(data)

    def eof_received(self) -> bool | None:
        return False if self._refused else super().eof_received()

    def connection_lost(self, error: Exception | None) -> None:
        if self._refused:
            return
        self._office.leave(self, self._client)
        super().connection_lost(error)

    def dismiss(self) -> None:
        """The server stops: at once, or after the mail that is on its way."""
        if not self._busy:
            self._say_goodbye("421 4.3.2 Shutting down, try again later")

    def abort(self) -> None:
        if (wire := self._wire()) is not None:
            wire.abort()

    def _timeout_cb(self) -> None:
        self._say_goodbye("421 4.4.2 Timeout")

    def _say_goodbye(self, said: str) -> None:
        if (wire := self._wire()) is not None and not wire.is_closing():
            wire.write(said.encode() + b"\r\n")
            wire.close()

    def _wire(self) -> asyncio.Transport | None:
        return cast("asyncio.Transport | None", self.transport)  # uvloop's are not of that class

    # -- commands ---------------------------------------------------------------------------------------------------------

    @syntax("DATA")
    async def smtp_DATA(self, arg: str) -> None:
        if await self.check_helo_needed():
            return
        envelope = self.envelope
        assert envelope is not None
        if arg or not envelope.rcpt_tos:
            await self.push("501 5.5.4 Syntax: DATA" if arg else "503 5.5.1 Error: need RCPT command")
            return
        self._busy = True
        try:
            status = await self._take_mail(envelope)
        finally:
            self._busy = False
        self._set_post_data_state()  # type: ignore[no-untyped-call]
        self._reset_timeout()
        await self.push(status)
        if status.startswith("521"):
            self._say_goodbye("421 4.7.0 Goodbye")
        elif self._office.closing:
            self.dismiss()

    async def _take_mail(self, envelope: Envelope) -> str:
        reception = _Reception(self._office)
        if not reception.room:
            return "452 4.3.1 Too many mails at this moment, try again later"
        try:
            await self.push("354 End data with <CR><LF>.<CR><LF>")
            self._receiving = True
            self._reset_timeout(self._limits.data_idle_s)
            try:
                async with asyncio.timeout(self._limits.data_s):
                    await reception.read(self._reader)
            except TimeoutError:
                self._say_goodbye("421 4.4.2 This mail takes too long")
                raise asyncio.CancelledError from None
            finally:
                self._receiving = False
            if reception.refusal:
                return reception.refusal
            if self._timeout_handle is not None:
                self._timeout_handle.cancel()  # from here on it is our time, not the client's
            envelope.content = bytes(reception.data)
            reception.close()
            return str(await self._call_handler_hook("DATA"))
        finally:
            envelope.content = None
            reception.close()

    @syntax("STARTTLS", when="tls_context")
    async def smtp_STARTTLS(self, arg: str) -> None:
        transport = self._wire()
        assert transport is not None
        if arg or self.tls_context is None or self._tls_protocol is not None:
            await self.push("501 5.5.4 Syntax: STARTTLS" if arg else "503 5.5.1 TLS is not available, or there already")
            return
        transport.pause_reading()
        plain: bytearray = self._reader._buffer  # type: ignore[attr-defined]
        if plain:
            # Commands behind STARTTLS, in clear text: somebody in between may have put them there.
            await self.push("503 5.5.1 Nothing may follow STARTTLS before the handshake")
            self._say_goodbye("421 4.7.0 Goodbye")
            return
        await self.push("220 2.0.0 Ready to start TLS")
        try:
            secured = await self.loop.start_tls(
                transport, self, self.tls_context, server_side=True, ssl_handshake_timeout=_HANDSHAKE_S
            )
        except (OSError, TimeoutError):
            transport.abort()
            return
        if secured is None:
            return
        self._secure(secured)

    def _secure(self, secured: asyncio.Transport) -> None:
        """From here on everything is said over `secured`, and begins anew (RFC 3207)."""
        self.transport = self._tls_protocol = secured  # type: ignore[assignment]
        self._reader._transport = self._writer._transport = secured  # type: ignore[attr-defined]
        self._transport = secured
        self._over_ssl = True
        peer = self.session.peer if self.session is not None else None
        self._set_rset_state()  # type: ignore[no-untyped-call]
        self.session = Session(self.loop)
        self.session.peer = peer
        self.session.ssl = {"sslcontext": self.tls_context}

    async def smtp_AUTH(self, arg: str) -> None:
        await self.push("502 5.5.1 Nobody logs in here")

    async def smtp_VRFY(self, arg: str) -> None:
        await self.push("252 2.1.5 Send some mail and see")

    async def handle_exception(self, error: Exception) -> str:
        hook: Any = self.event_handler
        return str(await hook.handle_exception(error))


class _Reception:
    """One mail as it comes in. `refusal` says why it will not be taken; it is read to its end all the same."""

    def __init__(self, office: Office) -> None:
        self.data = bytearray()
        self.refusal = ""
        self._office = office
        self._most = office.limits.message_bytes
        self._reserved = 0
        self.room = office.reserve(0)

    async def read(self, reader: asyncio.StreamReader) -> None:
        """Up to and with the line that holds a dot alone."""
        within = False
        while True:
            try:
                line = await reader.readuntil(b"\r\n")
            except asyncio.LimitOverrunError as error:
                await reader.readexactly(max(error.consumed, 1))
                self._refuse("554 5.6.0 A line is too long")
                within = True
                continue
            if within:
                within = False
            elif line == _END:
                return
            elif not self.refusal:
                self._add(line)

    def close(self) -> None:
        self.data.clear()
        self._office.reserve(-self._reserved)
        self._reserved = 0

    def _add(self, line: bytes) -> None:
        if line.count(b"\n") + line.count(b"\r") != 2:
            self._refuse("521 5.5.2 A bare <CR> or <LF> is in the mail")
        elif len(self.data) + len(line) > self._most:
            self._refuse("552 5.3.4 The mail is too large")
        elif not self._office.reserve(len(line)):
            self._refuse("452 4.3.1 Too many mails at this moment, try again later")
        else:
            self._reserved += len(line)
            self.data += line[1:] if line.startswith(b".") else line

    def _refuse(self, why: str) -> None:
        self.refusal = self.refusal or why
        self.data.clear()
