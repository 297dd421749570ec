"""The roles that face the outside, put together: gateway (every channel, and what goes out again) and API."""

import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from cordboard import metrics
from cordboard.api import run_api
from cordboard.api.calendar import days_warning
from cordboard.branch import require_same
from cordboard.cli.addresses import Ports
from cordboard.cli.dialling import dialler
from cordboard.cli.vitals import Vitals
from cordboard.effects import MailOut, Relay, WebhookOut, run_effects
from cordboard.errors import ConfigurationError
from cordboard.gateway.doors import Door
from cordboard.gateway.mail.mailbox import MailboxDoor, read_mailboxes
from cordboard.gateway.mail.returns import Returns
from cordboard.gateway.mail.smtp import SmtpDoor, tls_context
from cordboard.gateway.run import run_gateway
from cordboard.gateway.webhook.secrets import read_webhook_secrets
from cordboard.log.feed import Feed
from cordboard.log.port import SiteLog
from cordboard.projections.boards import Boards
from cordboard.projections.desks import Desks
from cordboard.projections.history import HistoryReader
from cordboard.projections.history.doubt import decided_at
from cordboard.projections.quarantine import Quarantine
from cordboard.settings import Settings
from cordboard.vault import Vault
from cordboard.vault.erasure import catch_up
from cordboard.vault.kek import load_kek
from cordboard.vault.tokens import BOUNCES

Role = Callable[[], Awaitable[None]]
HOSTNAME = "localhost"


@dataclass(frozen=True, slots=True)
class Faces:
    """What gateway and API of one process share: vault, one follower of the journal with its boards, the history."""

    settings: Settings
    log: SiteLog
    vault: Vault
    history: HistoryReader
    ports: Ports
    vitals: Vitals
    feed: Feed
    boards: Boards
    desks: Desks
    quarantine: Quarantine

    @classmethod
    async def open(
        cls,
        settings: Settings,
        log: SiteLog,
        ports: Ports,
        vitals: Vitals,
        stack: contextlib.AsyncExitStack,
        vault_url: str,
        views_url: str,
        kek_file: Path | None,
    ) -> "Faces":
        """Vault and history, opened; erasures that the vault has not seen are carried out first (it may be a backup's).

        Raises ConfigurationError, VaultUnavailable, LogUnavailable; JournalReplaced if the history was read from another journal.
        """
        vault = await stack.enter_async_context(Vault.open(vault_url, load_kek(kek_file)))
        await catch_up(vault, log)
        history = await stack.enter_async_context(HistoryReader.open(views_url))
        # Answers from what was lost would be taken for what is: of facts, that they need not be published again.
        await require_same(log, await history.read_up_to(), "the history")
        feed, boards, desks = Feed(log), Boards(), Desks()
        feed.attach(boards.apply)
        return cls(settings, log, vault, history, ports, vitals, feed, boards, desks, Quarantine())

    def roles(self, names: tuple[str, ...]) -> list[tuple[str, Role]]:
        """What to run, in this order: every fold must be attached before the feed begins."""
        found: list[tuple[str, Role]] = []
        if "gateway" in names:
            found += self._gateway()
        if "api" in names:
            self.feed.attach(self.desks.apply)
            self.feed.attach(self.quarantine.apply)
            self.vitals.notices["quarantine"] = self._put_aside
            self.vitals.notices["policy"] = self._running_out
            self.vitals.notices["slas"] = self._count_slas
            self.vitals.notices["thresholds"] = self._count_notices
            found.append(("api", self._api))
        if "dialler" in names:
            nats_url = self.ports.addresses.nats_url
            found.append(("dialler", dialler(self.settings, self.log, self.vault, self.feed, nats_url, self.vitals)))
        return [*found, ("feed", self.feed.run)]

    def _gateway(self) -> list[tuple[str, Role]]:
        """Channels in, and effects out. Raises ConfigurationError: a file or URL is not as it should be."""
        settings = self.settings
        secrets = read_webhook_secrets(settings.webhook_secrets) if settings.webhook_secrets is not None else {}
        hostname = settings.smtp_hostname or HOSTNAME
        mail = MailOut(Relay.from_url(settings.smtp_relay), hostname) if settings.smtp_relay is not None else None
        doors, public_url = self._doors(hostname), settings.public_base()

        def gateway() -> Awaitable[None]:
            return run_gateway(
                self.log,
                self.vault,
                self.feed,
                host=settings.host,
                port=settings.http_port,
                grace_s=settings.grace_s,
                insecure_listen=settings.insecure_listen,
                ready=lambda port: self._open("gateway", "http", port),
                probed=lambda unready: self.vitals.probes.update(gateway=unready),
                expected_wait_ms=self._expected_wait_ms,
                decided_at=self._decided_at,
                webhook_secrets=secrets,
                behind_proxy=settings.behind_proxy,
                public_url=public_url,
                callback_numbers=settings.callback_numbers,
                doors=doors,
            )

        def effects() -> Awaitable[None]:
            webhook = WebhookOut(secrets) if secrets else None
            nats_url = self.ports.addresses.nats_url
            return run_effects(self.log, self.vault, self.feed, nats_url, settings.site, mail=mail, webhook=webhook)

        return [("gateway", gateway), ("effects", effects)]

    def _doors(self, hostname: str) -> list[Door]:
        settings = self.settings
        returns = Returns(self.log, self.vault.derive_key(BOUNCES))
        doors: list[Door] = []
        if settings.mailboxes is not None:
            doors.append(MailboxDoor(read_mailboxes(settings.mailboxes), returns))
        if settings.smtp_port >= 0:
            doors.append(self._smtp(hostname, returns))
        return doors

    def _smtp(self, hostname: str, returns: Returns) -> SmtpDoor:
        settings = self.settings
        if (settings.smtp_cert is None) != (settings.smtp_key is None):
            raise ConfigurationError("--smtp-cert and --smtp-key go together: a certificate chain and its private key, PEM files")
        tls = tls_context(settings.smtp_cert, settings.smtp_key) if settings.smtp_cert and settings.smtp_key else None
        return SmtpDoor(
            host=settings.host,
            port=settings.smtp_port,
            hostname=hostname,
            tls=tls,
            returns=returns,
            insecure_listen=settings.insecure_listen,
            ready=lambda port: self.ports.open("smtp", port),
        )

    def _api(self) -> Awaitable[None]:
        return run_api(
            self.log,
            self.vault,
            self.boards,
            self.desks,
            self.feed,
            self.history,
            host=self.settings.host,
            port=self.settings.grpc_port,
            insecure_listen=self.settings.insecure_listen,
            session_grace_s=self.settings.session_grace_s,
            callback_numbers=self.settings.callback_numbers,
            quarantine=self.quarantine,
            ready=lambda port: self._open("api", "grpc", port),
        )

    def _open(self, role: str, what: str, port: int) -> None:
        self.ports.open(what, port)
        self.vitals.ready(role)

    def _put_aside(self) -> str:
        """The alarm of what could not be read: it can only be retried while the inbox holds it."""
        count = self.quarantine.summary().open
        metrics.QUARANTINE_OPEN.set(count)
        return f"{count} messages or facts could not be read: `cordboard quarantine list`, within a week" if count else ""

    def _running_out(self) -> str:
        """The alarm of a policy that nobody publishes anew."""
        left = self.boards.site().days_left
        metrics.POLICY_DAYS.set(float("inf") if left is None else left)
        return days_warning(self.boards) or ""

    def _count_slas(self) -> str:
        """No alarm, but figures; none while the journal is being read, which would look like promises broken just now."""
        if not self.vitals.why_not("api"):
            rows = self.boards.queues()
            metrics.SLAS_AT_RISK.set(sum(row.slas_at_risk for row in rows))
            metrics.SLAS_ENDED.labels("met").set(sum(row.slas_met for row in rows))
            metrics.SLAS_ENDED.labels("broken").set(sum(row.slas_broken for row in rows))
        return ""

    def _count_notices(self) -> str:
        """No alarm either: whom a threshold concerns is for the site's own rules to say. Of the policy in force alone."""
        if not self.vitals.why_not("api"):
            metrics.THRESHOLDS_REACHED.clear()
            for queue, threshold, group, count in self.boards.notices.thresholds():
                metrics.THRESHOLDS_REACHED.labels(queue, threshold, group or "").set(count)
            metrics.MATTERS_REPEATED.clear()
            for queue, count in self.boards.notices.repeats():
                metrics.MATTERS_REPEATED.labels(queue).set(count)
        return ""

    def _expected_wait_ms(self, queue: str) -> int | None:
        row = self.boards.queue(queue)
        return None if row is None else row.expected_wait_ms(self.boards.at_ms)

    async def _decided_at(self, fact_id: bytes) -> tuple[int, int] | None:
        found = await decided_at(self.history, self.log, fact_id)
        return None if found is None else (found.seq, found.entry)
