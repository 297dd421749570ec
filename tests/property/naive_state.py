"""What the naive router remembers: plain objects in plain lists. Nothing here is fast, everything is obvious."""

from dataclasses import dataclass, field

from cordboard.events.agent_events import DeskDue
from cordboard.events.bounds import AgentChannel, Key, Membership, Requirement, Skill
from cordboard.events.promises import Hours as CustomerHours

ACCEPTED = ("connecting", "engaged", "wrapping")
CONNECTED = ("engaged", "wrapping")
FORGOTTEN = b""
"""To whom an offer of an earlier visit was made."""


@dataclass(slots=True)
class Work:
    """An agent with a contact, from the offer to the end of the wrap-up. `until_ms` is its deadline, if it has one."""

    contact: bytes
    agent: bytes
    attempt: int
    channel: str
    queue: str
    cost: int
    state: str
    """offered, held (of a group in which another accepted), connecting, engaged, wrapping."""
    until_ms: int | None
    wrap_started_ms: int = 0
    klass: int = 0
    """The contact's when it was offered."""
    role: str = "primary"
    direct: bool = False
    interrupts: bool = False
    """Only by putting other work aside had the agent room for it."""
    dormant: bool = False
    full_cost: int = 0
    paced_ms: int | None = None
    """When its engagement began, if it is counted how long that takes; and what it took of its agent by now."""
    spent_ms: int = 0


@dataclass(slots=True)
class Outside:
    """Work from elsewhere that takes an agent's room."""

    work: bytes
    channel: str
    cost: int


@dataclass(slots=True)
class Mode:
    """Of a queue. From `close_at_ms` on, those who still wait move on."""

    mode: str
    close_at_ms: int | None


@dataclass(slots=True)
class Hours:
    """Of a queue with a calendar: whether it is open, until when those who came before it closed are served, and when it turns."""

    open: bool
    close_at_ms: int | None
    next_ms: int | None


@dataclass(slots=True)
class Place:
    """In a queue, kept for a customer who left it, until `until_ms`."""

    contact: bytes
    queue: str
    key: Key
    queued_at_ms: int
    target_ms: int
    priority: int
    until_ms: int


@dataclass(slots=True)
class Matter:
    """A customer's arrivals about one topic, until when they are remembered, and who helped last."""

    arrivals: list[int] = field(default_factory=list)
    until_ms: int = 0
    agent: bytes | None = None


@dataclass(slots=True)
class Exclusion:
    """Not this agent before `until_ms`; from `reoffer_ms` on only while somebody else eligible is present.

    `soft`: the contact has looked again at `reoffer_ms`; `lifted`: at `until_ms`. Silence moves both, and it looks once more.
    """

    agent: bytes
    until_ms: int
    reoffer_ms: int
    soft: bool = False
    lifted: bool = False


@dataclass(slots=True)
class Effect:
    """An answer on its way out. `place`: commit and entry of its event, as the journal gave them."""

    contact: bytes
    agent: bytes
    number: int
    """Of all, in the order in which they were asked for."""
    place: tuple[int, int] | None = None
    failed: bool = False
    round: int = 1
    is_dial: bool = False
    """It asks for a call, and nobody wants it any more once that is over."""


@dataclass(slots=True)
class Promise:
    """A call that is promised, until it ends."""

    contact: bytes
    channel: str
    queue: str
    mode: str
    made_ms: int
    requirements: list[Requirement]
    priority: int
    customer: bytes | None
    preferred: list[bytes]
    entry_point: str | None
    topic: str | None
    case: bytes | None
    rule: str | None
    language: str | None
    accepts: list[str]
    address: bytes | None
    hours: list[CustomerHours]
    slot_ms: int = 0
    due_ms: int = 0
    from_ms: int = 0
    until_ms: int = 0
    next_ms: int = 0
    """When its contact stands in line next."""
    due: bool = False
    """Its contact stands among live ones."""
    visit: int = 0
    since_ms: int = 0
    """When that visit began."""
    offers: list[tuple[bytes, str]] = field(default_factory=list)
    """Those of earlier visits: nobody knows them any more."""
    messages: int = 0
    counted: int = 0
    dials: int = 0
    failed: bool = False
    """The last dial of this visit came to nothing, and neither the customer nor an agent is why."""
    accepted_ms: int = 0
    dial: Effect | None = None
    at_risk: bool = False
    place: int = 0
    """The number of arrival that its contact has in this visit; in a place that is kept that of whoever stood there first."""
    held_for: bytes | None = None
    """As which contact its customer is here, so that nobody calls."""
    served: bytes | None = None
    """As which contact its customer was answered while they were dialled last."""
    key: Key | None = None
    """Of a place that is kept: where it stands, with the promise's priority."""


@dataclass(slots=True)
class Contact:
    id: bytes
    channel: str
    queue: str
    wishes: list[Requirement]
    requirements: list[Requirement]
    priority: int
    customer: bytes | None
    preferred: list[bytes]
    entry_point: str | None
    topic: str | None
    key: Key
    entered_ms: int
    target_ms: int
    prefer_until_ms: int | None
    case: bytes
    named_case: bytes | None = None
    rule: str | None = None
    language: str | None = None
    owner: bytes | None = None
    """Of a parked contact: who put it aside."""
    parked_until_ms: int = 0
    state: str = "queued"
    visit: int = 1
    wait_ended_ms: int = 0
    """When the last visit's wait did."""
    answered: bool = False
    answered_before: bool = False
    sender: bytes | None = None
    messages: int = 0
    attempts: list[tuple[bytes, str]] = field(default_factory=list)
    """Agent and fate of every attempt: made, accepted, declined, expired, revoked."""
    exclusions: list[Exclusion] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    """Queues that a plan added."""
    opens_ms: list[int] = field(default_factory=list)
    """When each rank may be offered it."""
    reserved: bytes | None = None
    """Who is kept free for it."""
    accepts: list[str] = field(default_factory=list)
    parked_kind: str = ""
    queues: list[str] = field(default_factory=list)
    """Those it was in, in their order."""
    queued_at_ms: int = 0
    preference_over: bool = False
    """It has looked at the end of its preference."""
    step: int = 0
    step_at_ms: int | None = None
    threshold: int = 0
    threshold_at_ms: int | None = None
    promote_at_ms: int | None = None
    promotable: bool = False
    promoted_from: int | None = None
    """The class it had before it was promoted."""
    drain_at_ms: int | None = None
    looked_ms: int = -1
    """It has looked at the openings of ranks and the beginning of its drain up to here."""
    resumes: bytes | None = None
    matter: tuple[int, int] | None = None
    transfers: int = 0
    back: bytes | None = None
    """Who gets it back if the agent it was transferred to does not take it."""
    unanswered: bool = False
    """The customer's last message has no answer yet."""
    owes: str = "customer"
    """Of an engaged contact: who is to say the next word."""
    owed_since_ms: int = 0
    silence: tuple[int, str] | None = None
    """What happens when nobody says it, and when."""
    held_since_ms: int | None = None
    waits_parked: bool = False
    """It is parked because it gave way, and its customer waits for an answer."""
    was_parked: bool = False
    """It comes from there into its queue."""
    returned: bool = False
    """It prefers whoever parked it."""
    fell_back: bool = False
    """It is back in its queue from hands that did not help, or was moved there, and has not looked since."""
    promise: Promise | None = None
    segment: str | None = None
    owed_first: bool = False
    """It follows from a next step of one that would have begun its case, and that nobody answered."""
    expected_ms: int | None = None
    """How long this visit was likely to wait."""
    not_behind: int | None = None
    """Where a promise stands with which it goes on."""

    @property
    def ever_answered(self) -> bool:
        return self.answered or self.answered_before


@dataclass(slots=True)
class Agent:
    id: bytes
    skills: list[Skill] = field(default_factory=list)
    memberships: list[Membership] = field(default_factory=list)
    channels: list[AgentChannel] = field(default_factory=list)
    capacity: int = 0
    requested: tuple[str, str | None] = ("offline", None)
    effective: tuple[str, str | None] = ("offline", None)
    left_ready_ms: int | None = None
    idle_since_ms: int = 0
    off: dict[str, str] = field(default_factory=dict)
    """Channels that are switched off, and why: requested or missed."""
    over_recorded: bool = False
    """The excess of load is in the journal already."""
    declines: int = 0
    missed: dict[str, int] = field(default_factory=dict)
    outside: list[Outside] = field(default_factory=list)
    leaves_ms: int | None = None
    desk_lost_ms: int | None = None
    started: int = 0
    """Engagements today."""
    ready_ms: int = 0
    """Time ready today, without the one that runs since `ready_since_ms`."""
    ready_since_ms: int | None = None
    desk_dues: list[DeskDue] = field(default_factory=list)
    leg_failures: int = 0
    """Connections that failed on the agent's side, in a row."""

    def profile(self, channel: str) -> AgentChannel | None:
        return next((each for each in self.channels if each.channel == channel), None)

    def rank(self, queue: str) -> int | None:
        return next((each.rank for each in self.memberships if each.queue == queue), None)

    def level(self, skill: str) -> int:
        return next((each.level for each in self.skills if each.skill == skill), 0)

    @property
    def ready(self) -> bool:
        """Ready, and not about to leave; whatever the load."""
        return self.requested[0] == "ready" and self.effective[0] == "ready"
