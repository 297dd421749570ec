"""The engine as a child process: `cordboard up` on free ports, and how to stop it."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import msgspec

from cordboard.errors import ConfigurationError

READY_S = 120.0
STOP_S = 20.0


class Engine(msgspec.Struct, frozen=True):
    """Where the running engine can be reached (what `cordboard up --json` prints)."""

    pid: int
    nats_url: str
    nats_pid: int | None
    monitor_url: str | None
    grpc: str
    http: str
    smtp: str | None = None

    @property
    def chat_url(self) -> str:
        return f"ws://{self.http}/chat/ws"


async def start(data_dir: Path, arguments: Sequence[str], log_file: Path) -> tuple[asyncio.subprocess.Process, Engine]:
    """Start `cordboard up` and wait until its ports are open. Raises ConfigurationError with the end of its log otherwise."""
    with log_file.open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "cordboard.main",
            "up",
            "--json",
            *("--data-dir", str(data_dir), "--grpc-port", "0", "--http-port", "0", "--smtp-port", "0"),
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(READY_S):
            line = await process.stdout.readline()
        return process, msgspec.json.decode(line, type=Engine)
    except (TimeoutError, msgspec.DecodeError) as error:
        await stop(process)
        raise ConfigurationError(f"the engine did not start; the end of {log_file}:\n{_tail(log_file)}") from error
    except BaseException:
        await stop(process)  # Ctrl-C before it was up, for one: it shall not outlive the demo
        raise


async def stop(process: asyncio.subprocess.Process) -> None:
    """SIGTERM, then SIGKILL after STOP_S."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


@contextlib.asynccontextmanager
async def running(data_dir: Path, arguments: Sequence[str]) -> AsyncIterator[Engine]:
    """An engine for the length of the context."""
    await asyncio.to_thread(data_dir.mkdir, parents=True, exist_ok=True)
    process, engine = await start(data_dir, arguments, data_dir / "up.log")
    try:
        yield engine
    finally:
        await stop(process)


def _tail(path: Path) -> str:
    with contextlib.suppress(OSError):
        return "\n".join(path.read_text(errors="replace").splitlines()[-20:])
    return "(no log)"
