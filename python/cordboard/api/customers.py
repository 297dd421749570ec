"""CustomerService: who customers are, and that they can be shown everything and forgotten. The log names them by reference only."""

import asyncio
import logging
from collections.abc import AsyncIterator

from cordboard.api.access_file import access_file
from cordboard.api.guard import Context
from cordboard.api.ids import fact_id
from cordboard.api.site import Site
from cordboard.api.translate.check import Check
from cordboard.api.translate.customers import Wanted, address_from, card_to, selector_from
from cordboard.errors import NotFound, Overloaded
from cordboard.events.fact import CustomerErasureRequested
from cordboard.v1 import customer_service_pb2 as pb
from cordboard.v1.customer_service_pb2_grpc import CustomerServiceServicer
from cordboard.vault.words import BY_MAX, REASON_MAX, SOURCE_MAX

COMPLETE_S = 5.0
"""How long an erasure waits for the vault's follower once the journal has it."""
EXPORTS_MAX = 4
CHUNK = 64 * 1024

audit = logging.getLogger("cordboard.audit")


class CustomerService(CustomerServiceServicer):
    """Every change is repeatable without harm: what is so already stays so."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._customers = site.vault.customers
        self._exports = asyncio.Semaphore(EXPORTS_MAX)

    async def GetCustomer(self, request: pb.GetCustomerRequest, context: Context) -> pb.GetCustomerResponse:
        check = Check()
        wanted = selector_from(check, "customer", request.customer)
        check.finish()
        await self._site.reach(request.consistency_token)
        seq = self._site.feed.position
        card = await self._card(await self._find(wanted))
        audit.info("GetCustomer %s", card.customer_id)
        return pb.GetCustomerResponse(customer=card, consistency_token=self._site.token(seq))

    async def ExportCustomer(self, request: pb.ExportCustomerRequest, context: Context) -> AsyncIterator[pb.ExportCustomerResponse]:
        check = Check()
        wanted = selector_from(check, "customer", request.customer)
        check.finish()
        # All that was said to anybody up to now belongs into it, so the history has to have it.
        await self._site.reach_history(max(await self._site.reach(request.consistency_token), self._site.feed.position))
        customer = await self._find(wanted)
        if self._exports.locked():
            raise Overloaded(f"{EXPORTS_MAX} exports are under way at this moment")
        async with self._exports:
            audit.info("ExportCustomer %s", customer.hex())
            waiting = bytearray()
            async for part in access_file(self._site, customer):
                waiting += part
                while len(waiting) >= CHUNK:
                    yield pb.ExportCustomerResponse(data=bytes(waiting[:CHUNK]))
                    del waiting[:CHUNK]
            if waiting:
                yield pb.ExportCustomerResponse(data=bytes(waiting))

    async def EraseCustomer(self, request: pb.EraseCustomerRequest, context: Context) -> pb.EraseCustomerResponse:
        check = Check()
        request_id = check.uuid("request_id", request.request_id)
        wanted = selector_from(check, "customer", request.customer)
        check.finish()
        members = await self._to_erase(wanted)
        if not members:
            assert isinstance(wanted, bytes)
            return pb.EraseCustomerResponse(consistency_token=self._site.token(), customer_ids=[wanted.hex()], completed=True)
        audit.info("EraseCustomer %s", " ".join(member.hex() for member in members))
        # Each by its name: a vault that is restored from before the merge must forget every one of them, and nobody else.
        outcomes = await asyncio.gather(
            *(
                self._site.command(CustomerErasureRequested(fact_id("EraseCustomer", request_id, member.hex()), member))
                for member in members
            )
        )
        seq = max(outcome.seq for outcome in outcomes)
        completed = await self._site.erasure.reached(seq, COMPLETE_S)
        return pb.EraseCustomerResponse(
            consistency_token=self._site.token(seq), customer_ids=[member.hex() for member in members], completed=completed
        )

    async def MergeCustomers(self, request: pb.MergeCustomersRequest, context: Context) -> pb.MergeCustomersResponse:
        check = Check()
        into = selector_from(check, "into", request.into)
        absorbed = selector_from(check, "absorbed", request.absorbed)
        check.text("by", request.by, BY_MAX, 1)
        check.text("reason", request.reason, REASON_MAX)
        check.finish()
        upper, lower = await self._find(into), await self._find(absorbed)
        change = await self._customers.merge(upper, lower, request.by, request.reason)
        audit.info("MergeCustomers %s into %s: changed %s", change.absorbed.hex(), change.into.hex(), change.changed)
        return pb.MergeCustomersResponse(
            customer=await self._card(change.into), changed=change.changed, absorbed_id=change.absorbed.hex()
        )

    async def UnmergeCustomers(self, request: pb.UnmergeCustomersRequest, context: Context) -> pb.UnmergeCustomersResponse:
        check = Check()
        absorbed = check.id("customer_id", request.customer_id)
        check.text("by", request.by, BY_MAX, 1)
        check.finish()
        change = await self._customers.unmerge(absorbed, request.by)
        audit.info("UnmergeCustomers %s from %s: changed %s", absorbed.hex(), change.into.hex(), change.changed)
        return pb.UnmergeCustomersResponse(customer=await self._card(absorbed), changed=change.changed)

    async def LinkIdentity(self, request: pb.LinkIdentityRequest, context: Context) -> pb.LinkIdentityResponse:
        check = Check()
        wanted = selector_from(check, "customer", request.customer)
        kind, address = address_from(check, "address", request.address)
        check.text("source", request.source, SOURCE_MAX)
        check.text("by", request.by, BY_MAX, 1)
        check.finish()
        customer = await self._find(wanted)
        changed = await self._customers.link(customer, kind, address, request.source, request.by)
        audit.info("LinkIdentity of kind %s to %s: changed %s", kind, customer.hex(), changed)
        return pb.LinkIdentityResponse(customer=await self._card(customer), changed=changed)

    async def UnlinkIdentity(self, request: pb.UnlinkIdentityRequest, context: Context) -> pb.UnlinkIdentityResponse:
        check = Check()
        wanted = selector_from(check, "customer", request.customer)
        kind, address = address_from(check, "address", request.address)
        check.finish()
        customer = await self._find(wanted)
        changed = await self._customers.unlink(customer, kind, address)
        audit.info("UnlinkIdentity of kind %s from %s: changed %s", kind, customer.hex(), changed)
        return pb.UnlinkIdentityResponse(customer=await self._card(customer), changed=changed)

    async def SetSegment(self, request: pb.SetSegmentRequest, context: Context) -> pb.SetSegmentResponse:
        check = Check()
        wanted = selector_from(check, "customer", request.customer)
        segment = check.name_or_none("segment", request.segment)
        policy = self._site.declared.policy
        if segment is not None and policy is not None and segment not in policy.segments:
            check.wrong("segment", f"the policy's segments are: {', '.join(policy.segments) or 'none'}")
        check.finish()
        customer = await self._find(wanted)
        await self._customers.set_segment(customer, segment)
        audit.info("SetSegment of %s to %s", customer.hex(), segment or "none")
        return pb.SetSegmentResponse(customer=await self._card(customer))

    # Shared steps

    async def _find(self, wanted: Wanted) -> bytes:
        """A reference as it was given, or the root of whoever is at the address. Raises NotFound, InvalidInput."""
        if isinstance(wanted, bytes):
            return wanted
        found = await self._customers.find(*wanted)
        if found is None:
            raise NotFound("nobody is known by this address", reason="unknown_customer")
        return found

    async def _card(self, customer: bytes) -> pb.CustomerCard:
        return card_to(await self._customers.card(customer))

    async def _to_erase(self, wanted: Wanted) -> list[bytes]:
        """All references that mean this customer, who keeps them from now on; empty if they are erased already."""
        customer = await self._find(wanted)
        try:
            return await self._customers.close(customer)
        except NotFound:
            if await self._site.vault.known_as_erased([customer]):
                return []
            # Perhaps somebody of whom nothing but a contact is known: a chat under a first name.
            await self._site.reach_history(self._site.feed.position)
            row = await self._site.history.get_contact(customer)
            if row is None or row.customer is not None:
                raise
            return [customer]
