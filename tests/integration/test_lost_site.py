"""A server that has nothing of the site: made once, by whoever is asked to; refused by everybody who knows better."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from cordboard.archive import Archive, open_storage
from cordboard.branch import Branch
from cordboard.cli.addresses import Addresses
from cordboard.cli.lost_site import who_knows
from cordboard.cli.roles import open_log
from cordboard.errors import Conflict, SiteMissing
from cordboard.log import connect
from cordboard.log.embedded import EmbeddedServer
from cordboard.log.memory import MemoryLog
from cordboard.log.streams import declare_streams
from cordboard.log.wire import ERR_STREAM_NOT_FOUND, ApiError, open_wire
from cordboard.main import app
from cordboard.projections.history.store import prepare, store
from cordboard.settings import Settings
from cordboard.sql import open_engine
from cordboard.vault import Draft, Vault
from tests.archives import lived, write_all
from tests.journal import commit

SITE = "default"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[EmbeddedServer]:
    async with EmbeddedServer(tmp_path / "nats") as running:
        yield running


async def streams(server: EmbeddedServer) -> list[str]:
    async with open_wire(server.url, "test") as wire:
        return list((await wire.call("STREAM.NAMES"))["streams"] or [])


async def delete(server: EmbeddedServer, stream: str) -> None:
    async with open_wire(server.url, "test") as wire:
        await wire.call(f"STREAM.DELETE.{stream}")


def settings(directory: Path, *, create: bool = True) -> Settings:
    return Settings(site=SITE, data_dir=directory, archive=str(directory / "archive"), create_site=create)


async def opened(server: EmbeddedServer, given: Settings) -> bytes:
    """As `up` and `run` open the log; the inbox's id."""
    addresses = Addresses(nats_url=server.url, monitor_url=server.monitor_url)
    urls = {"vault_url": given.embedded_vault_url(), "views_url": given.embedded_views_url()}
    async with open_log(given, addresses, "test", **urls) as log:
        return log.inbox_id


async def test_whoever_was_not_asked_makes_nothing(server: EmbeddedServer, tmp_path: Path) -> None:
    with pytest.raises(SiteMissing, match=r"no INBOX_default\..*cordboard site create"):
        async with connect(server.url, SITE):
            pass
    with pytest.raises(SiteMissing):
        await opened(server, settings(tmp_path, create=False))
    assert await streams(server) == []
    assert not (tmp_path / "vault.db").exists() and not (tmp_path / "views.db").exists(), "asking makes nothing either"
    made = await opened(server, settings(tmp_path))
    assert await opened(server, settings(tmp_path, create=False)) == made


async def test_half_a_site_is_not_made_whole_once_it_holds_anything(server: EmbeddedServer) -> None:
    """A crash between the two streams is mended by who is asked again; a journal that has lost its inbox is not."""
    async with connect(server.url, SITE, create=True):
        await delete(server, "JOURNAL_default")
    with pytest.raises(SiteMissing, match="no JOURNAL_default"):
        async with connect(server.url, SITE):
            pass
    async with connect(server.url, SITE, create=True) as log:
        await (await log.journal.send(b"commit"))
        await delete(server, "INBOX_default")
    with pytest.raises(Conflict, match="JOURNAL_default with 1 messages"):
        async with connect(server.url, SITE, create=True):
            pass
    assert await streams(server) == ["JOURNAL_default"]


class Contradictory:
    """Servers of which some have lost their disks: each question about a stream is answered by whoever comes first."""

    def __init__(self, held: dict[str, dict[str, Any]], answers: tuple[bool, ...]) -> None:
        self._held, self._answers = held, itertools.cycle(answers)
        self.changes: list[str] = []

    async def call_until_answered(self, verb: str, _request: dict[str, Any] | None = None) -> dict[str, Any]:
        kind, _, name = verb.rpartition(".")
        if kind != "STREAM.INFO":
            self.changes.append(verb)
        elif not next(self._answers):
            raise ApiError(ERR_STREAM_NOT_FOUND, "stream not found")
        return self._held[name]


async def test_servers_that_contradict_each_other_make_nobody_begin_anew(server: EmbeddedServer) -> None:
    """Seen with two empty disks and the third server back: one answer said that the stream is there, the next that it is not."""
    async with connect(server.url, SITE, create=True), open_wire(server.url, "test") as wire:
        held = {name: await wire.call(f"STREAM.INFO.{name}") for name in ("INBOX_default", "JOURNAL_default")}
    refused = 0
    for answers in itertools.product((True, False), repeat=4):
        servers = Contradictory(held, answers)
        try:
            await declare_streams(servers, SITE)  # type: ignore[arg-type]
        except SiteMissing:
            refused += 1
        assert servers.changes == []
    assert refused == 12, "unless the first two answers are that both are there"


async def test_snapshots_that_a_router_has_left_are_of_a_site_that_was(server: EmbeddedServer) -> None:
    async with connect(server.url, SITE, create=True) as log:
        await log.snapshots.put("1", b"state")
        await delete(server, "INBOX_default")
        await delete(server, "JOURNAL_default")
        with pytest.raises(Conflict, match="OBJ_"):
            async with connect(server.url, SITE, create=True):
                pass


async def history(given: Settings) -> str:
    engine = open_engine(given.embedded_views_url(), "write", durable=False, name="test")
    try:
        await prepare(engine, SITE)
        assert not await who_knows(given, None, given.embedded_views_url()), "one that has read nothing knows nothing"
        await store(engine, [commit(1, 0), commit(2, 0)])
        assert not await who_knows(replace(given, site="another"), None, given.embedded_views_url()), "another site's"
    finally:
        await engine.dispose()
    return "the history has read its journal up to commit 2"


async def vault_that_follows(given: Settings) -> str:
    async with Vault.open(given.embedded_vault_url(), bytes(32)) as vault:
        assert not await who_knows(given, given.embedded_vault_url(), None)
        await vault.mark_erased_up_to("another", Branch(9, bytes(16)))
        assert not await who_knows(given, given.embedded_vault_url(), None)
        draft = Draft("mail", "<1@example.com>", contact=os.urandom(16), fact_id=os.urandom(16), fact=b"\x92\x01\x02")
        await vault.accept(draft)
        await vault.published(draft.fact_id)
        assert not await who_knows(given, given.embedded_vault_url(), None), "another site's contacts"
        await vault.mark_erased_up_to(SITE, Branch(7, bytes(16)))
    return "the vault has followed its journal up to commit 7"


async def vault_that_confirmed(given: Settings) -> str:
    async with Vault.open(given.embedded_vault_url(), bytes(32)) as vault:
        draft = Draft("mail", "<1@example.com>", contact=os.urandom(16), fact_id=os.urandom(16), fact=b"\x92\x01\x02")
        await vault.accept(draft)
        assert not await who_knows(given, given.embedded_vault_url(), None), "pending: nobody has acknowledged it"
        await vault.published(draft.fact_id)
        other = replace(given, site="another")
        assert await who_knows(other, given.embedded_vault_url(), None), "the vault does not know whose they are"
    return "the vault has contacts that a log has acknowledged"


async def archive(given: Settings) -> str:
    log = MemoryLog(SITE)
    await lived(log, 3)
    kept = Archive(open_storage(given.archive_place()), SITE)
    await write_all(log, kept)
    return f"holds its journal up to commit {await log.last_journal_seq()}"


@pytest.mark.parametrize("know", [history, vault_that_follows, vault_that_confirmed, archive])
async def test_what_outlives_the_disks_forbids_a_new_beginning(
    know: Callable[[Settings], Awaitable[str]], server: EmbeddedServer, tmp_path: Path
) -> None:
    says = await know(settings(tmp_path))
    for create in (True, False):
        with pytest.raises(SiteMissing, match=f"It is not new: .*{says}"):
            await opened(server, settings(tmp_path, create=create))
    code, said = await run(server, tmp_path, "--json")
    assert code == 1 and says in said
    assert await streams(server) == []


async def run(server: EmbeddedServer, directory: Path, *options: str) -> tuple[int, str]:
    given = replace(settings(directory), nats_url=server.url)
    arguments = [
        "site",
        "create",
        "--nats-url",
        server.url,
        "--nats-monitor-url",
        server.monitor_url,
        "--archive",
        given.archive_place(),
    ]
    arguments += ["--vault-url", given.embedded_vault_url(), "--views-url", given.embedded_views_url(), *options]
    done = await asyncio.to_thread(CliRunner().invoke, app, arguments)
    return done.exit_code, " ".join(done.output.split())


async def test_the_command_makes_a_site_once(server: EmbeddedServer, tmp_path: Path) -> None:
    code, said = await run(server, tmp_path, "--json")
    first: dict[str, Any] = json.loads(said)
    assert (code, first["site"], first["made"]) == (0, SITE, True)
    code, said = await run(server, tmp_path, "--json")
    assert (code, json.loads(said)) == (0, first | {"made": False})
    code, said = await run(server, tmp_path)
    assert (code, said) == (0, "site default is there")


async def test_many_at_once_make_one(server: EmbeddedServer) -> None:
    async def begin() -> tuple[bytes, int]:
        async with connect(server.url, SITE, create=True) as log, log.publisher("test") as publisher:
            position = await publisher.publish(b"fact")
            return log.inbox_id, position.inbox_seq

    told = await asyncio.gather(*(begin() for _ in range(8)))
    assert len({inbox for inbox, _ in told}) == 1
    assert sorted(seq for _, seq in told) == list(range(1, 9))
