"""Next steps: what a customer can do where nobody can help, and what they choose."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from cordboard.client.connection import Connection, new_request_id
from cordboard.v1 import next_step_service_pb2 as steps_pb
from cordboard.v1.callback_service_pb2 import CustomerHours
from cordboard.v1.next_step_service_pb2 import NextSteps
from cordboard.v1.next_step_service_pb2_grpc import NextStepServiceStub
from cordboard.v1.types_pb2 import Customer

if TYPE_CHECKING:  # the generated code has it in its stubs only
    from cordboard.v1.next_step_service_pb2_grpc import NextStepServiceAsyncStub


class NextStepCalls(Connection):
    """NextStepService. A contact that is turned away raises ClientError with its `next_steps`."""

    @cached_property
    def _next_steps(self) -> "NextStepServiceAsyncStub":
        return NextStepServiceStub(self._channel)

    async def next_steps(self, contact_id: str, *, after: str = "") -> NextSteps:
        """What the customer of a contact can do, or did."""
        request = steps_pb.GetNextStepsRequest(contact_id=contact_id, consistency_token=after)
        return (await self._send(self._next_steps.GetNextSteps, request)).next_steps

    async def choose_next_step(
        self,
        contact_id: str,
        kind: str,
        to: str = "",
        *,
        customer: Customer | None = None,
        text: str = "",
        fields: Mapping[str, str] | None = None,
        number: str = "",
        wish_ms: int = 0,
        exact: bool = False,
        hours: Iterable[tuple[int, int]] = (),
        request_id: str | None = None,
    ) -> steps_pb.ChooseNextStepResponse:
        """Take one of them. A callback that cannot be had raises ClientError with its `alternatives_ms`."""
        request = steps_pb.ChooseNextStepRequest(
            request_id=request_id or new_request_id(),
            contact_id=contact_id,
            kind=kind,
            to=to,
            customer=customer,
            text=text,
            fields=fields or {},
            number=number,
            wish_ms=wish_ms,
            exact=exact,
            hours=[CustomerHours(from_ms=from_ms, until_ms=until_ms) for from_ms, until_ms in hours],
        )
        return await self._send(self._next_steps.ChooseNextStep, request)
