"""A desk's queue between the fold, which never waits, and a reader, who may be slow or gone."""

import asyncio
from collections import defaultdict
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from cordboard.api.desk_told import Noted, Telling
from cordboard.api.desk_watch import _WHOLE, QUEUE_MAX, _Watch
from cordboard.api.signals import Heard, Signals
from cordboard.api.status import ReaderTooSlow
from cordboard.events import event as words
from cordboard.projections.desks import Desks
from cordboard.projections.live import DeskChange
from cordboard.projections.slas import Slas
from cordboard.vault import Person
from tests.golden import samples
from tests.journal import Pen, about, an_id, policy

AGENT = an_id("anna")
UNTOLD = {
    "BroadcastMade", "DayTurned", "PolicyAdopted", "QueueHoursTurned", "QueueModeSet", "RouterSteppedDown", "RouterTookOver",
    "SweepAdvanced",
    "AgentReleased", "AgentReserved", "AgentScheduleSet", "DeskLossRecorded", "DeskReturnRecorded", "OutsideWorkChanged",
    "OverCapacityRecorded",
    "ContactAnswered", "ContactDiverted", "ContactEnded", "ContactLinked", "ContactPromoted", "ContactQueued", "ContactRelaxed",
    "CustomerErased", "MatterRepeated", "ThresholdReached", "VisitEnded",
    "ContactSegmented", "SlaAtRisk", "SlaBroken", "SlaCancelled", "SlaMet", "SlaPaused", "SlaResumed", "SlaStarted",
    "EffectEnded", "EffectRequested", "EffectRetried", "LevelAdopted", "QuarantineEnded",
    "CallbackDeclined", "CallbackDue", "CallbackOffered", "CapacitySet", "DoorTurned", "NextStepOffered", "NextStepTaken",
    "PromiseAtRisk", "PromiseEnded", "PromiseHeld", "PromiseMade", "PromiseReleased", "WaitExpected",
}  # fmt: skip
"""Events that change nothing of what a desk shows: the site's; those of an agent that only routing looks at; those of a contact
that waits, or whose end the desk learns by the end of its own work; and what happens outside."""


@pytest.fixture
def site() -> Any:
    desks = Desks()
    signals: Any = Signals(None, desks)  # type: ignore[arg-type]
    return SimpleNamespace(desks=desks, slas=Slas(), signals=signals, draining=asyncio.Event(), pen=Pen(desks))


def open_desk(site: Any) -> None:
    site.pen.adopt(0, policy("orders"))
    site.pen.declare(0, "anna", "orders")


async def test_the_snapshot_comes_first_then_each_change_in_order(site: Any) -> None:
    open_desk(site)
    with _Watch(site, AGENT, ()) as watch:
        for at_ms, presence in enumerate(["ready", "not_ready", "ready"], 1):
            site.pen.presence(at_ms, "anna", presence)
        snapshot, *changes = await watch.take()
    assert snapshot.desk.declared and snapshot.desk.effective == "offline"  # type: ignore[union-attr]
    assert [item.change.event.at_ms for item in changes] == [1, 2, 3]  # type: ignore[union-attr]


async def test_a_reader_who_is_too_slow_is_told_so_and_costs_no_more(site: Any) -> None:
    open_desk(site)
    with _Watch(site, AGENT, ()) as watch:
        for at_ms in range(QUEUE_MAX + 10):
            site.pen.presence(at_ms, "anna", "ready")
        assert len(watch._items) == QUEUE_MAX
        with pytest.raises(ReaderTooSlow):
            await watch.take()


async def test_signals_that_find_no_room_are_simply_lost(site: Any) -> None:
    open_desk(site)
    with _Watch(site, AGENT, ()) as watch:
        for _ in range(QUEUE_MAX + 10):
            watch._put(Heard(an_id("contact"), "typing", None))
        assert await watch.take()


async def test_whispers_reach_everybody_who_is_engaged(site: Any) -> None:
    open_desk(site)
    site.pen.queued(1, "a", "orders")
    site.pen.offered(2, "a", "anna", "orders")
    site.pen.offered(2, "a", "bert", "orders", attempt=2, role="consult")
    heard: dict[str, list[Heard]] = {"anna": [], "bert": []}
    for person, whispers in heard.items():
        site.signals.subscribe(an_id(person), whispers.append)

    def typing() -> tuple[int, int]:
        site.signals.hear(f"typing.{an_id('a').hex()}", b'{"author":"customer"}')
        return len(heard["anna"]), len(heard["bert"])

    assert typing() == (0, 0)
    site.pen.accepted(3, "a", "anna")
    site.pen.engaged(4, "a", "anna", "orders")
    assert typing() == (1, 0)
    site.pen.accepted(5, "a", "bert", attempt=2)
    site.pen.engaged(6, "a", "bert", "orders", attempt=2, role="consult")
    assert typing() == (2, 1)
    site.pen.disengaged(7, "a", "bert", attempt=2)
    assert typing() == (3, 1)


async def test_nobody_is_told_after_leaving(site: Any) -> None:
    open_desk(site)
    with _Watch(site, AGENT, ()) as watch:
        await watch.take()
    site.pen.presence(1, "anna", "ready")
    assert not watch._items
    assert not site.desks._sinks and not site.signals._sinks and not site.slas._listeners


async def test_draining_wakes_the_reader(site: Any) -> None:
    open_desk(site)
    with _Watch(site, AGENT, ()) as watch:
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


@pytest.mark.parametrize("kind", words.EVENTS, ids=lambda kind: kind.__name__)
def test_every_event_is_told_or_none_of_a_desks_business(site: Any, kind: type[msgspec.Struct]) -> None:
    if kind.__name__ in UNTOLD or kind in _WHOLE:
        return
    open_desk(site)
    site.pen.queued(1, "a", "orders")
    site.pen.offered(2, "a", "anna", "orders")
    site.pen.accepted(3, "a", "anna")
    site.pen.engaged(4, "a", "anna", "orders")
    site.pen.disengaged(5, "a", "anna", by="parked")
    site.pen.parked(5, "a", "anna")
    event: Any = samples.of(samples.typical, kind)
    change = DeskChange(1, about(event, contact="a", agent="anna", channel="chat"), event, site.desks.contact(an_id("a")))
    telling = Telling(SimpleNamespace(token=str), AGENT)  # type: ignore[arg-type]
    telling._contents, telling._files, telling._people = {}, {}, defaultdict(lambda: Person("somebody", "Some Body"))
    response = telling.response(Noted(change))
    assert response is not None and response.WhichOneof("change") is not None
