"""Expected waits, naively: what those waited who were answered of late, who is ahead, who is at work, and how long that takes."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

from cordboard.events import event as e
from cordboard.events.bounds import Key
from tests.property.naive_clock import ALWAYS, YEAR_MS, Clock
from tests.property.naive_reservations import Reservations
from tests.property.naive_state import Agent, Contact, Work

REMEMBERED = 32
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
SAID_MINUTES = (0, 1, 2, 3, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 360, 480, 720)
WHOLE, MOST = 65_536, 262_144


@dataclass(slots=True)
class Recent:
    """Of a queue and class: when contacts were answered and after what wait, and how long they took agents; the newest last."""

    waits: list[tuple[int, int]] = field(default_factory=list)
    handled_ms: list[int] = field(default_factory=list)
    margin: int = WHOLE

    def mean_ms(self) -> int | None:
        last = self.handled_ms[-REMEMBERED:]
        return sum(last) // len(last) if last else None


class Expecting(Reservations, ABC):
    """Asked for by some queues, and counted only there."""

    def asks(self, name: str) -> bool:
        queue = self.queue(name)
        kept = queue.callbacks is not None and queue.callbacks.hold_place
        return queue.max_expected_wait_ms > 0 or kept or self.asks_of_each(name) or self.asks_of_doors(name)

    def asks_of_each(self, name: str) -> bool:
        return any(each.expected_wait_ms is not None for each in self.queue(name).thresholds)

    @abstractmethod
    def asks_of_doors(self, name: str) -> bool:
        """What is shown before somebody comes in (naive_doors)."""

    def own_class(self, contact: Contact) -> Key:
        """The contact's key without promotion."""
        klass = contact.key.klass if contact.promoted_from is None else contact.promoted_from
        return Key(klass, contact.key.order_ms, contact.key.seq)

    def recent(self, queue: str, klass: int) -> Recent:
        return self.recents.setdefault((queue, klass), Recent())

    def forget_paces(self) -> None:
        """Of queues about which a new policy does not ask."""
        names = {queue.name for queue in self.policy.queues}
        self.recents = {of: recent for of, recent in self.recents.items() if of[0] in names and self.asks(of[0])}
        if not any(self.asks(name) for name in names):
            for work in self.works:
                work.paced_ms = None

    def counting(self, queue: str, channel: str) -> Clock:
        """The time that counts for contacts of the channel."""
        profile = self.profile(channel)
        return self.calendar(queue) if profile.presence == "async" or profile.klass == 3 else ALWAYS

    # What happened

    def note_answer(self, contact: Contact, wait_ms: int) -> None:
        if not self.asks(contact.queue) or contact.promise is not None:
            return
        recent = self.recent(contact.queue, self.own_class(contact).klass)
        if contact.expected_ms:
            longer = self.moment > contact.entered_ms + contact.expected_ms
            step = recent.margin // 20
            recent.margin = min(MOST, max(WHOLE, recent.margin + (4 * step if longer else -step)))
        clock = self.counting(contact.queue, contact.channel)
        recent.waits.append((self.moment, clock.between(self.moment - wait_ms, self.moment)))

    def note_begun(self, work: Work) -> None:
        if work.role == "primary" and self.asks(work.queue):
            work.paced_ms, work.spent_ms = self.moment, 0

    def note_spent(self, work: Work, agent: Agent, since_ms: int, cost: int, *, over: bool) -> None:
        """Some time of the agent, by its share: the larger one of cost and number."""
        if work.paced_ms is None:
            return
        own = agent.profile(work.channel)
        at_once = max(1, own.max_concurrent or 1) if own is not None else 1
        capacity = max(1, agent.capacity)
        part = min(max(cost * at_once, capacity), capacity * at_once)
        work.spent_ms += max(0, self.moment - since_ms) * part // (capacity * at_once)
        if over:
            self.recent(work.queue, work.klass).handled_ms.append(work.spent_ms)

    # What is expected

    def members_at_work(self, queue: str, klass: int) -> list[Agent]:
        members = [agent for agent in self.agents if agent.rank(queue) is not None and agent.ready]
        return [agent for agent in members if agent.desk_lost_ms is None and self.channels_on(agent, klass)]

    def channels_on(self, agent: Agent, klass: int) -> list[str]:
        """Of the class."""
        of_class = {profile.name for profile in self.policy.channels if profile.klass == klass}
        on = [each.channel for each in agent.channels if each.channel not in agent.off and each.max_concurrent]
        return [channel for channel in on if channel in of_class]

    def could_take_one(self, agent: Agent, klass: int) -> bool:
        if agent.desk_lost_ms is not None or self.over_capacity(agent):
            return False
        return any(self.has_room(agent, channel) for channel in self.channels_on(agent, klass))

    def those_ahead(self, queue: str, klass: int, but: Contact | None) -> list[Contact]:
        """Of the class, or more urgent; calls that are promised only once they are due."""
        here = [each for each in self.contacts if each.queue == queue and each.state == "queued" and each is not but]
        counted = [each for each in here if each.promise is None or each.promise.due]
        return [each for each in counted if self.own_class(each).klass <= klass]

    def work_first_ms(self, queue: str, klass: int, ahead: list[Contact], *, free: bool) -> int | None:
        """What is to be done before, by one member; None: nobody knows."""
        known = {each: mean for each in range(klass + 1) if (mean := self.mean_ms(queue, each)) is not None}
        classes = [self.own_class(each).klass for each in ahead]
        if klass in known:
            own_ms = known[klass]
        else:
            others = [known[each] for each in sorted(set(classes), reverse=True) if each in known]
            if not others:
                return None
            own_ms = others[0]
        return sum(known.get(each, own_ms) for each in classes) + (0 if free else own_ms)

    def mean_ms(self, queue: str, klass: int) -> int | None:
        recent = self.recents.get((queue, klass))
        return None if recent is None else recent.mean_ms()

    def expected(self, queue: str, channel: str, klass: int, but: Contact | None = None) -> tuple[list[int], int] | None:
        """The median, the 80th and the 90th percentile, in real time; and what it is by work alone. None: not known."""
        clock, there = self.counting(queue, channel), self.members_at_work(queue, klass)
        if not there:
            return None
        ahead, free = self.those_ahead(queue, klass, but), any(self.could_take_one(agent, klass) for agent in there)
        if not ahead and free:
            return [real_ms(clock, self.moment, 0)] * 3, 0
        work_ms = self.work_first_ms(queue, klass, ahead, free=free)
        if work_ms is None:
            return None
        least_ms = -(-work_ms // len(there))
        counted = self.with_margin(queue, klass, clock, ahead, least_ms)
        return [real_ms(clock, self.moment, min(each, YEAR_MS)) for each in counted], least_ms

    def with_margin(self, queue: str, klass: int, clock: Clock, ahead: list[Contact], least_ms: int) -> list[int]:
        """By what those waited who were answered of late, and how long the head has waited: in the time that counts."""
        alike = [each.entered_ms for each in ahead if self.own_class(each).klass == klass]
        head_ms = clock.between(min(alike), self.moment) if alike else 0
        recent = self.recents.get((queue, klass), Recent())
        fresh_ms = DAY_MS if klass == 3 else HOUR_MS
        waits = sorted(wait for at_ms, wait in recent.waits[-REMEMBERED:] if clock.between(at_ms, self.moment) <= fresh_ms)
        return [max(percentile(waits, percent), head_ms, least_ms) * recent.margin // WHOLE for percent in (50, 80, 90)]

    def still_to_wait(self, contact: Contact, channel: str) -> tuple[int, int] | None:
        """What is left of its wait for a call, behind those who have waited longer: the median and the 90th percentile."""
        queue, klass = contact.queue, self.profile(channel).klass
        clock, there = self.counting(queue, channel), self.members_at_work(queue, klass)
        others = self.those_ahead(queue, klass, contact)
        longer = [each for each in others if (each.entered_ms, each.id) < (contact.entered_ms, contact.id)]
        ahead = [each for each in others if each in longer or self.own_class(each).klass < klass]
        work_ms = self.work_first_ms(queue, klass, ahead, free=False)
        if not there or work_ms is None:
            return None
        least_ms = -(-work_ms // len(there))
        waited_ms = clock.between(contact.entered_ms, self.moment)
        by_work_ms = least_ms * self.recents.get((queue, klass), Recent()).margin // WHOLE
        left = [max(each - waited_ms, by_work_ms) for each in self.with_margin(queue, klass, clock, others, least_ms)]
        p50_ms, _, p90_ms = (real_ms(clock, self.moment, min(each, YEAR_MS)) for each in left)
        return p50_ms, p90_ms

    def overdrawn(self, name: str, channel: str) -> bool:
        """More is to be done than the queue takes on."""
        most_ms = self.queue(name).max_expected_wait_ms
        known = self.expected(name, channel, self.profile(channel).klass) if most_ms > 0 else None
        return known is not None and known[1] > most_ms

    def expect(self, contact: Contact) -> e.WaitExpected | None:
        """Of a visit that begins, as of before it does."""
        contact.expected_ms = None
        first = contact.visit == 1 and self.asks(contact.queue)
        if contact.promise is not None or not (first or self.asks_of_each(contact.queue)):
            return None
        known = self.expected(contact.queue, contact.channel, self.own_class(contact).klass, contact)
        if known is None:
            return None
        p50_ms, p80_ms, p90_ms = known[0]
        contact.expected_ms = p80_ms
        return e.WaitExpected(self.moment, contact.queue, p50_ms, p80_ms, p90_ms, said_ms(p80_ms))

    def free_in_ms(self, queue: str) -> int | None:
        """Until one of those who are ready is done with a live contact."""
        ready = sum(1 for agent in self.agents if agent.ready and agent.rank(queue) is not None)
        mean_ms = self.mean_ms(queue, 1)
        return None if mean_ms is None or ready == 0 else -(-mean_ms // ready)


def real_ms(clock: Clock, since_ms: int, counted_ms: int) -> int:
    if counted_ms > 0 or clock.is_open(since_ms):
        return clock.lasts(since_ms, counted_ms)
    opens_ms = clock.next_turn(since_ms)
    return YEAR_MS if opens_ms is None else opens_ms - since_ms


def percentile(waits: list[int], percent: int) -> int:
    """By the nearest rank; 0 of none."""
    return waits[max(1, -(-len(waits) * percent // 100)) - 1] if waits else 0


def said_ms(wait_ms: int) -> int:
    """Rounded up to what people say."""
    steps = [minutes * MINUTE_MS for minutes in SAID_MINUTES if minutes * MINUTE_MS >= wait_ms]
    return min(YEAR_MS, steps[0] if steps else -(-wait_ms // DAY_MS) * DAY_MS)
