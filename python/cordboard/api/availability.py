"""AvailabilityService: what customers are shown of entry points, as it stands and as it changes."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

from cordboard.api.guard import Context
from cordboard.api.site import Site
from cordboard.api.translate.check import Check
from cordboard.doors import Door
from cordboard.errors import NotFound
from cordboard.events.fact import DoorState
from cordboard.events.policy import ENTRY_POINTS_MAX
from cordboard.v1 import availability_service_pb2 as pb
from cordboard.v1.availability_service_pb2_grpc import AvailabilityServiceServicer

INTERVAL_MS = 200
INTERVAL_MS_MIN, INTERVAL_MS_MAX = 20, 10_000
BOOKMARK_S = 10.0
STATES: dict[DoorState, "pb.DoorState.ValueType"] = {
    "open": pb.DOOR_STATE_OPEN,
    "busy": pb.DOOR_STATE_BUSY,
    "listen_only": pb.DOOR_STATE_LISTEN_ONLY,
    "closed": pb.DOOR_STATE_CLOSED,
}


class AvailabilityService(AvailabilityServiceServicer):
    """Out of the projection in memory."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def GetAvailability(self, request: pb.GetAvailabilityRequest, context: Context) -> pb.GetAvailabilityResponse:
        names = _names(request.entry_points)
        await self._site.reach(request.consistency_token)
        doors = self._site.doors
        return pb.GetAvailabilityResponse(
            doors=[door_message(door) for door in self._asked(names)],
            consistency_token=self._site.token(doors.position),
            at_ms=doors.at_ms,
        )

    async def WatchAvailability(
        self, request: pb.WatchAvailabilityRequest, context: Context
    ) -> AsyncIterator[pb.WatchAvailabilityResponse]:
        names = _names(request.entry_points)
        check = Check()
        interval_ms = check.number("interval_ms", request.interval_ms or INTERVAL_MS, INTERVAL_MS_MIN, INTERVAL_MS_MAX)
        check.finish()
        self._asked(names)
        told: dict[str, Door] = {}
        clock = asyncio.get_running_loop().time
        said_at: float | None = None
        while True:
            self._site.refuse_when_draining()
            now = {door.name: door for door in self._site.doors.all() if not names or door.name in names}
            changed = [door for name, door in now.items() if told.get(name) != door]
            removed = [name for name in told if name not in now]
            if said_at is None or changed or removed or clock() - said_at >= BOOKMARK_S:
                told, said_at = now, clock()
                yield pb.WatchAvailabilityResponse(
                    doors=[door_message(door) for door in changed], removed=removed, at_ms=self._site.doors.at_ms
                )
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(interval_ms / 1000):
                    await self._site.draining.wait()

    def _asked(self, names: frozenset[str]) -> list[Door]:
        """Raises NotFound (`unknown_entry_point`)."""
        known = self._site.doors.all()
        missing = names.difference(door.name for door in known)
        if missing:
            name = min(missing)
            raise NotFound(f"nothing is shown of an entry point {name}: has it `availability`?", reason="unknown_entry_point")
        return [door for door in known if not names or door.name in names]


def _names(given: Sequence[str]) -> frozenset[str]:
    check = Check()
    check.count("entry_points", len(given), 0, ENTRY_POINTS_MAX)
    names = frozenset(check.name(f"entry_points[{index}]", name) for index, name in enumerate(given[:ENTRY_POINTS_MAX]))
    check.finish()
    return names


def door_message(door: Door) -> pb.Door:
    return pb.Door(
        entry_point=door.name,
        channel=door.channel,
        queue=door.queue,
        state=pb.DOOR_STATE_UNSPECIFIED if door.state is None else STATES[door.state],
        cause=door.cause or "",
        expected_wait_ms=door.expected_wait_ms,
        until_ms=door.until_ms or 0,
        referral=door.referral or "",
        since_ms=door.since_ms,
        turned_away=door.turned_away,
    )
