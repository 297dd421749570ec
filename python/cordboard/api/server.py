"""The gRPC server: limits, health, reflection, and an orderly end."""

import asyncio
import logging
from collections.abc import Callable

import grpc
import grpc.aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer  # what health.aio is; the stubs know it by this name only
from grpc_reflection.v1alpha import reflection

from cordboard.api.agents import AgentService
from cordboard.api.attendance import SESSION_GRACE_S, Attendance
from cordboard.api.availability import AvailabilityService
from cordboard.api.boards import BoardService, add_board_service
from cordboard.api.calendar import watch_days
from cordboard.api.callbacks import CallbackService
from cordboard.api.contacts import ContactService
from cordboard.api.customers import CustomerService
from cordboard.api.declared import Declared
from cordboard.api.effects import EffectService
from cordboard.api.engagements import EngagementService
from cordboard.api.engine import EngineService
from cordboard.api.explain import ExplainService
from cordboard.api.guard import Guard
from cordboard.api.monitoring import Shown
from cordboard.api.next_steps import NextStepService
from cordboard.api.outcomes import Outcomes
from cordboard.api.people import People
from cordboard.api.periods import LOOK_S, PeriodKeeper
from cordboard.api.policy import PolicyService
from cordboard.api.quarantine import QuarantineService
from cordboard.api.queues import QueueService
from cordboard.api.signals import Signals
from cordboard.api.site import CATCH_UP_S, GATEWAY, Site, commit_reader
from cordboard.api.slas import SlaService
from cordboard.api.staff import StaffService
from cordboard.api.tokens import Tokens
from cordboard.doors import Doors
from cordboard.effects import Effects
from cordboard.errors import ConfigurationError
from cordboard.log.feed import Feed
from cordboard.log.port import SiteLog
from cordboard.missed import MissedContacts
from cordboard.next_steps import NextSteps
from cordboard.numbers import CallableNumbers
from cordboard.projections.boards import Boards
from cordboard.projections.desks import Desks
from cordboard.projections.history import HistoryReader
from cordboard.projections.history.doubt import decided_at
from cordboard.projections.quarantine import Quarantine
from cordboard.projections.slas import Slas
from cordboard.promises import Promises
from cordboard.router.core import CoreThread
from cordboard.router.explain import Explainer
from cordboard.settings import is_loopback
from cordboard.v1 import (
    agent_service_pb2,
    availability_service_pb2,
    board_service_pb2,
    callback_service_pb2,
    contact_service_pb2,
    customer_service_pb2,
    effect_service_pb2,
    engagement_service_pb2,
    engine_service_pb2,
    explain_service_pb2,
    next_step_service_pb2,
    policy_service_pb2,
    quarantine_service_pb2,
    queue_service_pb2,
    sla_service_pb2,
    staff_service_pb2,
)
from cordboard.v1.agent_service_pb2_grpc import add_AgentServiceServicer_to_server
from cordboard.v1.availability_service_pb2_grpc import add_AvailabilityServiceServicer_to_server
from cordboard.v1.callback_service_pb2_grpc import add_CallbackServiceServicer_to_server
from cordboard.v1.contact_service_pb2_grpc import add_ContactServiceServicer_to_server
from cordboard.v1.customer_service_pb2_grpc import add_CustomerServiceServicer_to_server
from cordboard.v1.effect_service_pb2_grpc import add_EffectServiceServicer_to_server
from cordboard.v1.engagement_service_pb2_grpc import add_EngagementServiceServicer_to_server
from cordboard.v1.engine_service_pb2_grpc import add_EngineServiceServicer_to_server
from cordboard.v1.explain_service_pb2_grpc import add_ExplainServiceServicer_to_server
from cordboard.v1.next_step_service_pb2_grpc import add_NextStepServiceServicer_to_server
from cordboard.v1.policy_service_pb2_grpc import add_PolicyServiceServicer_to_server
from cordboard.v1.quarantine_service_pb2_grpc import add_QuarantineServiceServicer_to_server
from cordboard.v1.queue_service_pb2_grpc import add_QueueServiceServicer_to_server
from cordboard.v1.sla_service_pb2_grpc import add_SlaServiceServicer_to_server
from cordboard.v1.staff_service_pb2_grpc import add_StaffServiceServicer_to_server
from cordboard.vault import Acceptance, Vault
from cordboard.vault.clock import now_ms
from cordboard.vault.erasure import Erasure
from cordboard.vault.intake import Intake

logger = logging.getLogger(__name__)
REQUEST_MAX = 256 * 1024
RESPONSE_MAX = 32 * 1024 * 1024
CALLS_MAX = 25_000
"""At once, watches included; beyond, RESOURCE_EXHAUSTED from gRPC itself."""
GRACE_S = 2.0
OPTIONS = (
    ("grpc.max_receive_message_length", REQUEST_MAX),
    ("grpc.max_send_message_length", RESPONSE_MAX),
    ("grpc.max_metadata_size", 16 * 1024),
    ("grpc.max_concurrent_streams", 2_048),
    # Calls that came while the loop was busy. gRPC itself would break off some of more than a thousand, without a reason, and all
    # that waited for 30 s: ours are bounded by CALLS_MAX, and each is told why it is refused.
    ("grpc.server.max_pending_requests", CALLS_MAX),
    ("grpc.server.max_pending_requests_hard_limit", CALLS_MAX),
    ("grpc.server_max_unrequested_time_in_server", 120),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.max_connection_age_ms", 30 * 60_000),
    ("grpc.max_connection_age_grace_ms", 30_000),
    # Two servers on one port would each serve half of the calls.
    ("grpc.so_reuseport", 0),
)
SERVICES = tuple(
    file.DESCRIPTOR.services_by_name[name].full_name
    for file, name in (
        (contact_service_pb2, "ContactService"),
        (agent_service_pb2, "AgentService"),
        (staff_service_pb2, "StaffService"),
        (board_service_pb2, "BoardService"),
        (policy_service_pb2, "PolicyService"),
        (customer_service_pb2, "CustomerService"),
        (effect_service_pb2, "EffectService"),
        (quarantine_service_pb2, "QuarantineService"),
        (explain_service_pb2, "ExplainService"),
        (queue_service_pb2, "QueueService"),
        (engagement_service_pb2, "EngagementService"),
        (engine_service_pb2, "EngineService"),
        (availability_service_pb2, "AvailabilityService"),
        (next_step_service_pb2, "NextStepService"),
        (callback_service_pb2, "CallbackService"),
        (sla_service_pb2, "SlaService"),
    )
)


async def run_api(
    log: SiteLog,
    vault: Vault,
    boards: Boards,
    desks: Desks,
    feed: Feed,
    history: HistoryReader,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    insecure_listen: bool = False,
    session_grace_s: float = SESSION_GRACE_S,
    periods_every_s: float = LOOK_S,
    clock: Callable[[], int] = now_ms,
    quarantine: Quarantine | None = None,
    callback_numbers: str = "",
    ready: Callable[[int], None] | None = None,
) -> None:
    """The API role: serve until cancelled. `boards` and `desks` (and `quarantine`, if given)
    must be attached to `feed` by the caller, who also runs it.

    `ready` is told the port once this process has caught up with the journal; from then on health says SERVING. `session_grace_s`:
    so long a desk that is no longer watched may come back before it counts as lost. `periods_every_s`: how often agents' references
    are looked after, by `clock` (Unix ms). `callback_numbers`: numbers that
    name no country are of the first one's. Start it before the feed runs: it attaches folds of its own. Raises ConfigurationError.
    """
    if not is_loopback(host) and not insecure_listen:
        raise ConfigurationError(f"refusing to serve gRPC without authentication on {host}: use 127.0.0.1, or --insecure-listen")
    numbers = CallableNumbers(callback_numbers)
    outcomes, declared, effects = Outcomes(commit_reader(log)), Declared(), Effects()
    if quarantine is None:
        quarantine = Quarantine()
        feed.attach(quarantine.apply)
    doors, promises, missed, slas, next_steps = Doors(), Promises(), MissedContacts(), Slas(), NextSteps()
    erasure, attendance = Erasure(vault, log.site), Attendance(log, desks, feed.caught_up, session_grace_s)
    for fold in (outcomes, declared, effects, doors, promises, missed, slas, next_steps, erasure, attendance):
        feed.attach(fold.apply)

    async def decided(acceptance: Acceptance) -> bool:
        return await decided_at(history, log, acceptance.fact_id) is not None

    people = People(vault, declared.registered)
    async with log.publisher(GATEWAY) as publisher, CoreThread() as core:
        site = Site(
            log=log,
            vault=vault,
            boards=boards,
            desks=desks,
            feed=feed,
            history=history,
            publisher=publisher,
            intake=Intake(vault, publisher.publish, decided, GATEWAY),
            outcomes=outcomes,
            declared=declared,
            effects=effects,
            quarantine=quarantine,
            doors=doors,
            promises=promises,
            slas=slas,
            missed=missed,
            next_steps=next_steps,
            signals=Signals(log, desks),
            people=people,
            shown=Shown(declared, people, boards),
            tokens=Tokens(log.site),
            erasure=erasure,
            explainer=Explainer(log, core),
            attendance=attendance,
            numbers=numbers,
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(site.intake.sweep(), name="api-sweep")
            group.create_task(site.signals.run(), name="api-signals")
            group.create_task(erasure.run(), name="api-erasure")
            group.create_task(attendance.run(publisher), name="api-attendance")
            group.create_task(declared.keep_warm(), name="api-languages")
            caught_up = asyncio.Event()
            keeper = PeriodKeeper(vault, declared, desks, feed.caught_up, site.command, clock)
            group.create_task(_keep_periods(keeper, periods_every_s, caught_up), name="api-periods")
            group.create_task(_watch_days(boards, caught_up), name="api-days")
            group.create_task(_serve(site, host, port, caught_up, ready), name="api-serve")


async def _keep_periods(keeper: PeriodKeeper, every_s: float, caught_up: asyncio.Event) -> None:
    await caught_up.wait()
    await keeper.run(every_s)


async def _watch_days(boards: Boards, caught_up: asyncio.Event) -> None:
    await caught_up.wait()
    await watch_days(boards)


async def _serve(site: Site, host: str, port: int, caught_up: asyncio.Event, ready: Callable[[int], None] | None) -> None:
    server = grpc.aio.server(interceptors=[Guard(caught_up)], options=OPTIONS, maximum_concurrent_rpcs=CALLS_MAX)
    add_ContactServiceServicer_to_server(ContactService(site), server)
    add_AgentServiceServicer_to_server(AgentService(site), server)
    add_StaffServiceServicer_to_server(StaffService(site), server)
    add_board_service(BoardService(site), server)
    add_PolicyServiceServicer_to_server(PolicyService(site), server)
    add_CustomerServiceServicer_to_server(CustomerService(site), server)
    add_EffectServiceServicer_to_server(EffectService(site), server)
    add_QuarantineServiceServicer_to_server(QuarantineService(site), server)
    add_ExplainServiceServicer_to_server(ExplainService(site), server)
    add_QueueServiceServicer_to_server(QueueService(site), server)
    add_EngagementServiceServicer_to_server(EngagementService(site), server)
    add_EngineServiceServicer_to_server(EngineService(site), server)
    add_AvailabilityServiceServicer_to_server(AvailabilityService(site), server)
    add_CallbackServiceServicer_to_server(CallbackService(site), server)
    add_SlaServiceServicer_to_server(SlaService(site), server)
    add_NextStepServiceServicer_to_server(NextStepService(site), server)
    healthy = HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(healthy, server)
    reflection.enable_server_reflection((*SERVICES, health.SERVICE_NAME, reflection.SERVICE_NAME), server)
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        bound = server.add_insecure_port(address)
    except RuntimeError as error:
        raise ConfigurationError(f"gRPC cannot listen on {address}: {error}") from error
    await _say(healthy, health_pb2.HealthCheckResponse.NOT_SERVING)
    await server.start()
    try:
        await _catch_up(site)
        caught_up.set()
        await _say(healthy, health_pb2.HealthCheckResponse.SERVING)
        if ready is not None:
            ready(bound)
        await asyncio.Event().wait()
    finally:
        # Watches end at once, so that their clients go elsewhere; commands get a moment to learn their outcome.
        site.attendance.end()
        site.draining.set()
        await healthy.enter_graceful_shutdown()
        await server.stop(GRACE_S)


async def _catch_up(site: Site) -> None:
    """What this process serves must not be older than what the journal held when it started."""
    last = await site.log.last_journal_seq()
    while not await site.feed.reached(last, CATCH_UP_S):
        logger.info("catching up: %d of %d commits", site.feed.position, last)
    while not await site.erasure.reached(last, CATCH_UP_S):
        logger.info("carrying out erasures up to commit %d", last)


async def _say(healthy: HealthServicer, status: int) -> None:
    for service in ("", *SERVICES):
        await healthy.set(service, status)
