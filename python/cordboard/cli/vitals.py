"""Health of a process, for probes and scrapers: /healthz (it lives), /readyz (each role does its work), /metrics (docs/metrics.md).

What /readyz and the metrics `cordboard_ready` and `cordboard_alarms` say comes from the same place at the moment of asking.
Three paths need no web framework: every process has this port, and a router no other.
"""

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

import msgspec

from cordboard import metrics
from cordboard.gateway.serve import App, bind, serving


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


class Answer(msgspec.Struct, frozen=True):
    """Of the health port."""

    body: bytes
    status: HTTPStatus = HTTPStatus.OK
    content_type: str = "application/json"


def look(vitals: Vitals, path: str, accept: str = "") -> Answer:
    """What a GET of `path` is answered at this moment. `accept`: the formats that a scraper reads."""
    match path:
        case "/healthz":
            return Answer(msgspec.json.encode(Health(ok=True)))
        case "/readyz":
            unready = {role: why for role in vitals.unready if (why := vitals.why_not(role))}
            says = {role: what for role, what in vitals.says.items() if what}
            health = Health(ok=not unready, unready=unready, roles=says, alarms=vitals.standing())
            return Answer(msgspec.json.encode(health), HTTPStatus.SERVICE_UNAVAILABLE if unready else HTTPStatus.OK)
        case "/metrics":
            text, content_type = exposition(vitals, accept)
            return Answer(text, content_type=content_type)
    return Answer(b'{"detail":"/healthz, /readyz and /metrics are here"}', HTTPStatus.NOT_FOUND)


def health_app(vitals: Vitals) -> App:
    """What the health port serves."""

    async def app(scope: dict[str, Any], _receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await send({"type": "websocket.close"})  # before the handshake: answered 403
            return
        if scope["method"] in ("GET", "HEAD"):
            answer = look(vitals, scope["path"], dict(scope["headers"]).get(b"accept", b"").decode("latin-1"))
        else:
            answer = Answer(b'{"detail":"GET"}', HTTPStatus.METHOD_NOT_ALLOWED)
        length, kind = str(len(answer.body)).encode(), answer.content_type.encode()
        headers = [(b"content-type", kind), (b"content-length", length)]
        await send({"type": "http.response.start", "status": answer.status.value, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    return app


async def serve_vitals(vitals: Vitals, host: str, port: int, *, insecure_listen: bool) -> None:
    """Answer probes and scrapers until cancelled. Raises ConfigurationError if it cannot listen."""
    async with serving(health_app(vitals), bind(host, port, insecure_listen=insecure_listen)) as server:
        await server
