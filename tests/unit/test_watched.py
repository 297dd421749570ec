"""Tasks that a role relies on: when one of them ends, the role does not go on without it."""

import asyncio
from pathlib import Path

import pytest

from cordboard.errors import LogUnavailable, SteppedDown, VaultUnavailable
from cordboard.log.memory import MemoryLog
from cordboard.vault import writer
from cordboard.watched import ended_by
from tests.journal import SITE


async def for_ever() -> None:
    await asyncio.Event().wait()


async def fails() -> None:
    raise OSError("no such device")


async def ends() -> None:
    pass


@pytest.mark.parametrize("work", [fails, ends])
async def test_a_task_that_ends_ends_who_relies_on_it(work: object) -> None:
    task = asyncio.create_task(fails() if work is fails else ends())
    with pytest.raises(LogUnavailable, match="it failed") as raised:
        async with ended_by(task, LogUnavailable("it failed")):
            await for_ever()
    assert isinstance(raised.value.__cause__, OSError) == (work is fails)
    current = asyncio.current_task()
    assert current is not None and not current.cancelling()


async def test_who_is_cancelled_for_another_reason_is_cancelled() -> None:
    task = asyncio.create_task(for_ever())

    async def relies() -> None:
        async with ended_by(task, LogUnavailable("it failed")):
            await for_ever()

    relying = asyncio.create_task(relies())
    await asyncio.sleep(0)
    relying.cancel()
    await asyncio.wait([relying])
    assert relying.cancelled() and not task.done()
    # Nor does its end matter to who has left.
    async with ended_by(task, LogUnavailable("it failed")):
        pass
    task.cancel()
    await asyncio.wait([task])


async def test_a_broken_writer_of_the_vault_ends_its_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: object) -> None:
        raise OSError("no such device")

    monkeypatch.setattr(writer, "_commit", breaks)
    with pytest.raises(VaultUnavailable, match="the vault's writer failed"):
        async with writer.group_writer(f"sqlite+aiosqlite:///{tmp_path / 'vault.db'}") as own:
            waiting = asyncio.create_task(own.write(lambda _: None))
            await for_ever()
    with pytest.raises(VaultUnavailable):
        await waiting


async def test_a_broken_appender_ends_its_user(monkeypatch: pytest.MonkeyPatch) -> None:
    log = MemoryLog(SITE)

    async def breaks(*_: object, **__: object) -> None:
        raise OSError("no such device")

    monkeypatch.setattr(log.journal, "send", breaks)
    with pytest.raises(LogUnavailable, match="the appender failed") as raised:
        async with log.appender() as appender:
            waiting = asyncio.create_task(appender.append(1, b"commit"))
            await for_ever()
    assert isinstance(raised.value.__cause__, OSError)
    with pytest.raises(LogUnavailable):
        await waiting


async def test_who_waits_for_a_broken_appender_itself_is_told_and_not_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    log = MemoryLog(SITE)

    async def breaks(*_: object, **__: object) -> None:
        raise OSError("no such device")

    async def use() -> None:
        async with log.appender() as appender:
            await appender.append(1, b"commit")

    monkeypatch.setattr(log.journal, "send", breaks)
    user = asyncio.create_task(use())
    with pytest.raises(LogUnavailable):
        await user
    assert not user.cancelled() and user.cancelling() == 0


async def test_who_meets_another_router_is_told_by_the_append_and_goes_on() -> None:
    log = MemoryLog(SITE)
    async with log.appender() as other:
        await other.append(1, b"another")
    async with log.appender() as appender:
        for _ in range(2):
            with pytest.raises(SteppedDown):
                await appender.append(1, b"commit")
        await asyncio.sleep(0)
