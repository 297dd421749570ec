"""One connection to an IMAP server, over aioimaplib: a folder, its new mails by UID, and a mark on each that was taken."""

import asyncio
import importlib
import logging
import re
import ssl
from typing import Any, Literal

from cordboard.errors import ConfigurationError

COMMAND_S = 60.0
_UID = re.compile(rb"\d+")
_SIZE = re.compile(rb"RFC822\.SIZE (\d+)")
_EXTRA = "aioimaplib is not installed, which reads mailboxes: pip install 'cordboard[imap]'"


class MailboxGone(Exception):
    """The server hung up, refused, or did not answer: connect again later. Says which command, never what it said."""


def imap_library() -> Any:
    """Imported only where a mailbox is configured: it is an extra, under a licence of its own. Raises ConfigurationError."""
    try:
        library = importlib.import_module("aioimaplib")
    except ImportError as error:
        raise ConfigurationError(_EXTRA) from error
    # It logs what it reads: whole mails.
    logging.getLogger("aioimaplib").setLevel(logging.CRITICAL + 1)
    return library


class ImapFolder:
    """A folder, selected. Every method raises MailboxGone."""

    def __init__(self, client: Any, lost: "asyncio.Future[None]") -> None:
        self._client = client
        self._lost = lost
        self._told = False
        # The server says once that a mail came, whatever command it answers just then; aioimaplib hears it only while it idles.
        answered = client.protocol._untagged_response

        def hear(line: bytes) -> Any:
            self._told = self._told or line.endswith(b" EXISTS")
            return answered(line)

        client.protocol._untagged_response = hear

    @classmethod
    async def open(cls, host: str, port: int, tls: ssl.SSLContext | None, user: str, password: str, folder: str) -> "ImapFolder":
        library = imap_library()
        lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def hang_up(error: Exception | None) -> None:  # noqa: ARG001 - named by aioimaplib
            if not lost.done():
                lost.set_result(None)

        client = library.IMAP4(host, port, timeout=COMMAND_S, conn_lost_cb=hang_up, ssl_context=tls)
        opened = cls(client, lost)
        try:
            await opened._ask("greeting", client.wait_hello_from_server(), checked=False)
            await opened._ask("login", client.login(_quoted(user), password))
            await opened._ask("select", client.select(_quoted(folder)))
        except BaseException:
            opened.close()
            raise
        return opened

    async def new(self, which: Literal["unseen", "all"]) -> list[int]:
        """The UIDs of mails that nobody has taken, oldest first: those without \\Seen, or all that are there."""
        self._told = False
        asked = "UNSEEN" if which == "unseen" else "ALL"
        answer = await self._ask("search", self._client.uid_search(asked, "UNDELETED", charset=None))
        found = [int(uid) for line in answer.lines[:-1] for uid in _UID.findall(bytes(line))]
        return sorted(set(found))

    async def fetch(self, uid: int, most: int) -> tuple[bytes, int] | None:
        """The mail's first `most` bytes and its whole size; None if it has gone meanwhile. Leaves no mark on it."""
        answer = await self._ask("fetch", self._client.uid("fetch", str(uid), f"(RFC822.SIZE BODY.PEEK[]<0.{most}>)"))
        data = next((bytes(line) for line in answer.lines if isinstance(line, bytearray)), None)
        if data is None:
            return None
        size = max((int(found[1]) for line in answer.lines if isinstance(line, bytes) for found in _SIZE.finditer(line)), default=0)
        return data, max(size, len(data))

    async def mark(self, uid: int) -> None:
        """Taken: \\Seen."""
        await self._ask("store", self._client.uid("store", str(uid), "+FLAGS.SILENT", r"(\Seen)"))

    async def move(self, uid: int, folder: str) -> None:
        """Taken: into another folder; if the server cannot move, copied and deleted."""
        if self._client.has_capability("MOVE"):
            await self._ask("move", self._client.uid("move", str(uid), _quoted(folder)))
            return
        await self._ask("copy", self._client.uid("copy", str(uid), _quoted(folder)))
        await self._ask("store", self._client.uid("store", str(uid), "+FLAGS.SILENT", r"(\Deleted \Seen)"))

    async def wait(self, most_s: float) -> None:
        """Until something may have come since `new`, at most so long. A server that can tells at once (IDLE)."""
        if self._told:
            return
        if not self._client.has_capability("IDLE"):
            await asyncio.wait({self._lost}, timeout=most_s)
            await self._ask("noop", self._client.noop())
            return
        idle = await self._ask("idle", self._client.idle_start(timeout=most_s + COMMAND_S), checked=False)
        push = asyncio.ensure_future(self._client.wait_server_push(timeout=most_s))
        try:
            if not self._told:
                await asyncio.wait({push, self._lost}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            push.cancel()
            await asyncio.wait({push})
            if not push.cancelled():
                push.exception()  # a timeout: nothing came
        if self._lost.done():
            idle.cancel()
            raise MailboxGone("idle")
        self._client.idle_done()

        async def ended() -> Any:
            async with asyncio.timeout(COMMAND_S):
                return await idle

        await self._ask("idle", ended())

    def close(self) -> None:
        """Hang up."""
        protocol = self._client.protocol
        self._client._client_task.cancel()
        if self._client._idle_waiter is not None:
            self._client._idle_waiter.cancel()
        for task in (*self._client.tasks, *protocol.tasks):
            task.cancel()
        if protocol.transport is not None:
            protocol.transport.close()

    async def _ask(self, command: str, asking: Any, checked: bool = True) -> Any:
        """The answer to a command; a lost connection ends the wait at once."""
        asked = asyncio.ensure_future(asking)
        try:
            await asyncio.wait({asked, self._lost}, timeout=COMMAND_S * 10, return_when=asyncio.FIRST_COMPLETED)
            if not asked.done():
                raise MailboxGone(command)
            answer = asked.result()
        except (OSError, TimeoutError, ValueError, LookupError, imap_library().AioImapException) as error:
            raise MailboxGone(f"{command}: {type(error).__name__}") from None
        finally:
            if not asked.done():
                asked.cancel()
        if checked and answer.result != "OK":
            raise MailboxGone(f"{command} was refused")
        return answer


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
