"""A skill router in Python as it should be written: contacts of equal needs share a heap, an agent knows the heaps it may serve.

What makes it quick: a heap holds plain integers (place in the line and number in one); the heads of all heaps stand in one
list, so that the best one is a single `min` over the agent's own heaps with a C function as its key; who leaves is marked,
and dropped when met at a head.
"""

import heapq
from collections.abc import Sequence

from tests.benchmarks.workload import NOBODY, Needs, Workload, suits

NUMBER_BITS = 32
NUMBER_MASK = (1 << NUMBER_BITS) - 1
EMPTY = 1 << 120


class ClassHeaps:
    """The index: who waits, who is idle, and who may serve whom."""

    def __init__(self, agents: Sequence[dict[int, int]], contacts: int) -> None:
        self._agents = agents
        self._classes: dict[Needs, int] = {}
        self._heaps: list[list[int]] = []
        self._heads: list[int] = []
        self._served: list[list[int]] = [[] for _ in agents]
        """By agent: the classes it may serve."""
        self._waits = [-1] * contacts
        """By contact: the class in which it waits, or -1."""
        self._pools: list[list[int]] = []
        """By class: idle agents that may serve it, longest first, each under the turn in which it became idle."""
        self._since = [0] * len(agents)
        """By agent: the turn in which it became idle; 0 while busy."""
        self._turn = 0

    def free(self, agent: int) -> int:
        """The first in line whom the agent may serve. NOBODY: it is idle from now on."""
        served, heads = self._served[agent], self._heads
        if served:
            number = min(served, key=heads.__getitem__)
            first = heads[number]
            if first != EMPTY:
                contact = first & NUMBER_MASK
                self._waits[contact] = -1
                self._since[agent] = 0
                self._next_head(number)
                return contact
        self._turn += 1
        self._since[agent] = self._turn
        entry = self._turn << NUMBER_BITS | agent
        for number in served:
            heapq.heappush(self._pools[number], entry)
        return NOBODY

    def arrive(self, contact: int, needs: Needs, order: int) -> int:
        """The longest idle who may serve the contact. NOBODY: it waits."""
        number = self._classes.get(needs, -1)
        if number < 0:
            number = self._add_class(needs)
        pool = self._pools[number]
        if pool:
            since = self._since
            while pool:
                turn, agent = divmod(heapq.heappop(pool), 1 << NUMBER_BITS)
                if since[agent] == turn:
                    since[agent] = 0
                    return agent
        heap = self._heaps[number]
        heapq.heappush(heap, order << NUMBER_BITS | contact)
        self._heads[number] = heap[0]
        self._waits[contact] = number
        return NOBODY

    def leave(self, contact: int) -> bool:
        """The contact waits no longer. False: it did not."""
        number = self._waits[contact]
        if number < 0:
            return False
        self._waits[contact] = -1
        if self._heads[number] & NUMBER_MASK == contact:
            self._next_head(number)
        return True

    def _next_head(self, number: int) -> None:
        """The head is gone: the next one who still waits stands there."""
        heap, waits = self._heaps[number], self._waits
        heapq.heappop(heap)
        while heap and waits[heap[0] & NUMBER_MASK] < 0:
            heapq.heappop(heap)
        self._heads[number] = heap[0] if heap else EMPTY

    def _add_class(self, needs: Needs) -> int:
        number = self._classes[needs] = len(self._heaps)
        self._heaps.append([])
        self._heads.append(EMPTY)
        pool: list[int] = []
        for agent, (served, skills) in enumerate(zip(self._served, self._agents, strict=True)):
            if suits(skills, needs):
                served.append(number)
                if self._since[agent]:
                    pool.append(self._since[agent] << NUMBER_BITS | agent)
        heapq.heapify(pool)
        self._pools.append(pool)
        return number


class Backlog:
    """All agents are busy. One frees and takes a contact, another contact arrives; now and then one leaves."""

    def __init__(self, work: Workload) -> None:
        self._work = work
        self._operation = 0
        self._router = ClassHeaps(work.agents, len(work.needs))
        self._arrived = 0
        for _ in range(work.size.waiting):
            self._arrive()

    def run(self, operations: int) -> list[int]:
        """Who was found, one an operation."""
        free, leave, leaving = self._router.free, self._router.leave, self._work.leaving
        found: list[int] = []
        for operation in range(self._operation, self._operation + operations):
            taken = free(self._work.freed[operation])
            found.append(taken)
            if taken != NOBODY:
                self._arrive()
            if leaving[operation] and leave(self._arrived - leaving[operation]):
                self._arrive()
        self._operation += operations
        return found

    def _arrive(self) -> None:
        work, contact = self._work, self._arrived
        self._router.arrive(contact, work.sets[work.needs[contact]], work.orders[contact])
        self._arrived += 1


class IdlePool:
    """Half of the agents are idle, nobody waits. A contact arrives; if it finds an agent the longest busy one frees."""

    def __init__(self, work: Workload) -> None:
        self._work = work
        self._operation = 0
        self._router = ClassHeaps(work.agents, len(work.needs))
        for agent in work.idle:
            self._router.free(agent)
        idle = set(work.idle)
        self._busy = [agent for agent in range(len(work.agents)) if agent not in idle]
        self._longest = 0

    def run(self, operations: int) -> list[int]:
        """Who was found, one an operation."""
        work, router, busy = self._work, self._router, self._busy
        found: list[int] = []
        for contact in range(self._operation, self._operation + operations):
            agent = router.arrive(contact, work.sets[work.needs[contact]], work.orders[contact])
            found.append(agent)
            if agent != NOBODY:
                busy.append(agent)
                router.free(busy[self._longest])
                self._longest += 1
            else:
                router.leave(contact)
        self._operation += operations
        return found
