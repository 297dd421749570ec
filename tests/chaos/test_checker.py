"""The checker finds what it is there for: every way in which a journal can lose or double something is shown to it once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cordboard import codec
from cordboard.events import Commit, Entry, Input
from cordboard.events import event as words
from cordboard.events import fact as facts
from cordboard.events.bounds import Key
from cordboard.events.verdict import Accepted, Duplicate, Refused, Verdict
from cordboard.log.port import FactPosition
from cordboard.vault import Draft, Vault
from tests.chaos.afterwards import _differences, vault_holds
from tests.chaos.checker import Findings, record
from tests.chaos.ledger import Account, Ack, Ledger, Took, read
from tests.journal import about, an_id, commit

ARRIVED = facts.ContactArrived(an_id("arrived"), an_id("a"), "chat", "orders")
LEFT = facts.ContactAbandoned(an_id("left"), an_id("a"))
BY_FORM = facts.ContactArrived(an_id("form"), an_id("b"), "form", "orders")


def given(fact: facts.Fact, frame: int, index: int, verdict: Verdict) -> Entry:
    return Entry(0, fact.contact, None, "chat", 0, codec.encode(Input(frame, index, 1, codec.encode(fact), verdict)))  # type: ignore[union-attr]


def queued(contact: str) -> Entry:
    event = words.ContactQueued(1, 1, "orders", Key(1, 1, 1), 1, 1, [], 5, None, [], 0, None, None, None)
    return about(event, contact=contact, channel="chat")


def ended(contact: str) -> Entry:
    return about(words.ContactEnded(1, "abandoned", "queued", None), contact=contact, channel="chat")


def journal() -> list[Commit]:
    """A customer comes, repeats itself, and leaves; another one fills in a form."""
    return [
        commit(1, 1, given(ARRIVED, 1, 0, Accepted()), queued("a"), given(ARRIVED, 1, 1, Duplicate(1, 0))),
        commit(2, 2, given(LEFT, 2, 0, Accepted()), ended("a"), given(BY_FORM, 2, 1, Accepted()), queued("b")),
    ]


def accounts() -> dict[str, Account]:
    said = {fact.fact_id: codec.encode(fact) for fact in (ARRIVED, LEFT)}
    acks = [
        Ack(ARRIVED.fact_id, FactPosition(1, 0), 1),
        Ack(ARRIVED.fact_id, FactPosition(1, 1), 2),
        Ack(LEFT.fact_id, FactPosition(2, 0), 3),
    ]
    return {"source": Account(said, acks), "doors": Account(took=[Took(BY_FORM.contact, "form", 4)])}


def judged(commits: list[Commit]) -> Findings:
    return record(commits).findings(accounts())


def test_a_sound_journal_has_no_findings() -> None:
    found = judged(journal())
    assert found.clean
    assert found.acknowledged == 4


def without(seq: int, index: int) -> Callable[[list[Commit]], None]:
    return lambda commits: commits[seq - 1].entries.pop(index) and None


def with_more(seq: int, entry: Entry) -> Callable[[list[Commit]], None]:
    return lambda commits: commits[seq - 1].entries.append(entry)


def instead(seq: int, index: int, entry: Entry) -> Callable[[list[Commit]], None]:
    return lambda commits: commits[seq - 1].entries.__setitem__(index, entry)


LOSSES = {
    "a fact that was acknowledged is not there": without(2, 0),
    "another fact stands in its place": instead(2, 0, given(facts.ContactAbandoned(an_id("other"), an_id("a")), 2, 0, Accepted())),
    "the repetition that was acknowledged is not there": without(1, 2),
    "the last commit is gone": lambda commits: commits.pop() and None,
    "the contact that a form was confirmed with never came": without(2, 2),
    "the contact that a form was confirmed with was refused": instead(2, 2, given(BY_FORM, 2, 1, Refused("queue_full"))),
}
DOUBLES = {
    "a fact that is repeated counts again": instead(1, 2, given(ARRIVED, 1, 1, Accepted())),
    "a fact that is repeated is refused instead": instead(1, 2, given(ARRIVED, 1, 1, Refused("contact_exists"))),
    "a frame is consumed again": with_more(2, given(LEFT, 2, 0, Duplicate(2, 0))),
    "a contact is queued twice": with_more(2, queued("a")),
    "a contact ends twice": with_more(2, ended("a")),
}


@pytest.mark.parametrize("what", LOSSES)
def test_a_loss_is_found(what: str) -> None:
    commits = journal()
    LOSSES[what](commits)
    assert judged(commits).lost


@pytest.mark.parametrize("what", DOUBLES)
def test_what_counts_twice_is_found(what: str) -> None:
    commits = journal()
    DOUBLES[what](commits)
    found = judged(commits)
    assert found.doubled
    assert not found.lost


def test_a_duplicate_that_names_another_place_is_a_violation() -> None:
    commits = journal()
    commits[0].entries[2] = given(ARRIVED, 1, 1, Duplicate(2, 0))
    found = judged(commits)
    assert found.violations and not (found.lost or found.doubled)


def test_a_fact_decided_only_as_a_duplicate_is_lost() -> None:
    commits = journal()
    commits[0].entries[0] = given(ARRIVED, 1, 0, Duplicate(1, 0))
    assert judged(commits).lost


def test_copies_that_differ_are_told() -> None:
    good = {1: b"x", 2: b"y"}
    assert _differences("S", 2, {"n1": good, "n2": dict(good)}) == []
    assert _differences("S", 2, {"n1": good, "n2": {1: b"x", 2: b"z"}}) == ["S 2: the copies differ"]
    assert _differences("S", 2, {"n1": good, "n2": {1: None, 2: b"y"}}) == ["S 1: missing on n2"]


def test_a_ledger_is_read_as_it_was_written_and_a_torn_line_is_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.ledger"
    ledger = Ledger(path)
    ledger.say(ARRIVED.fact_id, codec.encode(ARRIVED))
    ledger.say(LEFT.fact_id, codec.encode(LEFT))
    ledger.acked(ARRIVED.fact_id, FactPosition(7, 3))
    ledger.took(an_id("b"), "form")
    ledger.close()
    with path.open("a") as file:
        file.write(f"acked {LEFT.fact_id.hex()} 8")
    account = read(path)
    assert account.open() == {LEFT.fact_id: codec.encode(LEFT)}
    assert [ack.position for ack in account.acks] == [FactPosition(7, 3)]
    assert [took.contact for took in account.took] == [an_id("b")]
    again = Ledger(path)
    again.acked(LEFT.fact_id, FactPosition(8, 0))
    again.close()
    assert read(path).open() == {}


async def test_what_a_door_confirmed_and_the_vault_has_not_is_lost(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'vault.db'}"
    async with Vault.open(url, bytes(32)) as vault:
        await vault.accept(Draft("form", "1", contact=an_id("a"), fact_id=an_id("fact"), fact=codec.encode(BY_FORM)))
    account = Account(took=[Took(an_id("a"), "form", 1)])
    assert await vault_holds([account], url) == []
    account.took.append(Took(an_id("b"), "api", 2))
    (lost,) = await vault_holds([account], url)
    assert lost.startswith("api: contact") and an_id("b").hex() in lost
