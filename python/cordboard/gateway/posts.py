"""What forms and webhooks have in common over HTTP: a bounded body, and answers that programs can read."""

import asyncio
import math
import re
from ipaddress import IPv6Network, ip_address
from typing import Any
from urllib.parse import urlsplit

import msgspec
from litestar import Request, Response
from litestar.connection import ASGIConnection
from litestar.exceptions import ClientException, HTTPException

from cordboard.errors import CordboardError, InvalidInput, LogUnavailable, NotFound, OutcomeUnknown, Overloaded, VaultUnavailable
from cordboard.gateway.limits import BODY_S

_LATER = (Overloaded, LogUnavailable, VaultUnavailable, OutcomeUnknown)
_HOST = re.compile(r"[A-Za-z0-9._:\[\]-]{1,255}")
_NOT_YET = ("no_policy", "unknown_channel")
HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


class Problem(msgspec.Struct, frozen=True):
    """What is wrong with one field. `code` is a stable word, `message` is for people."""

    field: str
    code: str
    message: str


class Mistakes(InvalidInput):
    """The caller's mistakes, one by one."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(f"{len(problems)} of the values cannot be taken")  # problems quote the caller, errors nobody
        self.problems = problems


class Admitted(msgspec.Struct, frozen=True):
    """It is durable. `contact` is its reference; a repeat has the same one."""

    contact: str


class Refused(msgspec.Struct, frozen=True, omit_defaults=True):
    """It was not taken. `reason` is a stable word, `message` is for people; `problems` names fields."""

    reason: str
    message: str
    problems: list[Problem] = []


class TooSlow(ClientException):
    status_code = 408


async def body_of(request: Request[Any, Any, Any]) -> bytes:
    """The whole body. Raises HTTPException: 413 beyond the route's size, 408 beyond BODY_S."""
    try:
        async with asyncio.timeout(BODY_S):
            return await request.body()
    except TimeoutError:
        raise TooSlow("the body did not come in time") from None


def status_of(error: CordboardError) -> int:
    if isinstance(error, _LATER) or error.reason in _NOT_YET:
        return 503
    if isinstance(error, NotFound):
        return 404
    return 422 if isinstance(error, InvalidInput) else 500


def refuse(error: CordboardError, retry_after_ms: int) -> Response[Refused]:
    """The answer to a letter that was not admitted; nothing of it may be kept by the sender as delivered."""
    status = status_of(error)
    problems = error.problems if isinstance(error, Mistakes) else []
    return Response(
        Refused(error.reason, str(error), problems), status_code=status, headers=later(retry_after_ms) if status == 503 else HEADERS
    )


def refuse_with(status: int, reason: str, message: str, retry_after_ms: int | None = None) -> Response[Refused]:
    headers = HEADERS if retry_after_ms is None else later(retry_after_ms)
    return Response(Refused(reason, message), status_code=status, headers=headers)


def later(retry_after_ms: int) -> dict[str, str]:
    return HEADERS | {"retry-after": str(max(1, math.ceil(retry_after_ms / 1000)))}


def refuse_http(_request: Request[Any, Any, Any], error: HTTPException) -> Response[Refused]:
    """What the framework refuses (too large, gone half-way), in the same shape."""
    reasons = {408: "too_slow", 413: "too_large"}
    return refuse_with(error.status_code, reasons.get(error.status_code, "bad_request"), error.detail)


def is_own(origin: str, host: str | None) -> bool:
    """Whether a page of this origin came from the server itself. What is no origin is nobody's."""
    try:
        return urlsplit(origin).netloc == host
    except ValueError:
        return False


def base_of(request: ASGIConnection[Any, Any, Any, Any], *, behind_proxy: bool) -> str | None:
    """Scheme and host by which the asker knows this server; None if it names none. `behind_proxy`: the proxy says the scheme in
    X-Forwarded-Proto. Whoever asks says this: tell it to nobody else."""
    host = request.headers.get("host", "")
    scheme = request.headers.get("x-forwarded-proto", "http").rpartition(",")[2].strip() if behind_proxy else "http"
    return f"{scheme}://{host}" if scheme in ("http", "https") and _HOST.fullmatch(host) else None


def client_of(request: ASGIConnection[Any, Any, Any, Any], *, behind_proxy: bool) -> str:
    """The network address that asks, of IPv6 its /64. `behind_proxy`: the proxy in front says it in X-Forwarded-For."""
    address = request.client.host if request.client is not None else ""
    if behind_proxy:
        address = request.headers.get("x-forwarded-for", address).rpartition(",")[2].strip()
    try:
        parsed = ip_address(address)
    except ValueError:
        return ""  # whoever is unknown shares one bucket
    return str(parsed) if parsed.version == 4 else str(IPv6Network((int(parsed) >> 64 << 64, 64)))
