"""QuarantineService: what could not be read, and what an operator decides of it."""

import asyncio
import contextlib
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import TypeVar

from cordboard import codec
from cordboard.api.guard import Context
from cordboard.api.ids import quarantine_fact_id
from cordboard.api.site import Site
from cordboard.api.tokens import Ordinal
from cordboard.api.translate.check import Check
from cordboard.api.translate.quarantine import (
    QUARANTINE_STATES,
    STATE_NUMBERS,
    bytes_of,
    facts_in,
    quarantined_row,
    readable,
    word_of,
)
from cordboard.errors import Conflict, FactRefused, InvalidInput, NotFound, OutcomeUnknown
from cordboard.events.event import QuarantineEnded
from cordboard.events.fact import QuarantineEndRequested, QuarantineOutcome
from cordboard.events.verdict import AGENT_UNAVAILABLE, OF_ONE_AGENT
from cordboard.log.port import FactPosition, Frame
from cordboard.projections.quarantine import Place, PutAside, State
from cordboard.v1 import quarantine_service_pb2 as pb
from cordboard.v1.quarantine_service_pb2_grpc import QuarantineServiceServicer

PAGE_MAX = 200
PAGE_DEFAULT = 50
READ_AT_ONCE = 8
"""Messages of the inbox: each may have 64 KiB."""
SAID_AT_ONCE = 256
LOOK_S = 0.25
GONE = "the bytes are gone: the inbox was trimmed, or is another one than then"
T = TypeVar("T")
STATES: tuple[State, ...] = ("open", "retried", "discarded")


class QuarantineService(QuarantineServiceServicer):
    """Reads from a fold of this process, and bytes from the inbox."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def ListQuarantined(self, request: pb.ListQuarantinedRequest, context: Context) -> pb.ListQuarantinedResponse:
        check = Check()
        page_size = check.number("page_size", request.page_size or PAGE_DEFAULT, 1, PAGE_MAX)
        state = check.choice("state", request.state, QUARANTINE_STATES, None)
        check.finish()
        bound_to = b"ListQuarantined" + f"{request.state}".encode()
        cursor = self._site.tokens.cursor(bound_to, request.page_token, tuple[Ordinal, Ordinal])
        await self._site.reach(request.consistency_token)
        # No await between these: all of it is of one position.
        seq, summary = self._site.feed.position, self._site.quarantine.summary()
        held = self._site.quarantine.page(STATES if state is None else (state,), cursor, page_size + 1)
        early = self._site.quarantine.early(cursor, page_size + 1) if state in (None, "open") else []
        places = sorted([*early, *(one.place for one in held)])
        more, places = len(places) > page_size, places[:page_size]
        known = {one.place: one for one in held} | await self._recalled(set(early).intersection(places))
        found = [known[place] for place in places if place in known]
        people = await self._site.shown.before(one.by for one in found)
        frames = await self._frames(found)
        return pb.ListQuarantinedResponse(
            quarantined=[quarantined_row(one, frames.get(one.inbox_seq), people) for one in found],
            next_page_token=self._site.tokens.page(bound_to, places[-1]) if more else "",
            open=summary.open,
            untold=summary.untold,
            consistency_token=self._site.token(seq),
        )

    async def GetQuarantined(self, request: pb.GetQuarantinedRequest, context: Context) -> pb.GetQuarantinedResponse:
        check = Check()
        place = check.place("quarantine_id", request.quarantine_id)
        check.finish()
        await self._site.reach(request.consistency_token)
        one = await self._find(place, request.quarantine_id)
        frame = await self._frame(one)
        people = await self._site.shown.before([one.by])
        data = None if frame is None else bytes_of(one, frame)
        if data is None:
            return pb.GetQuarantinedResponse(quarantined=quarantined_row(one, frame, people), problem=GONE)
        try:
            facts_in(one, data)
            problem = ""
        except InvalidInput as error:
            problem = str(error)
        withheld = not self._site.shown.rules.individual_history
        return pb.GetQuarantinedResponse(
            quarantined=quarantined_row(one, frame, people),
            data=b"" if withheld else data,
            word=word_of(one, data),
            readable="" if withheld else readable(one, data),
            problem=problem,
            withheld=withheld,
        )

    async def RetryQuarantined(self, request: pb.RetryQuarantinedRequest, context: Context) -> pb.RetryQuarantinedResponse:
        check = Check()
        check.uuid("request_id", request.request_id)
        place = check.place("quarantine_id", request.quarantine_id)
        reason = check.name_or_none("reason", request.reason)
        check.person_or_none("by", request.by)
        check.finish()
        one = await self._open(place, request.quarantine_id, "retried")
        if one is None:
            return pb.RetryQuarantinedResponse(state=pb.QUARANTINE_STATE_RETRIED, consistency_token=self._site.token())
        end = await self._end(one, "retried", request.by, reason)
        # Before anything is said: a decision that would be refused afterwards is none.
        await self._site.refuse_unknown_words(end)
        results: list[pb.RetriedFact] = []
        for facts in _batches(await self._facts(one), SAID_AT_ONCE):
            results += await self._say_again(facts)
        if any(result.verdict == "refused" for result in results):
            state: State = "open"
        else:
            # What the router put aside once more stands at a new place, with the same bytes.
            state = await self._settle(end)
        return pb.RetryQuarantinedResponse(facts=results, state=STATE_NUMBERS[state], consistency_token=self._site.token())

    async def DiscardQuarantined(self, request: pb.DiscardQuarantinedRequest, context: Context) -> pb.DiscardQuarantinedResponse:
        check = Check()
        check.uuid("request_id", request.request_id)
        place = check.place("quarantine_id", request.quarantine_id)
        reason = check.name("reason", request.reason)
        check.person("by", request.by)
        check.finish()
        one = await self._open(place, request.quarantine_id, "discarded")
        if one is not None and await self._settle(await self._end(one, "discarded", request.by, reason)) != "discarded":
            raise _ended(one, "retried")
        return pb.DiscardQuarantinedResponse(consistency_token=self._site.token())

    async def _find(self, place: Place, name: str) -> PutAside:
        """What is listed as `name`, which says `place`. Raises NotFound, also if another stands there since the journal lost its
        end."""
        if (one := await self._known(place)) is None:
            await self._site.catch_up()
            one = await self._known(place)
        if one is None or one.name != name:
            raise NotFound(f"nothing was put aside as {name}, or it was long ago", reason="unknown_quarantine")
        return one

    async def _known(self, place: Place) -> PutAside | None:
        if (one := self._site.quarantine.get(place)) is not None or not self._site.quarantine.needs_commit(place):
            return one
        return (await self._recalled([place])).get(place)

    async def _recalled(self, places: Iterable[Place]) -> dict[Place, PutAside]:
        """Those of which the fold has the places only, out of the journal, as far as it was not trimmed. Raises LogUnavailable."""
        found: dict[Place, PutAside] = {}
        for seq, at in groupby(sorted(places), key=itemgetter(0)):
            with contextlib.suppress(NotFound):
                commit = codec.decode_commit((await self._site.log.read_commit(seq)).data)
                recalled = [self._site.quarantine.recall(place, commit) for place in at]
                found |= {one.place: one for one in recalled if one is not None}
        return found

    async def _open(self, place: Place, name: str, wanted: QuarantineOutcome) -> PutAside | None:
        """What is listed so and is open; None if it was decided so already. Raises NotFound, Conflict."""
        # Elsewhere somebody may have decided a moment ago.
        await self._site.catch_up()
        one = await self._find(place, name)
        if one.outcome is not None and one.outcome != wanted:
            raise _ended(one, one.outcome)
        return one if one.outcome is None else None

    async def _frame(self, one: PutAside) -> Frame | None:
        """The message of the inbox that holds it; None if that is gone. Raises LogUnavailable."""
        if one.inbox_id != self._site.log.inbox_id:
            return None
        try:
            return await self._site.log.read_frame(one.inbox_seq)
        except NotFound:
            return None

    async def _frames(self, found: list[PutAside]) -> dict[int, Frame | None]:
        """Each message once, by position, a few at a time."""
        first = {one.inbox_seq: one for one in found if one.inbox_id == self._site.log.inbox_id}
        frames: dict[int, Frame | None] = {}
        for batch in _batches(list(first.values()), READ_AT_ONCE):
            read = await asyncio.gather(*(self._frame(one) for one in batch))
            frames.update(zip((one.inbox_seq for one in batch), read, strict=True))
        return frames

    async def _facts(self, one: PutAside) -> list[bytes]:
        """Raises Conflict: bytes_gone, still_unreadable."""
        frame = await self._frame(one)
        data = None if frame is None else bytes_of(one, frame)
        if data is None:
            raise Conflict(GONE, reason="bytes_gone")
        try:
            return facts_in(one, data)
        except InvalidInput as error:
            raise Conflict(f"this release cannot read it: {error}; nothing was published", reason="still_unreadable") from error

    async def _say_again(self, facts: list[bytes]) -> list[pb.RetriedFact]:
        """Published in their order, and what became of each. Raises LogUnavailable, Overloaded, OutcomeUnknown: ask again."""
        answers = await asyncio.gather(*(self._decided(fact) for fact in facts), return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        return [answer for answer in answers if not isinstance(answer, BaseException)]

    async def _decided(self, data: bytes) -> pb.RetriedFact:
        # Verbatim: a field that only a newer release knows must not be lost on the way.
        fact = codec.decode_fact(data)
        said = pb.RetriedFact(fact_id=fact.fact_id.hex(), word=type(fact).__name__)
        with self._site.outcomes.expect(fact.fact_id) as outcome:
            position = await self._site.publisher.publish(data)
            decision = asyncio.ensure_future(outcome())
            try:
                while not decision.done():
                    if (again := self._at(position)) is not None:
                        return _told(said, "quarantined", again.place[0], again.reason)
                    await asyncio.wait([decision], timeout=LOOK_S)
                done = decision.result()
            except FactRefused as refusal:
                hidden = refusal.reason in OF_ONE_AGENT and not self._site.shown.rules.individual_live
                return _told(said, "refused", 0, AGENT_UNAVAILABLE if hidden else refusal.reason)
            finally:
                decision.cancel()
        return _told(said, "duplicate" if done.repeated else "accepted", done.seq)

    def _at(self, position: FactPosition) -> PutAside | None:
        """A fact that the router cannot read has no id by which its verdict could be known."""
        return self._site.quarantine.at(self._site.log.inbox_id, position.inbox_seq, position.index)

    async def _end(self, one: PutAside, outcome: QuarantineOutcome, by: str, reason: str | None) -> QuarantineEndRequested:
        actor = await self._site.people.actor(by)
        return QuarantineEndRequested(quarantine_fact_id(self._site.log.site, one.name), *one.place, outcome, actor, reason)

    async def _settle(self, end: QuarantineEndRequested) -> State:
        """The decision that stands: this one, or one that came first."""
        done = await self._site.command(end)
        event = done.first(QuarantineEnded)
        if event is None:
            raise OutcomeUnknown(f"commit {done.seq} does not say what became of it")
        return event.outcome


def _ended(one: PutAside, outcome: str) -> Conflict:
    return Conflict(f"{one.name} was {outcome} already", reason="quarantine_ended")


def _told(said: pb.RetriedFact, verdict: str, seq: int, reason: str = "") -> pb.RetriedFact:
    said.verdict, said.seq, said.reason = verdict, seq, reason
    return said


def _batches(items: list[T], size: int) -> Iterator[list[T]]:
    for at in range(0, len(items), size):
        yield items[at : at + size]
