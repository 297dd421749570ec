"""Customers: who they are, what is held of them, and that it is forgotten."""

from collections.abc import AsyncIterator
from functools import cached_property
from typing import TYPE_CHECKING

from cordboard.client.connection import Connection, new_request_id
from cordboard.v1 import customer_service_pb2 as customers_pb
from cordboard.v1.customer_service_pb2 import CustomerAddress, CustomerCard, CustomerSelector
from cordboard.v1.customer_service_pb2_grpc import CustomerServiceStub

if TYPE_CHECKING:  # the generated code has it in its stubs only
    from cordboard.v1.customer_service_pb2_grpc import CustomerServiceAsyncStub

Whom = str | tuple[str, str]
"""A reference (32 hexadecimal digits), or (kind, address)."""


class CustomerCalls(Connection):
    """CustomerService."""

    @cached_property
    def _customers(self) -> "CustomerServiceAsyncStub":
        return CustomerServiceStub(self._channel)

    async def get_customer(self, customer: Whom, *, after: str = "") -> CustomerCard:
        """Who the customer is; raises ClientError with reason unknown_customer."""
        request = customers_pb.GetCustomerRequest(customer=_selector(customer), consistency_token=after)
        return (await self._send(self._customers.GetCustomer, request)).customer

    async def export_customer(self, customer: Whom, *, after: str = "") -> AsyncIterator[bytes]:
        """The access file, piece by piece. It is not repeated when it breaks off."""
        request = customers_pb.ExportCustomerRequest(customer=_selector(customer), consistency_token=after)
        async for part in self._read(self._customers.ExportCustomer, request):
            yield part.data

    async def erase_customer(self, customer: Whom, *, request_id: str | None = None) -> customers_pb.EraseCustomerResponse:
        """Forget the customer with everything merged into it. Better by reference: a repeat by address finds nobody."""
        request = customers_pb.EraseCustomerRequest(request_id=request_id or new_request_id(), customer=_selector(customer))
        return await self._send(self._customers.EraseCustomer, request)

    async def merge_customers(
        self, into: Whom, absorbed: Whom, *, by: str, reason: str = ""
    ) -> customers_pb.MergeCustomersResponse:
        request = customers_pb.MergeCustomersRequest(into=_selector(into), absorbed=_selector(absorbed), by=by, reason=reason)
        return await self._send(self._customers.MergeCustomers, request)

    async def unmerge_customers(self, absorbed: str, *, by: str) -> customers_pb.UnmergeCustomersResponse:
        """`absorbed` is the reference itself, since its addresses lead to what it was merged into."""
        request = customers_pb.UnmergeCustomersRequest(customer_id=absorbed, by=by)
        return await self._send(self._customers.UnmergeCustomers, request)

    async def link_identity(
        self, customer: Whom, kind: str, address: str, *, by: str, source: str = ""
    ) -> customers_pb.LinkIdentityResponse:
        request = customers_pb.LinkIdentityRequest(
            customer=_selector(customer), address=CustomerAddress(kind=kind, address=address), source=source, by=by
        )
        return await self._send(self._customers.LinkIdentity, request)

    async def unlink_identity(self, customer: Whom, kind: str, address: str) -> customers_pb.UnlinkIdentityResponse:
        request = customers_pb.UnlinkIdentityRequest(
            customer=_selector(customer), address=CustomerAddress(kind=kind, address=address)
        )
        return await self._send(self._customers.UnlinkIdentity, request)

    async def set_segment(self, customer: Whom, segment: str) -> CustomerCard:
        """An empty `segment`: none."""
        request = customers_pb.SetSegmentRequest(customer=_selector(customer), segment=segment)
        return (await self._send(self._customers.SetSegment, request)).customer


def _selector(customer: Whom) -> CustomerSelector:
    if isinstance(customer, str):
        return CustomerSelector(customer_id=customer)
    kind, address = customer
    return CustomerSelector(address=CustomerAddress(kind=kind, address=address))
