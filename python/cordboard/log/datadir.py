"""The embedded server's directory: who holds it, and which server runs on it."""

import fcntl
import os
from pathlib import Path

import msgspec

from cordboard.errors import ConfigurationError
from cordboard.log.child import is_alive

OUTPUT_MAX = 1024 * 1024
FATAL = "[FTL]"
"""Stands in the server's log before what it ends of."""
_WORDS_MAX = 16 * 1024


class ServerRecord(msgspec.Struct, frozen=True):
    """The server on this directory: process (pid and start ticks), its owner's process, and where it listens."""

    server_name: str
    port: int
    monitor_port: int
    pid: int
    ticks: int
    owner_pid: int
    owner_ticks: int

    @property
    def alive(self) -> bool:
        return is_alive(self.pid, self.ticks)

    @property
    def owned(self) -> bool:
        """The Cordboard process that started it still is."""
        return is_alive(self.owner_pid, self.owner_ticks)


class DataDir:
    """Files: `server.lock`, `server.json` (ServerRecord), `nats.conf`, `nats.log`, `nats.out`, `jetstream/`."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.config = self.path / "nats.conf"
        self.log = self.path / "nats.log"
        self.output = self.path / "nats.out"
        self._lock = self.path / "server.lock"
        self._record = self.path / "server.json"

    def create(self) -> None:
        """Raises ConfigurationError if it cannot be made or written."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock.touch(mode=0o600)
        except OSError as error:
            raise ConfigurationError(f"the data directory {self.path} is not usable: {error}") from error

    def try_lock(self) -> int | None:
        """A descriptor that holds the lock until every copy of it is closed (the server inherits one); None: somebody has it."""
        fd = os.open(self._lock, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return None
        except BaseException:
            os.close(fd)
            raise
        return fd

    def record(self) -> ServerRecord | None:
        """What was written last, None if there is nothing readable."""
        try:
            return msgspec.json.decode(self._record.read_bytes(), type=ServerRecord)
        except (OSError, msgspec.DecodeError):
            return None

    def write_record(self, record: ServerRecord) -> None:
        """Only the holder of the lock may."""
        self._replace(self._record, msgspec.json.encode(record))

    def write_config(self, text: str) -> None:
        self._replace(self.config, text.encode())

    def written(self) -> dict[Path, int]:
        """How long the server's log and its output are."""
        return {path: path.stat().st_size if path.exists() else 0 for path in (self.log, self.output)}

    def last_words(self, before: dict[Path, int]) -> str:
        """What a server that ended said last of why, since its files were as long as `before`; empty: nothing."""
        said = [line for path, length in before.items() for line in _since(path, length)]
        last = ([line for line in said if FATAL in line] or said)[-1:]
        return "".join(line.rpartition(FATAL)[2].strip() for line in last)

    def trim_output(self) -> None:
        """What the server wrote before it had its log file is only of use for the last starts."""
        if self.output.exists() and self.output.stat().st_size > OUTPUT_MAX:
            self.output.unlink()

    def _replace(self, path: Path, data: bytes) -> None:
        fresh = path.with_suffix(".new")
        fresh.write_bytes(data)
        fresh.chmod(0o600)
        fresh.replace(path)


def _since(path: Path, length: int) -> list[str]:
    """The last lines of a file that were written since it was so long."""
    if not path.exists():
        return []
    with path.open("rb") as file:
        file.seek(max(length, path.stat().st_size - _WORDS_MAX))
        return [line for line in file.read().decode(errors="replace").splitlines() if line.strip()]
