"""The site of the week: its policy in each variant, its hours, and the staffing table from which calls are promised."""

from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from cordboard.events.policy import CallbackPolicy, Policy
from cordboard.planning import StaffingPlan, loads_staffing
from cordboard.policy import load
from cordboard.policy.calendars import with_instants
from tests.day.people import DAY_MS, Worker
from tests.day.site import HOUR, MINUTE

Variant = Literal["promised", "without", "naive"]
VARIANTS: tuple[Variant, ...] = ("promised", "without", "naive")
"""`without`: who would have asked for a call calls, and waits as long as their patience lasts. `naive`: they come back into the
line when the time has come, before everybody else, and nobody counted how many there will be."""
CHANNELS = ("voice", "chat", "whatsapp", "mail")
QUEUE_OF = {"voice": "phone", "chat": "chat", "whatsapp": "messages", "mail": "post"}
DOOR_OF = {"voice": "hotline", "chat": "website", "whatsapp": "number", "mail": "service"}
ZONE = ZoneInfo("Europe/Brussels")
MONDAY = datetime(2026, 3, 2, tzinfo=ZONE)
"""No clock is changed in its week."""
BEGINS_MS = round(MONDAY.timestamp()) * 1_000
OPEN_DAYS = 6
LASTS_MS = 7 * DAY_MS
SHRINKAGE_PERCENT = 20
"""What the planner expects of breaks and absences."""
BOOKABLE_PERCENT = 20
"""Of the time of those who take calls, what may be promised."""
HANDLE = "9m"
INTERVAL_MS = 30 * MINUTE


def opening(day: int) -> tuple[int, int] | None:
    """From when to when the site is open on that day of the week (0 is Monday), in ms of the week."""
    hours = (9, 17) if day == 5 else (8, 20)
    return None if day >= OPEN_DAYS else (day * DAY_MS + hours[0] * HOUR, day * DAY_MS + hours[1] * HOUR)


def is_open(at_ms: int) -> bool:
    hours = opening(at_ms // DAY_MS)
    return hours is not None and hours[0] <= at_ms < hours[1]


@cache
def written() -> Policy:
    return load(Path(__file__).with_name("site.yaml")).policy


def callbacks() -> CallbackPolicy:
    """What is promised, and so the window within which a call is kept, in every variant."""
    found = next(queue.callbacks for queue in written().queues if queue.name == QUEUE_OF["voice"])
    assert found is not None
    return found


def policy(variant: Variant) -> Policy:
    """As published when the week begins. Variants differ in `callbacks` and in nothing else."""
    ours = written()
    if variant != "promised":
        ours = replace(ours, queues=[replace(queue, callbacks=None) for queue in ours.queues])
    return with_instants(ours, BEGINS_MS)


def plan(workers: list[Worker]) -> StaffingPlan:
    """What the planner's table comes to."""
    return loads_staffing(staffing_table(workers), written(), source="week.csv")


def staffing_table(workers: list[Worker]) -> str:
    """CSV as a workforce planner exports it: who is rostered to take calls, each half hour that the site is open."""
    lines = ["queue,date,from,to,agents,shrinkage,bookable_share,handle"]
    for day in range(OPEN_DAYS):
        hours = opening(day)
        assert hours is not None
        for from_ms in range(*hours, INTERVAL_MS):
            agents = sum(_share_on_calls(worker, from_ms) for worker in workers)
            date, begin, end = _clock(from_ms)[:10], _clock(from_ms)[11:], _clock(from_ms + INTERVAL_MS)[11:]
            lines.append(f"phone,{date},{begin},{end},{agents / 10:.1f},{SHRINKAGE_PERCENT}%,{BOOKABLE_PERCENT}%,{HANDLE}")
    return "\n".join(lines) + "\n"


def _share_on_calls(worker: Worker, from_ms: int) -> int:
    """In tenths of an agent: who also writes is there for calls part of the time."""
    queues = {membership.queue for membership in worker.memberships}
    rostered = any(shift.begins_ms <= from_ms and from_ms + INTERVAL_MS <= shift.ends_ms for shift in worker.shifts)
    return 0 if not rostered or "phone" not in queues else 6 if "chat" in queues else 10


def _clock(at_ms: int) -> str:
    return (MONDAY + timedelta(milliseconds=at_ms)).strftime("%Y-%m-%d %H:%M")
