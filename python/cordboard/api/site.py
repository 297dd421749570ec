"""What every service stands on: the site's log, vault and views, and the two things one does with them: command and read."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from cordboard import codec
from cordboard.api.attendance import Attendance
from cordboard.api.declared import Declared
from cordboard.api.monitoring import Shown
from cordboard.api.outcomes import Outcome, Outcomes
from cordboard.api.people import People
from cordboard.api.signals import Signals
from cordboard.api.status import Draining, TokenExpired
from cordboard.api.tokens import Tokens
from cordboard.branch import Position
from cordboard.doors import Doors
from cordboard.effects import Effects
from cordboard.errors import FactRefused, LogUnavailable, OutcomeUnknown, Overloaded
from cordboard.events import Commit, Fact
from cordboard.events.verdict import REFUSALS
from cordboard.log.feed import Feed
from cordboard.log.port import Publisher, SiteLog
from cordboard.missed import MissedContacts
from cordboard.next_steps import NextSteps
from cordboard.numbers import CallableNumbers
from cordboard.projections.boards import Boards
from cordboard.projections.desks import Desks
from cordboard.projections.history import HistoryReader
from cordboard.projections.quarantine import Quarantine
from cordboard.projections.slas import Slas
from cordboard.promises import Promises
from cordboard.room import Room
from cordboard.router.explain import Explainer
from cordboard.vault import Acceptance, Draft, Vault
from cordboard.vault.address import PHONE, spelled
from cordboard.vault.erasure import Erasure
from cordboard.vault.intake import Intake

GATEWAY = "api"
CATCH_UP_S = 1.0
BACKLOG_FRAMES_MAX = 2_000
BACKLOG_AGE_MS_MAX = 5_000
ARRIVING_MAX = 512
FILES_MAX = 16


@dataclass(slots=True)
class Site:
    """One site as this API process serves it. `attach` before the feed runs; `publisher` and `intake` while it serves."""

    log: SiteLog
    vault: Vault
    boards: Boards
    desks: Desks
    feed: Feed
    history: HistoryReader
    publisher: Publisher
    intake: Intake
    outcomes: Outcomes
    declared: Declared
    effects: Effects
    quarantine: Quarantine
    doors: Doors
    promises: Promises
    slas: Slas
    missed: MissedContacts
    next_steps: NextSteps
    signals: Signals
    people: People
    shown: Shown
    tokens: Tokens
    erasure: Erasure
    explainer: Explainer
    attendance: Attendance
    numbers: CallableNumbers
    draining: asyncio.Event = field(default_factory=asyncio.Event)
    files: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(FILES_MAX))
    """Held while an attachment is on its way: each stands in memory as a whole."""
    arriving: Room = field(default_factory=lambda: Room(ARRIVING_MAX, BACKLOG_AGE_MS_MAX / 1000))
    """New contacts between call and verdict."""

    async def customer(self, kind: str, address: str) -> bytes:
        """Who is at this address. A telephone number by which nobody is known yet is written as it is dialled, as
        elsewhere: one person is not to become two."""
        if spelled(kind, address)[0] == PHONE and await self.vault.customers.find(kind, address) is None:
            address = self.numbers.spelled(address) or address
        return await self.vault.customer(kind, address, source=GATEWAY)

    async def command(self, fact: Fact) -> Outcome:
        """Append a fact and wait for what the router makes of it. Raises FactRefused, InvalidInput, Overloaded,
        LogUnavailable, OutcomeUnknown; the caller's deadline cancels it."""
        data = codec.check_fact(fact)
        try:
            await self.refuse_unknown_words(fact)
        except FactRefused:
            # A retry? What it repeats may have been decided while the policy still had the word.
            if (earlier := await self._decided(fact.fact_id)) is None:
                raise
            return earlier
        with self.outcomes.expect(fact.fact_id) as outcome:
            await self.publisher.publish(data)
            return await outcome()

    async def submit(self, draft: Draft) -> Outcome:
        """The same for a fact with content: vault first. A repeat, however late, gets the first outcome."""
        try:
            await self.refuse_unknown_words(codec.decode_fact(draft.fact))
        except FactRefused:
            if await self.vault.find(draft.gateway, draft.external_id) is None:
                raise
        with self.outcomes.expect(draft.fact_id) as outcome:
            acceptance = await self.intake.submit(draft)
            return await (outcome() if acceptance.fresh else self._once_more(acceptance, outcome))

    async def repeat(self, gateway: str, external_id: str) -> tuple[Acceptance, Outcome] | None:
        """What was submitted so before, whatever is asked for now, and its outcome; None: nothing was. Raises as `submit`."""
        acceptance = await self.vault.find(gateway, external_id)
        if acceptance is None:
            return None
        with self.outcomes.expect(acceptance.fact_id) as outcome:
            return acceptance, await self._once_more(acceptance, outcome)

    async def _once_more(self, acceptance: Acceptance, outcome: Callable[[], Awaitable[Outcome]]) -> Outcome:
        earlier = await self._decided(acceptance.fact_id)
        if earlier is not None:
            return earlier
        # Not decided up to now, so this cannot be a second time: the router remembers what is still on its way.
        await self.publisher.publish(acceptance.fact)
        return await outcome()

    async def refuse_unknown_words(self, fact: Fact) -> None:
        """Raises FactRefused for a word that the policy in force lacks, before anything is written."""
        if self.declared.vocabulary.refusal(fact) is None:
            return
        # Perhaps a policy that has it was published elsewhere a moment ago.
        await self.catch_up()
        if (reason := self.declared.vocabulary.refusal(fact)) is not None:
            raise FactRefused(REFUSALS[reason], reason=reason)

    async def catch_up(self) -> None:
        """Fold what the journal holds by now, if that does not take long: before calling something wrong that may be right."""
        await self.feed.reached(await self.log.last_journal_seq(), CATCH_UP_S)

    async def _decided(self, fact_id: bytes) -> Outcome | None:
        """The outcome of a fact about a contact if the journal, up to its end as it is now, holds one."""
        await self.reach_history(await self.log.last_journal_seq())
        row = await self.history.decided(fact_id)
        return None if row is None else await self.outcomes.recall(row.seq, row.entry)

    def token(self, seq: int | None = None) -> str:
        """The consistency token of position `seq`, or of where this process stands."""
        return self.tokens.consistency(self.feed.at(self.feed.position if seq is None else seq))

    def resume_token(self, seq: int) -> str:
        """The resume token of position `seq`."""
        return self.tokens.resume(self.feed.at(seq))

    async def reach(self, token: str) -> int:
        """Wait until this process has folded what `token` names; returns its position (0 for no token). Raises BadRequest, or
        TokenExpired for a commit that the journal does not have."""
        return await self._arrive(self.tokens.position(token), ahead="token_ahead", lost="token_lost")

    async def resume(self, token: str) -> int:
        """The same for a resume token."""
        return await self._arrive(self.tokens.resumed(token))

    async def _arrive(self, at: Position, *, ahead: str | None = None, lost: str | None = None) -> int:
        if at.seq > self.feed.position and at.seq > (last := await self.log.last_journal_seq()):
            raise TokenExpired(f"the token is of position {at.seq}, the journal ends at {last}", reason=ahead)
        while not await self.feed.reached(at.seq, CATCH_UP_S):
            pass
        if self.feed.at(at.seq) != at:
            raise TokenExpired(
                f"commit {at.seq}, which the token names, is none of this journal, which lost its end since", reason=lost
            )
        return at.seq

    async def reach_folded(self, seq: int) -> None:
        """Wait until this process has folded commit `seq`: an outcome may be known a moment before the folds next to it have it."""
        while not await self.feed.reached(seq, CATCH_UP_S):
            pass

    async def reach_history(self, seq: int) -> None:
        """Wait until the history holds everything up to position `seq`."""
        while not await self.history.reached(seq, CATCH_UP_S):
            pass

    async def read_history(self, token: str) -> int:
        """Wait until the history holds what `token` names; returns the last commit that it holds, which this process has folded,
        too: only then it knows the commit's epoch, and a router may have taken over a moment ago. Raises as `reach`."""
        await self.reach_history(await self.reach(token))
        seq = await self.history.checkpoint()
        while not await self.feed.reached(seq, CATCH_UP_S):
            pass
        return seq

    def refuse_when_draining(self) -> None:
        """Raises Draining once the server is about to stop."""
        if self.draining.is_set():
            raise Draining("this server is stopping: connect again")

    def admit(self) -> None:
        """For new contacts only, never for answers and ends. Raises Overloaded while the router is too far behind, or as many are
        on their way as can be decided soon."""
        if self.arriving.full:
            raise Overloaded("as many contacts are on their way as can be decided soon")
        backlog = self.feed.backlog
        if backlog.frames > BACKLOG_FRAMES_MAX or backlog.age_ms > BACKLOG_AGE_MS_MAX:
            raise Overloaded(f"the router is {backlog.frames} frames and {backlog.age_ms} ms behind")


def commit_reader(log: SiteLog) -> Callable[[int], Awaitable[Commit]]:
    """Reads and decodes one commit of the journal. Raises NotFound, or OutcomeUnknown while the log is away."""

    async def read(seq: int) -> Commit:
        try:
            stored = await log.read_commit(seq)
        except LogUnavailable as error:
            raise OutcomeUnknown(f"decided by commit {seq}, which cannot be read now") from error
        return codec.decode_commit(stored.data)

    return read
