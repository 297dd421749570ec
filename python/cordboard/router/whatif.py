"""What if another policy had been in force: exact up to the first decision that differs, an estimate after it.

Facts are exogenous (people come, log in, lose patience) or responses to a decision (they accept, talk, finish). As long as both
policies decide alike, every response is the recorded one. After the first difference the responses are modelled from recorded
durations (see `estimate`), so that figures from there on are an estimate and say so.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import msgspec

from cordboard import codec
from cordboard._core import Router
from cordboard.errors import InvalidInput
from cordboard.events import event as events
from cordboard.events import fact as facts
from cordboard.events.commit import INPUT_TAG, Commit
from cordboard.events.verdict import Accepted, Refused
from cordboard.log.port import Journal, Stored
from cordboard.router import courses, snapshots
from cordboard.router.core import CoreThread
from cordboard.router.courses import EFFECTS, Courses, Read, Said
from cordboard.router.estimate import Estimate
from cordboard.router.kpi import Kpi, Kpis
from cordboard.router.reading import commits_between, patiently
from cordboard.router.recovery import fold
from cordboard.router.replay import bounds

LABEL = (
    "estimate: arrivals, presence and patience as recorded; answers, conversations and wrap-ups as long as recorded, by whoever "
    "has the contact; everybody accepts; consults and picks are left out"
)
INBOX = b"what-if inbox id"
"""Of none that was recorded: facts are numbered anew."""
UNSAID = (facts.PolicyPublished, facts.LevelRequested, *EFFECTS)
NEUTRAL = (
    *(events.RouterTookOver, events.RouterSteppedDown, events.DeadlinesShifted, events.PolicyAdopted, events.SweepAdvanced),
    *(events.EffectRequested, events.EffectEnded, events.EffectRetried, events.QuarantineEnded, events.LevelAdopted),
)
NO_DECISION = {word.__struct_config__.tag for word in NEUTRAL}
"""Events that differ between any two routers, or by the policy's own text, or stand apart from routing."""
TOOK_OVER = events.RouterTookOver.__struct_config__.tag
STEPPED_DOWN = events.RouterSteppedDown.__struct_config__.tag
ENGAGEMENT_STARTED = events.EngagementStarted.__struct_config__.tag
NAMES = {word.__struct_config__.tag: word.__name__ for word in events.EVENTS}

Progress = Callable[[str, int, int], None]
Compiled = Callable[[int], bytes]
"""The policy, compiled as this version."""
Sign = tuple[int, bytes | None, bytes | None, str]


class Compared(msgspec.Struct, frozen=True):
    """A queue in the record, and under the other policy."""

    queue: str
    recorded: Kpi
    instead: Kpi


class WhatIf(msgspec.Struct, kw_only=True):
    """`diverged_seq`: the first recorded commit that is decided otherwise (None: none, and all figures are exact)."""

    first_seq: int
    last_seq: int
    label: str = LABEL
    diverged_seq: int | None = None
    difference: str = ""
    queues: list[Compared] = []
    modelled: int = 0
    """Responses that are not the recorded ones."""
    not_modelled: dict[str, int] = {}


async def what_if(log: Journal, compiled: Compiled, *, from_seq: int = 1, to_seq: int | None = None, progress: Progress) -> WhatIf:
    """Commits `from_seq` to `to_seq` (None: the end as it is now) with another policy in force all the time.

    Holds the facts of the estimated part in memory. `progress(what, done, of)` is called on the way.
    Raises InvalidInput if the positions or the policy cannot be used.
    """
    from_seq, to_seq = await bounds(log, from_seq, to_seq)
    async with CoreThread() as core:
        router = await snapshots.newest(log, core, from_seq - 1) or Router(log.site)
        await fold(log, core, router, from_seq - 1)
        run = _Run(router, compiled, WhatIf(first_seq=from_seq, last_seq=to_seq), await _policy_before(log, from_seq))
        async with contextlib.aclosing(commits_between(log, from_seq, to_seq)) as batches:
            async for batch in batches:
                await core.run(partial(run.read, batch))
                progress("comparing", batch[-1].seq - from_seq + 1, to_seq - from_seq + 1)
        return await core.run(partial(run.end, progress))


async def _policy_before(log: Journal, seq: int) -> int:
    """The version in force when commit `seq` was begun (0: none). Its own head names the one in force behind it."""
    if seq == 1:
        return 0
    stored = await patiently(lambda: log.read_commit(seq - 1), f"commit {seq - 1}")
    return codec.decode_commit(stored.data).policy


class _Run:
    """One question. Its methods run on the core's thread, one at a time."""

    def __init__(self, router: Router, compiled: Compiled, report: WhatIf, version: int) -> None:
        self._router, self._compiled, self._report = router, compiled, report
        self._version = version
        self._inbox_seq = 0
        self._published = False
        self._recorded, self._decided = _Signs(), _Signs()
        self._courses = Courses()
        self._engaged: dict[bytes, int] = {}
        self._said: list[Said] = []
        self._kpis, self._instead = Kpis(), Kpis()
        self._since: list[bytes] = []
        """What the router decided in the commit that differs."""
        self._at_ms = 0

    def read(self, batch: Sequence[Stored]) -> None:
        for stored in batch:
            commit = codec.decode_commit(stored.data)
            before = self._begin(commit) if commit.seq == self._report.first_seq else []
            self._at_ms = commit.at_ms
            estimated = self._report.diverged_seq is not None
            entries = courses.read(commit)
            if not estimated:
                self._compare(commit, entries, before)
            said = list(self._courses.fold(commit.at_ms, entries))
            if estimated:
                self._said.extend(said)
            for entry in commit.entries:
                self._kpis.fold(entry)

    def end(self, progress: Progress) -> WhatIf:
        report = self._report
        if report.diverged_seq is not None:
            estimate = Estimate(
                self._router, self._inbox_seq, self._router.position().at_ms, self._courses, self._engaged, self._instead
            )
            estimate.follow(self._since)
            begin_ms = self._router.position().at_ms
            estimate.run(self._said, self._at_ms, lambda at_ms: progress("estimating", at_ms - begin_ms, self._at_ms - begin_ms))
            report.modelled = estimate.modelled
        report.not_modelled = dict(self._courses.not_modelled)
        names = sorted(self._kpis.queues.keys() | self._instead.queues.keys())
        report.queues = [Compared(name, self._kpis.queues[name], self._instead.queues[name]) for name in names]
        return report

    def _begin(self, commit: Commit) -> list[bytes]:
        """A new epoch with the other policy, unless the record begins here, and what is decided at once because of it."""
        if commit.seq == 1:
            return []
        at_ms = self._router.position().at_ms
        self._router.take_over(INBOX, at_ms)
        return self._publish(at_ms)

    def _publish(self, at_ms: int) -> list[bytes]:
        """The other policy, as the version that follows."""
        self._published = True
        fact = facts.PolicyPublished(bytes(15) + b"\x01", self._compiled(self._version + 1))
        commits = self._step([(at_ms, codec.encode(fact))], at_ms)
        for entry in (entry for commit in commits for entry in codec.decode_commit(commit).entries):
            if entry.tag == INPUT_TAG and isinstance(verdict := codec.decode_input(entry).verdict, Refused):
                raise InvalidInput(f"the policy is refused there: {verdict.reason}")
        return commits

    def _compare(self, commit: Commit, entries: Sequence[Read], before: list[bytes]) -> None:
        """Let the router decide on the same facts at the same time. `before`: what it has decided since the commit before."""
        told: list[tuple[int, bytes]] = []
        decided: list[bytes] = []
        for each in entries:
            if each.said is not None:
                if isinstance(each.fact, facts.PolicyPublished) and not self._published:
                    decided += self._publish(commit.at_ms)
                elif each.fact is not None and not isinstance(each.fact, UNSAID):
                    told.append((each.said.stored_ms, each.said.fact))
            elif each.entry.tag == TOOK_OVER:
                decided.append(self._router.take_over(INBOX, commit.at_ms))
            elif each.entry.tag == STEPPED_DOWN:
                decided.append(self._router.step_down(commit.at_ms))
        decided += self._step(told, commit.at_ms) if told or not decided else []
        self._differ(commit, entries, before + decided)

    def _differ(self, commit: Commit, entries: Sequence[Read], decided: list[bytes]) -> None:
        commits = [codec.decode_commit(data) for data in decided]
        self._recorded.fold(entries)
        for each in commits:
            self._decided.fold(courses.read(each))
        difference = self._recorded.difference(self._decided, settled=not commit.continued)
        if difference is None:
            for each in commits:
                self._note(each)
            return
        self._report.diverged_seq, self._report.difference = commit.seq, difference
        self._since = decided
        self._courses.begin()

    def _note(self, commit: Commit) -> None:
        for entry in commit.entries:
            self._instead.fold(entry)
            if entry.tag == ENGAGEMENT_STARTED and entry.contact is not None:
                self._engaged[entry.contact] = self._engaged.get(entry.contact, 0) + 1

    def _step(self, told: list[tuple[int, bytes]], at_ms: int) -> list[bytes]:
        """Facts, each with when it was stored, in a turn at `at_ms`."""
        frames = []
        for stored_ms, fact in told:
            self._inbox_seq += 1
            frames.append((self._inbox_seq, stored_ms, codec.encode_frame([fact])))
        return self._router.step(frames, at_ms)


class _Signs:
    """What was decided about whom, and not yet found on the other side."""

    def __init__(self) -> None:
        self.open: list[Sign] = []

    def fold(self, entries: Sequence[Read]) -> None:
        self.open.extend(_signs(entries))

    def difference(self, other: _Signs, *, settled: bool) -> str | None:
        """None: the same so far. Forgets what both have. `settled`: nothing more of this turn is to come."""
        for mine, theirs in zip(self.open, other.open, strict=False):
            if mine != theirs:
                return f"recorded {_name(mine)}, decided {_name(theirs)}"
        same = min(len(self.open), len(other.open))
        del self.open[:same], other.open[:same]
        if settled and (self.open or other.open):
            return f"recorded {_name(self.open[0])}, decided nothing" if self.open else f"decided {_name(other.open[0])} besides"
        return None


def _signs(entries: Sequence[Read]) -> Iterator[Sign]:
    for each in entries:
        entry = each.entry
        if each.said is not None:
            if each.fact is not None and not isinstance(each.fact, UNSAID):
                verdict = each.said.verdict
                word = "accepted" if isinstance(verdict, Accepted) else verdict.reason if isinstance(verdict, Refused) else "repeat"
                yield 0, entry.contact, entry.agent, word
        elif entry.tag not in NO_DECISION:
            yield entry.tag, entry.contact, entry.agent, ""


def _name(sign: Sign) -> str:
    """A decision for people."""
    tag, contact, agent, word = sign
    what = f"a fact {word}" if tag == INPUT_TAG else NAMES[tag]
    about = [f"contact {contact.hex()}"] if contact else []
    about += [f"agent {agent.hex()}"] if agent else []
    return " ".join([what, *about])
