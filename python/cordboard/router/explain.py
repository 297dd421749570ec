"""Explanations: what stands between a contact and the agents, on the state now or at any position of the journal.

The journal is folded into a router of its own, which decides nothing. Asked about now, it goes on from where it was
asked last; asked about a position, it begins at the nearest snapshot before it. How far it had to fold stands in the answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal

import msgspec
from msgspec.structs import replace

from cordboard._core import Router
from cordboard.errors import InvalidInput, NotFound
from cordboard.events.bounds import Key, Requirement
from cordboard.events.event import ContactState
from cordboard.events.fact import Presence
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
    """One pair: the other side, and what hinders. `need`: the requirement that is not met. `until_ms`: when it ends by itself."""

    id: bytes
    queue: str
    rank: int
    key: Key | None
    hindrance: Hindrance
    until_ms: int | None
    need: Requirement | None


class Held(msgspec.Struct, frozen=True):
    """What an agent has in hand."""

    contact: bytes
    attempt: int
    channel: str
    queue: str
    cost: int


class ContactExplained(msgspec.Struct, frozen=True):
    """A live contact at position `seq`. `hindrances` counts all members of its queues, `agents` are the nearest of them."""

    seq: int
    at_ms: int
    contact: bytes
    state: ContactState
    channel: str
    queue: str
    visit: int
    attempt: int
    key: Key
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
    folded_from: int = 0
    """The position that the fold began at: of a snapshot, or of an earlier question; 0: the journal's beginning."""


class AgentExplained(msgspec.Struct, frozen=True):
    """An agent at position `seq`. `hindrances` counts all contacts that wait in its queues, `contacts` are the first of them."""

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
    folded_from: int = 0


_CONTACT = msgspec.msgpack.Decoder(ContactExplained)
_AGENT = msgspec.msgpack.Decoder(AgentExplained)


class Explainer:
    """Answers one question at a time. The router that follows the end of the journal costs as much memory as a standby."""

    def __init__(self, log: SiteLog, core: CoreThread) -> None:
        self._log = log
        self._core = core
        self._router: Router | None = None
        self._turn = asyncio.Lock()

    async def contact(self, contact: bytes, at: int | None = None, limit: int = 100) -> ContactExplained:
        """At position `at`, or now. Raises NotFound if no such contact lives there; InvalidInput for a position not there."""
        found, base = await self._ask(at, lambda router: router.explain_contact(contact, min(limit, SHOWN_MAX)))
        if found is None:
            raise NotFound(f"contact {contact.hex()} is not live {_there(at)}")
        return replace(_CONTACT.decode(found), folded_from=base)

    async def agent(self, agent: bytes, at: int | None = None, limit: int = 100) -> AgentExplained:
        """At position `at`, or now. Raises NotFound if the agent is not declared there, InvalidInput for a position not there."""
        found, base = await self._ask(at, lambda router: router.explain_agent(agent, min(limit, SHOWN_MAX)))
        if found is None:
            raise NotFound(f"agent {agent.hex()} is not declared {_there(at)}")
        return replace(_AGENT.decode(found), folded_from=base)

    async def _ask(self, at: int | None, question: Callable[[Router], bytes | None]) -> tuple[bytes | None, int]:
        """The core's answer, and where the fold to it began."""
        async with self._turn:
            last = await self._log.last_journal_seq()
            if at is not None and not 0 < at <= last:
                raise InvalidInput(f"there is no position {at}: the journal goes from 1 to {last}")
            router, base = await self._router_at(last if at is None else at, last)
            return await self._core.run(lambda: question(router)), base

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


def _there(at: int | None) -> str:
    return "now" if at is None else f"at position {at}"
