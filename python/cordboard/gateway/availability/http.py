"""Availability over HTTP: how entry points stand, for caches; tickets, for one visitor each; and the script for a site's buttons.

Whoever may read a page may know how its doors stand: any origin reads them, without credentials. Tickets are for chats' origins.
"""

import asyncio
import hashlib
from collections.abc import Callable, Collection, Sequence
from typing import Any

import msgspec
from litestar import MediaType, Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from cordboard import metrics
from cordboard.doors import Door, Doors
from cordboard.errors import CordboardError, NotFound, Overloaded
from cordboard.gateway.availability.demand import Demand
from cordboard.gateway.availability.tickets import TICKET_MS, Tickets
from cordboard.gateway.limits import Limits, TokenBuckets
from cordboard.gateway.page import read_script
from cordboard.gateway.policy_view import PolicyView
from cordboard.gateway.posts import HEADERS, client_of, is_own, later, refuse, refuse_with
from cordboard.vault.clock import now_ms

FRESH_S = 5
"""So long a cache may give the same answer without asking again; three times as long while it asks."""
SCRIPT_FRESH_S = 3_600
CLIENT_SHARE = 4
"""One network address has at most one in so many of the tickets of a queue's doors."""
_ANYBODY = {"access-control-allow-origin": "*", "x-content-type-options": "nosniff"}


class OtherWay(msgspec.Struct, frozen=True, omit_defaults=True):
    """A next step of the entry point: callback, queue, voicemail, form, mail, or to be told (message)."""

    kind: str
    to: str | None = None


class Availability(msgspec.Struct, frozen=True, omit_defaults=True):
    """How an entry point stands. Times are Unix ms.

    `state`: open, busy, listen_only, closed; unknown before the router has said anything. `expected_wait_ms`: what customers are
    told; `asynchronous`: until the answer, since nobody waits at the other end. `referral`: where to go meanwhile; of one for mail
    `referral_address` says where to write, `referral_labels` what customers see of it, by language. `next_steps`: what may be
    offered to who comes in and is turned away.
    """

    entry_point: str
    channel: str
    state: str
    cause: str | None = None
    expected_wait_ms: int | None = None
    asynchronous: bool = False
    until_ms: int | None = None
    referral: str | None = None
    referral_address: str | None = None
    referral_labels: dict[str, str] = {}
    since_ms: int | None = None
    next_steps: tuple[OtherWay, ...] = ()


class Ticket(msgspec.Struct, frozen=True):
    """A promise of a place: begin the chat with it within `holds_ms`: before `over_ms` (Unix ms) by the gateway's clock."""

    entry_point: str
    ticket: str
    over_ms: int
    holds_ms: int = TICKET_MS


class Turnstile:
    """The doors of one gateway process, and who may come in."""

    def __init__(self, policy: PolicyView, tickets: Tickets, limits: Limits, clock_ms: Callable[[], int] = now_ms) -> None:
        self.doors, self.demand = Doors(), Demand(limits.demand_every_s)
        self._policy, self._tickets, self._clock_ms = policy, tickets, clock_ms
        self.looks = TokenBuckets(limits.looks_per_s, limits.looks_burst)
        self.asks = TokenBuckets(limits.posts_per_s, limits.posts_burst)
        self._serving = False

    def open(self) -> None:
        """The journal is read: what it says of the doors is so now. Before that everything raises Overloaded (`not_ready`)."""
        self._serving = True

    def shown(self, name: str) -> Availability:
        """Raises NotFound (`unknown_entry_point`)."""
        return self._said(self._door(name))

    def all(self) -> list[Availability]:
        self._check_open()
        return [self._said(door) for door in self.doors.all()]

    def ticket(self, name: str, client: str) -> Ticket | Availability:
        """A ticket for who asks from this network address; or how the door stands, if it gives none: then that somebody came is
        counted. Raises NotFound."""
        door, at_ms = self._door(name), self._clock_ms()
        if door.state != "open":
            self.demand.count(name, door.channel, door.state or "busy")
            return self._said(door)
        room, own_room = self._room(door, client, at_ms)
        if room and own_room:
            ticket, over_ms = self._tickets.give(name, client, at_ms)
            return Ticket(name, ticket, over_ms)
        if own_room:  # who has as many as one may was let in with them
            self.demand.count(name, door.channel, "busy")
        # As many as there is room for are on their way in. The wait is said of those who come in now: of the open door.
        shown = msgspec.structs.replace(self._said(door), state="busy", expected_wait_ms=None)
        return msgspec.structs.replace(shown, next_steps=self._next_steps(name))

    def take(self, ticket: str, entry_point: str, holder: str) -> bool:
        """Whether `holder` was promised a place at the entry point."""
        return self._tickets.take(ticket, entry_point, holder, self._clock_ms())

    def _said(self, door: Door) -> Availability:
        shown = availability(door)
        if door.state in (None, "open"):
            return shown
        instead = None if door.referral is None else self._policy.door(door.referral)
        if instead is not None:
            form = self._policy.form(instead.name)
            labels = instead.labels if form is None else form.labels
            shown = msgspec.structs.replace(shown, referral_address=instead.address, referral_labels=labels)
        return msgspec.structs.replace(shown, next_steps=self._next_steps(door.name))

    def _next_steps(self, name: str) -> tuple[OtherWay, ...]:
        door = self._policy.door(name)
        return () if door is None else tuple(OtherWay(step.kind, step.to) for step in door.next_steps)

    def _check_open(self) -> None:
        if not self._serving:
            raise Overloaded("still reading the journal", reason="not_ready")

    def _door(self, name: str) -> Door:
        self._check_open()
        door = self.doors.door(name)
        if door is None:
            raise NotFound("nothing is shown of such an entry point", reason="unknown_entry_point")
        return door

    def _room(self, door: Door, client: str, at_ms: int) -> tuple[bool, bool]:
        """Tickets on their way in take what the door keeps free of its queue's room, by whichever door of that queue they come:
        whether there is room for another, and for another of this client, so that one alone does not take it from all."""
        kept = self._policy.kept_free(door.name)
        if kept is None:
            return True, True
        beside = (each.name for each in self.doors.all() if each.queue == door.queue)
        outstanding, own = self._tickets.outstanding(beside, client, at_ms)
        return outstanding < kept, own < max(1, kept // CLIENT_SHARE)


def availability(door: Door) -> Availability:
    return Availability(
        entry_point=door.name,
        channel=door.channel,
        state=door.state or "unknown",
        cause=door.cause,
        expected_wait_ms=door.expected_wait_ms,
        asynchronous=door.asynchronous,
        until_ms=door.until_ms,
        referral=door.referral,
        since_ms=door.since_ms or None,
    )


def availability_routes(
    turnstile: Turnstile, limits: Limits, allowed_origins: Collection[str], *, behind_proxy: bool
) -> Sequence[HTTPRouteHandler]:
    """`/availability`, `/availability/<entry point>`, its `/ticket`, and `/availability.js`."""
    script, etag = read_script("availability.js")

    def unknown(_request: Request[Any, Any, Any], error: CordboardError) -> Response[Any]:
        answer: Response[Any] = refuse(error, limits.retry_after_ms)
        answer.headers.update(_ANYBODY)
        return answer

    caught: Any = {CordboardError: unknown}

    def too_fast(request: Request[Any, Any, Any], buckets: TokenBuckets) -> Response[Any] | None:
        client = client_of(request, behind_proxy=behind_proxy)
        if buckets.take(client, asyncio.get_running_loop().time()):
            return None
        metrics.REFUSED.labels("availability", "rate_limited").inc()
        answer: Response[Any] = refuse_with(
            429, "rate_limited", "too many questions from one address, slow down", limits.retry_after_ms
        )
        answer.headers.update(_ANYBODY)
        return answer

    def cached(request: Request[Any, Any, Any], content: Any) -> Response[Any]:
        """An answer for anybody's cache; 304 if the asker has it."""
        body = msgspec.json.encode(content)
        tag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
        headers = _ANYBODY | {"etag": tag, "cache-control": f"public, max-age={FRESH_S}, stale-while-revalidate={2 * FRESH_S}"}
        if tag in request.headers.get("if-none-match", ""):
            return Response(b"", status_code=304, headers=headers)
        return Response(body, media_type=MediaType.JSON, headers=headers)

    @get("/availability", sync_to_thread=False, exception_handlers=caught, summary="How every entry point stands")
    def all_doors(request: Request[Any, Any, Any]) -> Response[Any]:
        return too_fast(request, turnstile.looks) or cached(request, turnstile.all())

    @get("/availability/{name:str}", sync_to_thread=False, exception_handlers=caught, summary="How an entry point stands")
    def one_door(name: FromPath[str], request: Request[Any, Any, Any]) -> Response[Any]:
        return too_fast(request, turnstile.looks) or cached(request, turnstile.shown(name))

    @post(
        "/availability/{name:str}/ticket",
        sync_to_thread=False,
        exception_handlers=caught,
        summary="A ticket for an open entry point (201); else how it stands (409), and that somebody came is counted",
    )
    def give_ticket(name: FromPath[str], request: Request[Any, Any, Any]) -> Response[Any]:
        origin = request.headers.get("origin")
        headers = HEADERS | {"vary": "origin"}
        if origin is not None:
            if origin not in allowed_origins and not is_own(origin, request.headers.get("host")):
                return refuse_with(403, "origin_not_allowed", "pages of this origin get no tickets")
            headers |= {"access-control-allow-origin": origin}
        client = client_of(request, behind_proxy=behind_proxy)
        if not turnstile.asks.take(client, asyncio.get_running_loop().time()):
            metrics.REFUSED.labels("availability", "rate_limited").inc()
            refused: Response[Any] = refuse_with(
                429, "rate_limited", "too many tickets for one address, slow down", limits.retry_after_ms
            )
            refused.headers.update(headers | later(limits.retry_after_ms))
            return refused
        given = turnstile.ticket(name, client)
        return Response(given, status_code=201 if isinstance(given, Ticket) else 409, headers=headers)

    @get("/availability.js", sync_to_thread=False, summary="The script that says on a site's buttons how entry points stand")
    def buttons(request: Request[Any, Any, Any]) -> Response[Any]:
        headers = _ANYBODY | {"etag": etag, "cache-control": f"public, max-age={SCRIPT_FRESH_S}"}
        if etag in request.headers.get("if-none-match", ""):
            return Response(b"", status_code=304, headers=headers)
        return Response(script, media_type="text/javascript", headers=headers)

    return [all_doors, one_door, give_ticket, buttons]
