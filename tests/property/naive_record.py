"""What acts of the naive router share: a record of what happened, refusals, and looking things up."""

from collections import Counter
from typing import Any, NoReturn

from cordboard.events import event as e
from cordboard.events.policy import ChannelProfile, Policy, QueuePolicy
from tests.property.naive_clock import ALWAYS, Clock, clock_of
from tests.property.naive_matching import Matching
from tests.property.naive_state import Agent, Contact, Effect, Hours, Matter, Mode, Place, Promise, Work

Line = tuple[bytes | None, bytes | None, Any]
"""Contact, agent and event."""


CONTACTS_OWN = (e.ContactQueued, e.ContactEnded, e.VisitEnded, e.MessageRelayed)
"""Events of the contact alone: which agent their entry names beside it is not compared."""


MEMORY_MS = 15 * 60_000


class Refusal(Exception):
    """Why a fact does not stand."""


class Record(Matching):
    """The state with a record of what happened to it."""

    def __init__(self, policy: Policy, at_ms: int) -> None:
        super().__init__(policy)
        self.at_ms = self.committed_ms = self.t = self.moment = at_ms
        """`t` is the newest fact's time, `moment` that of the fact or timer at hand."""
        self.began_ms = at_ms
        self.clocks: dict[tuple[int, str], Clock] = {}
        self.arrivals = 0
        self.ended: dict[bytes, int] = {}
        """When each contact that is gone did."""
        self.effects: list[Effect] = []
        self.seen: dict[bytes, int] = {}
        self.lines: list[Line] = []
        self.looking: list[Agent | Contact] = []
        self.helpers: list[Agent] = []
        """Whose sides ended with the primary's engagement: they settle when all else is done."""
        self.newcomers: list[Contact] = []
        """Who entered a queue."""
        self.again: list[Contact] = []
        """Whose offer or connect has just ended: should its agent leave for that, it looks once more behind those who lose them."""
        self.losers: list[Agent] = []
        """Who serves less than before."""
        self.kept_back: Agent | None = None
        """Whose contacts are being taken away: they settle when that is done."""
        self.released: list[Agent] = []
        """Who was reserved and is not any more."""
        self.looked_in_vain: list[bytes] = []
        self.agents_changed: list[Agent] = []
        self.queues_released: list[str] = []
        """Contacts, agents, queues for which a reservation may be possible now."""
        self.modes: dict[str, Mode] = {}
        self.hours: dict[str, Hours] = {}
        self.promises: dict[bytes, Promise] = {}
        self.came: list[tuple[bytes, str, bool, bytes | None]] = []
        """Contacts that were answered, parked or ended: how, whether they had been answered before, and what they went on as."""
        self.sla_clocks: list[Any] = []
        self.case_clocks: list[Any] = []
        self.case_ends: dict[tuple[bytes, str], Any] = {}
        """What is remembered of clocks of cases that are over, by case and SLA (naive_case_clocks)."""
        self.broken_replies: set[tuple[bytes, str]] = set()
        """Contacts and SLAs for the next response that broke, until an agent says a word (naive_slas)."""
        self.recents: dict[tuple[str, int], Any] = {}
        """What is known of queues and classes about which the policy asks (naive_expected)."""
        self.shown: dict[str, e.DoorTurned] = {}
        """What was said last of each door (naive_doors)."""
        self.doors_looked_ms: dict[str, int] = {}
        """When each was looked at last in this turn because of the time."""
        self.choices: dict[bytes, Any] = {}
        """Of whoever may choose a next step, contact or none any more (naive_next_steps)."""
        self.plans: dict[str, dict[int, int]] = {}
        """How many promises fit into the slots of which a plan says so, by queue."""
        self.effects_asked: Counter[bytes] = Counter()
        self.places_of_effects: dict[tuple[bytes, int], tuple[int, int]] = {}
        """Where the journal put each of a contact's."""
        self.places: dict[tuple[bytes, str], Place] = {}
        self.matters: dict[tuple[bytes, str], Matter] = {}
        self.day_ms = at_ms - 1

    def record(self, event: Any, contact: bytes | None = None, agent: bytes | None = None) -> None:
        about = None if isinstance(event, CONTACTS_OWN) else agent
        self.lines.append((contact, about, event))

    def refuse(self, reason: str) -> NoReturn:
        raise Refusal(reason)

    def profile(self, channel: str) -> ChannelProfile:
        found = [profile for profile in self.policy.channels if profile.name == channel]
        return found[0] if found else self.refuse("unknown_channel")

    def queue(self, name: str) -> QueuePolicy:
        found = [queue for queue in self.policy.queues if queue.name == name]
        return found[0] if found else self.refuse("unknown_queue")

    def calendar(self, queue: str) -> Clock:
        """When the queue is open."""
        name = self.queue(queue).calendar
        return ALWAYS if name is None else self.clock(name)

    def clock(self, name: str) -> Clock:
        """Of a calendar of the policy."""
        (calendar,) = [each for each in self.policy.calendars if each.name == name]
        known = (self.policy.version, name)
        if known not in self.clocks:
            self.clocks[known] = clock_of(calendar, self.began_ms)
        return self.clocks[known]

    def counted(self, contact: Contact, queue: str) -> Clock:
        """What time counts for the contact there: deferrable work waits while the queue is open."""
        profile = self.profile(contact.channel)
        return self.calendar(queue) if profile.presence == "async" or profile.klass == 3 else ALWAYS

    def ask_for_effect(self, contact: bytes, agent: bytes) -> Effect:
        self.effects_asked[contact] += 1
        number = self.effects_asked[contact]
        effect = Effect(contact, agent, number, self.places_of_effects.get((contact, number)))
        self.effects.append(effect)
        return effect

    def know_reason(self, reason: str | None) -> None:
        if reason is not None and reason not in [each.name for each in self.policy.reasons]:
            self.refuse("unknown_reason")

    def know_skills(self, skills: list[str]) -> None:
        if any(skill not in self.policy.skills for skill in skills):
            self.refuse("unknown_skill")

    def known_agent(self, ref: bytes) -> Agent:
        return self.agent(ref) or self.refuse("unknown_agent")

    def is_gone(self, ref: bytes) -> bool:
        """It ended a while ago at most; nobody remembers it longer. Whoever was turned away never was one."""
        if ref in self.choices and self.contact(ref) is None:
            return True
        return ref in self.ended and self.at_ms - self.ended[ref] < MEMORY_MS

    def live(self, ref: bytes) -> Contact:
        if self.is_gone(ref):
            self.refuse("contact_gone")
        if ref in self.promises and self.contact(ref) is None:
            self.refuse("contact_scheduled")
        return self.contact(ref) or self.refuse("unknown_contact")

    def parties(self, work: Work) -> tuple[Contact, Agent]:
        contact, agent = self.contact(work.contact), self.agent(work.agent)
        assert contact is not None and agent is not None
        return contact, agent
