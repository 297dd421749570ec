"""Outcomes: whoever appended a fact learns what the journal says of it, once it says it, and a repeat learns the same."""

import asyncio

import pytest

from cordboard import codec
from cordboard.api.outcomes import PENDING_MAX, Outcomes
from cordboard.errors import FactRefused, InvalidInput, JournalCorrupt, NotFound, OutcomeUnknown, Overloaded
from cordboard.events import Commit, Entry
from cordboard.events import event as words
from cordboard.events import fact as facts
from cordboard.events.commit import INPUT_TAG, Consumed, Input
from cordboard.events.verdict import Accepted, Duplicate, Quarantined, Refused, Verdict
from tests.journal import NO_HASH, SITE, an_id

AGENT = an_id("agent")


class Journal:
    """Commits of hand-made verdicts, folded as they come."""

    def __init__(self) -> None:
        self.commits: list[Commit] = []
        self.outcomes = Outcomes(self.read)

    async def read(self, seq: int) -> Commit:
        if not 1 <= seq <= len(self.commits):
            raise NotFound("no such commit")
        return self.commits[seq - 1]

    def decide(self, *decided: tuple[bytes, Verdict]) -> None:
        """A commit with these facts; each accepted one is followed by its event."""
        entries: list[Entry] = []
        for fact_id, verdict in decided:
            fact = codec.encode(facts.PresenceRequested(fact_id, AGENT, "ready"))
            body = Input(1, 0, 0, b"" if isinstance(verdict, Quarantined) else fact, verdict)
            at = len(entries)
            entries.append(Entry(INPUT_TAG, None, AGENT, None, at, codec.encode(body)))
            if isinstance(verdict, Accepted):
                event = words.PresenceChanged(at, "ready", None, "ready", None, 0, "requested")
                entries.append(Entry(32, None, AGENT, None, at, codec.encode(event)))
        seq = len(self.commits) + 1
        made = Commit(1, SITE, 1, seq, 1, 1, seq * 1_000, NO_HASH, Consumed(an_id("inbox"), seq, 0), False, entries)
        self.commits.append(made)
        self.outcomes.apply(seq, made)


async def test_an_accepted_fact_brings_its_own_events_only() -> None:
    journal = Journal()
    with journal.outcomes.expect(an_id("mine")) as outcome:
        journal.decide((an_id("other"), Accepted()), (an_id("mine"), Accepted()))
        found = await outcome()
    assert (found.seq, found.at_ms, found.repeated) == (1, 1_000, False)
    changed = found.first(words.PresenceChanged)
    assert len(found.events) == 1 and changed is not None and changed.at_ms == 2
    assert found.first(words.OfferMade) is None


async def test_a_refusal_is_raised_with_its_reason() -> None:
    journal = Journal()
    with journal.outcomes.expect(an_id("mine")) as outcome:
        journal.decide((an_id("mine"), Refused("unknown_agent")))
        with pytest.raises(FactRefused) as refused:
            await outcome()
    assert refused.value.reason == "unknown_agent"


async def test_a_repeat_gets_the_first_outcome_from_its_commit() -> None:
    journal = Journal()
    journal.decide((an_id("other"), Accepted()), (an_id("mine"), Accepted()))
    with journal.outcomes.expect(an_id("mine")) as outcome:
        journal.decide((an_id("mine"), Duplicate(1, 2)))
        found = await outcome()
    assert (found.seq, found.repeated) == (1, True)
    assert found.first(words.PresenceChanged) is not None


async def test_a_repeat_of_a_refused_fact_is_refused_again() -> None:
    journal = Journal()
    journal.decide((an_id("mine"), Refused("unknown_agent")))
    with journal.outcomes.expect(an_id("mine")) as outcome:
        journal.decide((an_id("mine"), Duplicate(1, 0)))
        with pytest.raises(FactRefused):
            await outcome()


async def test_a_first_commit_that_is_gone_leaves_the_outcome_unknown() -> None:
    journal = Journal()
    with journal.outcomes.expect(an_id("mine")) as outcome:
        journal.decide((an_id("mine"), Duplicate(99, 0)))
        with pytest.raises(OutcomeUnknown):
            await outcome()


async def test_a_duplicate_that_points_nowhere_is_corruption() -> None:
    journal = Journal()
    with journal.outcomes.expect(an_id("mine")) as outcome:
        journal.decide((an_id("mine"), Duplicate(1, 7)))
        with pytest.raises(JournalCorrupt):
            await outcome()


async def test_two_callers_of_one_fact_share_its_verdict() -> None:
    journal = Journal()
    with journal.outcomes.expect(an_id("mine")) as first, journal.outcomes.expect(an_id("mine")) as second:
        journal.decide((an_id("mine"), Accepted()))
        assert (await first()).seq == (await second()).seq == 1


async def test_a_caller_who_leaves_takes_nothing_from_the_other() -> None:
    journal = Journal()
    with journal.outcomes.expect(an_id("mine")) as staying:
        with journal.outcomes.expect(an_id("mine")) as leaving:
            waiting = asyncio.ensure_future(leaving())
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait([waiting])
        journal.decide((an_id("mine"), Accepted()))
        assert (await staying()).seq == 1


async def test_what_nobody_awaits_is_not_even_decoded() -> None:
    journal = Journal()
    broken = Commit(1, SITE, 1, 1, 1, 1, 0, NO_HASH, Consumed(an_id("inbox"), 1, 0), False, [Entry(0, None, None, None, 0, b"?")])
    journal.outcomes.apply(1, broken)
    with journal.outcomes.expect(an_id("mine")), pytest.raises(JournalCorrupt):
        journal.outcomes.apply(2, broken)


async def test_quarantined_facts_name_no_id_and_match_nobody() -> None:
    journal = Journal()
    with journal.outcomes.expect(an_id("mine")) as outcome:
        journal.decide((an_id("mine"), Quarantined("bad_shape", NO_HASH)), (an_id("mine"), Accepted()))
        assert (await outcome()).seq == 1


async def test_commands_that_wait_are_bounded() -> None:
    outcomes = Journal().outcomes
    waiting = [outcomes.expect(number.to_bytes(16, "big")) for number in range(PENDING_MAX)]
    for each in waiting:
        each.__enter__()
    with pytest.raises(Overloaded), outcomes.expect(an_id("one more")):
        pass
    for each in waiting:
        each.__exit__(None, None, None)
    with outcomes.expect(an_id("now")):
        pass


async def test_input_errors_of_our_own_making_are_invalid() -> None:
    journal = Journal()
    journal.decide((an_id("mine"), Quarantined("bad_shape", NO_HASH)))
    with pytest.raises(InvalidInput):
        await journal.outcomes.recall(1, 0)
