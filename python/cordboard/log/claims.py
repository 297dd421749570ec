"""Claims: who does what must not be done twice. Whoever stores a name first has it; everybody else hears so.

A claim is never given back: if its holder dies, nobody knows how far it came, and nobody may begin anew. So names are of something
that passes (one attempt at a call), and claims are forgotten after `KEPT_S`.
"""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from cordboard.errors import ConfigurationError, LogUnavailable
from cordboard.log import subjects
from cordboard.log.backoff import Backoff
from cordboard.log.stream import Occupied, Unanswered
from cordboard.log.streams import HEADERS_MAX, declare_stream
from cordboard.log.wire import ApiError, Wire, open_wire

_log = logging.getLogger(__name__)
_NS = 1_000_000_000
_MIB = 1024**2
_DUPLICATES_S = 120
KEPT_S = 2 * 3_600
"""So long a name cannot be claimed again."""
ACK_WAIT_S = 1.0
"""How long one attempt to claim may stay unanswered."""


class Claims:
    """One kind's claims, of this process. Made by `open_claims`."""

    def __init__(self, wire: Wire, site: str, kind: str) -> None:
        self._wire = wire
        self._site = site
        self.stream = subjects.claims_stream(site, kind)
        self._subject = subjects.claims_subject(site, kind)
        self._me = secrets.token_hex(8)

    async def take(self, name: str, within_s: float) -> bool:
        """Is it ours from now on? `name`: of [a-z0-9_.-].

        Raises LogUnavailable if the server does not say within `within_s` seconds: then it may be ours, or anybody's.
        """
        backoff = Backoff()
        try:
            async with asyncio.timeout(within_s):
                while True:
                    try:
                        await self._wire.online()
                        # The server remembers this id: if the first answer was lost, the second says that the claim is ours.
                        headers = {"Nats-Msg-Id": f"{self._me}.{name}"}
                        answer = await self._wire.send(f"{self._subject[:-1]}{name}", b"", headers)
                        async with asyncio.timeout(ACK_WAIT_S):
                            await answer
                        return True
                    except Occupied:
                        return False
                    except (Unanswered, TimeoutError) as error:
                        _log.info("claim %s is asked for again: %s", name, error or "no answer")
                        await asyncio.sleep(backoff.next_s())
        except TimeoutError:
            raise LogUnavailable(f"{self.stream} did not say whose {name} is") from None

    async def declare(self) -> None:
        """Create or check the stream. Raises ConfigurationError if it exists with a setting that endangers it, LogUnavailable."""
        replicas = await self._inbox_replicas()
        have = await declare_stream(self._wire, self._config(replicas), replicas, None)
        if not have.get("discard_new_per_subject"):
            raise ConfigurationError(f"stream {self.stream} exists without discard_new_per_subject: two could claim one name")

    async def _inbox_replicas(self) -> int:
        try:
            inbox = await self._wire.call_until_answered(f"STREAM.INFO.{subjects.inbox_stream(self._site)}")
        except ApiError:
            return 1
        return int(inbox["config"]["num_replicas"])

    def _config(self, replicas: int) -> dict[str, Any]:
        return {
            "name": self.stream,
            "subjects": [self._subject],
            "storage": "file",
            "retention": "limits",
            "discard": "new",
            "discard_new_per_subject": True,
            "max_msgs_per_subject": 1,
            "max_msgs": -1,
            "max_consumers": -1,
            "max_age": KEPT_S * _NS,
            "max_bytes": 64 * _MIB,
            "max_msg_size": HEADERS_MAX,
            "deny_delete": True,
            "deny_purge": True,
            "allow_rollup_hdrs": False,
            "allow_direct": False,
            "compression": "none",
            "num_replicas": replicas,
            "duplicate_window": _DUPLICATES_S * _NS,
        }


@asynccontextmanager
async def open_claims(url: str, site: str, kind: str) -> AsyncIterator[Claims]:
    """Claims of a kind, over a connection of their own. Raises LogUnavailable if no server answers; ConfigurationError."""
    async with open_wire(url, f"cordboard-claims-{site}") as wire:
        claims = Claims(wire, site, kind)
        await claims.declare()
        yield claims
