"""What a process is told at its start. Read once (by the CLI, from options and CORDBOARD_* variables), then frozen."""

import ipaddress
import os
import re
from pathlib import Path

import msgspec

from cordboard.errors import ConfigurationError

_BASE = re.compile(r"https?://([A-Za-z0-9._-]{1,253}|\[[0-9a-fA-F:.]{2,45}\])(:[0-9]{1,5})?/?")


def is_loopback(host: str) -> bool:
    """Does only this machine reach it? `localhost`, or an address of the loopback networks."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_private(path: Path) -> None:
    """A file with secrets: raises ConfigurationError if others may read it, or OSError if nobody can look.

    A file of our own must be ours alone. Secrets that Kubernetes mounts belong to root and are ours by their group.
    """
    status = path.stat()
    ours = status.st_uid == os.geteuid()
    if status.st_mode & (0o077 if ours else 0o027):
        raise ConfigurationError(f"others may read {path}, which holds secrets: chmod {'600' if ours else '440'} {path}")


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Addresses and limits of one process. Ports: 0 takes a free one."""

    site: str = "default"
    data_dir: Path = Path("data")
    nats_url: str | None = None
    monitor_url: str | None = None
    nats_replicas: int | None = None
    """Copies of the site's streams; None: as they are, or one."""
    inbox_max: int | None = None
    journal_max: int | None = None
    """Bytes that the streams may hold; None: as they are, or the log's defaults."""
    create_site: bool = False
    """Begin the site if the NATS server has nothing of it and nothing else knows it."""
    vault_url: str | None = None
    views_url: str | None = None
    kek_file: Path | None = None
    host: str = "127.0.0.1"
    grpc_port: int = 7401
    http_port: int = 7480
    health_port: int = -1
    """Probes and metrics; -1: none."""
    smtp_port: int = 7425
    """-1: takes no mail in over SMTP."""
    smtp_hostname: str | None = None
    smtp_cert: Path | None = None
    smtp_key: Path | None = None
    smtp_relay: str | None = None
    mailboxes: Path | None = None
    webhook_secrets: Path | None = None
    behind_proxy: bool = False
    public_url: str | None = None
    """How customers reach the gateway; None: as whoever asks names it."""
    callback_numbers: str = ""
    """Prefixes of the telephone numbers to which customers may book calls over HTTP; none: no calls."""
    grace_s: float = 30.0
    session_grace_s: float = 30.0
    """So long a desk that nobody watches any more may come back."""
    voice: str | None = None
    """What rings promised customers: the URL of a telephone gateway."""
    dials_max: int = 64
    """Calls that one dialler rings at once."""
    archive: str | None = None
    """Where the journal's archive stands: a directory or s3://…; what was trimmed from the journal is read from there."""
    insecure_listen: bool = False
    allow_lazy_fsync: bool = False

    def check_listen(self) -> None:
        """There is no authentication yet, so only loopback is served unless the operator insists."""
        if not is_loopback(self.host) and not self.insecure_listen:
            raise ConfigurationError(
                f"refusing to listen on {self.host}: anyone who reaches it could read and route contacts; "
                "use 127.0.0.1, or --insecure-listen behind a proxy that authenticates"
            )

    def embedded_vault_url(self) -> str:
        """The vault of a single process: SQLite beside the journal."""
        return self.vault_url or f"sqlite+aiosqlite:///{(self.data_dir / 'vault.db').absolute()}"

    def embedded_views_url(self) -> str:
        """The read models of a single process."""
        return self.views_url or f"sqlite+aiosqlite:///{(self.data_dir / 'views.db').absolute()}"

    def shared_url(self, url: str | None, what: str) -> str:
        """A database that several processes may share: SQLite would corrupt or lock, so it is refused."""
        if url is None:
            raise ConfigurationError(f"--{what}-url is needed: a PostgreSQL URL such as postgresql+asyncpg://user@host/{what}")
        if url.startswith("sqlite"):
            raise ConfigurationError(
                f"--{what}-url is SQLite, which serves only the single process `cordboard up`: give a PostgreSQL URL"
            )
        return url

    def archive_place(self) -> str:
        """The archive of a process that writes it."""
        if self.archive is None:
            raise ConfigurationError("--archive is needed: a directory, or s3://bucket/prefix")
        return self.archive

    def voice_url(self) -> str:
        """The telephone gateway of a process that dials."""
        if self.voice is None:
            raise ConfigurationError("--voice is needed: a telephone gateway, for example simulated:?seed=1")
        return self.voice

    def public_base(self) -> str | None:
        """Scheme and host by which customers reach the gateway, if it is told."""
        if not self.public_url:
            return None
        if not _BASE.fullmatch(self.public_url):
            raise ConfigurationError(
                f"--public-url is scheme and host, such as https://contact.shop.example, not {self.public_url!r}"
            )
        return self.public_url.rstrip("/")

    def server_url(self) -> str:
        """The NATS server of a process that does not bring its own."""
        if self.nats_url is None:
            raise ConfigurationError("--nats-url is needed, for example nats://127.0.0.1:4222")
        return self.nats_url
