"""Callbacks over HTTP: what could be had, for caches; booking; and the links by which a promise is looked after.

Slots may be read by any origin. Bookings come from the gateway's own pages and those of the allowed origins, or from programs;
there is no session and no cookie. A link is a secret of its own: whoever has it moves and cancels, and reads no name or number.
"""

import asyncio
import hashlib
import math
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar

import msgspec
from litestar import MediaType, Request, Response, get, post, route
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, QueryParameter

from cordboard import metrics
from cordboard.errors import CordboardError, FactRefused, InvalidInput
from cordboard.events.bounds import INSTANT_MAX_MS
from cordboard.events.policy import EntryPoint
from cordboard.gateway.callbacks.booking import AHEAD_HOURS, Bookings, Declined, Over, TooMany, Wish
from cordboard.gateway.callbacks.ics import CALENDAR, CalendarFile, calendar_file
from cordboard.gateway.callbacks.page import SHOWN_MAX, CallbackPage
from cordboard.gateway.callbacks.shown import Change, FreeSlot, FreeSlots, NewBooking, NotPromised, Promised
from cordboard.gateway.callbacks.tokens import MANAGE, Holding
from cordboard.gateway.callbacks.words import PHRASES
from cordboard.gateway.form.form import check_key
from cordboard.gateway.limits import BOOKING_MAX, Limits, TokenBuckets
from cordboard.gateway.page import language_for, read_by
from cordboard.gateway.posts import (
    HEADERS,
    Mistakes,
    Problem,
    base_of,
    body_of,
    client_of,
    is_own,
    refuse,
    refuse_http,
    refuse_with,
)
from cordboard.promises import Promise
from cordboard.room import Room

FRESH_S = 5
HOURS = 72
BAD_HEADER = "must be a header of 8 to 150 visible ASCII characters"
_ANYBODY = {"access-control-allow-origin": "*", "x-content-type-options": "nosniff"}
T = TypeVar("T")


class CallbackDesk:
    """HTTP's side of the bookings. `public_url`: how customers reach it; None: as whoever asks names it."""

    def __init__(
        self, bookings: Bookings, limits: Limits, origins: Collection[str], *, behind_proxy: bool, public_url: str | None
    ) -> None:
        self._bookings, self._limits = bookings, limits
        self._origins, self._behind_proxy, self._public_url = origins, behind_proxy, public_url
        self._page = CallbackPage()
        self._bodies = Room(limits.bodies)
        self._looks = TokenBuckets(limits.looks_per_s, limits.looks_burst)
        self._wishes = TokenBuckets(limits.bookings_per_s, limits.bookings_burst)

    # -- reading ----------------------------------------------------------------------------------------------------------

    def slots(self, name: str, queue: str, from_ms: int, hours: int) -> FreeSlots:
        zone = self._bookings.zone(queue)
        found = [_slot(slot.begin_ms, zone) for slot in self._bookings.slots(queue, from_ms, hours)]
        return FreeSlots(name, str(zone), self._bookings.slot_ms(queue), found)

    def page_of_slots(self, name: str, from_ms: int) -> FreeSlots:
        """Those of three days from the first one with room on, however far ahead that is; at most SHOWN_MAX."""
        _, queue = self._bookings.door(name)
        zone = self._bookings.zone(queue)
        shown: list[int] = []
        next_ms = None
        for slot in self._bookings.slots(queue, from_ms, AHEAD_HOURS):
            if len(shown) >= SHOWN_MAX or (shown and slot.begin_ms >= shown[0] + HOURS * 3_600_000):
                next_ms = slot.begin_ms
                break
            shown.append(slot.begin_ms)
        return FreeSlots(name, str(zone), self._bookings.slot_ms(queue), [_slot(begin_ms, zone) for begin_ms in shown], next_ms)

    def cached_slots(self, request: Request[Any, Any, Any], name: str, from_ms: int, hours: int) -> Response[Any]:
        """For anybody's cache; 304 if the asker has it."""
        if (late := self._too_fast(request, self._looks)) is not None:
            return _with(late, _ANYBODY)
        if (wrong := _wrong_span(from_ms, hours)) is not None:
            return _with(wrong, _ANYBODY)
        _, queue = self._bookings.door(name)
        body = msgspec.json.encode(self.slots(name, queue, from_ms, hours))
        tag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
        headers = _ANYBODY | {"etag": tag, "cache-control": f"public, max-age={FRESH_S}, stale-while-revalidate={2 * FRESH_S}"}
        if tag in request.headers.get("if-none-match", ""):
            return Response(b"", status_code=304, headers=headers)
        return Response(body, media_type=MediaType.JSON, headers=headers)

    def booking_page(self, request: Request[Any, Any, Any], name: str, from_ms: int, wanted: str | None) -> Response[Any]:
        if (late := self._too_fast(request, self._looks)) is not None:
            return late
        if not 0 <= from_ms <= INSTANT_MAX_MS:
            return refuse_with(422, "invalid_input", "from is an instant in Unix ms")
        door, _ = self._bookings.door(name)
        return self._page.booking(self.page_of_slots(name, from_ms), _language(request, wanted, door))

    def look(self, request: Request[Any, Any, Any], token: str, wanted: str | None) -> Response[Any]:
        """A page for people, JSON for programs. Reading changes nothing, so that a mail scanner may follow the link."""
        if (late := self._too_fast(request, self._looks)) is not None:
            return late
        promised = self._shown(*self._bookings.holding(token))
        if "text/html" not in request.headers.get("accept", ""):
            return Response(promised, headers=HEADERS)
        door = self._bookings.policy.door(promised.entry_point)
        return self._page.managing(promised, _language(request, wanted, door))

    def slots_instead(self, request: Request[Any, Any, Any], token: str, from_ms: int, hours: int) -> Response[Any]:
        """To what a promise can be moved: in its queue, whether or not calls are booked at the entry point where it was made."""
        if (late := self._too_fast(request, self._looks) or _wrong_span(from_ms, hours)) is not None:
            return late
        _, promise = self._bookings.holding(token)
        return Response(self.slots(promise.entry_point or "", promise.queue, from_ms, hours), headers=HEADERS)

    def calendar(self, request: Request[Any, Any, Any], token: str) -> Response[Any]:
        if (late := self._too_fast(request, self._looks)) is not None:
            return late
        base = self._public_url or base_of(request, behind_proxy=self._behind_proxy)
        file = self.calendar_file(*self._bookings.holding(token), base)
        disposition = f'attachment; filename="{file.name}"'
        return Response(file.data, media_type=file.media_type, headers=HEADERS | {"content-disposition": disposition})

    def calendar_file(self, holding: Holding, promise: Promise, base: str | None = None) -> CalendarFile:
        """The promise as a file, also for a mail. `base`: the address of this server as customers know it, if that is known."""
        zone = self._bookings.zone(promise.queue)
        local = datetime.fromtimestamp(promise.due_ms / 1_000, zone)
        url = base + self._bookings.tokens.link(holding) if base is not None and promise.outcome is None else None
        door = self._bookings.policy.door(promise.entry_point or "")
        title, note = self._page.said_of(door, f"{local:%Y-%m-%d %H:%M} ({zone})", url)
        return calendar_file(promise, holding.first, holding.moves, self._bookings.site, str(zone), title, note, url)

    # -- writing ----------------------------------------------------------------------------------------------------------

    async def book(self, name: str, request: Request[Any, Any, Any]) -> Response[Any]:
        async def booked(body: bytes, key: str) -> Response[Any]:
            wish = self._wish(body)
            return self._answer(201, *await self._bookings.book(name, wish, key))

        self._bookings.door(name)
        return await self._posted(request, self._wishes, booked)

    async def change(self, token: str, request: Request[Any, Any, Any]) -> Response[Any]:
        async def changed(body: bytes, key: str) -> Response[Any]:
            change = _decode(body, Change)
            if change.action == "cancel":
                return self._answer(200, *await self._bookings.cancel(token))
            if change.begin_ms is None:
                raise Mistakes([Problem("begin_ms", "required_field", "is missing")])
            return self._answer(200, *await self._bookings.move(token, change.begin_ms, key))

        self._bookings.holding(token)
        # Who holds a link may always cancel, whoever else books from this address; moves are counted by promise.
        return await self._posted(request, self._looks, changed)

    async def _posted(self, request: Request[Any, Any, Any], buckets: TokenBuckets, work: Any) -> Response[Any]:
        """What every post goes through: whose page it comes from, how often, how much; and how refusals are worded."""
        headers = self._cors(request)
        if headers is None:
            return refuse_with(403, "origin_not_allowed", "pages of this origin book no callbacks")
        if (late := self._too_fast(request, buckets)) is not None:
            return _with(late, headers)
        try:
            if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
                return _with(refuse_with(415, "unsupported_media_type", "post application/json"), headers)
            key = check_key(request.headers.get("idempotency-key"), "Idempotency-Key", BAD_HEADER)
            with self._bodies.place():
                body = await body_of(request)
            return _with(await work(body, key), headers)
        except CordboardError as error:
            return _with(self._refuse(error), headers)

    def asked_beforehand(self, request: Request[Any, Any, Any]) -> Response[Any]:
        """A browser asks whether a page of another origin may post."""
        headers = self._cors(request)
        if headers is None:
            return Response(b"", status_code=403, headers={"vary": "origin"})
        allowed = {"access-control-allow-methods": "POST", "access-control-allow-headers": "content-type, idempotency-key"}
        return Response(b"", status_code=204, headers=headers | allowed | {"access-control-max-age": "600"})

    def _cors(self, request: Request[Any, Any, Any]) -> dict[str, str] | None:
        """What to tell the browser; None: pages of this origin book nothing. Programs need not name one."""
        origin = request.headers.get("origin")
        if origin is None:
            return {"vary": "origin"}
        if origin not in self._origins and not is_own(origin, request.headers.get("host")):
            return None
        return {"vary": "origin", "access-control-allow-origin": origin}

    def _wish(self, body: bytes) -> Wish:
        booking = _decode(body, NewBooking)
        number = self._bookings.numbers.number(booking.number)
        problems = []
        if number is None:
            problems.append(Problem("number", "not_callable", "is not a telephone number that can be called from here"))
        if not booking.consent:
            problems.append(Problem("consent", "required_field", "nobody is called who does not wish it"))
        if problems or number is None:
            raise Mistakes(problems)
        return Wish(number, booking.begin_ms, booking.name.strip(), booking.text.strip())

    def _answer(self, status: int, holding: Holding, promise: Promise) -> Response[Any]:
        return Response(self._shown(holding, promise), status_code=status, headers=dict(HEADERS))

    def _shown(self, holding: Holding, promise: Promise) -> Promised:
        zone = self._bookings.zone(promise.queue)
        link = self._bookings.tokens.link(holding)
        return Promised(
            reference=holding.first.hex(),
            entry_point=promise.entry_point or "",
            state=promise.state,
            due_ms=promise.due_ms,
            local=_slot(promise.due_ms, zone).local,
            zone=str(zone),
            from_ms=promise.from_ms,
            until_ms=promise.until_ms,
            local_from=_slot(promise.from_ms, zone).local,
            local_until=_slot(promise.until_ms, zone).local,
            slot_ms=promise.slot_ms,
            manage=link,
            calendar=link + CALENDAR,
            outcome=promise.outcome,
            at_risk=promise.at_risk and promise.outcome is None,
            alternatives=[_slot(begin_ms, zone) for begin_ms in self._bookings.alternatives(promise)],
        )

    def _refuse(self, error: CordboardError) -> Response[Any]:
        match error:
            case Declined():
                zone = self._bookings.zone(error.queue)
                others = [_slot(begin_ms, zone) for begin_ms in error.alternatives]
                return Response(NotPromised(error.reason, str(error), others), status_code=409, headers=dict(HEADERS))
            case Over() | FactRefused():
                return refuse_with(409, error.reason, str(error))
            case TooMany():
                metrics.REFUSED.labels("callback", error.reason).inc()
                return refuse_with(429, error.reason, str(error), 60_000)
        return refuse(error, self._limits.retry_after_ms)

    def refuse(self, _request: Request[Any, Any, Any], error: CordboardError) -> Response[Any]:
        return self._refuse(error)

    def _too_fast(self, request: Request[Any, Any, Any], buckets: TokenBuckets) -> Response[Any] | None:
        client = client_of(request, behind_proxy=self._behind_proxy)
        if buckets.take(client, asyncio.get_running_loop().time()):
            return None
        metrics.REFUSED.labels("callback", TooMany.reason).inc()
        return refuse_with(429, TooMany.reason, "too much from one address, slow down", math.ceil(buckets.wait_s(client) * 1_000))


def callback_routes(
    bookings: Bookings, limits: Limits, origins: Collection[str], *, behind_proxy: bool, public_url: str | None
) -> Sequence[HTTPRouteHandler]:
    """`/callbacks/<entry point>`, its `/slots`, `/callbacks/manage/<token>` with `/slots` and `/callback.ics`."""
    desk = CallbackDesk(bookings, limits, origins, behind_proxy=behind_proxy, public_url=public_url)
    caught: Any = {CordboardError: desk.refuse, HTTPException: refuse_http}

    @get("/callbacks/{name:str}/slots", sync_to_thread=False, exception_handlers=caught, summary="Slots with room for a callback")
    def free_slots(
        name: FromPath[str],
        request: Request[Any, Any, Any],
        from_ms: Annotated[int, QueryParameter(name="from")] = 0,
        hours: FromQuery[int] = HOURS,
    ) -> Response[Any]:
        return desk.cached_slots(request, name, from_ms, hours)

    @get("/callbacks/{name:str}", sync_to_thread=False, exception_handlers=caught, summary="A page to book a callback on")
    def booking_page(
        name: FromPath[str],
        request: Request[Any, Any, Any],
        from_ms: Annotated[int, QueryParameter(name="from")] = 0,
        lang: FromQuery[str | None] = None,
    ) -> Response[Any]:
        return desk.booking_page(request, name, from_ms, lang)

    @post(
        "/callbacks/{name:str}",
        request_max_body_size=BOOKING_MAX,
        exception_handlers=caught,
        summary="Book a callback (201), or learn what could be had instead (409); JSON with an Idempotency-Key",
    )
    async def book(name: FromPath[str], request: Request[Any, Any, Any]) -> Response[Any]:
        return await desk.book(name, request)

    @get(MANAGE + "/{token:str}", sync_to_thread=False, exception_handlers=caught, summary="A promise, by its link")
    def look(token: FromPath[str], request: Request[Any, Any, Any], lang: FromQuery[str | None] = None) -> Response[Any]:
        return desk.look(request, token, lang)

    @get(
        MANAGE + "/{token:str}/slots",
        sync_to_thread=False,
        exception_handlers=caught,
        summary="Slots with room, to which a promise can be moved",
    )
    def slots_instead(
        token: FromPath[str],
        request: Request[Any, Any, Any],
        from_ms: Annotated[int, QueryParameter(name="from")] = 0,
        hours: FromQuery[int] = HOURS,
    ) -> Response[Any]:
        return desk.slots_instead(request, token, from_ms, hours)

    @get(MANAGE + "/{token:str}" + CALENDAR, sync_to_thread=False, exception_handlers=caught, summary="… for a calendar")
    def calendar(token: FromPath[str], request: Request[Any, Any, Any]) -> Response[Any]:
        return desk.calendar(request, token)

    @post(
        MANAGE + "/{token:str}",
        request_max_body_size=BOOKING_MAX,
        exception_handlers=caught,
        summary="Move or cancel a promise, by its link",
    )
    async def change(token: FromPath[str], request: Request[Any, Any, Any]) -> Response[Any]:
        return await desk.change(token, request)

    @route(
        ["/callbacks/{name:str}", MANAGE + "/{name:str}"],
        http_method="OPTIONS",
        sync_to_thread=False,
        include_in_schema=False,
    )
    def asked_beforehand(request: Request[Any, Any, Any]) -> Response[Any]:
        return desk.asked_beforehand(request)

    # First: the framework answers OPTIONS by itself where it finds nobody who does.
    return [asked_beforehand, free_slots, booking_page, book, look, slots_instead, calendar, change]


def _language(request: Request[Any, Any, Any], wanted: str | None, door: EntryPoint | None) -> str:
    """A page's: as asked for, the entry point's, the browser's."""
    return language_for(PHRASES, wanted, door.language if door is not None else None, *read_by(request))


def _wrong_span(from_ms: int, hours: int) -> Response[Any] | None:
    if 0 <= from_ms <= INSTANT_MAX_MS and 1 <= hours <= AHEAD_HOURS:
        return None
    return refuse_with(422, "invalid_input", f"from is an instant in Unix ms, hours 1 to {AHEAD_HOURS}")


def _decode(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput("the body is not such a JSON object", reason="bad_json") from error


def _slot(begin_ms: int, zone: Any) -> FreeSlot:
    return FreeSlot(begin_ms, datetime.fromtimestamp(begin_ms / 1_000, zone).isoformat(timespec="minutes"))


def _with(response: Response[Any], headers: dict[str, str]) -> Response[Any]:
    response.headers.update(headers)
    return response
