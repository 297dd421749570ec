"""What a session of the chat is plugged into, and how it leaves."""

from typing import Literal, Protocol


class Socket(Protocol):
    """What a session needs of a WebSocket that is accepted already."""

    async def receive(self) -> str | bytes | None:
        """The next frame; None when the client is gone."""

    async def send(self, frame: str) -> None:
        """Raises ConnectionError when the client is gone."""

    async def close(self, code: int, reason: str) -> None: ...


class SocketEnded(Exception):
    """Leave reader and writer; `code` None if the client is gone already."""

    def __init__(self, code: int | None, reason: str = "") -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class AgentSide(Protocol):
    """Tells the agent what is not worth the journal."""

    async def typing(self, contact: bytes) -> None: ...
    async def received(self, contact: bytes, message: bytes, state: Literal["delivered", "read"]) -> None: ...


def first_of(group: BaseExceptionGroup[SocketEnded]) -> SocketEnded:
    """The reason to close; one with a code wins only if the client is not gone."""
    for ended in group.exceptions:
        if isinstance(ended, SocketEnded):
            return ended
    raise AssertionError("an empty group")
