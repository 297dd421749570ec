"""Mailboxes on a real IMAP server: every mail comes in once, and is marked only when it is safe."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from cordboard.errors import ConfigurationError, InvalidInput, LogUnavailable
from cordboard.gateway.mail import mailbox as reading
from cordboard.gateway.mail.mailbox import Mailbox, MailboxDoor
from cordboard.gateway.mail.returns import Returns
from cordboard.log.memory import MemoryLog
from cordboard.vault import Vault
from cordboard.vault.tokens import bounce_address, bounce_token
from tests.dovecot import PASSWORD, PATIENCE_S, USER, Dovecot, dovecot
from tests.journal import SITE
from tests.mail_site import POLICY
from tests.mails import DOOR, MAILS, mail
from tests.returned_mails import report
from tests.written_site import WrittenSite, routed

SEEN = r"\\Seen"


@contextlib.asynccontextmanager
async def open_site(directory: Path) -> AsyncIterator[WrittenSite]:
    async with Vault.open(f"sqlite+aiosqlite:///{directory / 'vault.db'}", bytes(32)) as vault, routed(log := MemoryLog(SITE)):
        site = WrittenSite(log, vault)
        await site.open()
        try:
            await site.adopt(POLICY)
            yield site
        finally:
            await site.shut()


@contextlib.asynccontextmanager
async def reads(site: WrittenSite, server: Dovecot, *, returns: Returns | None = None, **options: object) -> AsyncIterator[None]:
    """The gateway's door to the account, over TLS; told of new mail, for it would look by itself too late for any test."""
    box = Mailbox(
        address=DOOR, host="127.0.0.1", port=server.tls_port, user=USER, password=PASSWORD, ca_file=str(server.cert), poll_s=1_000
    )
    task = asyncio.create_task(MailboxDoor([replace(box, **options)], returns).run(site.entrance))  # type: ignore[arg-type]
    try:
        yield
    finally:
        if task.done():
            task.result()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def numbered(number: int) -> bytes:
    return mail(f"Subject: {number}", f"Message-ID: <{number}@klant.example>")


async def test_mails_that_are_there_and_mails_that_come(tmp_path: Path) -> None:
    async with dovecot() as server, open_site(tmp_path) as site:
        await server.deliver(numbered(1))
        async with reads(site, server):
            await server.until(1, SEEN)
            for number in range(2, 6):
                await server.deliver(numbered(number))
                await server.until(number, SEEN)
        facts = [fact for fact, _ in await site.decided(5)]
        assert len({fact.contact for fact in facts}) == 5 and {fact.entry_point for fact in facts} == {"nl"}


async def test_every_nasty_mail_comes_in_bare_line_ends_and_loops_too(tmp_path: Path) -> None:
    wanted = {name: one for name, one in MAILS.items() if one.raw.strip()}
    async with dovecot() as server, open_site(tmp_path) as site:
        for one in wanted.values():
            await server.deliver(one.raw)
        async with reads(site, server):
            await server.until(len(wanted), SEEN)
        assert len(await site.decided(len(wanted))) == len(wanted)


async def test_nothing_is_marked_before_it_is_safe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "RETRY_FIRST_S", 0.01)
    async with dovecot() as server, open_site(tmp_path) as site:
        admit, tries = site.entrance.admit, 0

        async def failing(letter):  # type: ignore[no-untyped-def]
            nonlocal tries
            tries += 1
            assert not any(SEEN in flags for flags in await server.flags())
            if tries < 3:
                raise LogUnavailable("weg")
            return await admit(letter)

        site.entrance.admit = failing  # type: ignore[method-assign]
        await server.deliver(numbered(1))
        async with reads(site, server):
            await server.until(1, SEEN)
        assert len(await site.decided(1)) == 1 and tries == 3


async def test_a_gateway_that_dies_before_the_mark_takes_the_mail_again_and_it_is_still_one(tmp_path: Path) -> None:
    async with dovecot() as server, open_site(tmp_path) as site:
        admit, admitted = site.entrance.admit, asyncio.Event()

        async def last_breath(letter):  # type: ignore[no-untyped-def]
            await admit(letter)
            admitted.set()
            await asyncio.Event().wait()

        site.entrance.admit = last_breath  # type: ignore[method-assign]
        await server.deliver(numbered(1))
        await server.deliver(mail("Subject: zonder id"))
        async with reads(site, server):
            await asyncio.wait_for(admitted.wait(), PATIENCE_S)
        assert not any(SEEN in flags for flags in await server.flags())
        site.entrance.admit = admit  # type: ignore[method-assign]
        async with reads(site, server):
            await server.until(2, SEEN)
        assert len(await site.decided(2)) == 2


async def test_a_mailbox_that_is_numbered_anew_brings_nothing_twice(tmp_path: Path) -> None:
    async with dovecot() as server, open_site(tmp_path) as site:
        for raw in (numbered(1), numbered(2), mail("Subject: zonder id")):
            await server.deliver(raw)
        async with reads(site, server):
            await server.until(3, SEEN)
        await server.renumber()
        assert not any(SEEN in flags for flags in await server.flags())
        async with reads(site, server):
            await server.until(3, SEEN)
            await server.deliver(numbered(4))
            await server.until(4, SEEN)
        assert len(await site.decided(4)) == 4


async def test_mails_that_were_taken_can_go_to_a_folder(tmp_path: Path) -> None:
    async with dovecot() as server, open_site(tmp_path) as site:
        await server.create('"Verwerkt en klaar"')
        await server.deliver(numbered(1))
        async with reads(site, server, move_to="Verwerkt en klaar"):
            await server.until(1, "FLAGS", '"Verwerkt en klaar"')
            await server.deliver(numbered(2))
            await server.until(2, "FLAGS", '"Verwerkt en klaar"')
        assert await server.flags() == [] and len(await site.decided(2)) == 2


async def test_a_server_that_restarts_is_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "RETRY_FIRST_S", 0.01)
    monkeypatch.setattr(reading, "RETRY_MOST_S", 0.1)
    async with dovecot() as server, open_site(tmp_path) as site, reads(site, server):
        await server.deliver(numbered(1))
        await server.until(1, SEEN)
        await server.stop()
        await server.start()
        await server.deliver(numbered(2))
        await server.until(2, SEEN)
        assert len(await site.decided(2)) == 2


async def test_a_large_mail_comes_in_by_its_beginning_and_stays_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MAIL_BYTES_MAX", 5_000)
    monkeypatch.setattr(reading, "LONG_MAIL_BYTES", 1_000)
    async with dovecot() as server, open_site(tmp_path) as site:
        raw = mail("Subject: groot", body="woorden \r\n" * 1_000)
        await server.deliver(raw)
        async with reads(site, server, move_to=None):
            await server.until(1, SEEN)
        ((fact, _),) = await site.decided(1)
        text = (await site.vault.read([fact.message]))[fact.message].text
        assert text.startswith("woorden") and f"This mail has {len(raw)} bytes" in text


@pytest.mark.parametrize("error", [InvalidInput("nee"), RuntimeError("a mistake of ours")])
async def test_a_mail_that_cannot_be_stored_stays_and_holds_up_no_other(tmp_path: Path, error: Exception) -> None:
    async with dovecot() as server, open_site(tmp_path) as site:
        admit = site.entrance.admit

        async def picky(letter):  # type: ignore[no-untyped-def]
            if letter.subject == "1":
                raise error
            return await admit(letter)

        site.entrance.admit = picky  # type: ignore[method-assign]
        await server.deliver(numbered(1))
        await server.deliver(numbered(2))
        async with reads(site, server):
            await server.until(1, SEEN)
            await server.deliver(numbered(3))
            await server.until(2, SEEN)
        assert [SEEN in flags for flags in await server.flags()] == [False, True, True]


async def test_a_bounce_in_a_mailbox_finds_its_contact(tmp_path: Path) -> None:
    async with dovecot() as server, open_site(tmp_path) as site:
        key = bytes(32)
        returns = Returns(site.log, key)

        async def the_contact(address: str) -> bytes | None:
            return facts[0].contact

        returns.contact = the_contact  # type: ignore[method-assign]
        address = bounce_address(DOOR, bounce_token(key, bytes(16), 3, 1))
        async with reads(site, server, returns=returns):
            await server.deliver(numbered(1))
            facts = [fact for fact, _ in await site.decided(1)]
            await server.deliver(f"Delivered-To: {address}\r\n".encode() + report("failed", "5.1.1", "550 weg"))
            facts = [fact for fact, _ in await site.decided(2)]
        assert (facts[1].author, facts[1].case) == ("system", facts[0].contact)


async def test_a_wrong_password_is_tried_again_and_told_to_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(reading, "RETRY_FIRST_S", 0.01)
    monkeypatch.setattr(reading, "RETRY_MOST_S", 0.01)
    with caplog.at_level(logging.DEBUG):
        async with dovecot() as server, open_site(tmp_path) as site, reads(site, server, password="verkeerd-geheim"):
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    if caplog.text.count("login was refused") >= 1:
                        break
                    await asyncio.sleep(0.02)
    assert "verkeerd-geheim" not in caplog.text and USER not in caplog.text


async def test_a_certificate_that_nobody_trusts_is_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(reading, "RETRY_FIRST_S", 0.01)
    async with dovecot() as server, open_site(tmp_path) as site, reads(site, server, ca_file=None):
        async with asyncio.timeout(PATIENCE_S):
            while True:
                if "greeting: SSLCertVerificationError" in caplog.text:
                    break
                await asyncio.sleep(0.02)


async def test_clear_text_stays_on_this_machine(tmp_path: Path) -> None:
    async with dovecot() as server, open_site(tmp_path) as site:
        await server.deliver(numbered(1))
        async with reads(site, server, tls=False, port=server.port):
            await server.until(1, SEEN)
        with pytest.raises(ConfigurationError, match="without TLS"):
            reading.tls_of(Mailbox(address=DOOR, host="mail.example", user="a", password="b", tls=False))
