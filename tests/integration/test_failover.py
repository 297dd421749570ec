"""Routers that stand by for each other, real processes on a real server, killed, paused, ended: nothing is lost or doubled."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cordboard.events import event as words
from cordboard.log import connect
from cordboard.log.embedded import EmbeddedServer
from cordboard.log.jetstream import JetStreamLog
from cordboard.log.subjects import inbox_stream
from tests.integration.crowd import Crowd, crowd
from tests.integration.test_router import all_decided, verified
from tests.routers import SITE, Epochs, Routers, epochs, routers

TOOK_OVER, STEPPED_DOWN = words.RouterTookOver, words.RouterSteppedDown


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[EmbeddedServer]:
    async with EmbeddedServer(tmp_path / "nats") as server:
        yield server


@pytest.fixture
async def log(server: EmbeddedServer) -> AsyncIterator[JetStreamLog]:
    async with connect(server.url, SITE, create=True) as log:
        yield log


@pytest.fixture
async def them(server: EmbeddedServer, tmp_path: Path) -> AsyncIterator[Routers]:
    async with routers(server, tmp_path) as them:
        yield them


@pytest.fixture
async def history(log: JetStreamLog) -> AsyncIterator[Epochs]:
    async with epochs(log) as history:
        yield history


async def routed(people: Crowd, log: JetStreamLog, count: int) -> None:
    """Everybody came, was served and left; the journal holds together, and no fact is missing or there twice."""
    await people.ended(count)
    all_decided(people, await verified(log))


async def test_after_a_kill_one_of_two_standbys_leads(log: JetStreamLog, them: Routers, history: Epochs) -> None:
    leader, _ = await them.three()
    async with crowd(log) as people:
        await people.open()
        arriving = asyncio.create_task(people.arrive(120))
        for epoch in (2, 3):
            await people.reached(people.boards.position + 10)
            await leader.kill()
            leader = await them.leader(epoch)
        await arriving
        await routed(people, log, 120)
    assert history.changes == [(TOOK_OVER, 1), (TOOK_OVER, 2), (TOOK_OVER, 3)]


async def test_who_is_told_to_end_hands_over(log: JetStreamLog, them: Routers, history: Epochs) -> None:
    leader = await them.start(by_command=True)
    await them.leader(1)
    for standby in (await them.start(), await them.start()):
        await standby.stands_by()
    async with crowd(log) as people:
        await people.open()
        for epoch in (2, 3):
            arriving = asyncio.create_task(people.arrive(40))
            await people.reached(people.boards.position + 5)
            leader.send(signal.SIGTERM)
            assert await leader.ends() == 0
            leader = await them.leader(epoch)
            assert "the router before stepped down" in leader.told
            await arriving
        await routed(people, log, 80)
    assert history.changes == [(TOOK_OVER, 1), (STEPPED_DOWN, 1), (TOOK_OVER, 2), (STEPPED_DOWN, 2), (TOOK_OVER, 3)]


async def test_the_last_one_ends_its_epoch_for_whoever_comes_next(log: JetStreamLog, them: Routers, history: Epochs) -> None:
    async with crowd(log) as people:
        for epoch in (1, 2):
            router = await them.start()
            await them.leader(epoch)
            if epoch == 1:
                await people.open()
            await people.arrive(10)
            await people.ended(10 * epoch)
            router.send(signal.SIGINT)
            assert await router.ends() == 0
        all_decided(people, await verified(log))
    assert "leading default in epoch 2" in router.told and "the router before stepped down" in router.told
    assert history.changes == [(TOOK_OVER, 1), (STEPPED_DOWN, 1), (TOOK_OVER, 2), (STEPPED_DOWN, 2)]


@pytest.mark.parametrize("consumers_gone", [False, True])
async def test_a_paused_router_is_harmless_and_stands_by_again(
    log: JetStreamLog, them: Routers, history: Epochs, consumers_gone: bool
) -> None:
    paused, others = await them.three()
    async with crowd(log) as people:
        await people.open()
        arriving = asyncio.create_task(people.arrive(120))
        await people.reached(people.boards.position + 10)
        paused.send(signal.SIGSTOP)
        second = await them.leader(2)
        assert second in others
        if consumers_gone:
            # After half a minute the server forgets who does not listen: here at once, for all.
            for name in (await log._wire.call(f"CONSUMER.NAMES.{inbox_stream(SITE)}"))["consumers"]:
                await log._wire.call(f"CONSUMER.DELETE.{inbox_stream(SITE)}.{name}")
        paused.send(signal.SIGCONT)
        await paused.says("stepped down")
        await paused.stands_by()
        for other in others:
            await other.kill()
        await them.leader(3)
        assert paused.leads(3)
        await arriving
        await routed(people, log, 120)
    assert [change for change, _ in history.changes] == [TOOK_OVER] * 3


async def test_a_paused_router_without_work_hears_that_another_leads(log: JetStreamLog, them: Routers, history: Epochs) -> None:
    paused, _ = await them.three()
    paused.send(signal.SIGSTOP)
    await them.leader(2)
    paused.send(signal.SIGCONT)
    await paused.says("stepped down: another router leads in epoch 2")
    await paused.stands_by()
    await verified(log)
    assert history.changes == [(TOOK_OVER, 1), (TOOK_OVER, 2)]


async def test_a_paused_standby_does_not_mistake_its_own_sleep_for_silence(
    log: JetStreamLog, them: Routers, history: Epochs
) -> None:
    leader, (standby, _) = await them.three()
    standby.send(signal.SIGSTOP)
    async with crowd(log) as people:
        await people.open()
        await people.arrive(60)
        await people.ended(60)
        await asyncio.sleep(2)
        standby.send(signal.SIGCONT)
        await people.arrive(20)
        await routed(people, log, 80)
    leader.send(signal.SIGTERM)
    assert await leader.ends() == 0
    await history.taken_over(2)
    assert history.changes == [(TOOK_OVER, 1), (STEPPED_DOWN, 1), (TOOK_OVER, 2)]


@pytest.mark.parametrize("leader_too", [False, True])
async def test_a_server_that_comes_back_finds_one_leader(
    server: EmbeddedServer, log: JetStreamLog, them: Routers, history: Epochs, leader_too: bool
) -> None:
    leader, _ = await them.three()
    async with crowd(log) as people:
        await people.open()
        arriving = asyncio.create_task(people.arrive(120))
        await people.reached(people.boards.position + 10)
        os.kill(server.pid, signal.SIGKILL)
        if leader_too:
            await leader.kill()
            await them.leader(2)
        await arriving
        await routed(people, log, 120)
    assert (TOOK_OVER, 2) in history.changes or not leader_too
    assert {change for change, _ in history.changes} == {TOOK_OVER}
