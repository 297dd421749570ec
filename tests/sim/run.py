"""One seed, one run: the whole site in one process and in virtual time, what is done to it, and whether its promises hold."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import hashlib
import logging
import random
import sys
from collections import Counter
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from typing import Any

from cordboard import codec
from cordboard.errors import ConfigurationError, CordboardError, JournalCorrupt
from cordboard.log.memory import MemoryLog, MemoryServer
from cordboard.router import standby
from tests.sim.checker import Auditor, check, folded_at_once, projections
from tests.sim.database import history_database, vault_database
from tests.sim.ledger import Ledger
from tests.sim.loop import OWNER, WORLD, Stuck, VirtualLoop
from tests.sim.machine import MachineClock, from_the_seed
from tests.sim.nemesis import Host, Nemesis
from tests.sim.network import Weather, Wire
from tests.sim.people import People
from tests.sim.process import Life, Process, abandon
from tests.sim.roles import ApiRole, GatewayRole, ProjectorRole, RouterRole, SourceRole
from tests.sim.site import SITE

TROUBLE_S = 16.0
SETTLE_S = 180.0
"""How long, once all is well, until everything that was asked must have its answer."""
DUPLICATES_MS = 20_000
PUBLISHING = "a publisher is not through"


@dataclass(frozen=True, slots=True)
class Result:
    """`broken`: promises that did not hold, the first one first. `digest`: of both streams and all that was done."""

    seed: int
    broken: list[str]
    transcript: list[str]
    digest: str
    virtual_s: float
    counts: dict[str, int]


def simulate(seed: int) -> Result:
    """The run that belongs to `seed`, always the same."""
    gc.disable()  # a collection at another moment would let go of a generator at another moment
    try:
        result = Run(seed).result()
        with _unheard():
            gc.collect()  # now that nothing of the run is needed: tasks left over would be in the way of the next one's
        return result
    finally:
        gc.enable()


class Run:
    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.ledger = Ledger()
        self._transcript: list[str] = []
        self._counts: Counter[str] = Counter()
        self._work = self._dice("work")
        self.loop = VirtualLoop(lambda: 0.0002 + self._work.random() * 0.002)
        self._server_clock = MachineClock(self.loop)
        self.server = MemoryServer(SITE, self._server_clock.wall_ms, duplicates_ms=DUPLICATES_MS)
        self.server.journal.stored = Auditor(self._found).stored
        self._weather = Weather()
        self._hosts: list[Host] = []
        self._outside: list[asyncio.Task[Any]] = []
        self._build()

    # -- the site -------------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        dice, ledger = self._dice("site"), self.ledger
        self._vault, self._history = vault_database(), history_database()
        self._vault.begin_anew()
        self._history.begin_anew()
        for number in range(dice.choice((2, 2, 3))):
            host, role = self._host(f"router-{number}", lambda host: RouterRole(self._log_of(host), host.clock, self._leads(host)))
            host.stop = role.hand_over
        self._gateway = self._host("gateway", lambda host: GatewayRole("mail", self._log_of(host), self._vault, ledger.acknowledge))
        self._gateway[0].process.killed = self._vault.process_died
        self._apis = [
            self._host(f"api-{number}", lambda host: ApiRole(self._log_of(host), self.server, ledger.acknowledge))
            for number in range(dice.choice((1, 1, 2)))
        ]
        self._sources = [
            self._host(f"source-{number}", lambda host: SourceRole(host.process.name, self._log_of(host), ledger.acknowledge))
            for number in range(dice.choice((1, 2)))
        ]
        self._projects = dice.random() < 0.15
        if self._projects:
            projector = self._host("projector", lambda host: ProjectorRole(self._log_of(host), self._history))
            projector[0].process.killed = self._history.process_died

    def _host(self, name: str, make: Any) -> tuple[Host, Any]:
        roles: list[Any] = []
        process = Process(name, self.loop, lambda: roles[0].run(), self._say, self._ended)
        host = Host(process, MachineClock(self.loop))
        roles.append(make(host))
        self._hosts.append(host)
        return host, roles[0]

    def _log_of(self, host: Host) -> Any:
        dice = self._dice(f"wire of {host.process.name}")

        def connect() -> MemoryLog:
            host.wire = Wire(self.loop, dice, self._weather, self._counts)
            return MemoryLog(SITE, server=self.server, line=host.wire)

        return connect

    def _leads(self, host: Host) -> Any:
        def leads(epoch: int) -> None:
            self._counts["take-overs"] += 1
            self._say(f"{host.process.name} leads in epoch {epoch}")

        return leads

    # -- the run --------------------------------------------------------------------------------------------------------

    def result(self) -> Result:
        disabled = logging.root.manager.disable
        logging.disable(logging.CRITICAL)
        try:
            with from_the_seed(self._dice("machine"), self._wall_ms), _seldom():
                broken = self._happen()
        finally:
            logging.disable(disabled)
            self._close()
        return Result(self.seed, broken, self._transcript, self._digest(), self.loop.time(), dict(self._counts))

    def _happen(self) -> list[str]:
        people = People(
            self._dice("people"), self.ledger, [(host.process, role) for host, role in self._apis],
            (self._gateway[0].process, self._gateway[1]), [(host.process, role) for host, role in self._sources], self._say,
        )  # fmt: skip
        nemesis = Nemesis(self._dice("nemesis"), self._hosts, self.server, self._server_clock, self._weather, self._say)
        for host in self._hosts:
            host.process.start()
        try:
            opened = self._spawn(people.begin())
            if not self.loop.run(opened.done, SETTLE_S):
                return [*self.ledger.broken, "the site does not begin to work"]
            tasks = [self._spawn(life) for life in people.everybody()]
            trouble = self._spawn(nemesis.run(self.loop.time() + TROUBLE_S))
            self.loop.run(lambda: trouble.done() or bool(self.ledger.broken), 2 * TROUBLE_S)
            people.living = False
            nemesis.heal()
            self._counts["faults"] = nemesis.faults
            settled = self._spawn(self._until_settled(tasks))
            if not self.loop.run(lambda: settled.done() or bool(self.ledger.broken), SETTLE_S):
                self._found(f"not settled {SETTLE_S:.0f} s after all was well: {self._unsettled(tasks) or PUBLISHING}")
            self._stand_still(tasks)
            self._failures([opened, trouble, settled, *tasks])
            return self._check()
        except Stuck:
            return [*self.ledger.broken, "nothing moves any more"]

    def _stand_still(self, tasks: list[asyncio.Task[Any]]) -> None:
        """No more commits, and those under way are read: else the journal would grow while it is checked."""
        for host in self._hosts:
            if host.stop is not None:
                host.process.kill("because the run is over")
        read = self._spawn(self._until_settled(tasks))
        if not self.ledger.broken and not self.loop.run(read.done, SETTLE_S):
            self._found(f"not settled after the last commit: {self._unsettled(tasks) or PUBLISHING}")

    async def _until_settled(self, tasks: list[asyncio.Task[Any]]) -> None:
        while True:
            await asyncio.sleep(0.5)
            if await self._drained() and not self._unsettled(tasks):
                return

    async def _drained(self) -> bool:
        """Whether nothing waits in a publisher. Whoever asked for it may have given up and had the answer elsewhere."""
        senders = [self._gateway[1], *(role for _, role in [*self._apis, *self._sources])]
        try:
            async with asyncio.timeout(0.5):
                for role in senders:
                    if role.publisher is not None:
                        await role.publisher.drained()
        except TimeoutError:
            return False
        return True

    def _unsettled(self, tasks: list[asyncio.Task[Any]]) -> str:
        """What is still to come, apart from what waits in a publisher; empty: nothing."""
        for task in tasks:
            if not task.done():
                return f"{task.get_coro().__qualname__} goes on"  # type: ignore[union-attr]
        if self._weather.under_way:
            return "messages are on their way"
        if self._vault.number("SELECT count(*) FROM vault_intake WHERE NOT published") != 0:
            return "facts are pending in the vault"
        if not self._all_decided():
            return "the router has not read the inbox to its end"
        ends = len(self.server.journal.messages)
        for host, api in self._apis:
            if api.feed is None or api.serving is None or api.feed.position != ends:
                return f"{host.process.name} has not read the journal to its end"
        if self._projects and self._history.number("SELECT seq FROM history_checkpoint") != ends:
            return "the history has not read the journal to its end"
        return ""

    def _all_decided(self) -> bool:
        if not self.server.journal.messages:
            return False
        consumed = codec.decode_commit(self.server.journal.messages[-1].data).consumed
        read = consumed.inbox_seq if consumed.facts_done else consumed.inbox_seq - 1
        return read >= len(self.server.inbox.messages)

    def _check(self) -> list[str]:
        checking = self._spawn(check(self.server, self.ledger))
        self.loop.run(checking.done, 3_600.0)
        broken: list[str] = checking.result()
        if not broken:
            for _, api in self._apis:
                broken += projections(self.server, api.serving.boards, api.serving.desks, api.feed.position)
        if not broken and self._projects:
            told = self._spawn(folded_at_once(self.server))
            self.loop.run(told.done, 3_600.0)
            if self._history.rows() != told.result():
                broken.append("the history's tables are not what one fold of the journal makes of it")
        return broken

    # -- what is noticed on the way -------------------------------------------------------------------------------------

    def _spawn(self, life: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = self.loop.create_task(life, context=WORLD)
        self._outside.append(task)
        return task

    def _ended(self, process: Process, error: BaseException | None) -> None:
        """A process that ended by itself is started again, as any supervisor would; not every end is a good one."""
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        if error is None and process.name.startswith("router"):
            self._counts["hand-overs"] += 1
            self._say(f"{process.name} has stopped")
            self.loop.call_later(1.0, process.start, context=WORLD)
            return
        self._say(f"{process.name} ends by itself: {type(error).__name__}: {error}")
        if not isinstance(error, CordboardError) or isinstance(error, JournalCorrupt):
            self._found(f"{process.name} ended with {type(error).__name__}: {error}")
        elif not isinstance(error, ConfigurationError):
            self._counts[f"ends {error.reason}"] += 1
        self.loop.call_later(1.0, process.start, context=WORLD)

    def _failures(self, tasks: list[asyncio.Task[Any]]) -> None:
        for task in tasks:
            if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                self._found(f"somebody outside met {type(error).__name__}: {error}")
        for failure in self.loop.failures:
            self._found(f"a callback failed: {failure.get('message')}: {failure.get('exception')!r}")

    def _found(self, what: str) -> None:
        self._say(f"BROKEN: {what}")
        self.ledger.broken.append(what)

    def _say(self, what: str) -> None:
        self._transcript.append(f"{self.loop.time():9.3f} {len(self.server.journal.messages):5d}  {what}")

    # -- small things ---------------------------------------------------------------------------------------------------

    def _dice(self, use: str) -> random.Random:
        return random.Random(f"{self.seed}/{use}")

    def _wall_ms(self) -> int:
        owner = OWNER.get()
        if isinstance(owner, Life):
            for host in self._hosts:
                if host.process is owner.process:
                    return host.clock.wall_ms()
        return self._server_clock.wall_ms()

    def _digest(self) -> str:
        digest = hashlib.blake2b(digest_size=16)
        for stream in (self.server.inbox, self.server.journal):
            for message in stream.messages:
                digest.update(b"%d %d " % (message.seq, message.stored_ms) + message.data)
        digest.update("\n".join(self._transcript).encode())
        return digest.hexdigest()

    def _close(self) -> None:
        self._counts["commits"] = len(self.server.journal.messages)
        self._counts["frames"] = len(self.server.inbox.messages)
        self._counts["steps"] = self.loop.steps
        self._counts["acknowledged"] = len(self.ledger.acknowledged)
        self._counts["told"] = len(self.ledger.told)
        self.loop.close()
        with _unheard():
            self._let_go()

    def _let_go(self) -> None:
        for host in self._hosts:
            host.process.close()
        for task in self._outside:
            abandon(task)
        self._hosts.clear()
        self._outside.clear()


@contextlib.contextmanager
def _seldom() -> Iterator[None]:
    """Standbys look round less often than twenty times a second: half of a run would be that."""
    before, standby.LOOK_S = standby.LOOK_S, 0.2
    try:
        yield
    finally:
        standby.LOOK_S = before


@contextlib.contextmanager
def _unheard() -> Iterator[None]:
    """Closing what was killed makes `finally` blocks run that no kill grants: nobody wants to hear of their complaints."""
    heard, sys.unraisablehook = sys.unraisablehook, lambda _: None
    try:
        yield
    finally:
        sys.unraisablehook = heard
