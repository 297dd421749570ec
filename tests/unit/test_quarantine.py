"""What was put aside: the fold, what can be read of hostile bytes, and a retry whose router is of an older release."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Callable
from contextlib import aclosing
from types import SimpleNamespace
from typing import Any

import pytest

from cordboard import codec
from cordboard.api.ids import quarantine_fact_id
from cordboard.api.outcomes import Outcomes
from cordboard.api.quarantine import QuarantineService
from cordboard.api.site import Site, commit_reader
from cordboard.api.status import code_of
from cordboard.api.tokens import Tokens
from cordboard.api.translate.quarantine import READABLE_MAX, bytes_of, facts_in, readable, word_of
from cordboard.branch import name_of
from cordboard.cli.faces import Faces
from cordboard.cli.vitals import Vitals, exposition
from cordboard.errors import Conflict, InvalidInput, NotFound
from cordboard.events import Entry
from cordboard.events import fact as facts
from cordboard.events.commit import INPUT_TAG, Commit, Consumed, Input
from cordboard.events.event import QuarantineEnded
from cordboard.events.verdict import Accepted, Duplicate, Quarantined, Verdict
from cordboard.log.feed import Feed
from cordboard.log.memory import MemoryLog
from cordboard.log.port import Frame, Stored
from cordboard.projections.quarantine import PutAside, Quarantine, State
from cordboard.v1 import quarantine_service_pb2 as pb
from tests.journal import NO_HASH, SITE, an_id

INBOX = bytes(range(16))
OPEN: tuple[State, ...] = ("open",)
DISCARDED: tuple[State, ...] = ("discarded",)
REQUEST = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"


def put_aside(inbox_seq: int, index: int, data: bytes, reason: str) -> Entry:
    body = Input(inbox_seq, index, inbox_seq * 10, b"", Quarantined(reason, hashlib.sha256(data).digest()))
    return Entry(INPUT_TAG, None, None, None, 0, codec.encode(body))


def decided(at: int, fact: facts.QuarantineEndRequested, verdict: Verdict | None = None) -> list[Entry]:
    """The decision as input `at` of its commit, and its event if it was accepted."""
    given = Entry(INPUT_TAG, None, None, None, at, codec.encode(Input(9, at, 0, codec.encode(fact), verdict or Accepted())))
    if verdict is not None:
        return [given]
    event = QuarantineEnded(7_000, fact.seq, fact.entry, fact.outcome)
    return [given, Entry(69, None, None, None, at, codec.encode(event))]


def a_commit(seq: int, *entries: Entry) -> Commit:
    return Commit(1, SITE, 1, seq, 1, 1, seq * 1_000, NO_HASH, Consumed(INBOX, seq, 1), False, list(entries))


def an_end(seq: int, entry: int, outcome: Any, by: str | None = None) -> facts.QuarantineEndRequested:
    who = an_id(by) if by else None
    return facts.QuarantineEndRequested(
        quarantine_fact_id(SITE, f"{seq}.{entry}-000000"), seq, entry, outcome, who, "noise" if by else None
    )


def folded(*commits: Commit, **limits: int) -> Quarantine:
    fold = Quarantine(**limits)
    for commit in commits:
        fold.apply(commit.seq, commit)
    return fold


def test_the_first_decision_stands() -> None:
    put = a_commit(4, put_aside(2, 0, b"a", "bad_shape"), put_aside(2, 1, b"b", "not_msgpack"))
    fold = folded(
        put, a_commit(5, *decided(0, an_end(4, 1, "discarded", "olga"))), a_commit(6, *decided(0, an_end(4, 1, "retried")))
    )
    ended = fold.get((4, 1))
    assert ended is not None
    assert (ended.state, ended.by, ended.why, ended.ended_ms) == ("discarded", an_id("olga"), "noise", 7_000)
    assert fold.summary().open == 1
    assert fold.at(INBOX, 2, 0) is not None and fold.at(INBOX, 2, 1) is None
    assert [one.place for one in fold.page(("open", "discarded"), None, 10)] == [(4, 0), (4, 1)]
    assert [one.place for one in fold.page(("open", "discarded"), (4, 0), 10)] == [(4, 1)]


def test_it_remembers_so_many_and_counts_the_others() -> None:
    commits = [a_commit(seq, put_aside(seq, 0, b"%d" % seq, "bad_shape")) for seq in range(1, 8)]
    fold = folded(*commits, a_commit(8, *decided(0, an_end(1, 0, "discarded"))), open_max=3)
    summary = fold.summary()
    assert (summary.open, summary.untold, summary.oldest_open_ms) == (6, 0, 50), "an end counts, however old it is"
    assert fold.early(None, 10) == [(2, 0), (3, 0), (4, 0)] and fold.early((2, 0), 1) == [(3, 0)]
    old, ended = fold.recall((2, 0), commits[1]), fold.recall((1, 0), commits[0])
    assert old is not None and (old.state, old.inbox_seq, old.sha256) == ("open", 2, hashlib.sha256(b"2").digest())
    assert ended is not None and ended.state == "discarded", "whoever asks again hears what was decided"
    assert fold.recall((5, 0), commits[4]) is None, "held as a whole"
    few = folded(*commits, open_max=3, early_max=2).summary()
    assert (few.open, few.untold) == (7, 2)
    assert [one.place[0] for one in fold.page(OPEN, None, 10)] == [5, 6, 7]
    ends = [a_commit(10 + seq, *decided(0, an_end(seq, 0, "discarded"))) for seq in (5, 6, 7)]
    fold = folded(*commits, *ends, open_max=3, ended_max=2)
    assert [one.place[0] for one in fold.page(DISCARDED, None, 10)] == [6, 7]
    assert fold.summary().open == 4


def test_an_alarm_stands_while_something_is_open() -> None:
    put = a_commit(4, put_aside(2, 0, b"a", "bad_shape"))
    for fold, alarms in ((folded(put), 1), (folded(put, a_commit(5, *decided(0, an_end(4, 0, "discarded")))), 0)):
        vitals = Vitals.of(("api",))
        vitals.notices["quarantine"] = lambda: Faces._put_aside(SimpleNamespace(quarantine=fold))  # type: ignore[arg-type]  # noqa: B023
        assert len(vitals.standing()) == alarms
        said = exposition(vitals, "")[0].decode()
        assert f"cordboard_quarantine_open {float(alarms)}" in said and f"cordboard_alarms {float(alarms)}" in said


def test_facts_about_nobody_are_no_quarantine() -> None:
    policy = codec.encode(facts.PolicyPublished(bytes(16), b"p"))
    fold = folded(a_commit(1, Entry(INPUT_TAG, None, None, None, 0, codec.encode(Input(1, 0, 0, policy, Accepted())))))
    assert fold.summary().open == 0


def aside(data: bytes, reason: str, index: int = 0) -> PutAside:
    return PutAside((1, 0), bytes(16), INBOX, 1, index, 0, 0, reason, hashlib.sha256(data).digest())


def test_only_the_very_bytes_are_taken_for_them() -> None:
    fact = codec.encode(facts.DeskLost(bytes(16), bytes(16)))
    frame = Frame(Stored(1, 0, codec.encode_frame([b"other", fact])), "api-1")
    assert bytes_of(aside(fact, "bad_shape", 1), frame) == fact
    for wrong in (
        aside(fact, "bad_shape", 0),
        aside(fact, "bad_shape", 2),
        aside(b"else", "bad_shape", 1),
        aside(fact, "not_a_frame"),
    ):
        assert bytes_of(wrong, frame) is None
    assert bytes_of(aside(fact, "bad_shape"), Frame(Stored(1, 0, b"\xc1"), "")) is None


def test_whatever_the_bytes_are_something_is_said_of_them() -> None:
    dice = random.Random(1)
    good = codec.encode(facts.ContactAbandoned(bytes(16), bytes(16)))
    samples = [b"", b"\xc1", b"\x91" * 100_000, b"\xde\xff\xff", b"\xc7\x05\x01hello", b"\xdb\x00\x00\x00\x04\xff\xff\xff\xff"]
    samples += [bytes(dice.choice(good) if dice.random() < 0.8 else dice.randrange(256) for _ in range(40)) for _ in range(300)]
    samples += [codec.encode_frame([good, good[:-1]]), b"\x81\x81\x01\x02\x03", b"\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00"]
    for data in samples:
        for one in (aside(data, "bad_shape"), aside(data, "not_a_frame")):
            assert len(readable(one, data)) <= READABLE_MAX
            word_of(one, data)
            with pytest.raises(InvalidInput) as problem:
                facts_in(one, data)
            assert str(problem.value)
    assert word_of(aside(good, "unknown_tag"), good) == "ContactAbandoned"
    assert readable(aside(b"", "not_a_frame"), codec.encode_frame([good])) == f'[[2,"{"00" * 16}","{"00" * 16}"]]'


class OlderRouter:
    """Gives every frame a verdict by hand; `blind`: it cannot read ContactAbandoned."""

    def __init__(self, log: MemoryLog) -> None:
        self.log, self.blind, self.known = log, True, dict[bytes, tuple[int, int]]()

    async def run(self) -> None:
        seq = 0
        async with self.log.appender() as appender, aclosing(self.log.follow_inbox(1)) as inbox:
            async for frames in inbox:
                for frame in frames:
                    seq += 1
                    entries: list[Entry] = []
                    for index, data in enumerate(codec.decode_frame(frame.data)):
                        entries += self._input(seq, len(entries), frame.seq, index, data)
                    commit = Commit(
                        1, SITE, 1, seq, 1, 1, seq * 1_000, NO_HASH, Consumed(self.log.inbox_id, frame.seq, 1), False, entries
                    )
                    await appender.append(seq, codec.encode(commit))

    def _input(self, seq: int, at: int, inbox_seq: int, index: int, data: bytes) -> list[Entry]:
        fact = codec.decode_fact(data)
        if isinstance(fact, facts.ContactAbandoned) and self.blind:
            return [put_aside(inbox_seq, index, data, "unknown_tag")]
        first = self.known.setdefault(fact.fact_id, (seq, at))
        if isinstance(fact, facts.QuarantineEndRequested):
            return decided(at, fact, None if first == (seq, at) else Duplicate(*first))
        verdict = Accepted() if first == (seq, at) else Duplicate(*first)
        return [Entry(INPUT_TAG, None, None, None, at, codec.encode(Input(inbox_seq, index, 0, data, verdict)))]


class Desk:
    """An API of today beside a router of yesterday; `retry` and `discard` as an operator says it."""

    def __init__(self, log: MemoryLog, publisher: Any, **limits: int) -> None:
        self._log = log
        self.fold, self.feed = Quarantine(**limits), Feed(log)
        outcomes = Outcomes(commit_reader(log))
        for fold in (outcomes.apply, self.fold.apply):
            self.feed.attach(fold)

        async def nobody(_who: object) -> Any:
            return None

        async def no_names(_refs: object) -> dict[bytes, Any]:
            return {}

        given: dict[str, Any] = dict.fromkeys(Site.__dataclass_fields__)
        del given["draining"], given["files"], given["arriving"]
        given |= {
            "log": log,
            "feed": self.feed,
            "outcomes": outcomes,
            "publisher": publisher,
            "quarantine": self.fold,
            "tokens": Tokens(SITE),
            "people": SimpleNamespace(actor=nobody),
            "declared": SimpleNamespace(vocabulary=SimpleNamespace(refusal=nobody_refused)),
            "shown": SimpleNamespace(rules=SimpleNamespace(individual_live=True), before=no_names),
        }
        self._service = QuarantineService(Site(**given))

    async def pages(self, size: int) -> list[list[str]]:
        """The ids of what is open, page by page."""
        token, pages = "", list[list[str]]()
        while token or not pages:
            asked = pb.ListQuarantinedRequest(state=pb.QUARANTINE_STATE_OPEN, page_size=size, page_token=token)
            page = await self._service.ListQuarantined(asked, None)  # type: ignore[arg-type]
            pages.append([one.quarantine_id.partition("-")[0] for one in page.quarantined])
            token = page.next_page_token
        return pages

    async def name(self, place: str) -> str:
        """As it is listed."""
        commit = codec.decode_commit((await self._log.read_commit(int(place.partition(".")[0]))).data)
        return f"{place}-{name_of(commit)[:3].hex()}"

    async def retry(self, place: str) -> tuple[str, list[str]]:
        request = pb.RetryQuarantinedRequest(request_id=REQUEST, quarantine_id=await self.name(place))
        done = await self._service.RetryQuarantined(request, None)  # type: ignore[arg-type]
        return pb.QuarantineState.Name(done.state).removeprefix("QUARANTINE_STATE_"), [fact.verdict for fact in done.facts]

    async def discard(self, place: str) -> None:
        await self.discard_named(await self.name(place))

    async def discard_named(self, name: str) -> None:
        request = pb.DiscardQuarantinedRequest(request_id=REQUEST, quarantine_id=name, by="olga", reason="noise")
        await self._service.DiscardQuarantined(request, None)  # type: ignore[arg-type]


def nobody_refused(_fact: object) -> None:
    return None


async def with_a_desk(story: Callable[[Desk, OlderRouter, MemoryLog, Any], Any], **limits: int) -> None:
    log = MemoryLog(SITE)
    router = OlderRouter(log)
    async with log.publisher("test") as publisher:
        desk = Desk(log, publisher, **limits)
        running = [asyncio.create_task(router.run()), asyncio.create_task(desk.feed.run())]
        try:
            await story(desk, router, log, publisher)
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)


async def test_a_router_that_cannot_read_it_yet_puts_it_aside_anew_and_one_that_can_counts_it_once() -> None:
    async def story(desk: Desk, router: OlderRouter, log: MemoryLog, publisher: Any) -> None:
        await publisher.publish(codec.encode(facts.ContactAbandoned(an_id("left"), bytes(16))))
        await desk.feed.reached(1, 10)
        assert await desk.retry("1.0") == ("RETRIED", ["quarantined"])
        (again,) = desk.fold.page(OPEN, None, 10)
        assert again.place == (2, 0), "the same bytes at a new place"
        router.blind = False
        # Whoever said it first says it again meanwhile: the fact's own id makes the retry its repeat.
        await publisher.publish(codec.encode(facts.ContactAbandoned(an_id("left"), bytes(16))))
        await desk.feed.reached(4, 10)
        assert await desk.retry("2.0") == ("RETRIED", ["duplicate"])
        assert desk.fold.summary().open == 0
        assert await desk.retry("2.0") == ("RETRIED", []), "over: nothing is said again"

    await with_a_desk(story)


async def test_what_is_too_old_to_be_held_is_listed_and_decided_all_the_same() -> None:
    async def story(desk: Desk, router: OlderRouter, log: MemoryLog, publisher: Any) -> None:
        for name in ("a", "b", "c"):
            await publisher.publish(codec.encode(facts.ContactAbandoned(an_id(name), bytes(16))))
        await desk.feed.reached(3, 10)
        assert desk.fold.early(None, 10) == [(1, 0), (2, 0)]
        assert await desk.pages(2) == [["1.0", "2.0"], ["3.0"]]
        router.blind = False
        assert await desk.retry("1.0") == ("RETRIED", ["accepted"])
        assert await desk.retry("1.0") == ("RETRIED", []), "over: nothing is said again"
        for listed in (2, 3):
            with pytest.raises(NotFound, match="nothing was put aside as"):
                await desk.discard_named(f"{listed}.0-000000")
        assert desk.fold.summary().open == 2, "another stands there than was listed before the journal lost its end"
        await desk.discard("2.0")
        assert await desk.pages(2) == [["3.0"]] and desk.fold.summary().open == 1

    await with_a_desk(story, open_max=1)


async def test_two_operators_decide_at_once_and_one_decision_stands() -> None:
    async def story(desk: Desk, router: OlderRouter, log: MemoryLog, publisher: Any) -> None:
        await publisher.publish(codec.encode(facts.ContactAbandoned(an_id("left"), bytes(16))))
        await desk.feed.reached(1, 10)
        router.blind = False
        retried, discarded = await asyncio.gather(desk.retry("1.0"), desk.discard("1.0"), return_exceptions=True)
        one = desk.fold.get((1, 0))
        assert one is not None
        if one.state == "discarded":
            assert retried == ("DISCARDED", ["accepted"]), "whoever retried is told what stands"
        else:
            assert isinstance(discarded, Conflict) and discarded.reason == "quarantine_ended" and code_of(discarded) == 9
        ends = [entry for seq in range(1, await log.last_journal_seq() + 1) for entry in await _ends(log, seq)]
        assert len(ends) == 1

    await with_a_desk(story)


async def _ends(log: MemoryLog, seq: int) -> list[Entry]:
    commit = codec.decode_commit((await log.read_commit(seq)).data)
    return [entry for entry in commit.entries if entry.tag == 69]
