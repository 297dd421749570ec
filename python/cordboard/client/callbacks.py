"""Callbacks: find a slot, book, move, cancel; what is promised."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack

import grpc
import grpc.aio

from cordboard.client.connection import Connection, Pause, client_error, new_request_id
from cordboard.client.contacts import Requirements, requirements_of
from cordboard.v1 import callback_service_pb2 as callbacks_pb
from cordboard.v1.callback_service_pb2 import CustomerHours, CustomerHoursSet, Promise, PromiseFilter
from cordboard.v1.callback_service_pb2_grpc import CallbackServiceStub
from cordboard.v1.types_pb2 import Customer

if TYPE_CHECKING:  # the generated code has it in its stubs only
    from cordboard.v1.callback_service_pb2_grpc import CallbackServiceAsyncStub

Hours = Iterable[tuple[int, int]]
"""(from, until), Unix ms: when the customer can be reached."""
_MODES = {
    "agent_first": callbacks_pb.DIAL_MODE_AGENT_FIRST,
    "customer_first": callbacks_pb.DIAL_MODE_CUSTOMER_FIRST,
}


class NewCallback(TypedDict, total=False):
    """What a callback is booked with. `number` to call: that of a `customer` of kind "phone" if there is none. `wish_ms`: Unix ms,
    as soon as possible if there is none. `queue` is needed but with a `missed_contact_id` (list_missed_contacts), of which comes
    whatever else is left out here, too. `hold_place`: the place of `waiting_contact_id` is kept, and called when it is reached."""

    queue: str
    channel: str
    wish_ms: int
    exact: bool
    hours: Hours
    customer: Customer
    number: str
    requirements: Requirements
    priority: int
    preferred_agents: Sequence[str]
    entry_point: str
    topic: str
    language: str
    text: str
    waiting_contact_id: str
    mode: Literal["agent_first", "customer_first"]
    case_id: str
    missed_contact_id: str
    hold_place: bool
    request_id: str


class CallbackCalls(Connection):
    """CallbackService. A wish that cannot be met raises ClientError with its `alternatives_ms`."""

    @cached_property
    def _callbacks(self) -> "CallbackServiceAsyncStub":
        return CallbackServiceStub(self._channel)

    async def find_slots(
        self,
        queue: str,
        *,
        wish_ms: int = 0,
        hours: Hours = (),
        zone: str = "",
        count: int = 0,
        include_full: bool = False,
        waiting_contact_id: str = "",
        after: str = "",
    ) -> callbacks_pb.FindSlotsResponse:
        """Slots with room at or after `wish_ms`, in the order of time; `include_full`: those without, too. `place` of the answer is
        what the contact that waits would be promised if its customer kept the place."""
        request = callbacks_pb.FindSlotsRequest(
            queue=queue,
            wish_ms=wish_ms,
            hours=_hours(hours),
            zone=zone,
            count=count,
            include_full=include_full,
            waiting_contact_id=waiting_contact_id,
            consistency_token=after,
        )
        return await self._send(self._callbacks.FindSlots, request)

    async def book_callback(self, **callback: Unpack[NewCallback]) -> callbacks_pb.BookCallbackResponse:
        """Promise a call."""
        fields: dict[str, Any] = {"request_id": new_request_id(), **callback}
        fields["hours"] = _hours(callback.get("hours", ()))
        fields["requirements"] = requirements_of(callback.get("requirements", ()))
        if "mode" in callback:
            fields["mode"] = _MODES[callback["mode"]]
        return await self._send(self._callbacks.BookCallback, callbacks_pb.BookCallbackRequest(**fields))

    async def reschedule_callback(
        self,
        contact_id: str,
        *,
        wish_ms: int = 0,
        exact: bool = False,
        hours: Hours | None = None,
        by: str = "",
        request_id: str | None = None,
    ) -> callbacks_pb.RescheduleCallbackResponse:
        """Promise another time instead; `hours` None: as they were. The new promise has another contact id."""
        request = callbacks_pb.RescheduleCallbackRequest(
            request_id=request_id or new_request_id(),
            contact_id=contact_id,
            wish_ms=wish_ms,
            exact=exact,
            hours=None if hours is None else CustomerHoursSet(hours=_hours(hours)),
            by=by,
        )
        return await self._send(self._callbacks.RescheduleCallback, request)

    async def cancel_callback(
        self, contact_id: str, *, by: str = "", reason: str = "", request_id: str | None = None
    ) -> callbacks_pb.CancelCallbackResponse:
        """Nobody is called any more."""
        request = callbacks_pb.CancelCallbackRequest(
            request_id=request_id or new_request_id(), contact_id=contact_id, by=by, reason=reason
        )
        return await self._send(self._callbacks.CancelCallback, request)

    async def get_promise(self, contact_id: str, *, after: str = "") -> Promise:
        """One promise with its content. Raises ClientError with reason unknown_promise."""
        request = callbacks_pb.GetPromiseRequest(contact_id=contact_id, consistency_token=after)
        return (await self._send(self._callbacks.GetPromise, request)).promise

    async def list_promises(
        self, promise_filter: PromiseFilter | None = None, *, page_size: int = 100, after: str = ""
    ) -> AsyncIterator[Promise]:
        """Promises by due time, over all pages."""
        page_token = ""
        while True:
            request = callbacks_pb.ListPromisesRequest(
                filter=promise_filter, page_size=page_size, page_token=page_token, consistency_token=after
            )
            page = await self._send(self._callbacks.ListPromises, request)
            for promise in page.promises:
                yield promise
            page_token = page.next_page_token
            if not page_token:
                return

    async def list_missed_contacts(
        self, queue: str = "", *, include_settled: bool = False, page_size: int = 100, after: str = ""
    ) -> AsyncIterator[callbacks_pb.MissedContact]:
        """Who came in vain and is still to be called, longest ago first, over all pages."""
        page_token = ""
        while True:
            request = callbacks_pb.ListMissedContactsRequest(
                queue=queue,
                include_settled=include_settled,
                page_size=page_size,
                page_token=page_token,
                consistency_token=after,
            )
            page = await self._send(self._callbacks.ListMissedContacts, request)
            for missed in page.contacts:
                yield missed
            page_token = page.next_page_token
            if not page_token:
                return

    async def watch_promises(
        self, queues: Iterable[str] = (), *, interval_ms: int = 0
    ) -> AsyncGenerator[callbacks_pb.WatchPromisesResponse, None]:
        """Those that live, then those that change, for ever; after a lost connection those that live again."""
        pause, names = Pause(), tuple(queues)
        while True:
            request = callbacks_pb.WatchPromisesRequest(queues=names, interval_ms=interval_ms)
            call = self._callbacks.WatchPromises(request, wait_for_ready=True)
            try:
                async for response in call:
                    pause = Pause()
                    yield response
            except grpc.aio.AioRpcError as error:
                if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED):
                    raise client_error(error) from error
            finally:
                call.cancel()  # who stops reading has left, whenever that is collected
            await pause()

    async def get_promise_board(
        self, queues: Iterable[str] = (), *, due_from_ms: int = 0, due_until_ms: int = 0, zone: str = "", after: str = ""
    ) -> callbacks_pb.GetPromiseBoardResponse:
        """What was promised for each day and how it went; today's if no time is given (Unix ms)."""
        request = callbacks_pb.GetPromiseBoardRequest(
            queues=queues, due_from_ms=due_from_ms, due_until_ms=due_until_ms, zone=zone, consistency_token=after
        )
        return await self._send(self._callbacks.GetPromiseBoard, request)

    async def plan_capacity(
        self, queue: str, from_ms: int, slot_ms: int, capacities: Sequence[int], *, request_id: str | None = None
    ) -> callbacks_pb.PlanCapacityResponse:
        """How many promises the queue's slots hold from `from_ms` (Unix ms) on. The answer names those at risk."""
        request = callbacks_pb.PlanCapacityRequest(
            request_id=request_id or new_request_id(), queue=queue, from_ms=from_ms, slot_ms=slot_ms, capacities=capacities
        )
        return await self._send(self._callbacks.PlanCapacity, request)


def _hours(hours: Hours) -> list[CustomerHours]:
    return [CustomerHours(from_ms=from_ms, until_ms=until_ms) for from_ms, until_ms in hours]
