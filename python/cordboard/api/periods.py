"""Keeps agents' references young: begins a period each quarter, moves agents into it while they are away, forgets old ones.

Only where the policy says for how long single agents are to be known (`monitoring: agent_detail_days`). An agent is moved when
nothing is at stake: offline, without work, nothing parked. The new reference is declared, then belongs to the person, then the old
one is retired; should the agent have got work in between, all of it is taken back and tried again later. What was asked in between
of the reference that goes (ready again, declared anew) is asked again of the one that stays. Every API process does so: what two of
them do is the same fact.
"""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Iterable

from cordboard.api.declared import Declared
from cordboard.api.meanwhile import declaration, meanwhile
from cordboard.api.outcomes import Outcome
from cordboard.errors import CordboardError, FactRefused, InvalidInput, OutcomeUnknown
from cordboard.events import Fact
from cordboard.events.bounds import ID_BYTES
from cordboard.events.fact import AgentRetired, AgentScheduled, ChannelSwitched
from cordboard.events.policy import Policy
from cordboard.projections.desks import Desks
from cordboard.vault import Vault
from cordboard.vault.clock import now_ms

logger = logging.getLogger(__name__)
LOOK_S = 60.0
DAY_MS = 24 * 3_600_000
PATIENCE_S = 30.0
ATTEMPT_MS = 20 * 60_000
"""Longer than the router remembers facts: each attempt is decided anew."""


class PeriodKeeper:
    """`run` beside the server, once it has caught up. `caught_up` waits until `declared` and `desks` have read what the journal
    holds at that moment; `command` appends a fact and waits for its outcome, for which the keeper waits `patience_s`; `clock` gives
    Unix ms."""

    def __init__(
        self,
        vault: Vault,
        declared: Declared,
        desks: Desks,
        caught_up: Callable[[], Awaitable[None]],
        command: Callable[[Fact], Awaitable[Outcome]],
        clock: Callable[[], int] = now_ms,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._vault = vault
        self._declared = declared
        self._desks = desks
        self._caught_up = caught_up
        self._command = command
        self._clock = clock
        self._patience_s = patience_s
        self._put_off: dict[bytes, int] = {}
        """In which attempt an agent had work after all."""

    async def run(self, every_s: float = LOOK_S) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.look()
            except CordboardError as error:
                logger.warning("agents' references cannot be renewed now: %s", error.reason)
            await asyncio.sleep(every_s)

    async def look(self) -> None:
        """Do once what is due. Raises CordboardError."""
        await self._caught_up()  # whoever another process has just declared is not to be taken for nobody
        policy = self._declared.policy
        if policy is None or not policy.monitoring.agent_detail_days:
            return
        at_ms = self._clock()
        if await self._vault.periods.begin(at_ms):
            logger.info("a new period of agents' references has begun")
        _, *older = await self._vault.periods.all()
        for period in older:
            staying = [ref for ref in sorted(period.refs) if self._declared.registered(ref) is not None]
            moved = [await self._try_to_move(ref, policy) for ref in staying if self._is_away(ref)]
            if len(staying) > sum(moved):
                if period.left_ms is not None:
                    await self._vault.periods.not_left(period.ordinal)
                continue
            left_ms = await self._vault.periods.left(period.ordinal, at_ms)
            over = at_ms - left_ms >= policy.monitoring.agent_detail_days * DAY_MS
            if over and await self._vault.periods.destroy(period.ordinal):
                logger.info("period %s of agents' references is forgotten: its figures are about nobody known", period.name)

    def _is_away(self, ref: bytes) -> bool:
        if self._put_off.get(ref) == self._attempt():
            return False
        desk = self._desks.desk(ref)
        return desk.requested == desk.effective == "offline" and not desk.work and not desk.parked

    async def _try_to_move(self, ref: bytes, policy: Policy) -> bool:
        """Whoever the router refuses to declare stays, and does not hold up the others."""
        try:
            return await self._move(ref, policy)
        except (FactRefused, InvalidInput) as error:
            self._put_off[ref] = self._attempt()
            logger.warning("agent %s keeps an old reference for now: %s", ref.hex(), error.reason)
            return False

    async def _move(self, old: bytes, policy: Policy) -> bool:
        """From an old reference to the newest period's. False: not now."""
        person = (await self._vault.agents([old])).get(old)
        if person is None:
            return self._declared.registered(old) is None
        new = await self._vault.periods.fresh_ref(person.person)
        called = await self._vault.find_agent(person.person)
        with meanwhile(self._desks, old) as at_old, meanwhile(self._desks, new) as at_new:
            if not self._is_away(old):
                return False  # they came in a moment ago, before anything was noted
            if called != new or self._declared.registered(new) is None:
                await self._copy(old, new, policy)
                at_new.forget()
                await self._vault.periods.take(new, person)
            # Else they are called so already, and only the old reference was left over.
            try:
                await self._ask(AgentRetired(self._fact_id("retire", old), old))
            except FactRefused as refused:
                if refused.reason != "agent_busy":
                    return refused.reason == "unknown_agent"  # another process has done it
                self._put_off[old] = self._attempt()
                if await self._take_back(old, new):
                    await self._repeat(at_new.facts(at_old, old, policy, lambda what: self._fact_id(what, old)))
                return False
            await self._repeat(at_old.facts(at_new, new, policy, lambda what: self._fact_id(what, old)))
        return True

    async def _copy(self, old: bytes, new: bytes, policy: Policy) -> None:
        """Make `new` what `old` is."""
        registered, desk = self._declared.registered(old), self._desks.desk(old)
        if registered is None:
            return
        declared = declaration(self._fact_id("declare", old), new, registered, policy)
        await self._ask(declared)
        # What missed offers have switched off comes on again with the agent: not so what the agent has switched off.
        for channel in sorted((desk.channels_off - desk.channels_missed) & {one.channel for one in declared.channels}):
            await self._ask(ChannelSwitched(self._fact_id(f"switch {channel}", old), new, channel, on=False))
        if desk.leaves_ms is not None:
            await self._ask(AgentScheduled(self._fact_id("schedule", old), new, desk.leaves_ms))

    async def _take_back(self, old: bytes, new: bytes) -> bool:
        """The person is called `old` again. False if that cannot be: there is work under the new reference, too, so it stays,
        and the old one goes when its work is over."""
        try:
            await self._ask(AgentRetired(self._fact_id("take back", old), new))
        except FactRefused as refused:
            if refused.reason == "agent_busy":
                return False
            if refused.reason != "unknown_agent":
                raise
        await self._vault.periods.give_back(new)
        return True

    async def _repeat(self, facts: Iterable[Fact]) -> None:
        """What was asked under the other reference in the meantime."""
        for fact in facts:
            try:
                await self._ask(fact)
            except (FactRefused, InvalidInput) as error:
                logger.warning("%s could not be asked again under the other reference: %s", type(fact).__name__, error.reason)

    async def _ask(self, fact: Fact) -> Outcome:
        """Raises OutcomeUnknown if no router decides it in time: the next look asks the same again."""
        try:
            async with asyncio.timeout(self._patience_s):
                return await self._command(fact)
        except TimeoutError as error:
            raise OutcomeUnknown(f"{type(fact).__name__} was not decided within {self._patience_s:g} s") from error

    def _attempt(self) -> int:
        return self._clock() // ATTEMPT_MS

    def _fact_id(self, what: str, old: bytes) -> bytes:
        """The same in every process that tries at the same time; another one for the next attempt."""
        return hashlib.blake2b(f"{what}|{self._attempt()}".encode() + old, digest_size=ID_BYTES, person=b"cb-period").digest()
