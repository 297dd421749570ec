"""The options that several commands share; each can also come from a CORDBOARD_* variable."""

from pathlib import Path
from typing import Annotated

import typer

from cordboard.cli.sizes import parse_size

Site = Annotated[str, typer.Option("--site", envvar="CORDBOARD_SITE", help="The site: a routing domain with its own journal.")]
DataDir = Annotated[Path, typer.Option("--data-dir", envvar="CORDBOARD_DATA_DIR", help="Where journal, vault and views stand.")]
NatsUrl = Annotated[str | None, typer.Option("--nats-url", envvar="CORDBOARD_NATS_URL", help="An external NATS server.")]
MonitorUrl = Annotated[
    str | None,
    typer.Option(
        "--nats-monitor-url",
        envvar="CORDBOARD_NATS_MONITOR_URL",
        help="Its monitoring URL: proves that it fsyncs what it acknowledges.",
    ),
]
NatsReplicas = Annotated[
    int | None,
    typer.Option(
        "--nats-replicas",
        envvar="CORDBOARD_NATS_REPLICAS",
        min=1,
        max=5,
        help="Copies of the site's streams: 3 on a cluster of three. Streams with fewer grow; unless given, they stay as they are.",
    ),
]
InboxMax = Annotated[
    int | None,
    typer.Option(
        "--inbox-max",
        envvar="CORDBOARD_INBOX_MAX",
        parser=parse_size,
        metavar="SIZE",
        help="How large the inbox may become (64GiB, 500MiB …): 2GiB unless given. One that is smaller grows, none shrinks.",
    ),
]
JournalMax = Annotated[
    int | None,
    typer.Option(
        "--journal-max",
        envvar="CORDBOARD_JOURNAL_MAX",
        parser=parse_size,
        metavar="SIZE",
        help="How large the journal may become: 16GiB unless given. One that is smaller grows, none shrinks.",
    ),
]
Host = Annotated[str, typer.Option("--host", envvar="CORDBOARD_HOST", help="Address to listen on.")]
GrpcPort = Annotated[
    int, typer.Option("--grpc-port", envvar="CORDBOARD_GRPC_PORT", help="Port of the gRPC API; 0 takes a free one.")
]
HttpPort = Annotated[
    int, typer.Option("--http-port", envvar="CORDBOARD_HTTP_PORT", help="Port of chat and HTTP; 0 takes a free one.")
]
Grace = Annotated[float, typer.Option("--grace", envvar="CORDBOARD_GRACE_S", help="Seconds a lost chat may take to come back.")]
SessionGrace = Annotated[
    float,
    typer.Option(
        "--session-grace",
        envvar="CORDBOARD_SESSION_GRACE_S",
        help="Seconds an agent's desk that is no longer watched may take to come back before it counts as lost.",
    ),
]
HealthPort = Annotated[
    int,
    typer.Option("--health-port", envvar="CORDBOARD_HEALTH_PORT", help="Port of /healthz, /readyz and /metrics; -1 none."),
]
SmtpPort = Annotated[
    int, typer.Option("--smtp-port", envvar="CORDBOARD_SMTP_PORT", help="Port that takes mail in; 0 takes a free one, -1 none.")
]
SmtpHostname = Annotated[
    str | None,
    typer.Option("--smtp-hostname", envvar="CORDBOARD_SMTP_HOSTNAME", help="The name said in greetings and Message-IDs."),
]
SmtpCert = Annotated[
    Path | None, typer.Option("--smtp-cert", envvar="CORDBOARD_SMTP_CERT", help="Certificate chain (PEM): offers STARTTLS.")
]
SmtpKey = Annotated[Path | None, typer.Option("--smtp-key", envvar="CORDBOARD_SMTP_KEY", help="Its private key (PEM).")]
SmtpRelay = Annotated[
    str | None,
    typer.Option(
        "--smtp-relay",
        envvar="CORDBOARD_SMTP_RELAY",
        help="Where answers go out: smtp://user:password@host:587?tls=required, or smtps://…",
    ),
]
Mailboxes = Annotated[
    Path | None,
    typer.Option("--mailboxes", envvar="CORDBOARD_MAILBOXES", help="YAML file of IMAP mailboxes to read (docs/mail.md)."),
]
WebhookSecrets = Annotated[
    Path | None,
    typer.Option(
        "--webhook-secrets",
        envvar="CORDBOARD_WEBHOOK_SECRETS",
        help="YAML file: one or two signing secrets a webhook (docs/webhooks.md).",
    ),
]
BehindProxy = Annotated[
    bool,
    typer.Option("--behind-proxy", envvar="CORDBOARD_BEHIND_PROXY", help="Believe X-Forwarded-For: a proxy of ours sets it."),
]
PublicUrl = Annotated[
    str | None,
    typer.Option(
        "--public-url",
        envvar="CORDBOARD_PUBLIC_URL",
        help="How customers reach the gateway: https://contact.shop.example. Unless given, as whoever asks names it.",
    ),
]
CallbackNumbers = Annotated[
    str,
    typer.Option(
        "--callback-numbers",
        envvar="CORDBOARD_CALLBACK_NUMBERS",
        help="Whose numbers customers may have called: BE,+31,!+3290. Without it no callbacks are booked over HTTP.",
    ),
]
Voice = Annotated[
    str | None,
    typer.Option("--voice", envvar="CORDBOARD_VOICE", help="What rings promised customers: simulated:?… (docs/dialling.md)."),
]
DialsMax = Annotated[
    int, typer.Option("--dials-max", envvar="CORDBOARD_DIALS_MAX", min=1, max=10_000, help="Calls that a dialler rings at once.")
]
ArchivePlace = Annotated[
    str | None,
    typer.Option(
        "--archive",
        envvar="CORDBOARD_ARCHIVE",
        help="The journal's archive: a directory, or s3://bucket/prefix?endpoint=…&region=… (docs/archive.md).",
    ),
]
InsecureListen = Annotated[bool, typer.Option("--insecure-listen", help="Listen beyond loopback without authentication.")]
LazyFsync = Annotated[bool, typer.Option("--allow-lazy-fsync", help="Accept a NATS server that may lose acknowledged facts.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Log in detail.")]
KekFile = Annotated[Path | None, typer.Option("--kek-file", envvar="CORDBOARD_KEK_FILE", help="The vault's key-encryption key.")]
