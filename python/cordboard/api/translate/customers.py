"""Customers as protobuf."""

from cordboard.api.translate.check import Check
from cordboard.v1 import customer_service_pb2 as pb
from cordboard.vault.card import Card
from cordboard.vault.words import ADDRESS_MAX

Wanted = bytes | tuple[str, str]
"""A reference, or (kind, address)."""


def selector_from(check: Check, field: str, given: pb.CustomerSelector) -> Wanted:
    """Which customer is meant."""
    match given.WhichOneof("by"):
        case "customer_id":
            return check.id(f"{field}.customer_id", given.customer_id)
        case "address":
            return address_from(check, f"{field}.address", given.address)
    check.wrong(field, "must name a customer, by customer_id or by address")
    return b""


def address_from(check: Check, field: str, given: pb.CustomerAddress) -> tuple[str, str]:
    """(kind, address) as they were given; the vault spells them its own way."""
    check.name(f"{field}.kind", given.kind)
    check.text(f"{field}.address", given.address.strip(), ADDRESS_MAX, 1)
    return given.kind, given.address


def card_to(card: Card) -> pb.CustomerCard:
    return pb.CustomerCard(
        customer_id=card.ref.hex(),
        members=[
            pb.CustomerMember(
                customer_id=member.ref.hex(),
                merged_into=member.parent.hex() if member.parent is not None else "",
                created_at_ms=member.created_ms,
                merged_at_ms=member.merged_ms or 0,
            )
            for member in card.members
        ],
        identities=[
            pb.CustomerIdentity(
                kind=identity.kind,
                address=identity.address,
                source=identity.source,
                by=identity.by,
                first_seen_at_ms=identity.first_seen_ms,
                customer_id=identity.customer.hex(),
            )
            for identity in card.identities
        ],
        merges=[
            pb.CustomerMerge(
                into=merge.into.hex(),
                absorbed=merge.absorbed.hex(),
                merged_at_ms=merge.at_ms,
                merged_by=merge.by,
                reason=merge.reason,
                undone_at_ms=merge.undone_ms or 0,
                undone_by=merge.undone_by,
            )
            for merge in card.merges
        ],
        segment=card.segment or "",
        erasure_requested_at_ms=card.closed_ms or 0,
    )
