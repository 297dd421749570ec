"""Promises as they stand and as they change, out of the fold in memory; content from the vault."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable
from heapq import nsmallest

from cordboard.alternatives import Alternatives
from cordboard.api.content import describe
from cordboard.api.site import Site
from cordboard.api.tokens import HexId, Ordinal
from cordboard.api.translate.check import Check
from cordboard.api.translate.promises import OUTCOMES, STATES, promise_message
from cordboard.errors import NotFound
from cordboard.events.bounds import INSTANT_MAX_MS
from cordboard.events.policy import QUEUES_MAX
from cordboard.promises import Promise
from cordboard.v1 import callback_service_pb2 as pb
from cordboard.v1 import contact_service_pb2
from cordboard.vault.clock import now_ms

PAGE_MAX = 1_000
PAGE_DEFAULT = 100
FIRST_MAX = 500
"""Promises in one message of a watch."""
INTERVAL_MS = 200
INTERVAL_MS_MIN, INTERVAL_MS_MAX = 20, 10_000
BOOKMARK_S = 10.0


def unknown_promise() -> NotFound:
    return NotFound("nothing is promised to this contact, or it ended more than a day ago", reason="unknown_promise")


async def shown(site: Site, promises: Iterable[Promise]) -> list[pb.Promise]:
    """As the policy's monitoring lets them be shown, without content."""
    some = list(promises)
    now = await site.shown.now(one.agent for one in some if one.state != "ended")
    before = await site.shown.before(one.agent for one in some if one.state == "ended")
    instead = alternatives(site)
    return [promise_message(one, before if one.state == "ended" else now, instead.of(one)) for one in some]


def alternatives(site: Site) -> Alternatives:
    """As they are now."""
    return Alternatives(site.promises, site.missed, now_ms())


async def get_promise(site: Site, request: pb.GetPromiseRequest) -> pb.GetPromiseResponse:
    """One, with its content. Raises BadRequest, NotFound (`unknown_promise`)."""
    check = Check()
    contact = check.id("contact_id", request.contact_id)
    check.finish()
    await site.reach(request.consistency_token)
    promise, seq = site.promises.get(contact), site.promises.position
    if promise is None:
        raise unknown_promise()
    (message,) = await shown(site, [promise])
    await _fill(site, promise, message)
    return pb.GetPromiseResponse(promise=message, consistency_token=site.token(seq))


async def _fill(site: Site, promise: Promise, message: pb.Promise) -> None:
    """Customer, number and text, as far as the vault has them still."""
    said = contact_service_pb2.Contact(contact_id=message.contact_id)
    await describe(site.vault, [said])
    message.text = said.text
    if said.HasField("customer"):
        message.customer.CopyFrom(said.customer)
    if promise.address is not None and (number := (await site.vault.read([promise.address])).get(promise.address)) is not None:
        message.number = number.text


async def list_promises(site: Site, request: pb.ListPromisesRequest) -> pb.ListPromisesResponse:
    """By due time, a page at a time. Raises BadRequest."""
    check = Check()
    page_size = check.number("page_size", request.page_size or PAGE_DEFAULT, 1, PAGE_MAX)
    wanted = _filter(check, request.filter)
    check.finish()
    bound_to = b"ListPromises" + request.filter.SerializeToString(deterministic=True)
    cursor = site.tokens.cursor(bound_to, request.page_token, tuple[Ordinal, HexId])
    after = None if cursor is None else (cursor[0], bytes.fromhex(cursor[1]))
    await site.reach(request.consistency_token)
    # No await between these: all of it is of one position.
    seq, at_ms = site.promises.position, site.promises.at_ms
    matching = (one for one in site.promises.all() if wanted(one) and (after is None or _place(one) > after))
    found = nsmallest(page_size + 1, matching, key=_place)
    more, found = len(found) > page_size, found[:page_size]
    return pb.ListPromisesResponse(
        promises=await shown(site, found),
        next_page_token=site.tokens.page(bound_to, (found[-1].due_ms, found[-1].contact.hex())) if more else "",
        consistency_token=site.token(seq),
        at_ms=at_ms,
    )


def _place(promise: Promise) -> tuple[int, bytes]:
    return promise.due_ms, promise.contact


def _filter(check: Check, given: pb.PromiseFilter) -> Callable[[Promise], bool]:
    queue = check.name_or_none("filter.queue", given.queue)
    channel = check.name_or_none("filter.channel", given.channel)
    state = check.choice("filter.state", given.state, STATES, "ended") if given.state else None
    outcome = given.outcome or None
    if outcome is not None and outcome not in OUTCOMES:
        check.wrong("filter.outcome", f"must be one of {', '.join(OUTCOMES)}")
    from_ms = check.number("filter.due_from_ms", given.due_from_ms, 0, INSTANT_MAX_MS)
    until_ms = check.number("filter.due_until_ms", given.due_until_ms, 0, INSTANT_MAX_MS) or INSTANT_MAX_MS + 1
    customer = check.id("filter.customer_id", given.customer_id) if given.customer_id else None

    def wanted(promise: Promise) -> bool:
        return (
            queue in (None, promise.queue)
            and channel in (None, promise.channel)
            and state in (None, promise.state)
            and outcome in (None, promise.outcome)
            and from_ms <= promise.due_ms < until_ms
            and customer in (None, promise.customer)
            and (promise.at_risk or not given.at_risk)
        )

    return wanted


async def watch_promises(site: Site, request: pb.WatchPromisesRequest) -> AsyncIterator[pb.WatchPromisesResponse]:
    """First those that live, then those that change; all anew once the policy lets other agents be shown. Raises BadRequest,
    Draining."""
    check = Check()
    check.count("queues", len(request.queues), 0, QUEUES_MAX)
    queues = frozenset(check.name(f"queues[{index}]", name) for index, name in enumerate(request.queues[:QUEUES_MAX]))
    interval_ms = check.number("interval_ms", request.interval_ms or INTERVAL_MS, INTERVAL_MS_MIN, INTERVAL_MS_MAX)
    check.finish()
    promises, clock = site.promises, asyncio.get_running_loop().time
    told, rules = promises.position, site.shown.rules
    changed = sorted((one for one in promises.live() if not queues or one.queue in queues), key=_place)
    said_at: float | None = None
    while True:
        site.refuse_when_draining()
        if said_at is None or changed or clock() - said_at >= BOOKMARK_S:
            said_at = clock()
            for begin in range(0, max(1, len(changed)), FIRST_MAX):
                some, more = changed[begin : begin + FIRST_MAX], len(changed) > begin + FIRST_MAX
                yield pb.WatchPromisesResponse(promises=await shown(site, some), at_ms=promises.at_ms, more=more)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(interval_ms / 1_000):
                await site.draining.wait()
        # What was said may name agents who are not shown any more: say it all once more, that is what the reader is to keep.
        again = site.shown.rules != rules
        since = promises.all() if again else promises.changed_after(told)
        changed = [one for one in since if not queues or one.queue in queues]
        told, rules = promises.position, site.shown.rules
