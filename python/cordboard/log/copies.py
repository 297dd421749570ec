"""Has every server of the cluster the whole of its copy? NATS does not look.

A server that cannot read a block when it starts drops what stands behind the damage, and asks the others only for what came after
the last sequence that its index remembers: so its copy keeps a hole, it counts as current, and whoever reads from it is shown a gap
(nats-server 2.15.1, `tests/chaos/test_holes.py`). Only its monitoring tells, by counting: a stream from which nothing is ever
deleted but its beginning has as many messages as sequences.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NoReturn

from cordboard import metrics
from cordboard.errors import ConfigurationError
from cordboard.log.monitoring import ask, monitoring_urls
from cordboard.log.subjects import inbox_stream, journal_stream

_log = logging.getLogger(__name__)

LOOK_S = 30.0
AGAIN_S = 1.0
CURE = (
    "A block of its disk could not be read. While two whole copies are left: stop that server, empty its JetStream store, start "
    "it, and wait until it is current (docs/guarantees.md)"
)


@dataclass(frozen=True, slots=True)
class Copy:
    """What one server has of a stream, as its monitoring tells it: `messages` are counted, the two sequences remembered."""

    server: str
    stream: str
    first_seq: int
    last_seq: int
    messages: int

    @property
    def about(self) -> str:
        return f"{self.stream} on {self.server}"


def lacking(copies: Iterable[Copy]) -> dict[Copy, int]:
    """How many messages each incomplete copy lacks: between its first and its last one, and before its first one as far as
    most servers begin earlier. A copy that is only behind lacks nothing, nor do the others because it was not trimmed yet."""
    found = [copy for copy in copies if copy.last_seq]
    firsts: dict[str, list[int]] = {}
    for copy in found:
        firsts.setdefault(copy.stream, []).append(copy.first_seq)
    begins = {stream: sorted(of_it)[(len(of_it) - 1) // 2] for stream, of_it in firsts.items()}
    missing = {copy: copy.last_seq + 1 - min(copy.first_seq, begins[copy.stream]) - copy.messages for copy in found}
    return {copy: number for copy, number in missing.items() if number > 0}


def say(copy: Copy, missing: int) -> str:
    """What is wrong with a copy, and what to do about it."""
    return f"{copy.server} lacks {missing} messages of {copy.stream}. {CURE}"


async def copies(monitor_url: str | None, site: str) -> tuple[list[Copy], list[str]]:
    """What each server has of the site's inbox and journal, and the URLs that gave no answer."""
    urls = monitoring_urls(monitor_url)
    told = await asyncio.gather(*(_copies(url, (inbox_stream(site), journal_stream(site))) for url in urls), return_exceptions=True)
    found: list[Copy] = []
    silent: list[str] = []
    for url, answer in zip(urls, told, strict=True):
        if isinstance(answer, ConfigurationError):
            silent.append(url)
        elif isinstance(answer, BaseException):
            raise answer
        else:
            found += answer
    return found, silent


async def _copies(url: str, streams: Sequence[str]) -> list[Copy]:
    varz = await ask(url, "/varz")
    told = await ask(url, "/jsz?streams=true&config=false")
    if varz.get("server_id") != told.get("server_id"):
        raise ConfigurationError(f"NATS monitoring at {url} is that of several servers: give each server's own")
    server = varz.get("server_name") or url
    try:
        return [
            Copy(str(server), stream["name"], *(int(stream["state"][key]) for key in ("first_seq", "last_seq", "messages")))
            for account in told.get("account_details") or []
            for stream in account.get("stream_detail") or []
            if stream["name"] in streams
        ]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigurationError(f"NATS monitoring at {url} tells streams in an unknown form: {error!r}") from error


@dataclass(frozen=True, slots=True)
class Examined:
    """The copies, what each lacks (by `Copy.about`), and the monitoring URLs that gave no answer."""

    copies: list[Copy]
    missing: dict[str, int]
    silent: list[str]


async def examine(monitor_url: str | None, site: str) -> Examined:
    """Missing is what lacks at two looks as much."""
    found, silent = await copies(monitor_url, site)
    before = {copy.about: number for copy, number in lacking(found).items()}
    if before:
        await asyncio.sleep(AGAIN_S)
        found, silent = await copies(monitor_url, site)
    missing = {copy.about: number for copy, number in lacking(found).items() if before.get(copy.about) == number}
    return Examined(found, missing, silent)


class Watch:
    """Looks at the copies of a site's streams for ever (`run`); `notice` is what to say of them now."""

    def __init__(self, monitor_url: str | None, site: str, look_s: float = LOOK_S) -> None:
        self._monitor_url, self._site, self._look_s = monitor_url, site, look_s
        self._before: dict[str, int] = {}
        self._said: dict[str, str] = {}
        self._silent: set[str] = set()

    def notice(self) -> str:
        """Empty: nothing is known to lack anything."""
        return "; ".join(self._said.values())

    async def run(self) -> NoReturn:
        """What lacks at two looks as much is said. Of a server that is silent stands what was known."""
        while True:
            found, silent = await copies(self._monitor_url, self._site)
            for url in sorted(set(silent) - self._silent):
                _log.warning("nobody counts what stands behind %s: it does not answer, or not as one server", url)
            self._silent = set(silent)
            self._take_in(found)
            await asyncio.sleep(self._look_s)

    def _take_in(self, found: list[Copy]) -> None:
        missing = lacking(found)
        for copy in found:
            number, before = missing.get(copy, 0), self._before.get(copy.about, 0)
            if number and number == before and copy.about not in self._said:
                self._said[copy.about] = say(copy, number)
                _log.warning("%s", self._said[copy.about])
            elif not number and self._said.pop(copy.about, ""):
                _log.info("%s is whole again", copy.about)
            self._before[copy.about] = number
            name: metrics.Stream = "inbox" if copy.stream == inbox_stream(self._site) else "journal"
            metrics.STREAM_MISSING.labels(copy.server, name).set(number)
