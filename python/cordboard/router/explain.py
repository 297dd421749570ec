"""Explanations: what stands between a contact and the agents, now, at any position of the journal or at any instant.

The journal is folded into a router of its own, which decides nothing. Asked about now, it goes on from where it was
asked last; asked about the past, it begins at the nearest snapshot before it. How far it had to fold stands in the answer.
Of now and of an instant everything is said as of then, not as of the last commit: on a quiet site that is long ago. What was to
happen since, and has not, is named as due.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import msgspec
from msgspec.structs import replace

from cordboard._core import Router
from cordboard.codec import decode_commit
from cordboard.errors import InvalidInput, NotFound
from cordboard.events.bounds import Key, Requirement
from cordboard.events.event import ContactState, ParkedKind
from cordboard.events.fact import Presence
from cordboard.events.promises import PromiseKind
from cordboard.log.port import SiteLog
from cordboard.router import snapshots
from cordboard.router.core import CoreThread
from cordboard.router.recovery import fold

SHOWN_MAX = 1_000
"""Agents or contacts of one explanation; the counts are of all."""

Hindrance = Literal[
    "none",
    "not_declared",
    "not_member",
    "sender",
    "absent",
    "desk_lost",
    "channel_not_enabled",
    "channel_off",
    "skill",
    "excluded",
    "leaving",
    "over_capacity",
    "no_room",
    "reserved",
    "rank_closed",
    "preference",
]
"""The first question that an offer fails at, in the order they are asked (docs/routing/agents.md)."""


class Hindered(msgspec.Struct, frozen=True):
    """One pair: the other side, and what hinders. `need`: the requirement that is not met. `until_ms`: when it ends by itself.
    `reserved`: the other contact that the agent is reserved for, if that is what hinders."""

    id: bytes
    queue: str
    rank: int
    key: Key | None
    hindrance: Hindrance
    until_ms: int | None
    need: Requirement | None
    reserved: bytes | None


class Held(msgspec.Struct, frozen=True):
    """What an agent has in hand."""

    contact: bytes
    attempt: int
    channel: str
    queue: str
    cost: int


Waits = Literal[
    "offer", "connect", "wrap_up", "desk_lost", "silence", "return", "closing", "step", "threshold", "promise", "hours", "sla",
    "next_step", "look",
]  # fmt: skip
"""What time brings to a contact, its queue or an agent."""


class Due(msgspec.Struct, frozen=True, array_like=True):
    """It was to happen at `at_ms`, and no commit says that it did: no engine has been at work since."""

    what: Waits
    at_ms: int


class Promised(msgspec.Struct, frozen=True):
    """A call that is promised. `stage`: `scheduled` until it waits for an agent; `early` until it is due. `next_ms`: when it waits
    next, or would if its customer were not here as `returned`; None: it does, or nothing more is tried."""

    kind: PromiseKind
    stage: Literal["scheduled", "early", "due"]
    made_ms: int
    due_ms: int
    from_ms: int
    until_ms: int
    slot: tuple[int, int] | None
    next_ms: int | None
    returned: bytes | None
    attempts: int
    dialling_until_ms: int | None
    at_risk: bool


class Place(msgspec.Struct, frozen=True):
    """The window that a place in the line would be promised."""

    due_ms: int
    from_ms: int
    until_ms: int


class Offered(msgspec.Struct, frozen=True):
    """An offer that stands, or was accepted and is not connected yet: it is to be by `until_ms`. `others` are offered the contact,
    too, or held while one of them connects."""

    until_ms: int
    others: list[bytes]


class Parked(msgspec.Struct, frozen=True):
    """Put aside by `owner`; it returns at `until_ms` if nothing brings it back sooner."""

    owner: bytes
    kind: ParkedKind
    since_ms: int
    until_ms: int


class ContactExplained(msgspec.Struct, frozen=True):
    """A live contact at position `seq`, as of `at_ms`. `hindrances` counts all members of its queues, `agents` are the nearest of
    them. One that is scheduled has no `key`, unless it keeps a place. `place`: what it would be promised if its customer hung up
    then and kept the place. `reserved`: the agent who is reserved for it."""

    seq: int
    at_ms: int
    contact: bytes
    state: ContactState
    channel: str
    queue: str
    visit: int
    attempt: int
    key: Key | None
    entered_ms: int
    queued_at_ms: int
    due_ms: int
    priority: int
    requirements: list[Requirement]
    preferred: list[bytes]
    prefer_until_ms: int
    agent: bytes | None
    ahead: int
    hindrances: dict[Hindrance, int]
    agents: list[Hindered]
    promise: Promised | None
    place: Place | None
    due: list[Due]
    offer: Offered | None
    parked: Parked | None
    reserved: bytes | None
    folded_from: int = 0
    """The position that the fold began at: of a snapshot, or of an earlier question; 0: the journal's beginning."""


class AgentExplained(msgspec.Struct, frozen=True):
    """An agent at position `seq`. `hindrances` counts all contacts that wait in its queues, `contacts` are the first of them.
    `outside`: pieces of work from elsewhere, in the load, too. `reserved`: the contact that it is reserved for."""

    seq: int
    at_ms: int
    agent: bytes
    requested: Presence
    requested_reason: str | None
    effective: Presence
    effective_reason: str | None
    idle_since_ms: int
    load: int
    capacity: int
    work: list[Held]
    waiting: int
    hindrances: dict[Hindrance, int]
    contacts: list[Hindered]
    due: list[Due]
    outside: int
    reserved: bytes | None
    folded_from: int = 0


_CONTACT = msgspec.msgpack.Decoder(ContactExplained)
_AGENT = msgspec.msgpack.Decoder(AgentExplained)


@dataclass(frozen=True, slots=True)
class Moment:
    """A position of the journal, as of its commit's time; or an instant; or neither: now. Not both."""

    position: int | None = None
    at_ms: int | None = None

    def __str__(self) -> str:
        if self.position is not None:
            return f"at position {self.position}"
        return "now" if self.at_ms is None else "at that instant"


NOW = Moment()


class Explainer:
    """Answers one question at a time. The router that follows the end of the journal costs as much memory as a standby."""

    def __init__(self, log: SiteLog, core: CoreThread) -> None:
        self._log = log
        self._core = core
        self._router: Router | None = None
        self._turn = asyncio.Lock()

    async def contact(self, contact: bytes, moment: Moment = NOW, limit: int = 100) -> ContactExplained:
        """Raises NotFound if no such contact lives there or is promised a call, InvalidInput for a moment not there."""
        found, base = await self._ask(
            moment, lambda router, at_ms: router.explain_contact(contact, min(limit, SHOWN_MAX), at_ms)
        )  # fmt: skip
        if found is None:
            raise NotFound(f"contact {contact.hex()} is not live {moment}")
        return replace(_CONTACT.decode(found), folded_from=base)

    async def agent(self, agent: bytes, moment: Moment = NOW, limit: int = 100) -> AgentExplained:
        """Raises NotFound if the agent is not declared there, InvalidInput for a moment not there."""
        found, base = await self._ask(moment, lambda router, at_ms: router.explain_agent(agent, min(limit, SHOWN_MAX), at_ms))
        if found is None:
            raise NotFound(f"agent {agent.hex()} is not declared {moment}")
        return replace(_AGENT.decode(found), folded_from=base)

    async def _ask(self, moment: Moment, question: Callable[[Router, int], bytes | None]) -> tuple[bytes | None, int]:
        """The core's answer, and where the fold to it began."""
        async with self._turn:
            last = await self._log.last_journal_seq()
            position, at_ms = await self._place(moment, last)
            router, base = await self._router_at(position, last)
            return await self._core.run(lambda: question(router, at_ms)), base

    async def _place(self, moment: Moment, last: int) -> tuple[int, int]:
        """Position, and as of when (0: as of its commit)."""
        if moment.position is not None:
            if not 0 < moment.position <= last:
                raise InvalidInput(f"there is no position {moment.position}: the journal goes from 1 to {last}")
            return moment.position, 0
        now_ms = await self._log.server_time_ms()
        if moment.at_ms is None:
            return last, now_ms
        if moment.at_ms > now_ms:
            raise InvalidInput("nothing is known yet of an instant that is still to come")
        return await self._last_before(moment.at_ms, last), moment.at_ms

    async def _last_before(self, at_ms: int, last: int) -> int:
        """The last commit not after an instant. Their times ascend: so many are read as the journal's length has digits."""
        first = await self._log.first_journal_seq()
        low, high = first - 1, last
        while low < high:
            middle = (low + high + 1) // 2
            if decode_commit((await self._log.read_commit(middle)).data).at_ms <= at_ms:
                low = middle
            else:
                high = middle - 1
        if low < first:
            raise InvalidInput(f"the journal begins later than that: with position {first}")
        return low

    async def _router_at(self, position: int, last: int) -> tuple[Router, int]:
        """A router at `position`, and where its fold began. The one that got farthest is kept: it goes on from there. Raises
        InvalidInput for a position (but for the `last`) that cannot be folded to any more."""
        kept = self._router
        goes_on = kept is not None and kept.position().seq <= position
        # One whose fold fails half-way must not be asked again.
        self._router = None if goes_on else kept
        kept_seq = kept.position().seq if kept is not None and goes_on else 0
        router = await snapshots.newest(self._log, self._core, position, above=kept_seq)
        router = router or (kept if goes_on else None) or Router(self._log.site)
        base = router.position().seq
        first = await self._log.first_journal_seq()
        if base < position < last and base + 1 < first:
            raise InvalidInput(
                f"position {position} is before what is left of the journal: it was trimmed and begins at {first}. "
                "The whole of it can be asked where its archive is restored (`cordboard archive restore --archive`)."
            )
        await fold(self._log, self._core, router, position)
        if self._router is None:
            self._router = router
        return router, base
