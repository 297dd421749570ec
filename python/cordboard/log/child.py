"""One run of a child process that cannot outlive us, and how to name and signal exactly one process."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

_LEASH = Path(__file__).with_name("leash.py")


def start_ticks(pid: int) -> int | None:
    """When the process started (clock ticks since boot): with the pid it names one process for ever. None: there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    state, *fields = stat.rpartition(")")[2].split()
    return None if state in "ZX" else int(fields[18])


def is_alive(pid: int, ticks: int) -> bool:
    return start_ticks(pid) == ticks


def open_process(pid: int, ticks: int) -> int | None:
    """A pidfd of exactly that process, None if it is gone. Readable once the process ends; the caller closes it."""
    try:
        fd = os.pidfd_open(pid)
    except OSError:
        return None
    # The descriptor holds on to whoever had the pid when it was opened; only then is the name checked.
    if is_alive(pid, ticks):
        return fd
    os.close(fd)
    return None


async def ended(pidfd: int) -> None:
    """Returns when the process behind `pidfd` has ended."""
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    loop.add_reader(pidfd, over.set)
    try:
        await over.wait()
    finally:
        loop.remove_reader(pidfd)


async def end_process(pid: int, ticks: int) -> None:
    """SIGKILL to exactly that process, if it still is; returns when it is gone."""
    fd = open_process(pid, ticks)
    if fd is None:
        return
    try:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(fd, signal.SIGKILL)
        await ended(fd)
    finally:
        os.close(fd)


class Child:
    """A process forked from, and waited for by, a thread of its own: the thread lives as long as the process, as the leash needs.

    It has its own session, so that a Ctrl-C in the terminal reaches us first.
    """

    def __init__(self, command: Sequence[str], inherited_fd: int, output: Path) -> None:
        self._command = [sys.executable, "-I", "-S", str(_LEASH), str(os.getpid()), *command]
        self._inherited_fd = inherited_fd
        self._output = output
        self._loop = asyncio.get_running_loop()
        self._started: asyncio.Future[subprocess.Popen[bytes]] = self._loop.create_future()
        self._exited: asyncio.Future[int] = self._loop.create_future()

    async def start(self) -> int:
        """Returns the pid. Raises OSError if the command cannot be run."""
        threading.Thread(target=self._live, name="cordboard nats-server", daemon=True).start()
        return (await asyncio.shield(self._started)).pid

    async def exited(self) -> int:
        """Returns the exit status (negative: the signal that ended it)."""
        return await asyncio.shield(self._exited)

    @property
    def running(self) -> bool:
        return self._started.done() and not self._exited.done()

    def signal(self, number: int) -> None:
        if self.running:
            self._started.result().send_signal(number)  # does nothing once it was waited for

    async def stop(self, grace_s: float) -> None:
        """SIGTERM, and SIGKILL after `grace_s` seconds; returns when it is gone. `start` was called before."""
        try:
            await asyncio.shield(self._started)
        except OSError:
            return
        self.signal(signal.SIGTERM)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(grace_s):
                    await self.exited()
        finally:
            self.signal(signal.SIGKILL)
        await self.exited()

    def _live(self) -> None:
        try:
            with self._output.open("ab") as output:
                process = subprocess.Popen(
                    self._command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    pass_fds=(self._inherited_fd,),
                    start_new_session=True,
                )
        except OSError as error:
            self._tell(self._started.set_exception, error)
            return
        self._tell(self._started.set_result, process)
        self._tell(self._exited.set_result, process.wait())

    def _tell(self, report: Callable[[Any], object], what: object) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody is left to hear it
            self._loop.call_soon_threadsafe(report, what)
