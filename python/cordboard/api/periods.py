"""Keeps agents' references young: begins a period each quarter, moves agents into it while they are away, forgets old ones.

Only where the policy says for how long single agents are to be known (`monitoring: agent_detail_days`). An agent is moved when
nothing is at stake: offline, without work, nothing parked. The new reference is declared, then belongs to the person, then the old
one is retired; should the agent have got work in between, all of it is taken back and tried again later. Every API process does
so: what two of them do is the same fact.
"""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable

from cordboard.api.declared import Declared
from cordboard.api.outcomes import Outcome
from cordboard.errors import CordboardError, FactRefused, InvalidInput
from cordboard.events import Fact
from cordboard.events.bounds import ID_BYTES
from cordboard.events.event import AgentRegistered
from cordboard.events.fact import AgentDeclared, AgentRetired, AgentScheduled, ChannelSwitched
from cordboard.events.policy import Policy
from cordboard.projections.desks import Desks
from cordboard.vault import Vault
from cordboard.vault.clock import now_ms

logger = logging.getLogger(__name__)
LOOK_S = 60.0
DAY_MS = 24 * 3_600_000
ATTEMPT_MS = 20 * 60_000
"""Longer than the router remembers facts: each attempt is decided anew."""


class PeriodKeeper:
    """`run` beside the server, once it has caught up. `caught_up` waits until `declared` and `desks` have read what the journal
    holds at that moment; `command` appends a fact and waits for its outcome; `clock` gives Unix ms."""

    def __init__(
        self,
        vault: Vault,
        declared: Declared,
        desks: Desks,
        caught_up: Callable[[], Awaitable[None]],
        command: Callable[[Fact], Awaitable[Outcome]],
        clock: Callable[[], int] = now_ms,
    ) -> None:
        self._vault = vault
        self._declared = declared
        self._desks = desks
        self._caught_up = caught_up
        self._command = command
        self._clock = clock
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
        registered, person = self._declared.registered(old), (await self._vault.agents([old])).get(old)
        if registered is None or person is None:
            return registered is None
        new = await self._vault.periods.fresh_ref(person.person)
        declaration = _declaration(self._fact_id("declare", old), new, registered, policy)
        await self._command(declaration)
        desk = self._desks.desk(old)
        # What missed offers have switched off comes on again with the agent: not so what the agent has switched off.
        for channel in sorted((desk.channels_off - desk.channels_missed) & {one.channel for one in declaration.channels}):
            await self._command(ChannelSwitched(self._fact_id(f"switch {channel}", old), new, channel, on=False))
        if desk.leaves_ms is not None:
            await self._command(AgentScheduled(self._fact_id("schedule", old), new, desk.leaves_ms))
        await self._vault.periods.take(new, person)
        try:
            await self._command(AgentRetired(self._fact_id("retire", old), old))
        except FactRefused as refused:
            if refused.reason != "agent_busy":
                return refused.reason == "unknown_agent"  # another process has done it
            self._put_off[old] = self._attempt()
            await self._command(AgentRetired(self._fact_id("take back", old), new))
            await self._vault.periods.give_back(new)
            return False
        return True

    def _attempt(self) -> int:
        return self._clock() // ATTEMPT_MS

    def _fact_id(self, what: str, old: bytes) -> bytes:
        """The same in every process that tries at the same time; another one for the next attempt."""
        return hashlib.blake2b(f"{what}|{self._attempt()}".encode() + old, digest_size=ID_BYTES, person=b"cb-period").digest()


def _declaration(fact_id: bytes, agent: bytes, registered: AgentRegistered, policy: Policy) -> AgentDeclared:
    """What the agent was declared with, less the words that the policy has dropped since: nobody can be declared with those."""
    queues, channels = {queue.name for queue in policy.queues}, {channel.name for channel in policy.channels}
    return AgentDeclared(
        fact_id,
        agent,
        [one for one in registered.skills if one.skill in policy.skills],
        [one for one in registered.memberships if one.queue in queues],
        [one for one in registered.channels if one.channel in channels],
        capacity=registered.capacity,
    )
