"""Health of a process, for probes and scrapers: /healthz (it lives), /readyz (each role does its work), /metrics (docs/metrics.md).

What /readyz and the metrics `cordboard_ready` and `cordboard_alarms` say comes from the same place at the moment of asking.
"""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from litestar import Litestar, Request, Response, get
from litestar.status_codes import HTTP_200_OK, HTTP_503_SERVICE_UNAVAILABLE

from cordboard import metrics
from cordboard.gateway.serve import bind, serving


class Vitals(msgspec.Struct):
    """Why each role is not ready (empty: it is), and what it does just now where there is more to say."""

    unready: dict[str, str]
    says: dict[str, str] = {}
    alarms: dict[str, str] = {}
    """What needs somebody's care though every role does its work."""
    lagging: dict[str, str] = {}
    """Roles whose fold of the journal is far behind and stands still."""
    probes: dict[str, Callable[[], str]] = {}
    """Asked at every look: why a role that has started cannot do its work."""
    notices: dict[str, Callable[[], str]] = {}
    """Asked at every look: what needs somebody's care, by what it is about (empty: nothing does)."""

    @classmethod
    def of(cls, roles: Iterable[str]) -> "Vitals":
        """Nobody is ready yet."""
        return cls(dict.fromkeys(roles, "starting"))

    def ready(self, role: str, why_not: str = "", *, says: str = "") -> None:
        """`role` does its work, or `why_not`; `says`: which of its works."""
        self.unready[role] = why_not
        self.says[role] = says

    def behind(self, role: str, how_far: str) -> None:
        """What `role` has read of the journal is too old to go on with (empty: it is not)."""
        self.lagging[role] = how_far

    def sound(self, alarms: dict[str, str]) -> None:
        """The alarms that stand now, by what they are about."""
        self.alarms = alarms

    def standing(self) -> dict[str, str]:
        """Every alarm of this moment."""
        return self.alarms | {about: said for about, notice in self.notices.items() if (said := notice())}

    def why_not(self, role: str) -> str:
        """Why it is not ready now; empty: it is."""
        probe = self.probes.get(role)
        return self.unready[role] or self.lagging.get(role, "") or (probe() if probe is not None else "")


class Health(msgspec.Struct, frozen=True):
    """The answer to a probe: roles that are not ready, and why; what roles do that can do several things; alarms, which make nobody
    unready."""

    ok: bool
    unready: dict[str, str] = {}
    roles: dict[str, str] = {}
    alarms: dict[str, str] = {}


def exposition(vitals: Vitals, accept: str) -> tuple[bytes, str]:
    """All metrics, readiness as it is now among them, and their content type."""
    for role in vitals.unready:
        metrics.READY.labels(role).set(not vitals.why_not(role))
    metrics.ALARMS.set(len(vitals.standing()))
    return metrics.exposition(accept)


async def serve_vitals(vitals: Vitals, host: str, port: int, *, insecure_listen: bool) -> None:
    """Answer probes and scrapers until cancelled. Raises ConfigurationError if it cannot listen."""

    @get("/healthz", sync_to_thread=False)
    def healthz() -> Health:
        return Health(ok=True)

    @get("/readyz", sync_to_thread=False)
    def readyz() -> Response[Health]:
        unready = {role: why for role in vitals.unready if (why := vitals.why_not(role))}
        status = HTTP_503_SERVICE_UNAVAILABLE if unready else HTTP_200_OK
        says = {role: what for role, what in vitals.says.items() if what}
        health = Health(ok=not unready, unready=unready, roles=says, alarms=vitals.standing())
        return Response(health, status_code=status)

    @get("/metrics", sync_to_thread=False)
    def scrape(request: Request[Any, Any, Any]) -> Response[bytes]:
        text, content_type = exposition(vitals, request.headers.get("accept", ""))
        return Response(text, headers={"content-type": content_type})

    listener = bind(host, port, insecure_listen=insecure_listen)
    async with serving(Litestar([healthz, readyz, scrape], openapi_config=None, logging_config=None), listener) as server:
        await server
