"""Next steps, folded and checked: open until one is taken, and never taken twice."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from cordboard.events import event as words
from cordboard.events.bounds import Key
from cordboard.events.commit import Commit
from cordboard.events.policy import NextStep
from cordboard.next_steps import OVER_MAX, OVER_MS, NextSteps, told
from cordboard.router.ledger import Ledger
from tests.journal import Pen, about, an_id

STEPS = [NextStep("queue", "service", None, "service"), NextStep("message")]


def an_offer(at_ms: int = 1_000, until_ms: int = 61_000) -> words.NextStepOffered:
    return words.NextStepOffered(
        at_ms=at_ms, queue="orders", cause="full", choices=STEPS, until_ms=until_ms, requirements=[], priority=0, customer=None,
        preferred=[], entry_point="widget", topic=None, case=None, rule=None, language="nl", accepts=[], segment=None,
    )  # fmt: skip


def taken(successor: str | None = "s", *, at_ms: int = 2_000) -> words.NextStepTaken:
    if successor is None:
        return words.NextStepTaken(at_ms, "message", None, "time", None)
    return words.NextStepTaken(at_ms, "queue", "service", "customer", an_id(successor))


class Watch:
    """The fold and the ledger, beside each other."""

    def __init__(self) -> None:
        self.fold = NextSteps()
        self.found: list[str] = []
        self.pen = Pen(self.fold, self)
        self._ledger = Ledger(1, lambda seq, what: self.found.append(what))

    def apply(self, seq: int, written: Commit) -> None:
        self._ledger.check(seq, written, None)

    def says(self, contact: str, event: words.Event, at_ms: int = 2_000) -> None:
        self.pen.write(at_ms, about(event, contact=contact, channel="chat"))


@pytest.fixture
def watch() -> Watch:
    return Watch()


def test_a_choice_is_open_until_it_is_taken(watch: Watch) -> None:
    watch.says("a", an_offer(), 1_000)
    choice = watch.fold.get(an_id("a"))
    assert choice is not None and choice.open and choice.taken is None and choice.by is None
    assert (choice.steps, choice.until_ms, choice.cause, choice.entry_point) == (tuple(STEPS), 61_000, "full", "widget")
    watch.pen.write(
        2_000,
        about(taken(), contact="a", channel="chat"),
        about(_queued(), contact="s", channel="chat"),
    )
    choice = watch.fold.get(an_id("a"))
    assert choice is not None and not choice.open and choice.by == "customer" and choice.taken == taken()
    assert (watch.fold.open_count, watch.found) == (0, [])


def _queued() -> words.ContactQueued:
    return words.ContactQueued(2_000, 1, "service", Key(1, 0, 9), 0, 0, [], 0, None, [], 0, None, None, None)


def test_it_is_not_needed_once_an_agent_takes_the_contact_or_it_is_over(watch: Watch) -> None:
    for name in ("a", "b", "c"):
        watch.pen.queued(1_000, name, "orders")
        watch.says(name, an_offer(), 1_000)
    watch.pen.queued(1_500, "c", "service", visit=2)
    watch.pen.ended(1_500, "b")
    watch.pen.declare(1_500, "anna", "orders")
    watch.pen.presence(1_500, "anna", "ready")
    watch.pen.offered(1_600, "a", "anna", "orders")
    assert watch.fold.open_count == 1
    watch.pen.accepted(1_700, "a", "anna")
    for name in ("a", "b", "c"):
        choice = watch.fold.get(an_id(name))
        assert choice is not None and not choice.open and choice.taken is None
    assert watch.found == []
    watch.says("a", taken(None))
    assert "was offered none, or took one" in watch.found[0]


def test_what_is_over_is_known_for_a_while(watch: Watch) -> None:
    watch.says("a", an_offer(), 1_000)
    watch.says("a", taken(None))
    watch.says("b", an_offer(), 2_000 + OVER_MS - 1)
    assert watch.fold.get(an_id("a")) is not None
    watch.says("b", taken(None), 2_000 + OVER_MS)
    assert watch.fold.get(an_id("a")) is None
    for number in range(OVER_MAX + 1):
        name = f"many-{number}"
        watch.pen.write(
            9_000_000, about(an_offer(), contact=name, channel="chat"), about(taken(None), contact=name, channel="chat")
        )
    assert watch.fold.get(an_id("many-0")) is None and watch.fold.get(an_id("many-1")) is not None


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (taken("s"), "which does not come to be"),
        (replace(taken("s"), to="other"), "takes a next step that was not offered"),
        (taken(None, at_ms=61_001), "takes a next step after its time"),
        (replace(taken("s"), successor=None), "takes next step queue and goes on as None"),
        (replace(taken(None), successor=an_id("s")), "takes next step message and goes on as"),
        (taken("a"), "goes on waiting, but does not live"),
    ],
)
def test_the_ledger_finds_what_cannot_be(watch: Watch, event: words.NextStepTaken, said: str) -> None:
    watch.says("a", an_offer(), 1_000)
    assert watch.found == []
    watch.says("a", event)
    assert any(said in what for what in watch.found)


def test_the_ledger_finds_offers_that_nobody_can_take(watch: Watch) -> None:
    watch.says("a", replace(an_offer(), choices=[]))
    watch.says("b", an_offer(at_ms=5_000, until_ms=5_000))
    assert ["none to choose" in watch.found[0], "until before now" in watch.found[1]] == [True, True]
    watch.says("c", taken(None))
    assert "was offered none, or took one" in watch.found[-1]


def test_people_are_told_in_their_language_or_the_nearest_there_is() -> None:
    messages = {"nl-be": "Gesloten.", "en": "Closed.", "de": "Zu."}
    assert [told(messages, language) for language in ("nl", "nl-BE", "de-AT", "fr", None)] == [
        "Gesloten.", "Gesloten.", "Zu.", "Closed.", "Closed.",
    ]  # fmt: skip
    assert (told({"fr": "Fermé."}, "nl"), told({}, "nl")) == ("Fermé.", "")
