"""The promises, held against what the journal says in the end and what the outside was told on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from cordboard import codec
from cordboard._core import CoreError, Router
from cordboard.events import event as words
from cordboard.events import fact as facts
from cordboard.events.commit import INPUT_TAG, Commit, Input
from cordboard.events.verdict import Accepted, Duplicate, Refused
from cordboard.log.memory import MemoryLog, MemoryServer
from cordboard.log.port import Stored
from cordboard.projections.boards import Boards
from cordboard.projections.desks import Desks
from cordboard.projections.history.store import store
from cordboard.router.verify import verify
from tests.sim.database import InlineEngine, second_history
from tests.sim.ledger import Ledger
from tests.sim.site import SITE

AT_THE_DOOR = ("unknown_queue",)
"""The API refuses a word that the policy lacks before anything is written."""


class Auditor:
    """Folds every commit the moment it is stored: the first broken promise is found where it was broken."""

    def __init__(self, report: Callable[[str], None]) -> None:
        self._router = Router(SITE)
        self._report = report
        self._consumed: tuple[bytes, int, int] | None = None
        self._broken = False

    def stored(self, message: Stored) -> None:
        if self._broken:
            return
        try:
            self._router.apply(message.data)
        except CoreError as error:
            self._break(f"commit {message.seq} does not follow: {error}")
            return
        for violation in self._router.check():
            self._break(f"after commit {message.seq}: {violation}")
        position = self._router.position()
        consumed = (position.inbox_id or b"", position.inbox_seq, position.facts_done)
        if self._consumed is not None and consumed < self._consumed:
            self._break(f"commit {message.seq}: consumed falls from {self._consumed[1:]} to {consumed[1:]}")
        self._consumed = consumed

    def _break(self, what: str) -> None:
        self._broken = True
        self._report(what)


@dataclass(frozen=True, slots=True)
class Decision:
    """The input that decided a fact, as opposed to its duplicates."""

    commit: Commit
    index: int
    body: Input


class Journal:
    """What the journal holds, read once."""

    def __init__(self, server: MemoryServer) -> None:
        self.commits = [codec.decode_commit(message.data) for message in server.journal.messages]
        self.decided: dict[bytes, list[Decision]] = {}
        self.inputs: dict[tuple[int, int], Input] = {}
        for commit in self.commits:
            for index, entry in enumerate(commit.entries):
                if entry.tag == INPUT_TAG:
                    self._input(commit, index, codec.decode_input(entry))

    def _input(self, commit: Commit, index: int, body: Input) -> None:
        self.inputs[body.inbox_seq, body.index] = body
        fact_id = codec.fact_id(body.fact)
        if fact_id is not None and not isinstance(body.verdict, Duplicate):
            self.decided.setdefault(fact_id, []).append(Decision(commit, index, body))


async def check(server: MemoryServer, ledger: Ledger) -> list[str]:
    """Every promise that does not hold, in words; empty is good."""
    broken = list(ledger.broken)
    if broken:  # the run was ended there
        return broken
    report = await verify(MemoryLog(SITE, server=server))
    broken += [f"commit {finding.seq} decides otherwise: {finding.what}" for finding in report.divergences]
    broken += [f"commit {finding.seq}: {finding.what}" for finding in report.violations]
    if report.lost:
        broken.append(f"{report.lost} facts of the inbox are lost")
    if report.divergences or report.violations:
        return broken
    journal = Journal(server)
    broken += _acknowledged(server, ledger, journal)
    broken += _told(ledger, journal)
    broken += _letters(ledger, journal)
    broken += _one_agent(journal)
    return broken


def _acknowledged(server: MemoryServer, ledger: Ledger, journal: Journal) -> Iterator[str]:
    for fact, place in ledger.acknowledged:
        fact_id = codec.fact_id(fact)
        assert fact_id is not None
        name = fact_id.hex()[:8]
        frame = server.inbox.messages[place.inbox_seq - 1].data if place.inbox_seq <= len(server.inbox.messages) else b"\x90"
        stands = codec.decode_frame(frame)
        if place.index >= len(stands) or stands[place.index] != fact:
            yield f"fact {name} was acknowledged at {place.inbox_seq}/{place.index}, where it is not"
            continue
        body = journal.inputs.get((place.inbox_seq, place.index))
        if body is None or body.fact != fact:
            yield f"fact {name} was acknowledged at {place.inbox_seq}/{place.index} and is not in the journal"
        elif len(journal.decided.get(fact_id, ())) != 1:
            yield f"fact {name} was decided {len(journal.decided.get(fact_id, ()))} times"


def _told(ledger: Ledger, journal: Journal) -> Iterator[str]:
    for told in ledger.told:
        name = told.fact_id.hex()[:8]
        decisions = journal.decided.get(told.fact_id)
        if not decisions and told.reason in AT_THE_DOOR:
            continue
        if not decisions:
            yield f"an outcome was told of fact {name}, which the journal does not have"
            continue
        decision, verdict = decisions[0], decisions[0].body.verdict
        if told.reason is not None:
            if verdict != Refused(told.reason):
                yield f"fact {name} was told to be refused ({told.reason}), the journal says {verdict}"
        elif not isinstance(verdict, Accepted) or told.seq != decision.commit.seq:
            yield f"fact {name} was told to be accepted at {told.seq}, the journal says {verdict} at {decision.commit.seq}"
        elif told.events != _events(decision):
            yield f"fact {name} was told other events than commit {decision.commit.seq} has"


def _events(decision: Decision) -> tuple[Any, ...]:
    entries = decision.commit.entries
    return tuple((each, codec.decode_event(each)) for each in entries if each.cause == decision.index and each.tag != INPUT_TAG)


def _letters(ledger: Ledger, journal: Journal) -> Iterator[str]:
    """Every letter that was acknowledged to its sender is one arrival: a contact, or part of one."""
    accepted: dict[bytes, int] = {}
    for decisions in journal.decided.values():
        for decision in decisions:
            fact = codec.decode_fact(decision.body.fact)
            if isinstance(fact, facts.ContactArrived) and decision.body.verdict == Accepted():
                accepted[fact.contact] = accepted.get(fact.contact, 0) + 1
    for (gateway, external_id), (contact, _) in ledger.letters.items():
        if accepted.get(contact, 0) != 1:
            yield f"letter {external_id} of {gateway} stands {accepted.get(contact, 0)} times in the journal"


def _one_agent(journal: Journal) -> Iterator[str]:
    """A contact has one live primary at most, from the words alone."""
    held: dict[bytes, dict[int, bytes | None]] = {}
    for commit in journal.commits:
        for entry in commit.entries:
            if entry.tag == INPUT_TAG or entry.contact is None:
                continue
            event = codec.decode_event(entry)
            hands = held.setdefault(entry.contact, {})
            match event:
                case words.EngagementStarted(attempt=attempt, role="primary"):
                    hands[attempt] = entry.agent
                    if len(hands) > 1:
                        yield f"commit {commit.seq}: contact {entry.contact.hex()[:8]} has {len(hands)} agents"
                case words.EngagementEnded(attempt=attempt):
                    hands.pop(attempt, None)
                case words.ContactEnded() if hands:
                    yield f"commit {commit.seq}: contact {entry.contact.hex()[:8]} ended and has an agent still"
                case _:
                    pass


def projections(server: MemoryServer, boards: Boards, desks: Desks, seen: int) -> Iterator[str]:
    """What a process shows that lived through all of it, against a fold of the same journal in one go."""
    if seen != len(server.journal.messages):
        yield f"a projection stands at {seen}, the journal ends at {len(server.journal.messages)}"
        return
    again_boards, again_desks = Boards(), Desks()
    for message in server.journal.messages:
        commit = codec.decode_commit(message.data)
        again_boards.apply(message.seq, commit)
        again_desks.apply(message.seq, commit)
    if desks.contacts() != again_desks.contacts():
        yield "the desks show other contacts than the journal has"
    for agent in again_desks.agents():
        if desks.desk(agent) != again_desks.desk(agent):
            yield f"the desk of {agent.rstrip(b'.').decode()} is not what the journal has"
    if (boards.site(), boards.queues(), boards.agents()) != (again_boards.site(), again_boards.queues(), again_boards.agents()):
        yield "the boards are not what the journal has"


async def folded_at_once(server: MemoryServer) -> dict[str, list[Any]]:
    """The history's tables as one transaction makes them of the whole journal."""
    database = second_history()
    database.begin_anew()
    engine: Any = InlineEngine(database)
    await store(engine, [codec.decode_commit(message.data) for message in server.journal.messages])
    return database.rows()
