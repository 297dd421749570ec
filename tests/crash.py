"""Dying on purpose: at a call of vault or log, before or after it took effect, or wherever a coroutine waits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any, Generic, TypeVar

T = TypeVar("T")
CALLS = ("find", "customer", "segment", "threads_of", "accept", "published", "read")
"""What an entrance asks of the vault. `publish` is what it asks of the log."""


class Killed(BaseException):
    """The process is gone. No handler of errors may see it."""


class Death:
    """Counts calls, two moments each, and strikes at moment `at` (from 1; 0: never). `struck` tells where."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.moments = 0
        self.struck: str | None = None

    async def round(self, name: str, call: Callable[[], Awaitable[T]]) -> T:
        self.pass_by(f"before {name}")
        result = await call()
        self.pass_by(f"after {name}")
        return result

    def pass_by(self, moment: str) -> None:
        self.moments += 1
        if self.moments == self.at:
            self.struck = moment
        if self.struck is not None:  # the dead do nothing more
            raise Killed(self.struck)


class MortalVault:
    """A vault whose caller may die at any call."""

    def __init__(self, vault: Any, death: Death) -> None:
        self._vault, self._death = vault, death

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._vault, name)
        if name not in CALLS:
            return attribute
        return lambda *arguments, **options: self._death.round(name, lambda: attribute(*arguments, **options))


KEPT: list[object] = []
"""Coroutines of the dead: were they collected, their `finally` would run, which no kill grants."""


class UntilKilled(Generic[T]):
    """Awaits a coroutine up to the `at`th time that it waits for something; there it is left for ever."""

    def __init__(self, coroutine: Coroutine[Any, Any, T], at: int) -> None:
        self._coroutine, self._at = coroutine, at

    def __await__(self) -> Generator[Any, Any, T]:
        waits = 0
        answer: BaseException | None = None
        while True:
            try:
                waited = self._coroutine.send(None) if answer is None else self._coroutine.throw(answer)
            except StopIteration as done:
                value: T = done.value
                return value
            answer = None
            waits += 1
            if waits == self._at:
                KEPT.append((self._coroutine, waited))
                raise Killed(f"wait {waits}")
            try:
                yield waited
            except BaseException as error:  # noqa: BLE001  it is the coroutine's
                answer = error
