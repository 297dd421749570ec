"""SlaService: clocks of SLA promises as they stand and as they change, out of the fold in memory."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from heapq import nsmallest

from cordboard.api.alarms import endangered, refuse_unknown_groups
from cordboard.api.guard import Context
from cordboard.api.promises import BOOKMARK_S, FIRST_MAX, INTERVAL_MS, INTERVAL_MS_MAX, INTERVAL_MS_MIN, PAGE_DEFAULT, PAGE_MAX
from cordboard.api.site import Site
from cordboard.api.sla_board import sla_board
from cordboard.api.tokens import HexId, Ordinal
from cordboard.api.translate.check import Check
from cordboard.api.translate.slas import MEASURES, STATES, clock_message, count_messages
from cordboard.events.policy import QUEUES_MAX
from cordboard.projections.slas import Key, SlaClock
from cordboard.v1 import sla_service_pb2 as pb
from cordboard.v1.sla_service_pb2_grpc import SlaServiceServicer


class SlaService(SlaServiceServicer):
    """Everything is answered from memory; clocks name no agent, so monitoring bounds nothing of it."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def ListSlas(self, request: pb.ListSlasRequest, context: Context) -> pb.ListSlasResponse:
        site, slas = self._site, self._site.slas
        check = Check()
        page_size = check.number("page_size", request.page_size or PAGE_DEFAULT, 1, PAGE_MAX)
        wanted = _filter(check, request.filter)
        check.finish()
        await refuse_unknown_groups(self._site, [request.filter.group] if request.filter.group else [])
        bound_to = b"ListSlas" + request.filter.SerializeToString(deterministic=True)
        cursor = site.tokens.cursor(bound_to, request.page_token, tuple[Ordinal, HexId, str])
        after = None if cursor is None else (cursor[0], bytes.fromhex(cursor[1]), cursor[2])
        await site.reach(request.consistency_token)
        # No await from here on: all of it is of one position.
        matching = (one for one in slas.all() if wanted(one) and (after is None or one.place > after))
        found = nsmallest(page_size + 1, matching, key=lambda one: one.place)
        more, found = len(found) > page_size, found[:page_size]
        due_ms, subject, name = found[-1].place if more else (0, b"", "")
        return pb.ListSlasResponse(
            clocks=[clock_message(one) for one in found],
            next_page_token=site.tokens.page(bound_to, (due_ms, subject.hex(), name)) if more else "",
            consistency_token=site.token(slas.position),
            at_ms=slas.at_ms,
            counts=count_messages(slas.counts(), request.filter.sla, request.filter.queue),
        )

    async def GetSlaBoard(self, request: pb.GetSlaBoardRequest, context: Context) -> pb.GetSlaBoardResponse:
        return await sla_board(self._site, request)

    async def WatchSlas(self, request: pb.WatchSlasRequest, context: Context) -> AsyncIterator[pb.WatchSlasResponse]:
        check = Check()
        check.count("queues", len(request.queues), 0, QUEUES_MAX)
        queues = frozenset(check.name(f"queues[{index}]", name) for index, name in enumerate(request.queues[:QUEUES_MAX]))
        group = check.name_or_none("group", request.group)
        interval_ms = check.number("interval_ms", request.interval_ms or INTERVAL_MS, INTERVAL_MS_MIN, INTERVAL_MS_MAX)
        check.finish()
        await refuse_unknown_groups(self._site, [request.group] if request.group else [])

        followed: set[Key] = set()

        def wanted(clock: SlaClock) -> bool:
            """Who was told of it hears what becomes of it, in whatever queue that is."""
            if clock.key not in followed and not ((not queues or clock.queue in queues) and _concerns(clock, group)):
                return False
            (followed.add if clock.lives else followed.discard)(clock.key)
            return True

        slas, clock = self._site.slas, asyncio.get_running_loop().time
        told = slas.position
        changed = sorted((one for one in slas.live() if wanted(one)), key=lambda one: one.place)
        said_at: float | None = None
        while True:
            self._site.refuse_when_draining()
            if said_at is None or changed or clock() - said_at >= BOOKMARK_S:
                said_at = clock()
                for begin in range(0, max(1, len(changed)), FIRST_MAX):
                    some, more = changed[begin : begin + FIRST_MAX], len(changed) > begin + FIRST_MAX
                    yield pb.WatchSlasResponse(clocks=[clock_message(one) for one in some], at_ms=slas.at_ms, more=more)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(interval_ms / 1_000):
                    await self._site.draining.wait()
            changed = [one for one in slas.changed_after(told) if wanted(one)]
            told = slas.position


def _concerns(clock: SlaClock, group: str | None) -> bool:
    """The group is told of it: it is, or was, in danger."""
    return group is None or (clock.group == group and endangered(clock))


def _filter(check: Check, given: pb.SlaFilter) -> Callable[[SlaClock], bool]:
    sla = check.name_or_none("filter.sla", given.sla)
    queue = check.name_or_none("filter.queue", given.queue)
    channel = check.name_or_none("filter.channel", given.channel)
    group = check.name_or_none("filter.group", given.group)
    state = check.choice("filter.state", given.state, STATES, "running") if given.state else None
    measure = check.choice("filter.measure", given.measure, MEASURES, "answer") if given.measure else None
    contact = check.id("filter.contact_id", given.contact_id) if given.contact_id else None

    def wanted(clock: SlaClock) -> bool:
        return (
            sla in (None, clock.name)
            and queue in (None, clock.queue)
            and channel in (None, clock.channel)
            and state in (None, clock.state)
            and measure in (None, clock.measure)
            and contact in (None, clock.contact, clock.case)
            and (clock.lives or not given.live or (group is not None and clock.state == "broken"))
            and _concerns(clock, group)
        )

    return wanted
