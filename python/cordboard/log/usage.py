"""How full a site's streams are. A full stream refuses, it never forgets: so somebody must be told in time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn, Protocol

from cordboard import metrics
from cordboard.errors import CordboardError

_log = logging.getLogger(__name__)

ALARM_PERCENT = 80
LOOK_S = 30.0
AGAIN_S = 3_600.0
"""So often an alarm that stands is logged again."""
_MIB = 1024 * 1024
INBOX = "INBOX_"
SNAPSHOTS = "OBJ_SNAPSHOTS_"


@dataclass(frozen=True, slots=True)
class Usage:
    """Bytes that a stream holds, and may hold (0 or less: as many as the disk has)."""

    stream: str
    bytes: int
    max_bytes: int

    @property
    def percent(self) -> int:
        return 100 * self.bytes // self.max_bytes if self.max_bytes > 0 else 0


class Streams(Protocol):
    """What is asked of a site's log."""

    async def usage(self) -> list[Usage]: ...


def alarm(usage: Usage) -> str | None:
    """What to say of a stream, and what to do about it; None: it has room."""
    if usage.percent < ALARM_PERCENT:
        return None
    holds = f"{usage.stream} holds {usage.bytes // _MIB} of {usage.max_bytes // _MIB} MiB ({usage.percent} %)"
    if usage.stream.startswith(SNAPSHOTS):
        care = "Raise its max_bytes (docs/archive.md)"
        return f"{holds}: at 100 % older snapshots give way to newer ones, and questions about the past take longer. {care}"
    refuses = "it refuses every fact" if usage.stream.startswith(INBOX) else "the router can decide nothing more"
    care = "Trim what is archived (`cordboard archive trim`), or raise the stream's max_bytes (docs/archive.md)"
    return f"{holds}: at 100 % {refuses}. {care}"


async def watch_usage(log: Streams, say: Callable[[dict[str, str]], None], look_s: float = LOOK_S) -> NoReturn:
    """Look for ever; `say` is told every alarm that stands, by stream, at each look. The log hears of each when it begins, and now
    and then after."""
    clock = asyncio.get_running_loop().time
    said_at_s: dict[str, float] = {}
    while True:
        try:
            usages = await log.usage()
        except CordboardError as error:
            _log.debug("the streams' size is not known: %s", error)
        else:
            alarms = {usage.stream: text for usage in usages if (text := alarm(usage)) is not None}
            for stream, text in alarms.items():
                if clock() - said_at_s.get(stream, -AGAIN_S) >= AGAIN_S:
                    _log.warning("%s", text)
                    said_at_s[stream] = clock()
            for stream in said_at_s.keys() - alarms.keys():
                _log.info("%s has room again", stream)
                del said_at_s[stream]
            say(alarms)
            for usage in usages:
                metrics.STREAM_BYTES.labels(_label(usage)).set(usage.bytes)
                metrics.STREAM_MAX_BYTES.labels(_label(usage)).set(max(0, usage.max_bytes))
        await asyncio.sleep(look_s)


def _label(usage: Usage) -> metrics.Stream:
    if usage.stream.startswith(SNAPSHOTS):
        return "snapshots"
    return "inbox" if usage.stream.startswith(INBOX) else "journal"
