"""The outside of the engine: it reads what the engine recorded, and does what people would do then."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from cordboard import codec
from cordboard.events import event as events
from cordboard.events import fact as f
from cordboard.events.commit import INPUT_TAG, Commit, Entry
from cordboard.events.policy import Policy
from tests.day.agenda import Agenda
from tests.day.conduct import Conduct
from tests.day.ids import Ids
from tests.day.life import Life
from tests.day.people import Visitor, Worker
from tests.day.site import HOUR, LIVE_CHANNELS, MINUTE, SECOND
from tests.day.staff import Staff

AGAIN = 0.004
"""Of the facts, how many are sent twice: an acknowledgement was lost."""

React = Callable[[int, int, Entry, Any], None]


class Seen(msgspec.Struct):
    """What became of the visitors, by number; instants are Unix ms. Who was not let in, or joined a contact, is in none."""

    queued: dict[int, int] = {}
    begun: dict[int, int] = {}
    """When an agent was first engaged with it."""
    ended: dict[int, tuple[int, str]] = {}
    """When, and with which reason."""
    tags: Counter[int] = msgspec.field(default_factory=Counter)
    """How often each event stands in the journal."""

    @property
    def events(self) -> int:
        return self.tags.total() - self.tags[INPUT_TAG]


class World:
    """`facts(until)` gives what the outside says; `read(commit)` tells it what the engine recorded."""

    def __init__(
        self,
        seed: int,
        visitors: list[Visitor],
        workers: list[Worker],
        policies: list[tuple[int, Policy]],
        begins_ms: int,
        lasts_ms: int,
    ) -> None:
        self.agenda = Agenda()
        self.seen = Seen()
        self._seed = seed
        self._begins_ms = begins_ms
        self._ids = Ids(seed)
        self._chance = random.Random(f"{seed}/world")
        for at_ms, policy in policies:
            self.agenda.at(begins_ms + at_ms, lambda _, policy=policy: [f.PolicyPublished(self._ids.fact(), codec.encode(policy))])
        self._staff = Staff(self.agenda, self._ids, workers, begins_ms, lasts_ms, seed)
        self._conduct = Conduct(self.agenda, self._ids, self._staff.experts)
        self._lives: dict[bytes, Life] = {}
        self._coming = iter(visitors)
        self._plan_next_visitor()
        self._plan_doors()
        self._reacts: dict[int, React] = {
            10: self._queued, 11: self._ended, 13: self._offered, 14: self._accepted, 19: self._engaged, 22: self._disengaged,
            25: self._parked, 32: self._presence, 33: self._switched, 40: self._effect, 41: self._effect_ended,
            42: self._effect_again,
        }  # fmt: skip

    def facts(self, until_ms: int) -> list[f.Fact]:
        facts = self.agenda.until(until_ms)
        for fact in facts:
            if self._chance.random() < AGAIN:
                self.agenda.at(until_ms + SECOND, lambda _, fact=fact: [fact])
        return facts

    def read(self, commit: Commit) -> None:
        for index, entry in enumerate(commit.entries):
            self.seen.tags[entry.tag] += 1
            react = self._reacts.get(entry.tag)
            if react is not None:
                react(commit.seq, index, entry, codec.decode_event(entry))

    def _plan_next_visitor(self) -> None:
        """One at a time: a day's visitors would make a long agenda."""
        visitor = next(self._coming, None)
        if visitor is not None:
            self.agenda.at(self._begins_ms + visitor.at_ms, lambda at_ms: self._comes(visitor))

    def _comes(self, visitor: Visitor) -> Iterator[f.Fact]:
        contact = self._ids.contact(visitor.number)
        self._lives[contact] = Life(visitor, contact, random.Random(f"{self._seed}/{visitor.number}"))
        self._plan_next_visitor()
        yield f.ContactArrived(
            self._ids.fact(), contact, visitor.channel, visitor.queue, list(visitor.requirements), visitor.priority,
            customer=visitor.customer, topic=visitor.topic, accepts=list(visitor.accepts),
            message=self._ids.ref() if visitor.channel in ("chat", "mail") else None,
        )  # fmt: skip

    def _plan_doors(self) -> None:
        """Live channels are open from seven to ten."""
        for queue in ("phone", "chat"):
            for at_ms, mode in ((2 * SECOND, "closed"), (7 * HOUR, "open"), (22 * HOUR, "closed")):
                self.agenda.at(self._begins_ms + at_ms,
                               lambda _, queue=queue, mode=mode: [f.QueueModeRequested(self._ids.fact(), queue, mode)])  # fmt: skip

    def _queued(self, seq: int, index: int, entry: Entry, event: events.ContactQueued) -> None:
        life = self._lives[entry.contact] if entry.contact is not None else None
        assert life is not None
        life.agent = None
        self.seen.queued.setdefault(life.visitor.number, event.at_ms)
        if life.visitor.channel in LIVE_CHANNELS:
            patience_ms = life.visitor.patience_ms * (1 if event.visit == 1 else 2)
            self.agenda.at(event.at_ms + patience_ms, lambda _: self._leaves(life, event.visit))
            life.visit = event.visit
        if life.chance.random() < 0.004:
            self.agenda.at(event.at_ms + MINUTE, lambda _: [f.PriorityRequested(self._ids.fact(), life.contact, 9)])

    def _leaves(self, life: Life, visit: int) -> Iterator[f.Fact]:
        """Patience ends, unless somebody has answered or the wait is another one by now."""
        if not life.gone and life.agent is None and life.visit == visit:
            yield f.ContactAbandoned(self._ids.fact(), life.contact)

    def _ended(self, seq: int, index: int, entry: Entry, event: events.ContactEnded) -> None:
        assert entry.contact is not None
        life = self._lives.pop(entry.contact)
        life.gone = True
        self.seen.ended[life.visitor.number] = (event.at_ms, event.reason)

    def _offered(self, seq: int, index: int, entry: Entry, event: events.OfferMade) -> None:
        """Most are accepted after a look; some are declined, some overlooked. Tasks accept themselves."""
        life, agent = self._life(entry), entry.agent
        if life is None or agent is None or life.visitor.channel == "task":
            return
        mood = life.chance.random()
        if mood < 0.012:
            return
        accepted, took_ms = mood > 0.04, life.chance.randrange(1_500, 6_000)
        self.agenda.at(event.at_ms + took_ms, lambda _: [f.OfferAnswered(
            self._ids.fact(), life.contact, event.attempt, agent, accepted, None if accepted else "busy")])  # fmt: skip

    def _accepted(self, seq: int, index: int, entry: Entry, event: events.OfferAccepted) -> None:
        life, agent = self._life(entry), entry.agent
        if life is None or agent is None:
            return
        took_ms = life.chance.randrange(300, 2_500)
        if life.visitor.channel == "voice" and life.chance.random() < 0.01:
            leg: f.Leg = life.chance.choice(("agent_leg", "customer_leg", "platform"))
            self.agenda.at(event.at_ms + took_ms,
                           lambda _: [f.ConnectionFailed(self._ids.fact(), life.contact, event.attempt, agent, leg)])  # fmt: skip
        else:
            self.agenda.at(event.at_ms + took_ms,
                           lambda _: [f.ContactConnected(self._ids.fact(), life.contact, event.attempt, agent)])  # fmt: skip

    def _engaged(self, seq: int, index: int, entry: Entry, event: events.EngagementStarted) -> None:
        life, agent = self._life(entry), entry.agent
        if life is None or agent is None:
            return
        if event.role != "primary":
            self._conduct.side(life, agent, event.at_ms)
            return
        life.agent, life.attempt, life.engagements = agent, event.attempt, life.engagements + 1
        self.seen.begun.setdefault(life.visitor.number, event.at_ms)
        self._conduct.engaged(life, event.at_ms)

    def _disengaged(self, seq: int, index: int, entry: Entry, event: events.EngagementEnded) -> None:
        life, agent = self._life(entry), entry.agent
        if life is None or agent is None:
            return
        if life.agent == agent:
            life.agent = None
        if event.wrap_until_ms is not None:
            self._conduct.wrapping(life, agent, event.at_ms, event.wrap_until_ms)

    def _parked(self, seq: int, index: int, entry: Entry, event: events.ContactParked) -> None:
        if (life := self._life(entry)) is not None:
            self._conduct.parked(life, event.at_ms, event.until_ms)

    def _presence(self, seq: int, index: int, entry: Entry, event: events.PresenceChanged) -> None:
        if entry.agent is not None:
            self._staff.presence_changed(entry.agent, event)

    def _switched(self, seq: int, index: int, entry: Entry, event: events.ChannelSwitchSet) -> None:
        if entry.agent is not None and entry.channel is not None and not event.on:
            self._staff.switched_off(entry.agent, entry.channel, event.at_ms)

    def _effect(self, seq: int, index: int, entry: Entry, event: events.EffectRequested) -> None:
        """The relay takes a moment; one answer in a hundred cannot be delivered at first."""
        if self._chance.random() < 0.01:
            self.agenda.at(event.at_ms + 5 * SECOND, lambda _: [f.EffectFailed(self._ids.fact(), seq, index, "unreachable")])
        else:
            self.agenda.at(event.at_ms + 2 * SECOND, lambda _: [f.EffectDone(self._ids.fact(), seq, index)])

    def _effect_ended(self, seq: int, index: int, entry: Entry, event: events.EffectEnded) -> None:
        if event.outcome == "failed":
            again = f.EffectRetryRequested(self._ids.fact(), event.effect_seq, event.effect_entry)
            self.agenda.at(event.at_ms + 5 * MINUTE, lambda _: [again])

    def _effect_again(self, seq: int, index: int, entry: Entry, event: events.EffectRetried) -> None:
        done = f.EffectDone(self._ids.fact(), event.effect_seq, event.effect_entry)
        self.agenda.at(event.at_ms + 2 * SECOND, lambda _: [done])

    def _life(self, entry: Entry) -> Life | None:
        """None: it ended in the same commit."""
        return self._lives.get(entry.contact) if entry.contact is not None else None
