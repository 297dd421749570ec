"""A private PostgreSQL server for a test session: own temp directory, Unix socket only, an unprivileged user, no durability.

Fixtures: `postgres` (the server; `postgres.database()` makes an empty place in it and returns its URL) and `database_url`
(parametrised: SQLite file, then PostgreSQL). Binaries: the system's, else those of the `pgserver` wheel.
Without any, tests fail: they never skip.
"""

import asyncio
import importlib.util
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

SYSTEM = Path("/usr/lib/postgresql")
START_S = 60.0


class PostgresServer:
    """A running server. `directory` holds everything it writes."""

    def __init__(
        self, programs: Path, directory: Path, account: dict[str, Any], *, durable: bool = False, settings: Mapping[str, str]
    ) -> None:
        self._programs = programs
        self._account = account
        self._sync = "on" if durable else "off"
        self._settings = settings
        self._numbers = itertools.count(1)
        self.directory = directory
        self.data = directory / "data"

    def database(self) -> str:
        """Make an empty place; returns its SQLAlchemy URL: a user whose only schema it is. (A database of its own would be 8 MB in
        300 files, which whoever searches the disk has to read.)"""
        name = f"test{next(self._numbers)}"
        self._say(
            f"CREATE ROLE {name} LOGIN; CREATE SCHEMA {name} AUTHORIZATION {name}; ALTER ROLE {name} SET search_path = {name}"
        )
        return f"postgresql+asyncpg://{name}@/postgres?host={self.directory}"

    def checkpoint(self) -> None:
        """Write all pages out, so that the files can be searched."""
        self._say("CHECKPOINT")

    def cut_connections(self) -> None:
        """Every client but this call's own loses its connection."""
        others = "backend_type = 'client backend' AND pid <> pg_backend_pid()"
        query = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"
        self._say(query)

    def start(self) -> "subprocess.Popen[bytes]":
        """Also again, after it was killed."""
        if not self.data.exists():
            options = ["initdb", "-D", str(self.data), "-U", "cordboard", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"]
            self._call(*options)
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.directory),
            "fsync": self._sync,
            "full_page_writes": self._sync,
            "max_connections": "50",
            "shared_buffers": "32MB",
            "log_min_messages": "fatal",
            "autovacuum": "off",
            **self._settings,
        }
        arguments = [f"-c{name}={value}" for name, value in settings.items()]
        log = (self.directory / "log").open("wb")
        with log:
            command = [str(self._programs / "postgres"), "-D", str(self.data), *arguments]
            process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.directory, **self._account)
        deadline = time.monotonic() + START_S
        while not self._answers():
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                pytest.fail(f"PostgreSQL did not start: {(self.directory / 'log').read_text()}", pytrace=False)
            time.sleep(0.05)
        return process

    def _say(self, sql: str) -> None:
        self._call("psql", "-h", str(self.directory), "-U", "cordboard", "-qAtc", sql, "postgres")

    def _answers(self) -> bool:
        ready = [str(self._programs / "pg_isready"), "-q", "-h", str(self.directory)]
        return subprocess.run(ready, check=False, cwd=self.directory).returncode == 0

    def _call(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), *arguments]
        done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=self.directory, **self._account)
        if done.returncode != 0:
            pytest.fail(f"{program} failed: {done.stderr}{done.stdout}", pytrace=False)


@contextmanager
def own_server(
    *, durable: bool = False, settings: Mapping[str, str] | None = None
) -> Iterator[tuple[PostgresServer, list["subprocess.Popen[bytes]"]]]:
    """A server of one's own, and its processes: who kills one adds the next. `settings` go before those of tests."""
    directory = Path(tempfile.mkdtemp(prefix="cordboard-pg-"))
    try:
        account = _account(directory)
        server = PostgresServer(_programs(directory, account), directory, account, durable=durable, settings=settings or {})
        processes = [server.start()]
        try:
            yield server, processes
        finally:
            processes[-1].send_signal(signal.SIGINT)  # fast shutdown
            try:
                processes[-1].wait(30)
            except subprocess.TimeoutExpired:
                processes[-1].kill()
                processes[-1].wait()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The session's server."""
    with own_server() as (server, _):
        yield server


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Makes an empty database and returns its URL; each test runs once on SQLite and once on PostgreSQL."""
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        return server.database
    numbers = itertools.count(1)
    return lambda: f"sqlite+aiosqlite:///{tmp_path / f'test{next(numbers)}.db'}"


@pytest.fixture
def database_url(new_database: Callable[[], str]) -> str:
    """One empty database."""
    return new_database()


def stored_bytes(url: str, server: Callable[[], PostgresServer]) -> bytes:
    """Everything that the database behind `url` has on disk, its write-ahead log included."""
    if url.startswith("sqlite"):
        file = Path(url.removeprefix("sqlite+aiosqlite:///"))
        return b"".join(part.read_bytes() for part in sorted(file.parent.glob(file.name + "*")))
    running = server()
    running.checkpoint()
    return b"".join(part.read_bytes() for part in sorted(running.data.rglob("*")) if part.is_file())


def _programs(directory: Path, account: dict[str, Any]) -> Path:
    """Where the server's programs are: the newest of the system's, or those of the wheel, copied if its user may not read them."""
    versions = [path.parent.parent for path in SYSTEM.glob("*/bin/postgres") if (path.parent / "initdb").exists()]
    if versions:
        return max(versions, key=lambda path: float(path.name)) / "bin"
    spec = importlib.util.find_spec("pgserver")
    if spec is None or spec.origin is None:
        pytest.fail(
            "no PostgreSQL server: install the package postgresql, or the wheel pgserver (pip install -e '.[dev]')", pytrace=False
        )
    installed = Path(spec.origin).parent / "pginstall"
    probe = (
        subprocess.run([str(installed / "bin" / "postgres"), "--version"], check=False, capture_output=True, **account)
        if _may_enter(installed, account)
        else None
    )
    if probe is not None and probe.returncode == 0:
        return installed / "bin"
    shutil.copytree(installed, directory / "pginstall", symlinks=True)
    _give(directory / "pginstall", account)
    return directory / "pginstall" / "bin"


def _may_enter(installed: Path, account: dict[str, Any]) -> bool:
    return not account or all(parent.stat().st_mode & 0o001 for parent in (installed, *installed.parents))


def _account(directory: Path) -> dict[str, Any]:
    """Who runs the server: this user, unless it is root, whom PostgreSQL refuses."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        account = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
        _give(directory, account)
        return account
    pytest.fail("PostgreSQL does not run as root, and there is neither a user postgres nor nobody", pytrace=False)


def _give(directory: Path, account: dict[str, Any]) -> None:
    if account:
        for path in (directory, *directory.rglob("*")):
            os.chown(path, account["user"], account["group"], follow_symlinks=False)


async def eventually(condition: Callable[[], Any], what: str, within_s: float = 60.0) -> None:
    """Wait until `condition` (plain or awaitable) holds; a generous limit, so that a slow machine is not a failure.

    The longer that takes, the less often it is asked: some conditions read a whole journal, and what they wait for needs the
    processor, too.
    """
    clock = asyncio.get_running_loop().time
    began_s = clock()
    try:
        async with asyncio.timeout(within_s):
            while True:
                held = condition()
                if asyncio.iscoroutine(held):
                    held = await held
                if held:
                    return
                await asyncio.sleep(min(max(0.01, (clock() - began_s) / 10), 0.2))
    except TimeoutError:
        pytest.fail(f"never happened: {what}")
