"""A real IMAP server of a test's own: dovecot on loopback, in a directory of its own, with one account."""

from __future__ import annotations

import asyncio
import contextlib
import imaplib
import os
import pwd
import shutil
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

import pytest

from tests.certificates import self_signed

DOVECOT = Path("/usr/sbin/dovecot")
USER, PASSWORD = "klantenservice", 'geh"eim \\ 1'
PATIENCE_S = 60.0
NOBODY = 65_534


@dataclass
class Dovecot:
    """`port` without TLS, `tls_port` with. The other methods are a mail program of its own, to look from the other side."""

    directory: Path
    port: int
    tls_port: int
    cert: Path
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        config = self.directory / "dovecot.conf"
        self.process = await asyncio.create_subprocess_exec(DOVECOT, "-F", "-c", config, stderr=asyncio.subprocess.DEVNULL)
        await _answers(self, self.process)

    async def stop(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.terminate()
            await self.process.wait()

    async def deliver(self, raw: bytes, folder: str = "INBOX") -> None:
        await asyncio.to_thread(self._deliver, raw, folder)

    async def flags(self, folder: str = "INBOX") -> list[str]:
        """Of every mail there, in order."""
        return await asyncio.to_thread(self._flags, folder)

    async def until(self, count: int, flag: str, folder: str = "INBOX") -> None:
        """So many mails in the folder have the flag."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                if sum(flag in one for one in await self.flags(folder)) >= count:
                    return
                await asyncio.sleep(0.02)

    async def create(self, folder: str) -> None:
        await asyncio.to_thread(self._create, folder)

    async def renumber(self) -> None:
        """Another UIDVALIDITY, as after a restore from a backup: every mail has a new UID and no flag."""
        await asyncio.to_thread(self._renumber)

    @contextlib.contextmanager
    def _open(self) -> Iterator[imaplib.IMAP4]:
        with imaplib.IMAP4("127.0.0.1", self.port, timeout=PATIENCE_S) as client:
            client.login(USER, PASSWORD)
            yield client

    def _deliver(self, raw: bytes, folder: str) -> None:
        with self._open() as client:
            assert client.append(folder, "", "", raw)[0] == "OK"

    def _flags(self, folder: str) -> list[str]:
        with self._open() as client:
            client.select(folder, readonly=True)
            if client.search(None, "ALL")[1] == [b""]:
                return []
            # A server that hears of another session's mark just then says that mail's flags twice: the last word counts.
            said = {bytes(line).split()[0]: str(line) for line in client.fetch("1:*", "(FLAGS)")[1] if isinstance(line, bytes)}
            return [said[number] for number in sorted(said, key=int)]

    def _create(self, folder: str) -> None:
        with self._open() as client:
            assert client.create(folder)[0] == "OK"

    def _renumber(self) -> None:
        with self._open() as client:
            client.select("INBOX", readonly=True)
            fetched = client.fetch("1:*", "(BODY.PEEK[])")[1]
            raws = [part[1] for part in fetched if isinstance(part, tuple)]
        with self._open() as client:
            client.select("INBOX")
            client.store("1:*", "+FLAGS", r"\Deleted")
            client.expunge()
        inbox = self.directory / "mail" / USER
        (inbox / "dovecot-uidlist").unlink()
        for raw in raws:
            self._deliver(bytes(raw), "INBOX")


@contextlib.asynccontextmanager
async def dovecot() -> AsyncIterator[Dovecot]:
    """Up, and its account empty."""
    server = _prepare()
    try:
        await server.start()
        yield server
    finally:
        await server.stop()
        shutil.rmtree(server.directory, ignore_errors=True)


def _prepare() -> Dovecot:
    if not DOVECOT.exists():
        missing = f"{DOVECOT} is missing: the IMAP tests need the Debian package dovecot-imapd"
        assert os.environ.get("CORDBOARD_TEST_IMAP") != "required", missing
        pytest.skip(missing)
    # Not pytest's directory: a server that was started by root reads mail as another user, who cannot enter there.
    directory = Path(mkdtemp(prefix="cordboard-dovecot-"))
    directory.chmod(0o755)
    server = Dovecot(directory, *_free_ports(), self_signed(directory)[0])
    (directory / "mail").mkdir()
    if os.geteuid() == 0:
        os.chown(directory / "mail", NOBODY, NOBODY)
    (directory / "dovecot.conf").write_text(_config(server))
    (directory / "users").write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n")
    return server


async def _answers(server: Dovecot, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            assert process.returncode is None, (server.directory / "log").read_text()
            try:
                await server.flags()
                return
            except (OSError, imaplib.IMAP4.error):
                await asyncio.sleep(0.02)


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]


def _config(server: Dovecot) -> str:
    directory, mine = server.directory, pwd.getpwuid(os.geteuid())
    root = os.geteuid() == 0
    owner = NOBODY if root else os.geteuid()
    account = "" if root else f"default_internal_user = {mine.pw_name}\ndefault_login_user = {mine.pw_name}\n"
    return f"""
base_dir = {directory}/run
state_dir = {directory}/state
log_path = {directory}/log
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <{directory}/cert.pem
ssl_key = <{directory}/key.pem
disable_plaintext_auth = no
mail_location = maildir:{directory}/mail/%u
first_valid_uid = 1
{account}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {directory}/users
}}
userdb {{
  driver = static
  args = uid={owner} gid={owner} home={directory}/mail/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {server.port}
  }}
  inet_listener imaps {{
    port = {server.tls_port}
  }}
}}
service anvil {{
  chroot =
}}
"""
