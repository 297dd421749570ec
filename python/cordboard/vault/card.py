"""What the vault knows of who a customer is: identities, merges, segment. Not what they wrote."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Identity:
    """An address by which the customer is found. `source` says where it was first seen, `by` who linked it ("" if nobody did by
    hand); `customer` is the member that it belongs to."""

    kind: str
    address: str
    source: str
    by: str
    first_seen_ms: int
    customer: bytes


@dataclass(frozen=True, slots=True)
class Member:
    """One of the references that mean the same customer. `parent`: what it was merged into, None for the root."""

    ref: bytes
    parent: bytes | None
    created_ms: int
    merged_ms: int | None


@dataclass(frozen=True, slots=True)
class Merge:
    """`absorbed` became part of `into`. `undone_by` is "" and `undone_ms` None while that holds."""

    into: bytes
    absorbed: bytes
    at_ms: int
    by: str
    reason: str
    undone_ms: int | None
    undone_by: str


@dataclass(frozen=True, slots=True)
class Card:
    """A customer with everything merged into it. `members` begins with the root; `merges` holds those that were undone too.

    `closed_ms`: when its erasure was asked for, None if never.
    """

    ref: bytes
    members: tuple[Member, ...]
    identities: tuple[Identity, ...]
    merges: tuple[Merge, ...]
    segment: str | None
    closed_ms: int | None


@dataclass(frozen=True, slots=True)
class Change:
    """What a merge or its undoing did: `changed` False if it was so already. `absorbed` and `into` are the two roots."""

    into: bytes
    absorbed: bytes
    changed: bool
