"""A desk's queue between the fold, which never waits, and a reader, who may be slow or gone."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from cordboard.api.desk_watch import QUEUE_MAX, _Watch
from cordboard.api.signals import Heard, Signals
from cordboard.api.status import ReaderTooSlow
from cordboard.projections.desks import Desks
from tests.journal import Pen, an_id, policy

AGENT = an_id("anna")


@pytest.fixture
def site() -> Any:
    desks = Desks()
    return SimpleNamespace(desks=desks, signals=Signals(None, desks), draining=asyncio.Event(), pen=Pen(desks))  # type: ignore[arg-type]


def open_desk(site: Any) -> None:
    site.pen.adopt(0, policy("orders"))
    site.pen.declare(0, "anna", "orders")


async def test_the_snapshot_comes_first_then_each_change_in_order(site: Any) -> None:
    open_desk(site)
    with _Watch(site, AGENT) as watch:
        for at_ms, presence in enumerate(["ready", "not_ready", "ready"], 1):
            site.pen.presence(at_ms, "anna", presence)
        snapshot, *changes = await watch.take()
    assert snapshot.desk.declared and snapshot.desk.effective == "offline"  # type: ignore[union-attr]
    assert [item.change.event.at_ms for item in changes] == [1, 2, 3]  # type: ignore[union-attr]


async def test_a_reader_who_is_too_slow_is_told_so_and_costs_no_more(site: Any) -> None:
    open_desk(site)
    with _Watch(site, AGENT) as watch:
        for at_ms in range(QUEUE_MAX + 10):
            site.pen.presence(at_ms, "anna", "ready")
        assert len(watch._items) == QUEUE_MAX
        with pytest.raises(ReaderTooSlow):
            await watch.take()


async def test_signals_that_find_no_room_are_simply_lost(site: Any) -> None:
    open_desk(site)
    with _Watch(site, AGENT) as watch:
        for _ in range(QUEUE_MAX + 10):
            watch._put(Heard(an_id("contact"), "typing", None))
        assert await watch.take()


async def test_nobody_is_told_after_leaving(site: Any) -> None:
    open_desk(site)
    with _Watch(site, AGENT) as watch:
        await watch.take()
    site.pen.presence(1, "anna", "ready")
    assert not watch._items
    assert not site.desks._sinks and not site.signals._sinks


async def test_draining_wakes_the_reader(site: Any) -> None:
    open_desk(site)
    with _Watch(site, AGENT) as watch:
        await watch.take()
        waiting = asyncio.ensure_future(watch.take())
        await asyncio.sleep(0)
        site.draining.set()
        assert await waiting == []


@pytest.mark.parametrize(
    ("topic", "data"),
    [
        ("typing.zz", b'{"author":"customer"}'),
        ("typing.", b"{}"),
        ("typing." + "ab" * 16, b"\xff"),
        ("typing." + "ab" * 16, b'{"author":"agent"}'),
        ("receipt." + "ab" * 16, b'{"author":"customer","message":"xy","state":"read"}'),
        ("receipt." + "ab" * 16, b'{"author":"customer","message":"ab","state":"eaten"}'),
        ("nonsense", b""),
    ],
)
async def test_malformed_whispers_are_dropped(site: Any, topic: str, data: bytes) -> None:
    site.signals.hear(topic, data)
