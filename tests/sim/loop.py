"""An event loop without sleep, sockets and threads: its clock jumps to the next timer when nothing is ready.

Every callback belongs to a process (a context variable that tasks inherit). A process that is dead takes no further step: its
coroutines stay where they wait, without their `finally`, as after a kill. One that is paused takes its steps when it goes on.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from asyncio import events
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context, ContextVar, copy_context
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Owner(Protocol):
    """Whose step it is. `admit` says whether it may be taken now; what may not is the owner's to keep or to drop."""

    def admit(self, step: Step) -> bool: ...
    def began(self, task: asyncio.Task[Any]) -> None: ...


OWNER: ContextVar[Owner | None] = ContextVar("owner", default=None)
WORLD = copy_context()
"""The context of what belongs to nobody: servers, the network, the people outside."""


class Stuck(Exception):
    """Nothing is ready, no timer runs, and what was waited for has not come."""


class Step(asyncio.TimerHandle):
    """A callback that is due, now or at a time."""

    __slots__ = ("owner",)

    def __init__(self, when: float, callback: Callable[..., object], args: tuple[Any, ...], context: Context | None) -> None:
        # Not by super(): that asks for debug information which nobody reads, and half of a run is making these.
        self._callback = callback
        self._args = args
        self._context = copy_context() if context is None else context
        self._cancelled = False
        self._when = when
        self.owner: Owner | None = self._context.get(OWNER)

    def cancel(self) -> None:
        self._cancelled = True

    def take(self) -> None:
        self._context.run(self._callback, *self._args)


class NumberedTask(asyncio.Task[T]):
    """A task whose place in a set does not depend on where it lies in memory."""

    _numbers = itertools.count()

    def __init__(self, *args: Any, **options: Any) -> None:
        self._number = next(NumberedTask._numbers)
        super().__init__(*args, **options)

    def __hash__(self) -> int:
        return self._number

    def __eq__(self, other: object) -> bool:
        return self is other


class VirtualLoop(asyncio.BaseEventLoop):
    """`run(until)` is the only way to drive it. `work_s` says how long a piece of an executor's work takes."""

    def __init__(self, work_s: Callable[[], float] = lambda: 0.0) -> None:
        super().__init__()
        self._now = 0.0
        self._due: deque[Step] = deque()
        self._timers: list[tuple[float, int, Step]] = []
        self._order = itertools.count()
        self._work_s = work_s
        self._free_at: dict[Any, float] = {}
        self._over = False
        self.steps = 0
        self.failures: list[dict[str, Any]] = []
        NumberedTask._numbers = itertools.count()

    def __del__(self) -> None:
        """Nothing is open: no selector, no socket."""

    # -- time and turns -------------------------------------------------------------------------------------------------

    def time(self) -> float:
        return self._now

    def run(self, until: Callable[[], bool], most_s: float) -> bool:
        """Turn until `until()` holds. False if that takes longer than `most_s` seconds of virtual time. Raises Stuck."""
        end, before = self._now + most_s, events._get_running_loop()
        events._set_running_loop(self)
        try:
            while not until():
                if not self._due:
                    if not self._timers:
                        raise Stuck
                    if self._timers[0][0] > end:
                        self._now = end
                        return False
                    self._jump()
                step = self._due.popleft()
                if not step._cancelled and (step.owner is None or step.owner.admit(step)):
                    self.steps += 1
                    step.take()
            return True
        finally:
            events._set_running_loop(before)

    def again(self, steps: list[Step]) -> None:
        """What a process did not take while it was paused."""
        self._due.extend(steps)

    def _jump(self) -> None:
        self._now = max(self._now, self._timers[0][0])
        while self._timers and self._timers[0][0] <= self._now:
            step = heapq.heappop(self._timers)[2]
            if not step._cancelled:
                self._due.append(step)
        while self._timers and not self._due:  # all of them were cancelled
            self._jump()

    # -- what asyncio asks of a loop ------------------------------------------------------------------------------------

    def call_soon(self, callback: Callable[..., object], *args: Any, context: Context | None = None) -> Step:  # type: ignore[override]
        step = Step(self._now, callback, args, context)
        self._due.append(step)
        return step

    def call_soon_threadsafe(self, callback: Callable[..., object], *args: Any, context: Context | None = None) -> Step:  # type: ignore[override]
        return self.call_soon(callback, *args, context=context)

    def call_at(self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None) -> Step:  # type: ignore[override]
        step = Step(when, callback, args, context)
        heapq.heappush(self._timers, (when, next(self._order), step))
        return step

    def call_later(self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None) -> Step:  # type: ignore[override]
        return self.call_at(self._now + max(0.0, delay), callback, *args, context=context)

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(  # type: ignore[override]
        self, coro: Coroutine[Any, Any, T] | Generator[Any, None, T], *, name: str | None = None, context: Context | None = None
    ) -> asyncio.Task[T]:
        task: asyncio.Task[T] = NumberedTask(coro, loop=self, name=name, context=context)
        owner = OWNER.get() if context is None else context.get(OWNER)
        if owner is not None:
            owner.began(task)
        return task

    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:  # type: ignore[override]
        """Inline, a little later, and for each executor in the order of asking. The dead do no work."""
        done: asyncio.Future[T] = self.create_future()
        at = max(self._now, self._free_at.get(executor, 0.0)) + self._work_s()
        if executor is not None:
            self._free_at[executor] = at

        def work() -> None:
            if done.cancelled():
                return
            try:
                result = func(*args)
            except BaseException as error:  # noqa: BLE001  it is the caller's
                done.set_exception(error)
            else:
                done.set_result(result)

        self.call_at(at, work)
        return done

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return events._get_running_loop() is self

    def is_closed(self) -> bool:
        return self._over

    def close(self) -> None:
        """Nothing is ready or will be any more."""
        self._over = True
        self._due.clear()
        self._timers.clear()

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.failures.append(context)

    def default_exception_handler(self, context: dict[str, Any]) -> None:
        self.failures.append(context)
