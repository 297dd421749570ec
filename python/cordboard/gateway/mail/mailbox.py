"""Mail from mailboxes, by IMAP: every new mail goes in, and is marked or moved only when vault and log have it.

Nothing is remembered here. What was taken says its mark in the mailbox, and a mail that comes again (because we died between the
log's acknowledgement and the mark, or because the server renumbered everything) is known by its Message-ID or its bytes.
"""

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from cordboard.errors import ConfigurationError, CordboardError, InvalidInput
from cordboard.gateway.entrance.entrance import Entrance
from cordboard.gateway.mail.imap import ImapFolder, MailboxGone, imap_library
from cordboard.gateway.mail.postroom import Postroom
from cordboard.gateway.mail.returns import Returns
from cordboard.log.backoff import Backoff
from cordboard.settings import check_private, is_loopback

logger = logging.getLogger(__name__)

MAILBOXES_MAX = 64
MAIL_BYTES_MAX = 25 * 1024 * 1024
LONG_MAIL_BYTES = 1024 * 1024
"""How much is read of a mail that is larger than MAIL_BYTES_MAX; the whole of it stays in the mailbox."""
RETRY_FIRST_S, RETRY_MOST_S = 0.5, 60.0
_HOW = "write a list of mailboxes, each with `address`, `host`, `user` and `password` (docs/mail.md)"

_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class Mailbox(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One folder on an IMAP server. `address` is the entry point's; `move_to` a folder for mails that were taken (else: \\Seen)."""

    address: _Text
    host: _Text
    user: _Text
    password: _Text
    port: Annotated[int, msgspec.Meta(ge=1, le=65_535)] = 993
    folder: _Text = "INBOX"
    move_to: _Text | None = None
    poll_s: Annotated[float, msgspec.Meta(ge=0.1, le=1_500)] = 60.0
    """How often to look if the server tells nothing by itself."""
    tls: bool = True
    ca_file: str | None = None
    """Certificates (PEM) that are trusted instead of the system's."""


def read_mailboxes(path: Path) -> list[Mailbox]:
    """Raises ConfigurationError: the file cannot be read, others may read it, it says something else, aioimaplib is missing."""
    try:
        check_private(path)
        found = YAML(typ="safe", pure=True).load(path.read_text("utf-8"))
        mailboxes: list[Mailbox] = msgspec.convert(found or [], Annotated[list[Mailbox], msgspec.Meta(max_length=MAILBOXES_MAX)])
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"the mailboxes {path} cannot be read: {error}") from error
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"the mailboxes {path} are not as they should be: {error}; {_HOW}") from None
    except (YAMLError, RecursionError):
        raise ConfigurationError(f"the mailboxes {path} are no YAML: {_HOW}") from None
    if mailboxes:
        imap_library()
    for mailbox in mailboxes:
        tls_of(mailbox)
    return mailboxes


def tls_of(mailbox: Mailbox) -> ssl.SSLContext | None:
    """Raises ConfigurationError: a certificate file that is none, or a password in clear text over a network."""
    if not mailbox.tls:
        if not is_loopback(mailbox.host):
            raise ConfigurationError(f"the mailbox on {mailbox.host} is without TLS, which only a server on this machine may be")
        return None
    try:
        return ssl.create_default_context(cafile=mailbox.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(f"the certificates {mailbox.ca_file} cannot be used: {error}") from error


@dataclass(frozen=True, slots=True)
class MailboxDoor:
    """All mailboxes as a door of the gateway."""

    mailboxes: Sequence[Mailbox]
    returns: Returns | None = None

    async def run(self, entrance: Entrance) -> None:
        """Until cancelled. Raises ConfigurationError."""
        postroom = Postroom(entrance, entrance.policy, self.returns)
        async with asyncio.TaskGroup() as group:
            for mailbox in self.mailboxes:
                group.create_task(read_mailbox(mailbox, postroom))


async def read_mailbox(mailbox: Mailbox, postroom: Postroom) -> None:
    """Read it for ever, connecting anew whenever that is needed. Raises ConfigurationError."""
    tls = tls_of(mailbox)
    backoff = Backoff(RETRY_FIRST_S, RETRY_MOST_S)
    while True:
        try:
            folder = await ImapFolder.open(mailbox.host, mailbox.port, tls, mailbox.user, mailbox.password, mailbox.folder)
            with contextlib.closing(folder):
                await _Reading(mailbox, folder, postroom, backoff).run()
        except MailboxGone as gone:
            logger.warning("the mailbox on %s is not there: %s", mailbox.host, gone)
        except CordboardError as error:
            if isinstance(error, ConfigurationError):
                raise
            logger.warning("mails wait in the mailbox on %s: %s", mailbox.host, error.reason)
        except Exception as error:  # noqa: BLE001  whatever a server says, the other doors stay open; the text may be a mail's
            logger.error("the mailbox on %s could not be read: %s", mailbox.host, type(error).__name__)
        await asyncio.sleep(backoff.next_s())


class _Reading:
    """One connection's time."""

    def __init__(self, mailbox: Mailbox, folder: ImapFolder, postroom: Postroom, backoff: Backoff) -> None:
        self._mailbox = mailbox
        self._folder = folder
        self._postroom = postroom
        self._backoff = backoff
        self._refused: set[int] = set()
        """UIDs of mails that cannot be stored: they stay in the mailbox, and are tried again on the next connection."""

    async def run(self) -> None:
        while True:
            uids = await self._folder.new("all" if self._mailbox.move_to is not None else "unseen")
            waiting = [uid for uid in uids if uid not in self._refused]
            for uid in waiting:
                await self._take(uid)
            self._backoff.reset()
            if not waiting:
                await self._folder.wait(self._mailbox.poll_s)

    async def _take(self, uid: int) -> None:
        raw = await self._read(uid)
        if raw is None:
            return
        try:
            await self._postroom.deliver_found(raw, self._mailbox.address)
        except InvalidInput as error:
            logger.error("a mail in the mailbox on %s cannot come in: %s", self._mailbox.host, error.reason)
            self._refused.add(uid)
            return
        except CordboardError:
            raise
        except Exception as error:  # noqa: BLE001  a mail that we stumble over must not keep all others out
            logger.error("a mail in the mailbox on %s could not be taken in: %s", self._mailbox.host, type(error).__name__)
            self._refused.add(uid)
            return
        if self._mailbox.move_to is not None:
            await self._folder.move(uid, self._mailbox.move_to)
        else:
            await self._folder.mark(uid)

    async def _read(self, uid: int) -> bytes | None:
        found = await self._folder.fetch(uid, MAIL_BYTES_MAX)
        if found is None:
            return None
        raw, size = found
        if size <= MAIL_BYTES_MAX:
            return raw
        return b"X-Cordboard-Cut: %d\r\n" % size + raw[:LONG_MAIL_BYTES]
