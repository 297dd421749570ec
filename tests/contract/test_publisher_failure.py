"""A publisher whose sender breaks must not leave a role that takes facts and never sends them."""

import asyncio

import pytest

from cordboard.errors import LogUnavailable
from cordboard.log.memory import MemoryLog
from cordboard.log.publisher import FramePublisher


async def test_a_broken_sender_ends_its_user(monkeypatch: pytest.MonkeyPatch) -> None:
    async def breaks(_self: FramePublisher) -> None:
        raise OSError("no such device")

    log = MemoryLog("default")
    with pytest.raises(LogUnavailable, match="the publisher failed"):
        async with log.publisher("role"):
            monkeypatch.setattr(FramePublisher, "_send_frame", breaks)
            async with log.publisher("other") as other:
                with pytest.raises(LogUnavailable):
                    await other.publish(b"fact")
                await asyncio.Event().wait()
    current = asyncio.current_task()
    assert current is not None
    assert not current.cancelling()
