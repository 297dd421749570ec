"""Who sits at a desk: as long as somebody watches it, it is there. A desk that nobody watches any more is lost after a grace.

Every API process knows its own watches. Before it calls a desk lost it asks the others, in a whisper, whether the agent came
back there; should one be overheard, the desk's return follows as soon as that process reads of the loss in the journal, and that
the journal holds no return of it yet. Agents who are never watched (a service works for them) are never lost. What a process that
dies leaves behind is not called lost: those desks come back elsewhere, or their offers expire.
"""

import asyncio
import contextlib
import logging
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from cordboard import codec
from cordboard.errors import CordboardError, LogUnavailable
from cordboard.events import Commit, Fact
from cordboard.events.event import AgentRemoved, DeskLossRecorded, DeskReturnRecorded
from cordboard.events.fact import DeskLost, DeskReturned
from cordboard.log.port import Publisher, SiteLog
from cordboard.projections.desks import Desks

logger = logging.getLogger(__name__)
SESSION_GRACE_S = 30.0
ANSWER_S = 0.5
"""So long the other processes have to say that the agent is with them."""
PAUSE_S = 1.0
_ASK, _HERE = "desk.missing", "desk.here"
_AGENT_REMOVED, _DESK_LOST, _DESK_RETURNED = 31, 51, 52
_OURS = frozenset((_AGENT_REMOVED, _DESK_LOST, _DESK_RETURNED))


class Attendance:
    """A fold of lost desks, and the watches of this process. `attend` while a desk is watched; `run` beside it. `caught_up` waits
    until the folds have read what the journal holds at that moment."""

    def __init__(
        self, log: SiteLog, desks: Desks, caught_up: Callable[[], Awaitable[None]], grace_s: float = SESSION_GRACE_S
    ) -> None:
        self._log = log
        self._desks = desks
        self._caught_up = caught_up
        self._grace_s = grace_s
        self._watched: Counter[bytes] = Counter()
        self._lost: dict[bytes, int] = {}
        """Desks that are lost, and the position since when."""
        self._welcomed: dict[bytes, int] = {}
        """Of those that are watched, the loss from which they were called back."""
        self._leaving: dict[bytes, asyncio.Task[None]] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self._ending = False

    def apply(self, seq: int, commit: Commit) -> None:
        """Fold the next commit."""
        for entry in commit.entries:
            if entry.tag not in _OURS or entry.agent is None:
                continue
            match codec.decode_event(entry):
                case DeskLossRecorded():
                    self._lost[entry.agent] = seq
                    self._welcome(entry.agent)
                case DeskReturnRecorded() | AgentRemoved():
                    self._lost.pop(entry.agent, None)

    @contextmanager
    def attend(self, agent: bytes) -> Iterator[None]:
        """While a watch of the agent's desk lasts."""
        self._watched[agent] += 1
        if (leaving := self._leaving.pop(agent, None)) is not None:
            leaving.cancel()
        self._welcome(agent)
        try:
            yield
        finally:
            self._watched[agent] -= 1
            if not self._watched[agent]:
                del self._watched[agent]
                self._welcomed.pop(agent, None)
                self._miss(agent)

    def end(self) -> None:
        """This process stops: its desks go elsewhere, and none is called lost."""
        self._ending = True
        for leaving in self._leaving.values():
            leaving.cancel()
        self._leaving.clear()

    async def run(self, publisher: Publisher) -> None:
        """Until cancelled: tell the journal of lost and returned desks, and answer other processes."""
        self._publisher = publisher
        try:
            async with asyncio.TaskGroup() as self._tasks:
                self._tasks.create_task(self._listen(_ASK))
                self._tasks.create_task(self._listen(_HERE))
                for agent in list(self._watched):
                    self._welcome(agent)
        finally:
            self._tasks = None

    def _welcome(self, agent: bytes) -> None:
        since = self._lost.get(agent)
        if since is not None and since != self._welcomed.get(agent) and self._watched[agent] and self._tasks is not None:
            self._welcomed[agent] = since
            self._tasks.create_task(self._return(agent, since), name="api-desk-return")

    def _miss(self, agent: bytes) -> None:
        if self._tasks is not None and not self._ending and agent not in self._leaving:
            self._leaving[agent] = self._tasks.create_task(self._lose(agent), name="api-desk-loss")

    async def _lose(self, agent: bytes) -> None:
        """Cancelled when the agent is seen again."""
        await asyncio.sleep(self._grace_s)
        with contextlib.suppress(LogUnavailable):
            await self._log.whisper(f"{_ASK}.{agent.hex()}", b"")
        await asyncio.sleep(ANSWER_S)
        desk = self._desks.desk(agent)
        matters = desk.declared and (desk.requested != "offline" or desk.effective != "offline" or bool(desk.work))
        if matters and agent not in self._lost:
            # From here on nothing cancels it: whoever comes back now finds the loss in the journal.
            self._leaving.pop(agent, None)
            await self._tell(DeskLost(uuid.uuid4().bytes, agent))
        else:
            self._leaving.pop(agent, None)

    async def _return(self, agent: bytes, since: int) -> None:
        """Unless the journal holds a return already that this process had not read: what is behind us needs no answer."""
        while True:
            try:
                await self._caught_up()
            except CordboardError as error:
                logger.warning("a desk's coming cannot be told: %s", error.reason)
                await asyncio.sleep(PAUSE_S)
            else:
                break
        if self._lost.get(agent) == since and self._watched[agent]:
            await self._tell(DeskReturned(uuid.uuid4().bytes, agent))

    async def _tell(self, fact: Fact) -> None:
        """Until it is in the log: the same fact, so that a repeat is harmless."""
        data = codec.check_fact(fact)
        while True:
            try:
                await self._publisher.publish(data)
            except CordboardError as error:
                logger.warning("a desk's coming or going cannot be told: %s", error.reason)
                await asyncio.sleep(PAUSE_S)
            else:
                return

    async def _listen(self, topic: str) -> None:
        while True:
            try:
                async with contextlib.aclosing(self._log.listen(f"{topic}.*")) as whispers:
                    async for heard, _ in whispers:
                        await self._hear(topic, heard)
            except CordboardError as error:
                logger.warning("other API processes cannot be heard: %s", error.reason)
            await asyncio.sleep(PAUSE_S)

    async def _hear(self, topic: str, heard: str) -> None:
        try:
            agent = bytes.fromhex(heard.removeprefix(f"{topic}."))
        except ValueError:
            return
        if topic == _ASK:
            if self._watched[agent]:
                await self._log.whisper(f"{_HERE}.{agent.hex()}", b"")
        elif not self._watched[agent] and (leaving := self._leaving.pop(agent, None)) is not None:
            leaving.cancel()
