"""Health of roles that have no port of their own, for probes: /healthz (the process lives), /readyz (each role does its work)."""

from collections.abc import Iterable

import msgspec
from litestar import Litestar, Response, get
from litestar.status_codes import HTTP_200_OK, HTTP_503_SERVICE_UNAVAILABLE

from cordboard.gateway.serve import bind, serving


class Vitals(msgspec.Struct):
    """Why each role is not ready (empty: it is), and what it does just now where there is more to say."""

    unready: dict[str, str]
    says: dict[str, str] = {}
    alarms: dict[str, str] = {}
    """What needs somebody's care though every role does its work."""

    @classmethod
    def of(cls, roles: Iterable[str]) -> "Vitals":
        """Nobody is ready yet."""
        return cls(dict.fromkeys(roles, "starting"))

    def ready(self, role: str, why_not: str = "", *, says: str = "") -> None:
        """`role` does its work, or `why_not`; `says`: which of its works."""
        self.unready[role] = why_not
        self.says[role] = says

    def sound(self, alarms: dict[str, str]) -> None:
        """The alarms that stand now, by what they are about."""
        self.alarms = alarms


class Health(msgspec.Struct, frozen=True):
    """The answer to a probe: roles that are not ready, and why; what roles do that can do several things; alarms, which make nobody
    unready."""

    ok: bool
    unready: dict[str, str] = {}
    roles: dict[str, str] = {}
    alarms: dict[str, str] = {}


async def serve_vitals(vitals: Vitals, host: str, port: int, *, insecure_listen: bool) -> None:
    """Answer probes until cancelled. Raises ConfigurationError if it cannot listen."""

    @get("/healthz", sync_to_thread=False)
    def healthz() -> Health:
        return Health(ok=True)

    @get("/readyz", sync_to_thread=False)
    def readyz() -> Response[Health]:
        unready = {role: why for role, why in vitals.unready.items() if why}
        status = HTTP_503_SERVICE_UNAVAILABLE if unready else HTTP_200_OK
        says = {role: what for role, what in vitals.says.items() if what}
        health = Health(ok=not unready, unready=unready, roles=says, alarms=vitals.alarms)
        return Response(health, status_code=status)

    listener = bind(host, port, insecure_listen=insecure_listen)
    async with serving(Litestar([healthz, readyz], openapi_config=None, logging_config=None), listener) as server:
        await server
