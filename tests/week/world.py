"""The outside of the week: customers look at doors before they come, and some would rather be called."""

import random
from collections.abc import Iterator
from dataclasses import replace

from cordboard.events import event as events
from cordboard.events import fact as f
from cordboard.events import promises as p
from cordboard.events.commit import Entry
from tests.day.life import Life
from tests.day.people import Visitor, Worker
from tests.day.site import MINUTE, SECOND
from tests.day.world import React, World
from tests.week.calls import TOP, Calls, NaiveCalls, PromisedCalls
from tests.week.people import Wish
from tests.week.site import BEGINS_MS, DOOR_OF, LASTS_MS, QUEUE_OF, Variant, plan, policy
from tests.week.tally import Stay, Tally

LONG_MS = 2 * MINUTE
"""Callers to whom such a wait is said, or a longer one, are asked whether they would hang up and keep their place."""
LISTENS_MS = 20 * SECOND
PATIENT_AT_THE_DOOR = 0.5
"""Customers who come in although the wait is long; the others write a mail."""


class WeekWorld(World):
    """`promised`, `without` and `naive` differ in what becomes of the wishes, and in nothing else."""

    def __init__(
        self, seed: int, variant: Variant, visitors: list[Visitor], wishes: dict[int, Wish], rostered: list[Worker],
        workers: list[Worker],
    ) -> None:  # fmt: skip
        published = policy(variant)
        super().__init__(seed, visitors, workers, [(0, published)], BEGINS_MS, LASTS_MS)
        self.tally = Tally({channel.name: channel.cost for channel in published.channels})
        self._wishes = wishes
        self._promised: PromisedCalls | None = None
        self._calls: Calls | None = None
        if variant == "promised":
            self._calls = self._promised = PromisedCalls(self.agenda, self._ids, self.tally, seed, self._calls_at_once)
            self._plan_capacity(rostered)
        elif variant == "naive":
            self._calls = NaiveCalls(self.agenda, self._ids, self.tally, seed, self._comes_back)
        more: dict[int, React] = {
            20: self._answered, 23: self._wrapped, 72: self._made, 73: self._declined, 76: self._settled, 77: self._risked,
            86: self._turned, 87: self._expected,
        }  # fmt: skip
        self._reacts |= more

    def _plan_doors(self) -> None:
        """The calendar opens and closes."""

    def _plan_capacity(self, rostered: list[Worker]) -> None:
        """The planner's table is put in force on the night before."""
        for part in plan(rostered).publications():
            planned = p.CapacityPlanned(self._ids.fact(), part.queue, part.from_ms, part.slot_ms, list(part.capacities))
            self.agenda.at(BEGINS_MS + 5 * SECOND, lambda _, planned=planned: [planned])

    # Who comes.

    def _comes(self, visitor: Visitor) -> Iterator[f.Fact]:
        self._plan_next_visitor()
        wish = self._wishes.get(visitor.number)
        if self._calls is not None and wish is not None and wish.kind == "scheduled":
            yield from self._calls.asks(visitor, wish, BEGINS_MS + visitor.at_ms)
            return
        state = self.tally.door(DOOR_OF[visitor.channel])
        if visitor.channel == "chat" and state is not None and self._turns_back(visitor, state):
            self.tally.turned_back["chat"] += 1
            yield f.DemandTurnedAway(self._ids.fact(), DOOR_OF["chat"], "chat", state, 1)
            visitor = replace(visitor, channel="mail", queue=QUEUE_OF["mail"])
        yield self._arrives(visitor, ticket=visitor.channel == "chat" and state == "open")

    def _turns_back(self, visitor: Visitor, state: f.DoorState) -> bool:
        chance = random.Random(f"{self._seed}/door/{visitor.number}").random()
        return state == "closed" or (state == "busy" and chance >= PATIENT_AT_THE_DOOR)

    def _calls_at_once(self, visitor: Visitor, at_ms: int) -> Iterator[f.Fact]:
        yield self._arrives(visitor)

    def _comes_back(self, contact: bytes, visitor: Visitor) -> f.Fact:
        return self._arrives(visitor, contact=contact, priority=TOP)

    def _arrives(
        self, visitor: Visitor, *, contact: bytes | None = None, priority: int | None = None, ticket: bool = False
    ) -> f.Fact:
        contact = contact or self._ids.contact(visitor.number)
        self._lives[contact] = Life(visitor, contact, random.Random(f"{self._seed}/{visitor.number}"))
        return f.ContactArrived(
            self._ids.fact(), contact, visitor.channel, visitor.queue, list(visitor.requirements),
            visitor.priority if priority is None else priority, customer=visitor.customer, topic=visitor.topic,
            entry_point=DOOR_OF[visitor.channel], message=None if visitor.channel == "voice" else self._ids.ref(), ticket=ticket,
        )  # fmt: skip

    # What the engine says of contacts.

    def _queued(self, seq: int, index: int, entry: Entry, event: events.ContactQueued) -> None:
        assert entry.contact is not None and entry.channel is not None
        if self._is_call(entry.contact) and not self._lives[entry.contact].engagements:
            # Nobody is on the line whose patience could end.
            return
        self.tally.queued(entry.contact, entry.channel, event)
        super()._queued(seq, index, entry, event)

    def _offered(self, seq: int, index: int, entry: Entry, event: events.OfferMade) -> None:
        """While a customer is dialled first, the agent need not say yes."""
        call = self._promised.of(entry.contact) if self._promised is not None and entry.contact is not None else None
        if call is None or not call.customer_first or self.tally.promises[call.promise].outcome is not None:
            super()._offered(seq, index, entry, event)

    def _accepted(self, seq: int, index: int, entry: Entry, event: events.OfferAccepted) -> None:
        """Of a call, the customer is dialled first."""
        life, agent = self._life(entry), entry.agent
        if self._calls is None or life is None or agent is None or life.engagements or not self._is_call(life.contact):
            super()._accepted(seq, index, entry, event)
        else:
            self._calls.accepted(life.contact, event, agent)

    def _engaged(self, seq: int, index: int, entry: Entry, event: events.EngagementStarted) -> None:
        super()._engaged(seq, index, entry, event)
        self.tally.engaged(entry, event.at_ms)
        if event.role == "primary" and self._calls is not None and entry.contact is not None:
            call = self._calls.of(entry.contact)
            if call is not None:
                self.tally.connected(call.promise, event.at_ms)

    def _disengaged(self, seq: int, index: int, entry: Entry, event: events.EngagementEnded) -> None:
        super()._disengaged(seq, index, entry, event)
        self.tally.disengaged(entry, event)

    def _wrapped(self, seq: int, index: int, entry: Entry, event: events.WrapUpEnded) -> None:
        self.tally.wrapped(entry, event.at_ms)

    def _answered(self, seq: int, index: int, entry: Entry, event: events.ContactAnswered) -> None:
        if entry.contact is not None:
            self.tally.answered(entry.contact, event)

    def _ended(self, seq: int, index: int, entry: Entry, event: events.ContactEnded) -> None:
        super()._ended(seq, index, entry, event)
        assert entry.contact is not None
        self.tally.ended(entry.contact, event.at_ms)
        if self._calls is not None and self._is_call(entry.contact):
            self._calls.ended(entry.contact, event)

    # What it says of waits, doors and promises.

    def _expected(self, seq: int, index: int, entry: Entry, event: events.WaitExpected) -> None:
        """Who hears of a long wait may hang up, and keep the place."""
        life = self._life(entry)
        if life is None or self._is_call(life.contact):
            return
        self.tally.expected(life.contact, event)
        wish = self._wishes.get(life.visitor.number)
        if self._calls is not None and wish is not None and wish.kind == "hold_place" and event.said_ms >= LONG_MS:
            calls, visit = self._calls, life.visit

            def hangs_up(at_ms: int) -> Iterator[f.Fact]:
                if not life.gone and life.agent is None and life.visit == visit:
                    yield from calls.holds(life.visitor, wish, life.contact, at_ms, event.p50_ms)

            self.agenda.at(event.at_ms + LISTENS_MS, hangs_up)

    def _turned(self, seq: int, index: int, entry: Entry, event: events.DoorTurned) -> None:
        self.tally.turned(event)

    def _made(self, seq: int, index: int, entry: Entry, event: p.PromiseMade) -> None:
        assert entry.contact is not None and self._promised is not None
        call = self._promised.of(entry.contact)
        assert call is not None
        self._lives[entry.contact] = Life(call.visitor, entry.contact, random.Random(f"{self._seed}/{call.visitor.number}"))
        self.tally.made(entry.contact, event)
        self._promised.made(entry.contact, event)

    def _declined(self, seq: int, index: int, entry: Entry, event: p.CallbackDeclined) -> None:
        assert entry.contact is not None and self._promised is not None
        self.tally.declined[event.reason] += 1
        self._promised.declined(entry.contact, event)

    def _settled(self, seq: int, index: int, entry: Entry, event: p.PromiseEnded) -> None:
        assert entry.contact is not None
        self.tally.settled(entry.contact, event)

    def _risked(self, seq: int, index: int, entry: Entry, event: p.PromiseAtRisk) -> None:
        self.tally.at_risk += 1

    def stay(self, visitor: Visitor) -> Stay | None:
        """What became of somebody who came in and wished for no call; None: nobody of that number did."""
        return self.tally.stays.get(self._ids.contact(visitor.number))

    def _is_call(self, contact: bytes) -> bool:
        return self._calls is not None and self._calls.of(contact) is not None
