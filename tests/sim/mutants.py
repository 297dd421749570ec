"""Engines with one fault each: what the checker must find, or it proves nothing."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

from msgspec.structs import replace

from cordboard import codec
from cordboard._core import Router
from cordboard.api import outcomes
from cordboard.api.outcomes import Outcomes
from cordboard.log import following, memory
from cordboard.log.appender import FencedAppender
from cordboard.log.feed import Feed
from cordboard.log.publisher import FramePublisher
from cordboard.log.stream import Ack, Conflict, Unanswered
from cordboard.router import snapshots
from cordboard.router.inbox import Inbox
from cordboard.router.window import Window
from cordboard.vault.intake import Intake

Mutant = Callable[[], AbstractContextManager[None]]


@contextlib.contextmanager
def _instead(owner: Any, name: str, other: Any) -> Iterator[None]:
    before = owner.__dict__[name]
    setattr(owner, name, other)
    try:
        yield
    finally:
        setattr(owner, name, before)


@contextlib.contextmanager
def _both(one: AbstractContextManager[None], other: AbstractContextManager[None]) -> Iterator[None]:
    with one, other:
        yield


def decides_again() -> AbstractContextManager[None]:
    """An appender that, in doubt, decides the turn again instead of sending the same bytes again."""

    async def settle(self: FencedAppender, pending: Any) -> None:
        commit = pending.commit
        while True:
            try:
                await self._stream.ready()
                answer = await self._stream.send(commit, after=pending.seq - 1)
                async with asyncio.timeout(self._ack_wait_s):
                    await answer
                return
            except Conflict as conflict:
                if conflict.last >= pending.seq:
                    return
            except (Unanswered, TimeoutError):
                decoded = codec.decode_commit(commit)
                commit = codec.encode(replace(decoded, at_ms=decoded.at_ms + 1))
            await asyncio.sleep(0.1)

    return _instead(FencedAppender, "_settle", settle)


def takes_a_strangers_commit_for_its_own() -> AbstractContextManager[None]:
    """An appender that does not compare what stands at its position."""

    async def holds(_self: FencedAppender, _pending: Any) -> bool:
        return True

    return _instead(FencedAppender, "_holds", holds)


def appends_without_a_fence() -> AbstractContextManager[None]:
    """An appender that says nothing of the position."""

    async def settle(self: FencedAppender, pending: Any) -> None:
        while True:
            with contextlib.suppress(Unanswered, TimeoutError):
                await self._stream.ready()
                answer = await self._stream.send(pending.commit)
                async with asyncio.timeout(self._ack_wait_s):
                    await answer
                return
            await asyncio.sleep(0.1)

    return _instead(FencedAppender, "_settle", settle)


def acknowledges_before_the_log() -> AbstractContextManager[None]:
    """A publisher that tells its caller when the frame is sent, not when it is stored."""
    store = FramePublisher._store

    async def at_once(self: FramePublisher, frame: bytes, message_id: str) -> Ack:
        storing = asyncio.create_task(store(self, frame, message_id))
        await asyncio.wait([storing], timeout=0.5)
        if storing.done():
            self._last = storing.result().seq  # type: ignore[attr-defined]
            return storing.result()
        return Ack(getattr(self, "_last", 0) + 1)

    return _instead(FramePublisher, "_store", at_once)


def gives_a_frame_a_new_id_each_time() -> AbstractContextManager[None]:
    """A publisher whose resends the stream cannot know again. The core knows the facts: nothing may break."""
    count = iter(range(1 << 30))

    async def anew(self: FramePublisher, frame: bytes, message_id: str) -> Ack:
        while True:
            with contextlib.suppress(Unanswered, TimeoutError):
                await self._stream.ready()
                answer = await self._stream.send(frame, message_id=f"{message_id}-{next(count)}")
                async with asyncio.timeout(self._ack_wait_s):
                    return await answer
            await asyncio.sleep(0.1)

    return _instead(FramePublisher, "_store", anew)


def skips_after_a_lost_consumer() -> AbstractContextManager[None]:
    """A follower that goes on one message too late."""
    goes_on = following._continue

    def skipping(stream: str, next_seq: int, messages: list[Any]) -> list[Any]:
        return goes_on(stream, messages[0].seq if messages and messages[0].seq > next_seq else next_seq, messages)

    def following_on(stream: str, from_seq: int, deliveries: Any) -> Any:
        consumers = iter(range(1 << 30))
        return follow(stream, from_seq, lambda first: deliveries(first if next(consumers) == 0 else first + 1))

    follow = following.following
    return _both(_instead(following, "_continue", skipping), _instead(memory, "following", following_on))


def folds_what_comes_again() -> AbstractContextManager[None]:
    """A follower that hands on what it was given, twice if it comes twice."""

    def as_it_comes(_stream: str, _next_seq: int, messages: list[Any]) -> list[Any]:
        return messages

    return _instead(following, "_continue", as_it_comes)


def forgets_a_commit_of_a_batch() -> AbstractContextManager[None]:
    """A feed that folds the first of three commits that come at once, and the last."""
    fold = Feed._fold

    async def some(self: Feed, messages: list[Any]) -> None:
        await fold(self, messages if len(messages) < 3 else [messages[0], *messages[2:]])

    return _instead(Feed, "_fold", some)


def marks_before_the_log() -> AbstractContextManager[None]:
    """An intake that calls a fact published before the log has it: half a second before, in which not every seed kills it."""

    async def forward(self: Intake, acceptance: Any) -> Any:
        await self._vault.published(acceptance.fact_id)
        await asyncio.sleep(0.5)
        await self._publish(acceptance.fact)
        return acceptance

    return _instead(Intake, "_forward", forward)


def never_sweeps() -> AbstractContextManager[None]:
    """An intake that forgets what was pending when its process died."""

    async def sweep(_self: Intake) -> None:
        await asyncio.Event().wait()

    return _instead(Intake, "sweep", sweep)


def answers_with_the_repeats_own_place() -> AbstractContextManager[None]:
    """An API that tells a repeat's place instead of the place of what it repeats."""
    resolve = Outcomes._resolve

    async def own(self: Outcomes, commit: Any, index: int) -> Any:
        outcome = await resolve(self, commit, index)
        return type(outcome)(commit.seq, outcome.at_ms, outcome.events, outcome.repeated)

    return _instead(Outcomes, "_resolve", own)


def calls_every_outcome_accepted() -> AbstractContextManager[None]:
    """An API that answers when the fact is durable, whatever the router says of it."""

    def accepted(commit: Any, _index: int, _verdict: Any, *, repeated: bool) -> Any:
        return outcomes.Outcome(commit.seq, commit.at_ms, (), repeated)

    return _instead(outcomes, "_outcome", accepted)


def reads_on_where_it_should_begin() -> AbstractContextManager[None]:
    """A router that, once it leads, goes on with the frame after the one it should."""
    init = Inbox.__init__

    def later(self: Inbox, log: Any, from_seq: int, arrived: Any) -> None:
        init(self, log, from_seq + 2 * (from_seq > 3), arrived)

    return _instead(Inbox, "__init__", later)


def trusts_a_snapshot() -> AbstractContextManager[None]:
    """A recovery that does not look whether a snapshot is what its name says."""

    def restore(_name: Any, data: bytes) -> Router:
        return Router.restore(data)

    return _instead(snapshots, "_restore", restore)


def keeps_a_snapshot_too_early() -> AbstractContextManager[None]:
    """A router that keeps a snapshot before its position is durable, and takes any that has a name."""

    async def reached(_self: Window, _seq: int) -> None:
        return

    async def load(log: Any, core: Any, name: Any) -> Any:
        data = await log.snapshots.get(str(name))
        return await core.run(lambda: Router.restore(data))

    return _both(_instead(Window, "reached", reached), _instead(snapshots, "_load", load))


CAUGHT: dict[str, tuple[Mutant, int, int]] = {
    "decides_again": (decides_again, 2, 60),
    "takes_a_strangers_commit_for_its_own": (takes_a_strangers_commit_for_its_own, 2, 60),
    "appends_without_a_fence": (appends_without_a_fence, 1, 60),
    "acknowledges_before_the_log": (acknowledges_before_the_log, 1, 60),
    "skips_after_a_lost_consumer": (skips_after_a_lost_consumer, 4, 60),
    "folds_what_comes_again": (folds_what_comes_again, 1, 60),
    "forgets_a_commit_of_a_batch": (forgets_a_commit_of_a_batch, 1, 60),
    "marks_before_the_log": (marks_before_the_log, 10, 60),
    "never_sweeps": (never_sweeps, 4, 200),
    "answers_with_the_repeats_own_place": (answers_with_the_repeats_own_place, 1, 60),
    "calls_every_outcome_accepted": (calls_every_outcome_accepted, 1, 60),
    "reads_on_where_it_should_begin": (reads_on_where_it_should_begin, 1, 60),
    "trusts_a_snapshot": (trusts_a_snapshot, 74, 200),
    "keeps_a_snapshot_too_early": (keeps_a_snapshot_too_early, 74, 200),
}
"""Each mutant, the first seed that found it when this was written, and within how many seeds from 1 on it is found in any case.
(A seed is another run after any change: the first one is only a good place to begin.)"""
