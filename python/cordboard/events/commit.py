"""Commits: one JOURNAL message each. The inputs of one turn of the router with a verdict on each, and the events they caused."""

from typing import Annotated

import msgspec

from cordboard.events.bounds import AgentId, Channel, ContactId, Count, Digest, Id, Ms, Name
from cordboard.events.verdict import Verdict

COMMIT_MAX = 1024 * 1024
TURN_BUDGET = 512 * 1024
LEVEL = 4
"""The newest level whose commits are known here (docs/adr/0003): the core's."""
INPUT_TAG = 0
CAUSE_TIMER = -1
CAUSE_CONTINUATION = -2
CAUSE_CONTROL = -3


class Consumed(msgspec.Struct, frozen=True, array_like=True):
    """How far the inbox was read: every frame before `inbox_seq`, and `facts_done` facts of that frame itself."""

    inbox_id: Id
    inbox_seq: Count
    facts_done: Count


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """One line of a commit: an input (`tag` 0, body `Input`) or an event (`tag` of the event, body the event).

    `cause` is the index within this commit of the input that caused an event, or CAUSE_TIMER, CAUSE_CONTINUATION,
    CAUSE_CONTROL; for an input it is the entry's own index. The body stays raw: a follower decodes only what it serves.
    """

    tag: Count
    contact: ContactId | None
    agent: AgentId | None
    channel: Channel | None
    cause: int
    body: bytes


class Input(msgspec.Struct, frozen=True, array_like=True):
    """A fact as it came (`fact` verbatim; empty if quarantined), where it stood in the inbox, and the verdict on it."""

    inbox_seq: Count
    index: Count
    stored_ms: Ms
    fact: bytes
    verdict: Verdict


class Commit(msgspec.Struct, frozen=True, array_like=True):
    """`seq` is the position in the JOURNAL stream; `prev_hash` the BLAKE3 of the commit before (zeros at 1).

    `continued`: the turn was too large for one commit and goes on in the next one, at the same `at_ms`.
    `state_hash`: BLAKE3 of the logical state after this commit, on every 1,000th.
    """

    v: Annotated[int, msgspec.Meta(ge=1, le=1)]
    site: Name
    epoch: Count
    seq: Count
    level: Count
    policy: Count
    at_ms: Ms
    prev_hash: Digest
    consumed: Consumed
    continued: bool
    entries: list[Entry]
    state_hash: Digest | None = None
