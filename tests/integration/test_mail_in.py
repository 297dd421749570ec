"""Mail as it comes: a real SMTP client, the gateway with its door, vault, NATS, the router; at the end the journal verifies."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import aiosmtplib

from cordboard.events import event as words
from cordboard.events.verdict import Accepted
from cordboard.gateway.mail.smtp import SmtpDoor
from cordboard.log import connect
from cordboard.log.embedded import EmbeddedServer
from cordboard.log.port import SiteLog
from cordboard.router.verify import verify
from cordboard.vault import Vault
from cordboard.vault.envelope import read_envelopes
from tests.journal import SITE
from tests.mail_site import BILLING, LIMITS, POLICY
from tests.mails import DOOR, LOOPS, MAILS, SENDER, mail
from tests.returned_mails import note
from tests.written_site import WrittenSite, routed


@contextlib.asynccontextmanager
async def running(directory: Path) -> AsyncIterator[tuple[WrittenSite, SiteLog]]:
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(EmbeddedServer(directory / "nats"))
        log = await stack.enter_async_context(connect(server.url, SITE, create=True))
        vault = await stack.enter_async_context(Vault.open(f"sqlite+aiosqlite:///{directory / 'vault.db'}", bytes(32)))
        await stack.enter_async_context(routed(log))  # type: ignore[arg-type]
        site = WrittenSite(log, vault)  # type: ignore[arg-type]
        await site.open()
        stack.push_async_callback(site.shut)
        await site.adopt(POLICY)
        yield site, log


@contextlib.asynccontextmanager
async def the_door(site: WrittenSite) -> AsyncIterator[aiosmtplib.SMTP]:
    """A client that is connected to it."""
    ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    door = asyncio.create_task(SmtpDoor(limits=LIMITS, ready=ready.set_result).run(site.entrance))
    try:
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=await ready, start_tls=False, timeout=60) as client:
            yield client
    finally:
        door.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await door


async def test_from_a_mail_to_a_contact_in_its_queue_with_its_thread(tmp_path: Path) -> None:
    async with running(tmp_path) as (site, log), the_door(site) as client:
        first = mail("Subject: Factuur", "Message-ID: <1@klant.example>", body="Mijn factuur klopt niet.\r\n")
        answer = mail(
            "Subject: Re: Factuur", "Message-ID: <2@klant.example>", "In-Reply-To: <1@klant.example>", body="Nog iets.\r\n"
        )
        thanks = mail("Subject: Re: Factuur", "References: <1@klant.example> <2@klant.example>", body="Dank u wel!\r\n")
        for raw in (first, answer, first, thanks, answer):
            await client.sendmail(SENDER, [DOOR], raw)
        away = note("Out of office", "Weg.", "Auto-Submitted: auto-replied", "In-Reply-To: <1@klant.example>", who=SENDER)
        await client.sendmail("", [DOOR], away)

        arrivals = await site.decided(4)
        facts = [fact for fact, _ in arrivals]
        assert all(verdict == Accepted() for _, verdict in arrivals)
        contact = facts[0].contact
        assert [fact.case for fact in facts] == [None, contact, contact, contact]
        assert [fact.reopens for fact in facts] == [True, True, False, False]
        queued = await site.queued(contact)
        assert (queued.queue, queued.topic, queued.language) == ("invoices", "invoice", "nl")
        await site.record.until(lambda: len(site.record.of(contact, words.MessageRelayed)) == 4)
        assert len({fact.customer for fact in facts}) == 1, "one customer"

        (envelope,) = (await read_envelopes(site.vault, [facts[1].message])).values()
        assert (envelope.to, envelope.own, envelope.message_id) == (SENDER, DOOR, "<2@klant.example>")
        assert (await verify(log)).clean


async def test_no_nasty_mail_is_lost_or_doubled_on_its_way_into_the_journal(tmp_path: Path) -> None:
    wanted = [one for name, one in MAILS.items() if not one.bare and name not in LOOPS and one.raw.strip()]
    async with running(tmp_path) as (site, log):
        async with the_door(site) as client:
            for one in (*wanted, *wanted[::7]):
                await client.sendmail(one.mail_from, [DOOR, BILLING], one.raw)
        arrivals = await site.decided(2 * len(wanted))
        assert len(arrivals) == 2 * len(wanted)
        assert all(verdict == Accepted() for _, verdict in arrivals)
        assert (await verify(log)).clean
