"""Who is told of the changes of which desk."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from cordboard.projections.live import DeskChange, Sink


class Sinks:
    """Sinks by agent. They are called while a commit is folded, so they must only note and return."""

    def __init__(self) -> None:
        self._sinks: dict[bytes, list[Sink]] = {}

    def __bool__(self) -> bool:
        return bool(self._sinks)

    def agents(self) -> list[bytes]:
        """Those whose desk somebody watches."""
        return list(self._sinks)

    def add(self, agent: bytes, sink: Sink) -> Callable[[], None]:
        """Call what is returned to end that."""
        sinks = self._sinks.setdefault(agent, [])
        sinks.append(sink)

        def remove() -> None:
            if sink in sinks:
                sinks.remove(sink)
            if not sinks and self._sinks.get(agent) is sinks:
                del self._sinks[agent]

        return remove

    def tell(self, agents: Iterable[bytes | None], change: DeskChange) -> None:
        """None is passed over."""
        for agent in agents:
            if agent is not None:
                for sink in tuple(self._sinks.get(agent, ())):
                    sink(change)
