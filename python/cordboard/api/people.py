"""Agents by the names the outside knows them by: person ids at the API, opaque references in the journal."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from cordboard.errors import FactRefused
from cordboard.events.verdict import REFUSALS
from cordboard.vault import Person, Vault

REMEMBERED_MAX = 50_000
REMEMBERED_S = 30.0
NOBODY = Person(person="", name="")
"""An agent who was erased, or is not to be shown."""
K = TypeVar("K")
V = TypeVar("V")


def called(people: Mapping[bytes, Person], agent: bytes) -> str:
    """As a sentence calls the agent."""
    found = people[agent]
    return found.name or found.person or "an agent"


class People:
    """The vault's answers, remembered for a short while: an erasure shows within REMEMBERED_S."""

    def __init__(self, vault: Vault, declared: Callable[[bytes], object | None]) -> None:
        """`declared` knows the agents of the site: who is none may have another reference at any moment."""
        self._vault = vault
        self._declared = declared
        self._refs: dict[str, tuple[float, bytes]] = {}
        self._people: dict[bytes, tuple[float, Person]] = {}
        self.renamed = 0
        """Grows when somebody may be called otherwise sooner than `of_until` said."""

    async def ref(self, person: str) -> bytes:
        """The agent's reference. Raises FactRefused(unknown_agent)."""
        now = asyncio.get_running_loop().time()
        known = self._refs.get(person)
        if known is not None and known[0] > now and self._declared(known[1]) is not None:
            return known[1]
        found = await self._vault.find_agent(person)
        if found is None:
            raise FactRefused(REFUSALS["unknown_agent"], reason="unknown_agent")
        _remember(self._refs, person, (now + REMEMBERED_S, found))
        return found

    async def refs(self, person: str) -> list[bytes]:
        """All that the agent was called and is still known by, the newest first: for what is asked of the past. Raises
        FactRefused(unknown_agent)."""
        found = await self._vault.agent_refs(person)
        if not found:
            raise FactRefused(REFUSALS["unknown_agent"], reason="unknown_agent")
        return found

    async def of(self, refs: Iterable[bytes | None]) -> Mapping[bytes, Person]:
        """Who they are; an erased agent is a Person without person id and name. None is passed over."""
        return (await self.of_until(refs))[0]

    async def of_until(self, refs: Iterable[bytes | None]) -> tuple[Mapping[bytes, Person], float]:
        """Who they are, and until when (time of the loop, s) that may be told without asking again."""
        now = asyncio.get_running_loop().time()
        until = now + REMEMBERED_S
        found: dict[bytes, Person] = {}
        unknown: set[bytes] = set()
        for ref in refs:
            if ref is None:
                continue
            known = self._people.get(ref)
            if known is not None and known[0] > now:
                found[ref] = known[1]
                until = min(until, known[0])
            else:
                unknown.add(ref)
        if unknown:
            missing = sorted(unknown)
            read = await self._vault.agents(missing)
            for ref in missing:
                found[ref] = read.get(ref, NOBODY)
                _remember(self._people, ref, (now + REMEMBERED_S, found[ref]))
        return found, until

    async def person(self, ref: bytes | None) -> str:
        """The person id, empty for none."""
        return "" if ref is None else (await self.of([ref]))[ref].person

    async def actor(self, person: str) -> bytes | None:
        """The reference of whoever ordered something: a supervisor need not be an agent, so it is made if need be. Empty: None."""
        return await self._ref_of(person, None) if person else None

    async def declare(self, person: str, name: str | None) -> bytes:
        """Find or make the reference of a person who is being declared; None keeps the name."""
        ref = await self._ref_of(person, name)
        self._people.pop(ref, None)
        self.renamed += 1
        return ref

    async def _ref_of(self, person: str, name: str | None) -> bytes:
        """Who is declared keeps the reference; everybody else is called by one of the newest period."""
        known = await self._vault.find_agent(person)
        return await self._vault.agent_ref(person, name, fresh=known is None or self._declared(known) is None)


def _remember(memory: dict[K, V], key: K, value: V) -> None:
    memory[key] = value
    if len(memory) > REMEMBERED_MAX:
        del memory[next(iter(memory))]
