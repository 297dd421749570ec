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
from dataclasses import dataclass, field
from typing import Any, NoReturn

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


OFF = (
    "{server} has no copy of anything: its JetStream is off. Look into its log and configuration; if it is to have none, leave its "
    "monitoring out"
)
ONLY_ACCOUNT = "$G"
"""Of a server on which nobody names accounts."""


@dataclass(frozen=True, slots=True)
class Copy:
    """What one server has of a stream, as its monitoring tells it: `messages` are counted, the two sequences remembered. Each
    account of NATS has streams of its own, whatever their names."""

    server: str
    stream: str
    first_seq: int
    last_seq: int
    messages: int
    account: str = ONLY_ACCOUNT

    @property
    def shown_stream(self) -> str:
        return self.stream if self.account == ONLY_ACCOUNT else f"{self.stream} of account {self.account}"

    @property
    def about(self) -> str:
        return f"{self.shown_stream} on {self.server}"


@dataclass(slots=True)
class Look:
    """One look at all servers: their copies, the servers that have no JetStream, and those that have, by name; and the monitoring
    URLs that gave no answer."""

    copies: list[Copy] = field(default_factory=list)
    off: list[str] = field(default_factory=list)
    on: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)


def lacking(copies: Iterable[Copy]) -> dict[Copy, int]:
    """How many messages each incomplete copy lacks: between its first and its last one, and before its first one as far as
    most servers begin earlier. A copy that is only behind lacks nothing, nor do the others because it was not trimmed yet."""
    found = [copy for copy in copies if copy.last_seq]
    firsts: dict[str, list[int]] = {}
    for copy in found:
        firsts.setdefault(copy.shown_stream, []).append(copy.first_seq)
    begins = {stream: sorted(of_it)[(len(of_it) - 1) // 2] for stream, of_it in firsts.items()}
    missing = {copy: copy.last_seq + 1 - min(copy.first_seq, begins[copy.shown_stream]) - copy.messages for copy in found}
    return {copy: number for copy, number in missing.items() if number > 0}


def say(copy: Copy, missing: int) -> str:
    """What is wrong with a copy, and what to do about it."""
    return f"{copy.server} lacks {missing} messages of {copy.shown_stream}. {CURE}"


async def copies(monitor_url: str | None, site: str) -> Look:
    """What each server has of the site's inbox and journal, in whatever account."""
    urls = monitoring_urls(monitor_url)
    told = await asyncio.gather(*(_told(url, (inbox_stream(site), journal_stream(site))) for url in urls), return_exceptions=True)
    look = Look()
    for url, answer in zip(urls, told, strict=True):
        if isinstance(answer, ConfigurationError):
            look.silent.append(url)
        elif isinstance(answer, BaseException):
            raise answer
        else:
            server, found = answer
            (look.off if found is None else look.on).append(server)
            look.copies += found or ()
    return look


async def _told(url: str, streams: Sequence[str]) -> tuple[str, list[Copy] | None]:
    """The server's name and its copies; None: its JetStream is off. Raises ConfigurationError."""
    varz = await ask(url, "/varz")
    told = await ask(url, "/jsz?streams=true&config=false")
    if varz.get("server_id") != told.get("server_id"):
        raise ConfigurationError(f"NATS monitoring at {url} is that of several servers: give each server's own")
    server = str(varz.get("server_name") or url)
    if told.get("disabled"):
        return server, None
    try:
        return server, [
            _copy(server, str(account["name"]), stream)
            for account in told.get("account_details") or []
            for stream in account.get("stream_detail") or []
            if stream["name"] in streams
        ]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigurationError(f"NATS monitoring at {url} tells streams in an unknown form: {error!r}") from error


def _copy(server: str, account: str, stream: dict[str, Any]) -> Copy:
    state = stream["state"]
    return Copy(server, stream["name"], int(state["first_seq"]), int(state["last_seq"]), int(state["messages"]), account)


@dataclass(frozen=True, slots=True)
class Examined:
    """The copies, what each lacks (by `Copy.about`), the servers without JetStream, and the monitoring URLs that gave no answer."""

    copies: list[Copy]
    missing: dict[str, int]
    off: list[str]
    silent: list[str]

    @property
    def whole(self) -> bool:
        return bool(self.copies) and not (self.missing or self.off or self.silent)


async def examine(monitor_url: str | None, site: str) -> Examined:
    """Missing is what lacks at two looks as much."""
    look = await copies(monitor_url, site)
    before = {copy.about: number for copy, number in lacking(look.copies).items()}
    if before:
        await asyncio.sleep(AGAIN_S)
        look = await copies(monitor_url, site)
    missing = {copy.about: number for copy, number in lacking(look.copies).items() if before.get(copy.about) == number}
    return Examined(look.copies, missing, look.off, look.silent)


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
            look = await copies(self._monitor_url, self._site)
            for url in sorted(set(look.silent) - self._silent):
                _log.warning("nobody counts what stands behind %s: it does not answer, or not as one server", url)
            self._silent = set(look.silent)
            self._take_in(look)
            await asyncio.sleep(self._look_s)

    def _take_in(self, look: Look) -> None:
        for server in look.on:
            self._judge(f"JetStream of {server}", 0, "")
        for server in look.off:
            self._judge(f"JetStream of {server}", 1, OFF.format(server=server))
        missing = lacking(look.copies)
        most: dict[tuple[str, metrics.Stream], int] = {}
        for copy in look.copies:
            number = missing.get(copy, 0)
            self._judge(copy.about, number, say(copy, number))
            name: metrics.Stream = "inbox" if copy.stream == inbox_stream(self._site) else "journal"
            most[copy.server, name] = max(number, most.get((copy.server, name), 0))
        for labels, number in most.items():
            metrics.STREAM_MISSING.labels(*labels).set(number)

    def _judge(self, about: str, wrong: int, what: str) -> None:
        """Say `what` if as much is `wrong` as at the look before."""
        if wrong and wrong == self._before.get(about) and about not in self._said:
            self._said[about] = what
            _log.warning("%s", what)
        elif not wrong and self._said.pop(about, ""):
            _log.info("%s is whole again", about)
        self._before[about] = wrong
