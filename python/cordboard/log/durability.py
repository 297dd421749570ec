"""Does the server fsync before it acknowledges? Proof, or no start.

NATS 2.15 tells a client nothing about `sync_interval`; only the monitoring port does (`/varz`, jetstream.config.sync_always).
So an external server needs its monitoring URL (argument or CORDBOARD_NATS_MONITOR_URL; a cluster: all of them, comma
separated), and the server we are connected to must be among those that answer; of a cluster a minority may be silent, or a
role could not start while one of three servers is down. The embedded server is examined once when it starts, and vouched for
within this process. Without proof we refuse, unless `allow_lazy_fsync`: then a power cut may lose what was acknowledged.
"""

import asyncio
import logging
from dataclasses import dataclass

from cordboard.errors import ConfigurationError
from cordboard.log.monitoring import MONITOR_ENV, ask, monitoring_urls

_log = logging.getLogger(__name__)

_vouched: set[str] = set()


@dataclass(frozen=True, slots=True)
class Examined:
    """What one server says of itself."""

    server_id: str
    server_name: str
    jetstream: bool
    sync_always: bool


async def examine(monitor_url: str) -> Examined:
    """Ask `<monitor_url>/varz`. Raises ConfigurationError if nothing sensible answers."""
    varz = await ask(monitor_url, "/varz")
    try:
        jetstream = varz.get("jetstream", {}).get("config", {})
        return Examined(varz["server_id"], varz["server_name"], bool(jetstream), jetstream.get("sync_always") is True)
    except (KeyError, AttributeError) as error:
        raise ConfigurationError(f"NATS monitoring at {monitor_url} gives no answer: {error!r}") from error


def vouch(server_id: str) -> None:
    """This process started or examined that server itself."""
    _vouched.add(server_id)


async def require_fsync(server_id: str, monitor_url: str | None, *, allow_lazy: bool) -> None:
    """Raises ConfigurationError unless the connected server, and every one that answers, fsyncs always; a majority must answer."""
    if server_id in _vouched:
        return
    try:
        await _require_proof(server_id, monitoring_urls(monitor_url))
    except ConfigurationError as error:
        if not allow_lazy:
            raise
        _log.warning("lazy fsync is allowed: a power cut may lose acknowledged facts (%s)", error)


async def _require_proof(server_id: str, urls: list[str]) -> None:
    if not urls:
        raise ConfigurationError(
            f"no proof that the NATS server fsyncs before it acknowledges: set {MONITOR_ENV} to its monitoring URL"
            " (http://host:8222), or allow lazy fsync if losing acknowledged facts is acceptable"
        )
    told = await asyncio.gather(*(examine(url) for url in urls), return_exceptions=True)
    answers: list[Examined] = []
    for url, answer in zip(urls, told, strict=True):
        if isinstance(answer, ConfigurationError):
            continue
        if isinstance(answer, BaseException):
            raise answer
        if not answer.sync_always:
            raise ConfigurationError(
                f"the NATS server at {url} does not fsync before it acknowledges: set `jetstream {{ sync_interval: always }}`"
            )
        answers.append(answer)
    silent = [error for error in told if isinstance(error, ConfigurationError)]
    if len(answers) <= len(silent):
        # An acknowledgement stands for a majority of the copies: with fewer known, it may stand for none on disk.
        raise silent[0]
    for error in silent:
        _log.warning("%s; it is not needed while most of the cluster's servers are known to fsync", error)
    if server_id not in {answer.server_id for answer in answers}:
        raise ConfigurationError(f"{', '.join(urls)} is not the monitoring of the NATS server that we are connected to")
