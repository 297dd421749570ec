"""Customers who would be called, and the dialler. With promises the engine says when; the naive way they come back into the line at
the time they were told, before everybody else, and nobody has counted how many there are then."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from cordboard.events import event as events
from cordboard.events import fact as f
from cordboard.events import promises as p
from tests.day.agenda import Agenda
from tests.day.ids import Ids
from tests.day.people import Visitor, an_id
from tests.day.site import HOUR, SECOND
from tests.week.people import Wish
from tests.week.site import BEGINS_MS, callbacks, is_open
from tests.week.tally import Promised, Tally

ASKS = 3
"""So often customers name a time, counting the ones that they are offered instead."""
MOVES_MS = 2 * HOUR
TOP = 100
"""The highest priority there is."""


@dataclass(slots=True)
class Call:
    """One wish on its way. `promise`: the contact under which it was promised; the naive way each attempt is another one."""

    visitor: Visitor
    wish: Wish
    promise: bytes
    asked: int = 1
    tried: int = 0
    customer_first: bool = False


class Calls(Protocol):
    """What becomes of wishes, in one of the two ways. All `at_ms` are Unix ms."""

    def asks(self, visitor: Visitor, wish: Wish, at_ms: int) -> Iterator[f.Fact]:
        """The customer names a time."""

    def holds(self, visitor: Visitor, wish: Wish, waiting: bytes, at_ms: int, wait_ms: int) -> Iterator[f.Fact]:
        """The customer hangs up; in `wait_ms` it would have been their turn."""

    def of(self, contact: bytes) -> Call | None: ...

    def accepted(self, contact: bytes, event: events.OfferAccepted, agent: bytes) -> None: ...

    def ended(self, contact: bytes, event: events.ContactEnded) -> None: ...


class _Dialling:
    """What both ways share."""

    def __init__(self, agenda: Agenda, ids: Ids, tally: Tally, seed: int) -> None:
        self._agenda = agenda
        self._ids = ids
        self._tally = tally
        self._seed = seed
        self._calls: dict[bytes, Call] = {}
        self._numbers = 0

    def of(self, contact: bytes) -> Call | None:
        return self._calls.get(contact)

    def _dial(self, contact: bytes, event: events.OfferAccepted, agent: bytes, unreached: Callable[[str, int], f.Fact]) -> None:
        """After some ringing the dialler knows. `unreached(outcome, rang for so many ms)` says so."""
        call = self._calls[contact]
        heard = call.wish.tries[min(call.tried, len(call.wish.tries) - 1)]
        call.tried += 1
        promise = self._tally.promises[call.promise]
        promise.dialled_ms = event.at_ms
        self._tally.attempts[heard.outcome] += 1
        connected = f.ContactConnected(self._ids.fact(), contact, event.attempt, agent)
        fact = connected if heard.outcome == "reached" else unreached(heard.outcome, heard.after_ms)
        self._agenda.at(event.at_ms + heard.after_ms, lambda _: [fact])

    def _begin(self, visitor: Visitor, wish: Wish, *, asked: int = 1, tried: int = 0, promise: bytes | None = None) -> bytes:
        """A contact of its own for it."""
        self._numbers += 1
        contact = an_id(self._seed, "call", self._numbers)
        self._calls[contact] = Call(visitor, wish, promise or contact, asked, tried)
        return contact


class PromisedCalls(_Dialling):
    """`calls(visitor)`: who finds no time that suits calls at once."""

    def __init__(
        self, agenda: Agenda, ids: Ids, tally: Tally, seed: int, calls: Callable[[Visitor, int], Iterator[f.Fact]]
    ) -> None:
        super().__init__(agenda, ids, tally, seed)
        self._calls_instead = calls

    def asks(self, visitor: Visitor, wish: Wish, at_ms: int) -> Iterator[f.Fact]:
        contact = self._begin(visitor, wish)
        yield self._requested(contact, visitor, wish, BEGINS_MS + wish.at_ms)

    def holds(self, visitor: Visitor, wish: Wish, waiting: bytes, at_ms: int, wait_ms: int) -> Iterator[f.Fact]:
        contact = self._begin(visitor, wish)
        yield self._requested(contact, visitor, wish, at_ms, waiting=waiting)

    def made(self, contact: bytes, event: p.PromiseMade) -> None:
        call = self._calls[contact]
        call.customer_first = event.mode == "customer_first"
        half_ms = (event.at_ms + event.due_ms) // 2
        if event.replaces is not None or call.wish.kind != "scheduled":
            return
        if call.wish.changes == "cancels":
            self._agenda.at(half_ms, lambda _: [p.CallbackCancelled(self._ids.fact(), contact)])
        elif call.wish.changes == "moves":
            self._agenda.at(half_ms, lambda _: [self._moved(contact, event.due_ms + MOVES_MS)])

    def declined(self, contact: bytes, event: p.CallbackDeclined) -> None:
        """Most take what they are offered instead; who is not suited calls at once, or goes on waiting."""
        call = self._calls.pop(contact)
        if call.promise != contact or call.wish.kind != "scheduled":
            return
        until_ms = None if call.wish.until_ms is None else BEGINS_MS + call.wish.until_ms
        others = [at_ms for at_ms in event.alternatives if at_ms > event.at_ms and (until_ms is None or at_ms < until_ms)]
        if others and call.asked < ASKS:
            again = self._begin(call.visitor, call.wish, asked=call.asked + 1)
            fact = self._requested(again, call.visitor, call.wish, others[0], exact=True)
            self._agenda.at(event.at_ms + 20 * SECOND, lambda _: [fact])
        else:
            self._agenda.at(event.at_ms + 20 * SECOND, lambda at_ms: self._calls_instead(call.visitor, at_ms))

    def accepted(self, contact: bytes, event: events.OfferAccepted, agent: bytes) -> None:
        def unreached(outcome: p.AttemptOutcome, ring_ms: int) -> f.Fact:
            return p.AttemptReported(self._ids.fact(), contact, event.attempt, agent, outcome, ring_ms)

        self._dial(contact, event, agent, unreached)  # type: ignore[arg-type]

    def ended(self, contact: bytes, event: events.ContactEnded) -> None:
        """The engine says itself what became of the promise."""

    def _requested(
        self, contact: bytes, visitor: Visitor, wish: Wish, wish_ms: int, *, exact: bool = False, waiting: bytes | None = None
    ) -> f.Fact:
        hours = [] if wish.until_ms is None else [p.Hours(BEGINS_MS + wish.at_ms, BEGINS_MS + wish.until_ms)]
        return p.CallbackRequested(
            self._ids.fact(), contact, "voice", visitor.queue, wish_ms, list(visitor.requirements), visitor.priority,
            customer=visitor.customer, topic=visitor.topic, entry_point="hotline", kind=wish.kind, exact=exact, hours=hours,
            waiting=waiting, address=self._ids.ref(), mode="customer_first" if wish.customer_first else "agent_first",
        )  # fmt: skip

    def _moved(self, contact: bytes, wish_ms: int) -> f.Fact:
        """To the first slot that there is then; whenever, as far as the customer is concerned."""
        call = self._calls[contact]
        successor = self._begin(call.visitor, call.wish)
        self._calls[successor].promise = successor
        return p.CallbackRescheduled(self._ids.fact(), contact, successor, wish_ms, hours=[])


class NaiveCalls(_Dialling):
    """`arrives(call's contact, visitor)`: the fact that brings somebody into the line with the highest priority."""

    def __init__(self, agenda: Agenda, ids: Ids, tally: Tally, seed: int, arrives: Callable[[bytes, Visitor], f.Fact]) -> None:
        super().__init__(agenda, ids, tally, seed)
        self._arrives = arrives

    def asks(self, visitor: Visitor, wish: Wish, at_ms: int) -> Iterator[f.Fact]:
        self._promise(self._begin(visitor, wish), wish, at_ms, BEGINS_MS + wish.at_ms)
        return iter(())

    def holds(self, visitor: Visitor, wish: Wish, waiting: bytes, at_ms: int, wait_ms: int) -> Iterator[f.Fact]:
        self._promise(self._begin(visitor, wish), wish, at_ms, at_ms + wait_ms)
        yield f.ContactEndRequested(self._ids.fact(), waiting)

    def accepted(self, contact: bytes, event: events.OfferAccepted, agent: bytes) -> None:
        def unreached(outcome: str, ring_ms: int) -> f.Fact:
            return f.ConnectionFailed(self._ids.fact(), contact, event.attempt, agent, "customer_leg")

        self._dial(contact, event, agent, unreached)

    def ended(self, contact: bytes, event: events.ContactEnded) -> None:
        """Who was not reached is tried again, as often and as late as those who are promised a call."""
        call, policy = self._calls.pop(contact), callbacks()
        promise = self._tally.promises[call.promise]
        if promise.connected_ms is not None:
            promise.outcome = "kept" if promise.from_ms <= promise.connected_ms <= promise.until_ms else "missed"
            return
        next_ms = event.at_ms + policy.retry_ms
        heard = call.wish.tries[min(call.tried, len(call.wish.tries)) - 1].outcome if call.tried else None
        useless = heard in ("wrong_person", "refused")
        if call.tried and call.tried < policy.attempts and next_ms <= promise.until_ms and not useless:
            again = self._begin(call.visitor, call.wish, tried=call.tried, promise=call.promise)
            self._agenda.at(next_ms, lambda _: [self._arrives(again, call.visitor)])
        else:
            in_time = promise.dialled_ms is not None and promise.dialled_ms <= promise.until_ms
            promise.outcome = "honoured_not_reached" if in_time else "missed"

    def _promise(self, contact: bytes, wish: Wish, at_ms: int, due_ms: int) -> None:
        call, policy = self._calls[contact], callbacks()
        promise = Promised(wish.kind, due_ms, due_ms - policy.early_ms, due_ms + policy.late_ms)
        self._tally.promises[contact] = promise
        if wish.kind == "scheduled" and wish.changes is not None:
            promise.outcome = "cancelled" if wish.changes == "cancels" else "rescheduled"
            if wish.changes == "cancels":
                return
            contact, due_ms = self._begin(call.visitor, wish), due_ms + MOVES_MS
            if not is_open(due_ms - BEGINS_MS):
                due_ms -= MOVES_MS
            self._tally.promises[contact] = Promised(wish.kind, due_ms, due_ms - policy.early_ms, due_ms + policy.late_ms)
        # Not at the very moment at which the site opens: nobody is let in before that is decided.
        self._agenda.at(due_ms + SECOND, lambda _: [self._arrives(contact, call.visitor)])
