"""A command that is sent again after the policy has changed gets the outcome of the first one, not a refusal by today's words."""

from __future__ import annotations

from typing import Any

import pytest

from cordboard import codec
from cordboard.api.declared import Declared
from cordboard.api.outcomes import Outcomes
from cordboard.api.site import Site
from cordboard.errors import FactRefused
from cordboard.events import Commit
from cordboard.events import fact as f
from cordboard.events.commit import INPUT_TAG, Consumed, Entry, Input
from cordboard.events.verdict import Accepted
from cordboard.log.feed import Feed
from cordboard.log.memory import MemoryLog
from cordboard.projections.history.reader import DecidedAt
from tests.journal import NO_HASH, SITE, Pen, an_id, policy

TRANSFER = f.TransferRequested(an_id("transfer"), an_id("contact"), "old")


class History:
    """Has come to the journal's end, and knows these facts."""

    def __init__(self, decided: dict[bytes, DecidedAt]) -> None:
        self._decided = decided

    async def reached(self, _seq: int, _timeout_s: float) -> bool:
        return True

    async def decided(self, fact_id: bytes) -> DecidedAt | None:
        return self._decided.get(fact_id)


def a_site(history: History) -> Site:
    """With a policy that lacks the queue `old`, and a journal whose commit 7 accepted the transfer to it."""
    log, declared, nothing = MemoryLog(SITE), Declared(), Any
    Pen(declared).adopt(1_000, policy("new"))
    body = codec.encode(Input(1, 0, 0, codec.encode(TRANSFER), Accepted()))
    accepted = Commit(
        1, SITE, 1, 7, 1, 1, 7_000, NO_HASH, Consumed(an_id("inbox"), 1, 1), False, [Entry(INPUT_TAG, None, None, None, 0, body)]
    )

    async def read(seq: int) -> Commit:
        assert seq == 7
        return accepted

    given: dict[str, Any] = dict.fromkeys(Site.__dataclass_fields__, nothing)
    del given["draining"], given["files"], given["arriving"]
    given |= {"log": log, "feed": Feed(log), "declared": declared, "history": history, "outcomes": Outcomes(read)}
    return Site(**given)


async def test_the_first_outcome_is_told_again() -> None:
    site = a_site(History({TRANSFER.fact_id: DecidedAt(7, 0)}))
    outcome = await site.command(TRANSFER)
    assert (outcome.seq, outcome.repeated) == (7, True)


async def test_a_command_that_never_was_is_refused_and_not_written() -> None:
    site = a_site(History({}))
    with pytest.raises(FactRefused) as refused:
        await site.command(TRANSFER)
    assert refused.value.reason == "unknown_queue"
    assert await site.log.last_inbox_seq() == 0
