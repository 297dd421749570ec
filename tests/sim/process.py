"""A process of the simulated site: it is started, killed at any of its steps, paused, and started again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from tests.sim.loop import OWNER, WORLD, Step, VirtualLoop

T = TypeVar("T")


class Gone(Exception):
    """The process that was asked is not there (any more). What it did of what was asked, nobody knows."""


class Life:
    """One start of a process: its tasks, and whether they still take steps."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.dead = False
        self.held: list[Step] | None = None
        self.fuse = -1
        """So many steps until it is killed; negative: never."""
        self.tasks: list[asyncio.Task[Any]] = []
        self.calls: dict[asyncio.Future[Any], None] = {}
        self.context = WORLD.copy()
        self.context.run(OWNER.set, self)

    def admit(self, step: Step) -> bool:
        if self.dead:
            return False
        if self.held is not None:
            self.held.append(step)
            return False
        if self.fuse >= 0:
            self.fuse -= 1
            if self.fuse < 0:
                self.process.kill("at a step of its own")
                return False
        return True

    def began(self, task: asyncio.Task[Any]) -> None:
        self.tasks.append(task)
        if len(self.tasks) > 256:
            self.tasks = [each for each in self.tasks if not each.done()]


class Process:
    """`boot` makes what a life runs. `ended` hears of a life that ended by itself, and how."""

    def __init__(
        self,
        name: str,
        loop: VirtualLoop,
        boot: Callable[[], Coroutine[Any, Any, None]],
        say: Callable[[str], None],
        ended: Callable[[Process, BaseException | None], None],
    ) -> None:
        self.name = name
        self.killed: Callable[[], None] = lambda: None
        """Told after each kill: what the operating system takes back (locks, open transactions)."""
        self._loop, self._boot, self._say, self._ended = loop, boot, say, ended
        self._at_call: int | None = None
        self._life: Life | None = None
        self._buried: list[Life] = []

    @property
    def alive(self) -> bool:
        return self._life is not None

    @property
    def paused(self) -> bool:
        return self._life is not None and self._life.held is not None

    def start(self) -> None:
        if self._life is not None:
            return
        life = self._life = Life(self)
        self._say(f"{self.name} starts")
        task = self._loop.create_task(self._boot(), name=self.name, context=life.context)
        task.add_done_callback(lambda task: self._over(life, task), context=WORLD)

    def kill(self, why: str) -> None:
        """Now: none of its coroutines takes another step."""
        life = self._life
        if life is None:
            return
        self._say(f"{self.name} is killed {why}")
        self._bury(life)

    def kill_after(self, steps: int) -> None:
        if self._life is not None:
            self._life.fuse = steps

    def kill_at_call(self, steps: int) -> None:
        """So many steps after it is asked for something next."""
        self._at_call = steps

    def pause(self) -> None:
        if self._life is not None and self._life.held is None:
            self._say(f"{self.name} is paused")
            self._life.held = []

    def resume(self) -> None:
        if self._life is not None and self._life.held is not None:
            self._say(f"{self.name} goes on")
            held, self._life.held = self._life.held, None
            self._loop.again(held)

    def spare(self) -> None:
        """Not to be killed at a later step any more."""
        self._at_call = None
        if self._life is not None:
            self._life.fuse = -1

    async def call(self, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """From outside: what `make()` gives in there. Raises Gone when the process is not there or dies over it."""
        life = self._life
        if life is None:
            raise Gone(self.name)
        if self._at_call is not None:
            life.fuse, self._at_call = self._at_call, None
        answer: asyncio.Future[T] = self._loop.create_future()
        life.calls[answer] = None
        task = self._loop.create_task(make(), context=life.context)
        task.add_done_callback(lambda task: _pass_on(task, answer), context=WORLD)
        try:
            return await answer
        except asyncio.CancelledError:
            if not life.dead:
                task.cancel()
            raise
        finally:
            life.calls.pop(answer, None)

    def close(self) -> None:
        """After the run: let go of what the dead left, whatever their `finally` would still do."""
        if self._life is not None:
            self._bury(self._life)
        for life in self._buried:
            for task in life.tasks:
                abandon(task)

    def _bury(self, life: Life) -> None:
        life.dead = True
        life.held = None
        self._life = None
        self._buried.append(life)
        for answer in life.calls:
            if not answer.done():
                answer.set_exception(Gone(self.name))
        self.killed()

    def _over(self, life: Life, task: asyncio.Task[None]) -> None:
        if life.dead:
            return
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        self._bury(life)
        self._ended(self, error)


def abandon(task: asyncio.Task[Any]) -> None:
    """Close a coroutine that waits for ever, as often as it takes."""
    if task.done():
        return
    task._log_destroy_pending = False  # type: ignore[attr-defined]
    coroutine: Any = task.get_coro()
    for _ in range(20):
        with contextlib.suppress(BaseException):
            coroutine.close()
            return


def _pass_on(task: asyncio.Task[T], answer: asyncio.Future[T]) -> None:
    if answer.done():
        if not task.cancelled():
            task.exception()
    elif task.cancelled():
        answer.set_exception(Gone("cancelled"))
    elif (error := task.exception()) is not None:
        answer.set_exception(error)
    else:
        answer.set_result(task.result())
