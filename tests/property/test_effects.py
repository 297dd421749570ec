"""The fold of effects against a model that keeps everything and thinks about nothing; and origins, which must forget."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from cordboard import codec
from cordboard.effects.fold import Effects, Place
from cordboard.effects.origins import MESSAGES_MAX, Origins
from cordboard.events import event as words
from cordboard.events.bounds import Key
from cordboard.events.commit import Entry
from tests.effects_site import policy
from tests.journal import NO_HASH, about, an_id, commit

CONTACTS = ("one", "two", "three")


@dataclass
class Model:
    """Every effect that ever was: [contact, round, state, requested_ms]; and every contact's life."""

    effects: dict[Place, list] = field(default_factory=dict)  # type: ignore[type-arg]
    heard: list[tuple[Place, int]] = field(default_factory=list)
    alive: set[str] = field(default_factory=set)
    messages: dict[str, list[bytes]] = field(default_factory=dict)

    def states(self, state: str) -> list[Place]:
        return sorted(place for place, effect in self.effects.items() if effect[2] == state)

    def remembered(self) -> set[str]:
        return self.alive | {
            effect[0] for effect in self.effects.values() if effect[2] in ("open", "failed") and effect[0] in self.messages
        }


step = st.sampled_from(["queue", "say", "end", "request", "done", "failed", "discarded", "retry", "nothing"])
commits = st.lists(st.lists(st.tuples(step, st.sampled_from(CONTACTS), st.integers(0, 9)), max_size=4), max_size=25)


def entry_of(model: Model, what: str, contact: str, which: int, place: Place) -> Entry | None:
    """The event that a core would write, if it can happen now; the model is told."""
    at_ms = place[0] * 10
    match what:
        case "queue" if contact not in model.messages:
            model.alive.add(contact)
            model.messages[contact] = []
            event = words.ContactQueued(at_ms, 1, "orders", Key(3, 0, 0), 0, 0, [], 0, None, [], 0, None, "support", None)
            return about(event, contact=contact, channel="mail")
        case "say" if contact in model.alive:
            message = an_id(f"{place[0]}.{place[1]}")
            model.messages[contact].append(message)
            return about(words.MessageRelayed(at_ms, message, "customer", 1), contact=contact, channel="mail")
        case "end" if contact in model.alive:
            model.alive.discard(contact)
            return about(words.ContactEnded(at_ms, "completed", "engaged", None), contact=contact, channel="mail")
        case "request" if contact in model.alive:
            model.effects[place] = [contact, 1, "open", at_ms]
            model.heard.append((place, 1))
            return about(words.EffectRequested(at_ms, "mail", an_id("answer"), 2), contact=contact, agent="anna", channel="mail")
        case "done" | "failed" if model.states("open"):
            return end(model, model.states("open")[which % len(model.states("open"))], what, at_ms)
        case "discarded" if model.states("failed"):
            return end(model, model.states("failed")[which % len(model.states("failed"))], what, at_ms)
        case "retry" if model.states("failed"):
            chosen = model.states("failed")[which % len(model.states("failed"))]
            effect = model.effects[chosen]
            effect[1:3] = [effect[1] + 1, "open"]
            model.heard.append((chosen, effect[1]))
            return about(words.EffectRetried(at_ms, *chosen, effect[1]), contact=effect[0], channel="mail")
    return None


def end(model: Model, place: Place, outcome: str, at_ms: int) -> Entry:
    model.effects[place][2] = outcome
    event = words.EffectEnded(at_ms, *place, outcome, "rejected" if outcome == "failed" else None)  # type: ignore[arg-type]
    return about(event, contact=model.effects[place][0], channel="mail")


@settings(deadline=None)
@given(commits)
def test_the_fold_is_what_a_naive_reader_makes_of_the_journal(history: list[list[tuple[str, str, int]]]) -> None:
    model, effects = Model(), Effects()
    origins = Origins(effects)
    heard: list[tuple[Place, int]] = []
    effects.asked = lambda effect: heard.append((effect.place, effect.round))
    adopted = about(words.PolicyAdopted(0, 1, NO_HASH, codec.encode(policy())))
    for seq, steps in enumerate([[], *history], 1):
        entries = [adopted] if seq == 1 else []
        for what, contact, which in steps:
            entry = entry_of(model, what, contact, which, (seq, len(entries)))
            entries += [entry] if entry is not None else []
        for fold in (effects, origins):
            fold.apply(seq, commit(seq, seq * 10, *entries))
        compare(model, effects, origins)
        assert effects.summary().at_ms == seq * 10
    assert heard == model.heard


def compare(model: Model, effects: Effects, origins: Origins) -> None:
    for state in ("open", "failed"):
        found = effects.page((state,), None, 1_000)
        assert [(effect.place, effect.round, effect.state) for effect in found] == [
            (place, model.effects[place][1], state) for place in model.states(state)
        ]
    summary = effects.summary()
    opened = [model.effects[place][3] for place in model.states("open")]
    failed = [model.effects[place][3] for place in model.states("failed")]
    assert (summary.open, summary.failed) == (len(opened), len(failed))
    assert (summary.oldest_open_ms, summary.oldest_failed_ms) == (min(opened, default=None), min(failed, default=None))
    whole = effects.page(("open", "failed"), None, 1_000)
    pages, after = [], None
    while page := effects.page(("open", "failed"), after, 2):
        pages += page
        after = page[-1].place
    assert pages == whole
    assert len(origins) == len(model.remembered())
    for contact in model.remembered():
        origin = origins.get(an_id(contact))
        assert origin is not None and list(origin.messages) == model.messages[contact][-MESSAGES_MAX:]
