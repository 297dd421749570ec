"""`cordboard up`: every role in one process, with its own NATS server and SQLite. `cordboard run ROLE`: one role, for clusters."""

import asyncio
import os
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cordboard.cli.addresses import Addresses
from cordboard.cli.options import (
    ArchivePlace,
    BehindProxy,
    CallbackNumbers,
    DataDir,
    DialsMax,
    Grace,
    GrpcPort,
    HealthPort,
    Host,
    HttpPort,
    InboxMax,
    InsecureListen,
    JournalMax,
    KekFile,
    LazyFsync,
    Mailboxes,
    MonitorUrl,
    NatsReplicas,
    NatsUrl,
    PublicUrl,
    SessionGrace,
    Site,
    SmtpCert,
    SmtpHostname,
    SmtpKey,
    SmtpPort,
    SmtpRelay,
    Verbose,
    Voice,
    WebhookSecrets,
)
from cordboard.cli.output import AsJson, console, fail, print_json
from cordboard.cli.process import MAILS_S, ORDERLY_S, only_one, run_until_signalled, set_up_logging
from cordboard.cli.roles import ROLES, run_roles
from cordboard.settings import Settings


class Role(StrEnum):
    """What one process does."""

    router = "router"
    projector = "projector"
    gateway = "gateway"
    api = "api"
    archiver = "archiver"
    dialler = "dialler"


def up(
    site: Annotated[
        str | None, typer.Option("--site", envvar="CORDBOARD_SITE", help="The site; unless given, the policy's, or `default`.")
    ] = None,
    data_dir: DataDir = Path("data"),
    policy: Annotated[Path | None, typer.Option(help="Apply this policy once up, if it differs.")] = None,
    agents: Annotated[Path | None, typer.Option(help="Apply this agents file once up.")] = None,
    without: Annotated[list[Role] | None, typer.Option(help="Leave a role out, to run it apart.")] = None,
    nats_url: NatsUrl = None,
    monitor_url: MonitorUrl = None,
    nats_replicas: NatsReplicas = None,
    inbox_max: InboxMax = None,
    journal_max: JournalMax = None,
    host: Host = "127.0.0.1",
    grpc_port: GrpcPort = 7401,
    http_port: HttpPort = 7480,
    health_port: HealthPort = -1,
    smtp_port: SmtpPort = 7425,
    smtp_hostname: SmtpHostname = None,
    smtp_cert: SmtpCert = None,
    smtp_key: SmtpKey = None,
    smtp_relay: SmtpRelay = None,
    mailboxes: Mailboxes = None,
    webhook_secrets: WebhookSecrets = None,
    behind_proxy: BehindProxy = False,
    public_url: PublicUrl = None,
    callback_numbers: CallbackNumbers = "",
    voice: Voice = None,
    dials_max: DialsMax = 64,
    archive: ArchivePlace = None,
    grace_s: Grace = 30.0,
    session_grace_s: SessionGrace = 30.0,
    insecure_listen: InsecureListen = False,
    allow_lazy_fsync: LazyFsync = False,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Run everything in one process: router, projections, every channel, gRPC API, and a NATS server of its own."""
    set_up_logging(verbose)
    settings = Settings(
        site=site or (_site_of(policy) if policy else "default"),
        data_dir=data_dir,
        nats_url=nats_url,
        monitor_url=monitor_url,
        nats_replicas=nats_replicas,
        create_site=True,
        inbox_max=inbox_max,
        journal_max=journal_max,
        host=host,
        grpc_port=grpc_port,
        http_port=http_port,
        health_port=health_port,
        smtp_port=smtp_port,
        smtp_hostname=smtp_hostname,
        smtp_cert=smtp_cert,
        smtp_key=smtp_key,
        smtp_relay=smtp_relay,
        mailboxes=mailboxes,
        webhook_secrets=webhook_secrets,
        behind_proxy=behind_proxy,
        public_url=public_url,
        callback_numbers=callback_numbers,
        voice=voice,
        dials_max=dials_max,
        archive=archive,
        grace_s=grace_s,
        session_grace_s=session_grace_s,
        insecure_listen=insecure_listen,
        allow_lazy_fsync=allow_lazy_fsync,
    )
    # Nobody rings a customer, nor pretends to, unless somebody says how.
    needless = {"archiver": archive is None, "dialler": voice is None}
    roles = tuple(role for role in ROLES if role not in (without or []) and not needless.get(role))
    if (policy or agents) and not {"api", "router"} <= set(roles):
        fail("--policy and --agents are applied through this process: they need its api and its router")
    run_until_signalled(_up(settings, roles, policy, agents, as_json), orderly_s=MAILS_S)


def run(
    role: Annotated[Role, typer.Argument(help="Which role this process plays.")],
    site: Site = "default",
    nats_url: NatsUrl = None,
    monitor_url: MonitorUrl = None,
    nats_replicas: NatsReplicas = None,
    inbox_max: InboxMax = None,
    journal_max: JournalMax = None,
    vault_url: Annotated[str | None, typer.Option(envvar="CORDBOARD_VAULT_URL", help="PostgreSQL URL of the vault.")] = None,
    views_url: Annotated[str | None, typer.Option(envvar="CORDBOARD_VIEWS_URL", help="PostgreSQL URL of the read models.")] = None,
    kek_file: KekFile = None,
    host: Host = "127.0.0.1",
    grpc_port: GrpcPort = 7401,
    http_port: HttpPort = 7480,
    health_port: HealthPort = -1,
    smtp_port: SmtpPort = 7425,
    smtp_hostname: SmtpHostname = None,
    smtp_cert: SmtpCert = None,
    smtp_key: SmtpKey = None,
    smtp_relay: SmtpRelay = None,
    mailboxes: Mailboxes = None,
    webhook_secrets: WebhookSecrets = None,
    behind_proxy: BehindProxy = False,
    public_url: PublicUrl = None,
    callback_numbers: CallbackNumbers = "",
    voice: Voice = None,
    dials_max: DialsMax = 64,
    archive: ArchivePlace = None,
    grace_s: Grace = 30.0,
    session_grace_s: SessionGrace = 30.0,
    insecure_listen: InsecureListen = False,
    allow_lazy_fsync: LazyFsync = False,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Run one role against a NATS server and PostgreSQL."""
    set_up_logging(verbose)
    settings = Settings(
        site=site,
        nats_url=nats_url,
        monitor_url=monitor_url,
        nats_replicas=nats_replicas,
        inbox_max=inbox_max,
        journal_max=journal_max,
        vault_url=vault_url,
        views_url=views_url,
        kek_file=kek_file,
        host=host,
        grpc_port=grpc_port,
        http_port=http_port,
        health_port=health_port,
        smtp_port=smtp_port,
        smtp_hostname=smtp_hostname,
        smtp_cert=smtp_cert,
        smtp_key=smtp_key,
        smtp_relay=smtp_relay,
        mailboxes=mailboxes,
        webhook_secrets=webhook_secrets,
        behind_proxy=behind_proxy,
        public_url=public_url,
        callback_numbers=callback_numbers,
        voice=voice,
        dials_max=dials_max,
        archive=archive,
        grace_s=grace_s,
        session_grace_s=session_grace_s,
        insecure_listen=insecure_listen,
        allow_lazy_fsync=allow_lazy_fsync,
    )
    run_until_signalled(_run(settings, role, as_json), orderly_s=MAILS_S if role is Role.gateway else ORDERLY_S)


def _site_of(policy: Path) -> str:
    from cordboard.cli.problems import show_problems
    from cordboard.policy import PolicyErrors, load

    try:
        return load(policy).policy.site
    except PolicyErrors as errors:
        show_problems(errors, as_json=False)
        raise typer.Exit(1) from None


async def _run(settings: Settings, role: Role, as_json: bool) -> None:
    settings.server_url()
    needs_vault = role in (Role.gateway, Role.api, Role.dialler)
    needs_views = role in (Role.projector, Role.gateway, Role.api)
    await run_roles(
        settings,
        (role.value,),
        _announcer((role.value,), as_json, calls=bool(settings.callback_numbers)),
        vault_url=settings.shared_url(settings.vault_url, "vault") if needs_vault else None,
        views_url=settings.shared_url(settings.views_url, "views") if needs_views else None,
        kek_file=settings.kek_file,
    )


async def _up(settings: Settings, roles: tuple[str, ...], policy: Path | None, agents: Path | None, as_json: bool) -> None:
    with only_one(settings.data_dir):
        open_ports = asyncio.get_running_loop().create_future()
        async with asyncio.TaskGroup() as group:
            group.create_task(
                run_roles(
                    settings,
                    roles,
                    open_ports.set_result,
                    vault_url=settings.embedded_vault_url(),
                    views_url=settings.embedded_views_url(),
                    kek_file=settings.data_dir / "kek",
                )
            )
            addresses: Addresses = await open_ports
            if (policy or agents) and addresses.grpc:
                from cordboard.cli.apply import apply_files

                await apply_files(addresses.grpc, policy, agents)
            _announcer(roles, as_json, calls=bool(settings.callback_numbers))(addresses)


def _announcer(roles: tuple[str, ...], as_json: bool, *, calls: bool) -> Callable[[Addresses], None]:
    def announce(addresses: Addresses) -> None:
        if as_json:
            print_json(
                {
                    "ready": True,
                    "roles": roles,
                    "pid": os.getpid(),
                    "nats_url": addresses.nats_url,
                    "nats_pid": addresses.nats_pid,
                    "monitor_url": addresses.monitor_url,
                    "grpc": addresses.grpc,
                    "http": addresses.http,
                    "smtp": addresses.smtp,
                }
            )
            return
        console.print(f"[bold green]up[/]: {', '.join(roles)}")
        for name, value in (
            ("gRPC", addresses.grpc),
            ("chat", addresses.http and f"http://{addresses.http}/chat"),
            ("form", addresses.http and f"http://{addresses.http}/form/<form>"),
            ("calls", addresses.http and calls and f"http://{addresses.http}/callbacks/<entry point>"),
            ("SMTP", addresses.smtp),
            ("NATS", addresses.nats_url),
        ):
            if value:
                console.print(f"  {name:5}  {value}")

    return announce
