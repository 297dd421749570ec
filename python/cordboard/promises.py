"""Promised calls, folded from the journal: those that live, those that ended lately, and the room that each slot has left."""

from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from cordboard import codec
from cordboard.events import Commit, Entry
from cordboard.events import event as words
from cordboard.events.commit import INPUT_TAG
from cordboard.events.fact import QueueMode
from cordboard.events.policy import CallbackPolicy, DialMode
from cordboard.events.promises import AttemptOutcome, Hours, MissReason, PromiseKind, PromiseOutcome
from cordboard.policy import hours as calendars

LATELY_MS = 24 * 3_600_000
"""So long after its end a promise is still known here …"""
MISSED_MS = 7 * LATELY_MS
"""… and so long if it was missed, because its customer may choose another time …"""
ENDED_MAX = 20_000
"""… unless so many have ended, or were missed, since."""
State = Literal["promised", "waiting", "calling", "ended"]
"""`promised`: its time has not come. `waiting`: for an agent. `calling`: an agent has it, and the customer is being dialled."""

_POLICY_ADOPTED = 5
MOVED_MAX = 100_000
"""Promises that are forgotten, and of which is still known which one took their place."""
_ABOUT_CONTACTS = frozenset((10, 14, 18, 46, 72, 74, 75, 76, 77, 80, 88))
"""Queued, accepted, connect expired or failed, and what is said of promises."""
_MODE_SET = 57
_HOURS_TURNED = 71
_CAPACITY_SET = 78
CLOSED_FOR_ITS_HOURS = 4
"""From this level on nothing is promised for the rest of the hours in which a queue was closed by hand."""


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise; all instants are Unix ms. Connected from `from_ms` until `until_ms` it is kept; `due_ms` is what was said.

    `agent`: who has it in hand, or had it last. `attempts` count as they were promised; `tried`: what became of the last one.
    `next_ms`: when it is tried next. `alternatives`: slots that were proposed to the customer, after a miss or while it is at risk.
    """

    contact: bytes
    channel: str
    queue: str
    kind: PromiseKind
    mode: DialMode
    made_ms: int
    due_ms: int
    from_ms: int
    until_ms: int
    slot_ms: int
    customer: bytes | None
    entry_point: str | None
    topic: str | None
    case: bytes | None
    language: str | None
    hours: tuple[Hours, ...]
    address: bytes | None
    waiting: bytes | None
    replaces: bytes | None
    state: State = "promised"
    agent: bytes | None = None
    attempts: int = 0
    tried: AttemptOutcome | None = None
    next_ms: int | None = None
    at_risk: bool = False
    alternatives: tuple[int, ...] = ()
    outcome: PromiseOutcome | None = None
    reason: MissReason | None = None
    ended_ms: int | None = None
    lateness_ms: int = 0
    successor: bytes | None = None
    changed_seq: int = 0
    """Position of the commit that last changed anything here."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot that begins at `begin_ms` (Unix ms): promises that it holds at all, and how many are made."""

    begin_ms: int
    capacity: int
    booked: int

    @property
    def room(self) -> int:
        return max(0, self.capacity - self.booked)


@dataclass(slots=True)
class _Planned:
    """What a plan says of slots of this length, by their number since 1970."""

    slot_ms: int
    capacities: dict[int, int] = field(default_factory=dict)


class Promises:
    """A fold: `apply` every commit, then ask. What it says of slots is what the router would say (`rust/core/src/booking.rs`)."""

    def __init__(self) -> None:
        self._live: dict[bytes, Promise] = {}
        self._ended: OrderedDict[bytes, Promise] = OrderedDict()
        self._missed: OrderedDict[bytes, Promise] = OrderedDict()
        """Those that were missed."""
        self._changed: OrderedDict[bytes, None] = OrderedDict()
        """All of them, those that changed last at the end."""
        self._moved: OrderedDict[bytes, bytes] = OrderedDict()
        """What took the place of those that are forgotten, as long as that is not forgotten, too …"""
        self._before: dict[bytes, list[bytes]] = {}
        """… and whose place it took."""
        self._callbacks: dict[str, CallbackPolicy] = {}
        self._calendars: dict[str, calendars.Hours] = {}
        """Of the queues that open by one."""
        self._modes: dict[str, QueueMode] = {}
        self._turned: dict[str, words.QueueHoursTurned] = {}
        """Of queues that were closed by hand; of those with a calendar, how it has them."""
        self._level = 0
        self._planned: dict[str, _Planned] = {}
        self._warned: set[bytes] = set()
        """Live ones that were said to be at risk, whether or not their slot has room again."""
        self._unweighed = False
        """Slots, or what is promised for them, changed in this commit."""
        self._booked: dict[str, Counter[int]] = {}
        """Promises by queue and slot, of the length that the policy has now."""
        self.position = 0
        self.at_ms = 0

    def apply(self, seq: int, commit: Commit) -> None:
        self.position, self.at_ms, self._level = seq, commit.at_ms, commit.level
        for entry in commit.entries:
            if entry.tag == INPUT_TAG:
                continue
            if entry.tag in _ABOUT_CONTACTS:
                self._hear(entry)
            elif entry.tag == _CAPACITY_SET:
                self._plan(entry)
            elif entry.tag in (_MODE_SET, _HOURS_TURNED):
                self._turn_queue(codec.decode_event(entry))
            elif entry.tag == _POLICY_ADOPTED:
                self._adopt(entry)
        self._weigh()
        self._forget(self._ended, commit.at_ms - LATELY_MS)
        self._forget(self._missed, commit.at_ms - MISSED_MS)

    # What stands

    def get(self, contact: bytes) -> Promise | None:
        """The promise, if it lives or ended lately."""
        return self._live.get(contact) or self._ended.get(contact) or self._missed.get(contact)

    def successor(self, contact: bytes) -> bytes | None:
        """The promise that took this one's place, however long ago, if that lives or ended lately, or another took its place; else
        None. Whoever came in themselves and was answered has a contact as successor, and no promise."""
        known = self._ended.get(contact)
        successor = self._moved.get(contact) if known is None else known.successor
        known_here = successor is not None and (successor in self._moved or self.get(successor) is not None)
        return successor if known_here else None

    def all(self) -> Iterator[Promise]:
        """Those that live, then those that ended lately."""
        yield from self._live.values()
        yield from self._ended.values()
        yield from self._missed.values()

    def live(self) -> Iterable[Promise]:
        return self._live.values()

    def changed_after(self, seq: int) -> list[Promise]:
        """Those that a commit after position `seq` changed, in the order of their changes."""
        found: list[Promise] = []
        for contact in reversed(self._changed):
            promise = self.get(contact)
            assert promise is not None
            if promise.changed_seq <= seq:
                break
            found.append(promise)
        found.reverse()
        return found

    # Slots

    def callbacks(self, queue: str) -> CallbackPolicy | None:
        """What the policy says of the queue's callbacks; None: there are none."""
        return self._callbacks.get(queue)

    def slots(self, queue: str, wish_ms: int, hours: Iterable[Hours], now_ms: int) -> Iterator[Slot]:
        """The queue's slots from the first one at or after `wish_ms` that has not begun, up to the horizon of its policy, in order;
        with `hours`, those that begin in them. Nothing for a queue without callbacks."""
        policy = self._callbacks.get(queue)
        if policy is None:
            return
        slot_ms = policy.slot_ms
        first = max(-(-(now_ms + 1) // slot_ms), -(-wish_ms // slot_ms))
        end = (now_ms + policy.horizon_ms) // slot_ms + 1
        first = max(first, self._reopens(queue, slot_ms, end))
        spans = sorted((-(-one.from_ms // slot_ms), -(-one.until_ms // slot_ms)) for one in hours) or [(first, end)]
        booked = self._booked.get(queue, Counter())
        for begin, before in spans:
            first = max(first, begin)
            for number in range(first, min(before, end)):
                yield Slot(number * slot_ms, self._places(queue, policy, number), booked[number])
            first = max(first, before)

    def _reopens(self, queue: str, slot_ms: int, end: int) -> int:
        """The first slot that can be had of a queue that is closed by hand; 0: any."""
        mode = self._modes.get(queue)
        if mode is None or self._level < CLOSED_FOR_ITS_HOURS:
            return 0
        turned = self._turned.get(queue)
        if turned is not None and not turned.open:
            return 0
        if turned is None or turned.next_ms is None:
            # Without hours, or in those that never end, nobody knows when an emergency is over.
            return end if mode == "emergency" else 0
        return -(-turned.next_ms // slot_ms)

    def _places(self, queue: str, policy: CallbackPolicy, number: int) -> int:
        """None, unless the queue is open from the slot's beginning to its end."""
        calendar = self._calendars.get(queue)
        if calendar is not None and not calendar.is_open_all(number * policy.slot_ms, (number + 1) * policy.slot_ms):
            return 0
        planned = self._planned.get(queue)
        if planned is None or planned.slot_ms != policy.slot_ms:
            return policy.capacity
        return planned.capacities.get(number, policy.capacity)

    # What is heard

    def _hear(self, entry: Entry) -> None:
        contact = entry.contact
        if contact is None:
            return
        known = self._live.get(contact)
        if known is None and entry.tag != words.PromiseMade.__struct_config__.tag:
            return  # most contacts were never promised anything
        event = codec.decode_event(entry)
        if isinstance(event, words.PromiseMade):
            assert entry.channel is not None
            self._make(made(contact, entry.channel, event))
        elif known is not None:
            self._turn(known, entry.agent, event)

    def _make(self, promise: Promise) -> None:
        self._ended.pop(promise.contact, None)
        self._missed.pop(promise.contact, None)
        self._book(promise, 1)
        self._put(promise)

    def _turn(self, known: Promise, agent: bytes | None, event: object) -> None:
        match event:
            case words.ContactQueued():
                self._put(replace(known, state="waiting", agent=None, next_ms=None))
            case words.OfferAccepted():
                self._put(replace(known, state="calling", agent=agent))
            case words.ConnectExpired() | words.ConnectFailed():
                self._put(replace(known, state="waiting", agent=None))
            case words.AttemptRecorded():
                tried = replace(known, state="promised", agent=None, attempts=event.number, tried=event.outcome)
                self._put(replace(tried, next_ms=event.next_ms))
            case words.PromiseHeld():
                self._put(replace(known, state="promised", agent=None, next_ms=None))
            case words.PromiseReleased():
                self._put(replace(known, next_ms=event.next_ms))
            case words.PromiseAtRisk():
                self._warned.add(known.contact)
                self._unweighed = True
                self._put(replace(known, at_risk=True, alternatives=tuple(event.alternatives)))
            case words.PromiseEnded():
                self._end(known, event)

    def _end(self, known: Promise, event: words.PromiseEnded) -> None:
        del self._live[known.contact]
        self._warned.discard(known.contact)
        self._book(known, -1)
        ended = replace(
            known,
            state="ended",
            outcome=event.outcome,
            reason=event.reason,
            ended_ms=event.at_ms,
            lateness_ms=event.lateness_ms,
            attempts=event.attempts,
            successor=event.successor,
            next_ms=None,
            alternatives=tuple(event.alternatives),
            changed_seq=self.position,
        )
        (self._missed if event.outcome == "missed" else self._ended)[known.contact] = ended
        self._changed.pop(known.contact, None)
        self._changed[known.contact] = None

    def _put(self, promise: Promise) -> None:
        self._live[promise.contact] = replace(promise, changed_seq=self.position)
        self._changed.pop(promise.contact, None)
        self._changed[promise.contact] = None

    def _book(self, promise: Promise, count: int) -> None:
        policy = self._callbacks.get(promise.queue)
        if policy is None or promise.kind != "scheduled":
            return
        self._unweighed = True
        booked = self._booked.setdefault(promise.queue, Counter())
        number = promise.due_ms // policy.slot_ms
        booked[number] += count
        if not booked[number]:
            del booked[number]

    def _turn_queue(self, event: object) -> None:
        match event:
            case words.QueueModeSet(mode="open"):
                self._modes.pop(event.queue, None)
            case words.QueueModeSet():
                self._modes[event.queue] = event.mode
            case words.QueueHoursTurned():
                self._turned[event.queue] = event

    def _weigh(self) -> None:
        """Who was said to be at risk is so as long as there is no room: of each slot those made last, as the router says it."""
        if not self._unweighed:
            return
        self._unweighed = False
        slots = {slot for contact in self._warned if (slot := self._slot(self._live[contact])) is not None}
        if not slots:
            return
        lines: dict[tuple[str, int], list[tuple[int, bytes]]] = {slot: [] for slot in slots}
        for promise in self._live.values():
            if (slot := self._slot(promise)) in lines and slot is not None:
                lines[slot].append((promise.made_ms, promise.contact))
        for (queue, number), line in lines.items():
            fit = self._places(queue, self._callbacks[queue], number)
            for place, (_, contact) in enumerate(sorted(line)):
                if contact in self._warned and (place >= fit) != self._live[contact].at_risk:
                    self._put(replace(self._live[contact], at_risk=place >= fit))

    def _slot(self, promise: Promise) -> tuple[str, int] | None:
        """None: it takes none, or nobody knows any more how long they are: there is no room that anybody could know of."""
        policy = self._callbacks.get(promise.queue)
        return (promise.queue, promise.due_ms // policy.slot_ms) if policy is not None and promise.kind == "scheduled" else None

    def _plan(self, entry: Entry) -> None:
        self._unweighed = True
        event = codec.decode_event(entry)
        assert isinstance(event, words.CapacitySet)
        planned = self._planned.get(event.queue)
        if planned is None or planned.slot_ms != event.slot_ms:
            planned = self._planned[event.queue] = _Planned(event.slot_ms)
        passed = event.at_ms // event.slot_ms
        planned.capacities = {number: places for number, places in planned.capacities.items() if number >= passed}
        first = event.from_ms // event.slot_ms
        planned.capacities.update(enumerate(event.capacities, first))

    def _adopt(self, entry: Entry) -> None:
        event = codec.decode_event(entry)
        assert isinstance(event, words.PolicyAdopted)
        policy = codec.decode_policy(event.policy)
        self._callbacks = {queue.name: queue.callbacks for queue in policy.queues if queue.callbacks is not None}
        hours = {calendar.name: calendars.Hours(calendar) for calendar in policy.calendars}
        self._calendars = {queue.name: hours[queue.calendar] for queue in policy.queues if queue.calendar is not None}
        queues = {queue.name for queue in policy.queues}
        self._modes = {queue: mode for queue, mode in self._modes.items() if queue in queues}
        self._turned = {queue: turned for queue, turned in self._turned.items() if queue in self._calendars}
        self._booked = {}
        self._unweighed = True
        for promise in self._live.values():
            self._book(promise, 1)

    def _forget(self, ended: OrderedDict[bytes, Promise], before_ms: int) -> None:
        while ended:
            contact, oldest = next(iter(ended.items()))
            assert oldest.ended_ms is not None
            if len(ended) <= ENDED_MAX and oldest.ended_ms >= before_ms:
                return
            del ended[contact]
            self._changed.pop(contact, None)
            self._follow(oldest)

    def _follow(self, gone: Promise) -> None:
        """A promise is forgotten: what took its place is remembered, or nothing of those whose place it took."""
        successor = gone.successor
        if successor is not None and (successor in self._moved or self.get(successor) is not None):
            self._moved[gone.contact] = successor
            self._before.setdefault(successor, []).append(gone.contact)
            if len(self._moved) > MOVED_MAX:
                oldest, to = self._moved.popitem(last=False)
                self._before[to].remove(oldest)
                if not self._before[to]:
                    del self._before[to]
            return
        over = [gone.contact]
        while over:
            for before in self._before.pop(over.pop(), ()):
                del self._moved[before]
                over.append(before)


def made(contact: bytes, channel: str, event: words.PromiseMade) -> Promise:
    """A promise as it begins."""
    return Promise(
        contact=contact,
        channel=channel,
        queue=event.queue,
        kind=event.kind,
        mode=event.mode,
        made_ms=event.at_ms,
        due_ms=event.due_ms,
        from_ms=event.from_ms,
        until_ms=event.until_ms,
        slot_ms=event.slot_ms,
        customer=event.customer,
        entry_point=event.entry_point,
        topic=event.topic,
        case=event.case,
        language=event.language,
        hours=tuple(event.hours),
        address=event.address,
        waiting=event.waiting,
        replaces=event.replaces,
        next_ms=event.from_ms,
    )
