"""A site whose door is a real SMTP server on a real port; real clients speak to it."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiosmtplib
from msgspec.structs import replace

from cordboard.events import event as words
from cordboard.events.policy import EntryPoint, MailPolicy
from cordboard.gateway.mail.limits import SmtpLimits
from cordboard.gateway.mail.smtp import serve_smtp
from cordboard.log.memory import MemoryLog
from cordboard.vault import Vault
from cordboard.vault.refs import content_ref
from tests import written_site
from tests.journal import SITE
from tests.mails import DOOR, SENDER
from tests.written_site import WrittenSite, routed

BILLING = "billing@webshop.example"
POLICY = replace(
    written_site.POLICY,
    entry_points=[
        *written_site.POLICY.entry_points,
        EntryPoint(name="nl", channel="mail", address=DOOR, queue="orders"),
        EntryPoint(name="billing", channel="mail", address=BILLING, topic="invoice"),
    ],
    mail=MailPolicy(no_action=["dank u wel"]),
)
LIMITS = SmtpLimits(mails_per_minute=100_000, connections_per_client=200, shutdown_s=5.0)


@dataclass
class MailSite:
    """A written site and the port that mail comes in by."""

    site: WrittenSite
    port: int
    serving: asyncio.Task[None]

    async def send(self, raw: bytes, *to: str, mail_from: str = SENDER) -> str:
        """As one client would, to the end. Raises what aiosmtplib does."""
        async with self.client() as client:
            return (await client.sendmail(mail_from, list(to) or [DOOR], raw))[1]

    def client(self, **options: Any) -> aiosmtplib.SMTP:
        return aiosmtplib.SMTP(hostname="127.0.0.1", port=self.port, start_tls=False, timeout=30, **options)

    async def talk(self) -> Talk:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=2**20)
        return Talk(reader, writer)

    async def contacts(self, count: int) -> list[bytes]:
        """Ids of all accepted arrivals, once there are `count` of them."""
        return [fact.contact for fact, _ in await self.site.decided(count)]

    async def messages(self, contact: bytes) -> list[words.MessageRelayed]:
        await self.site.queued(contact)
        return self.site.record.of(contact, words.MessageRelayed)

    async def subject(self, contact: bytes) -> str:
        ref = content_ref(contact, "subject")
        found = await self.site.vault.read([ref])
        return found[ref].text if ref in found else ""

    async def stop(self) -> None:
        self.serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.serving


@dataclass
class Talk:
    """A client that says whatever it likes."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def say(self, said: str | bytes) -> str:
        """One line or more; the next whole answer."""
        self.writer.write((said if isinstance(said, bytes) else said.encode()) + b"\r\n")
        return await self.hear()

    async def hear(self) -> str:
        lines = []
        while True:
            line = (await asyncio.wait_for(self.reader.readline(), 60)).decode()
            lines.append(line.rstrip("\r\n"))
            if len(line) < 4 or line[3] != "-":
                return "\n".join(lines)

    async def begin(self, *to: str, mail_from: str = SENDER) -> str:
        """Up to the answer to DATA."""
        await self.hear()
        await self.say("EHLO klant.example")
        await self.say(f"MAIL FROM:<{mail_from}>")
        for address in to or (DOOR,):
            await self.say(f"RCPT TO:<{address}>")
        return await self.say("DATA")

    async def over(self) -> str:
        """What is said until the server hangs up."""
        return (await asyncio.wait_for(self.reader.read(), 60)).decode()

    def close(self) -> None:
        self.writer.close()


@contextlib.asynccontextmanager
async def smtp_on(site: WrittenSite, limits: SmtpLimits = LIMITS, **options: Any) -> AsyncIterator[MailSite]:
    """An SMTP server before an open site."""
    ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(
        serve_smtp(site.entrance, site.policy, limits=limits, ready=ready.set_result, hostname="mx.webshop.example", **options)
    )
    await asyncio.wait([ready, serving], return_when=asyncio.FIRST_COMPLETED)
    mail = MailSite(site, ready.result(), serving)
    try:
        yield mail
    finally:
        await mail.stop()


@contextlib.asynccontextmanager
async def mail_site(
    directory: Path, limits: SmtpLimits = LIMITS, *, log: Any = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[MailSite]:
    """All of it: the log in memory unless one is given, the real router, the vault, the entrance, SMTP."""
    log = log or MemoryLog(SITE)
    async with Vault.open(f"sqlite+aiosqlite:///{directory / 'vault.db'}", bytes(32)) as vault, routed(log):
        site = WrittenSite(log, vault)
        await site.open()
        try:
            await site.adopt(POLICY)
            async with smtp_on(site, limits, tls=tls) as mail:
                yield mail
        finally:
            await site.shut()
