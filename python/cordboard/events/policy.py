"""The compiled site policy: what `cordboard policy check` makes of a YAML file and `PolicyPublished` carries (msgpack *map*).

All durations are milliseconds. Unknown keys are ignored by readers, so a policy may be newer than its reader.
"""

from typing import Annotated, Literal

import msgspec

from cordboard.events.bounds import (
    PLAN_MAX,
    QUEUES_ADDED_MAX,
    RANKS_MAX,
    SIBLINGS_MAX,
    Channel,
    Count,
    DurationMs,
    Ms,
    Name,
    Priority,
    Requirement,
)
from cordboard.events.terms import SlaMeasure, ThresholdAction

QUEUES_MAX = 512
POLICY_SKILLS_MAX = 1_024
POLICY_CHANNELS_MAX = 16
WORDS_MAX = 256
TOPICS_MAX = 256
ENTRY_POINTS_MAX = 256
RULES_MAX = 256
FORMS_MAX = 32
FORM_FIELDS_MAX = 32
WEBHOOKS_MAX = 32
NEXT_STEPS_MAX = 8
MESSAGE_MAX = 500
LANGUAGES_MAX = 32
CHOICES_MAX = 64
KEYWORDS_MAX = 64
TEXT_MAX = 1_000
DAYS_MAX = 512
CALENDARS_MAX = 64
SLAS_MAX = 32
SLA_QUEUES_MAX = 512
SLA_SEGMENTS_MAX = 64
INTERVALS_MAX = 12
EXCEPTIONS_MAX = 366
HOLIDAY_REGIONS_MAX = 8
WEEKS_MAX = 96
GROUP_MAX = 1_000
LabelText = Annotated[str, msgspec.Meta(max_length=120)]
Labels = Annotated[dict[Name, LabelText], msgspec.Meta(max_length=LANGUAGES_MAX)]
"""A text for people by language."""
DoorLabels = Annotated[dict[Name, Annotated[str, msgspec.Meta(max_length=200)]], msgspec.Meta(max_length=LANGUAGES_MAX)]
"""What customers see of an entry point, by language."""
Pointer = Annotated[str, msgspec.Meta(pattern=r"^(/[^/]{1,64}){1,8}$", max_length=256)]
"""A place in a JSON document (RFC 6901)."""
StepKind = Literal["callback", "queue", "voicemail", "form", "mail", "message"]
"""What a next step is: a call back, a place in another queue, something left behind (spoken, in a form, by mail), or to be told."""
MessageText = Annotated[str, msgspec.Meta(max_length=MESSAGE_MAX)]
Messages = Annotated[dict[Name, MessageText], msgspec.Meta(max_length=LANGUAGES_MAX)]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Minute = Annotated[int, msgspec.Meta(ge=0, le=1_440)]
Intervals = Annotated[list[tuple[Minute, Minute]], msgspec.Meta(max_length=INTERVALS_MAX)]
"""Opening and closing in minutes of the local day; one that closes before it opens closes on the next day."""
LocalDate = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", max_length=10)]
ReasonClass = Literal["break", "meal", "training", "meeting", "back_office", "technical", "personal", "system"]


Percent = Annotated[int, msgspec.Meta(ge=0, le=100)]


class Replacement(msgspec.Struct, frozen=True, kw_only=True):
    """The soft requirement of `skill` becomes `by`, if the customer accepts `language` (None: in any case)."""

    skill: Name
    by: Requirement
    language: Name | None = None


class ChannelProfile(msgspec.Struct, frozen=True, kw_only=True):
    """How contacts of one channel behave (ROUTING: channel profile)."""

    name: Channel
    presence: Literal["live", "session", "async"]
    klass: Annotated[int, msgspec.Meta(ge=0, le=3)]
    answered_on: Literal["connected", "first_message"]
    offer_ttl_ms: DurationMs = 20_000
    connect_ms: DurationMs = 10_000
    wrap_up_ms: DurationMs = 0
    wrap_up_max_ms: DurationMs = 0
    """Longest wrap-up including extensions, from its start; 0 forbids extensions."""
    wrap_up_cost_percent: Annotated[int, msgspec.Meta(ge=0, le=100)] = 100
    cost: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 100
    max_concurrent: Annotated[int, msgspec.Meta(ge=0, le=1_000)] = 1
    on_missed: Literal["not_ready", "switch_off"] = "switch_off"
    missed_limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 2
    reply: Literal["live", "mail", "webhook"] = "live"
    """How an agent's message reaches the customer: over the connection that is there, or as an outside effect of this kind."""
    answer: Literal["manual", "auto"] = "manual"
    """`auto`: an offer is accepted as it is made."""
    last_offer_before_ms: DurationMs = 0
    """No offer to an agent who is known to leave within this time."""
    interruptible_by: Annotated[list[Channel], msgspec.Meta(max_length=POLICY_CHANNELS_MAX)] = []
    """Contacts of these channels may interrupt an engagement on this one."""
    idle_ms: DurationMs = 0
    """The customer silent for so long makes the engagement dormant; 0: never."""
    idle_end_ms: DurationMs = 0
    """And for so long ends the contact; 0: never."""
    dormant_percent: Percent = 20
    """What a dormant engagement costs."""
    silence_alert_ms: DurationMs = 0
    """The agent silent for so long, while the customer waits, is noticed; 0: never."""
    silence_requeue_ms: DurationMs = 0
    """And for so long loses the contact to somebody else; 0: never."""
    desk_lost_ms: DurationMs = 120_000
    """How long an engagement waits for a lost desk. Live channels wait for their media instead."""
    join_waiting: bool = False
    """The same customer waiting twice on this channel waits once."""
    resume_ms: DurationMs = 0
    """Who comes back within this time after leaving keeps the place; 0: never."""


class PlanStep(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a queue's plan, at this age of the contact. Hard requirements are never touched."""

    after_ms: DurationMs
    lower: Annotated[list[Requirement], msgspec.Meta(max_length=8)] = []
    """Soft requirements that become these, where they are higher."""
    drop: Annotated[list[Name], msgspec.Meta(max_length=8)] = []
    """Soft requirements of these skills that end."""
    replace: Annotated[list[Replacement], msgspec.Meta(max_length=8)] = []
    queues: Annotated[list[Name], msgspec.Meta(max_length=QUEUES_ADDED_MAX)] = []
    """Members of these queues may serve it, too."""
    raise_priority: Annotated[int, msgspec.Meta(ge=0, le=100)] = 0
    release_preference: bool = False


class Floor(msgspec.Struct, frozen=True, kw_only=True):
    """Members of a queue that are kept on a class of contacts while it has work."""

    klass: Annotated[int, msgspec.Meta(ge=0, le=3)]
    members: Annotated[int, msgspec.Meta(ge=1, le=1_000)]


class Threshold(msgspec.Struct, frozen=True, kw_only=True):
    """What happens when a contact has waited so long: for `wait_ms`, or that share of its target, or once a wait of
    `expected_wait_ms` is expected of it."""

    name: Name
    wait_ms: DurationMs | None = None
    target_percent: Annotated[int, msgspec.Meta(ge=0, le=10_000)] | None = None
    action: ThresholdAction = "notify"
    raise_priority: Annotated[int, msgspec.Meta(ge=0, le=100)] = 0
    queue: Name | None = None
    """Where it overflows to."""
    group: Name | None = None
    """Whom it concerns."""
    expected_wait_ms: DurationMs | None = None
    """Reached on entry if so long a wait is expected (p80) then, else once the contact has waited so long."""


SlotMs = Annotated[int, msgspec.Meta(ge=60_000, le=86_400_000)]
"""How long a slot of callbacks is: a minute to a day."""
Places = Annotated[int, msgspec.Meta(ge=0, le=65_535)]
"""Promises that fit into a slot."""
DialMode = Literal["agent_first", "customer_first"]
Returning = Literal["keep", "cancel", "merge"]
"""`agent_first`: the agent sees the callback, accepts, and only then the customer is dialled. `customer_first`: the customer is
dialled as soon as an agent is reserved."""


class CallbackPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Callbacks of a queue. Kept is connected between `early_ms` before and `late_ms` after what was promised."""

    slot_ms: SlotMs = 900_000
    capacity: Places = 0
    """Promises that a slot holds in opening hours, unless a plan says otherwise."""
    early_ms: DurationMs = 300_000
    late_ms: DurationMs = 600_000
    horizon_ms: DurationMs = 1_209_600_000
    """How far ahead anything is promised."""
    attempts: Annotated[int, msgspec.Meta(ge=1, le=100)] = 3
    retry_ms: DurationMs = 600_000
    """Between two attempts."""
    ring_min_ms: DurationMs = 20_000
    """An attempt without an answer counts only after so much ringing."""
    dial_ms: DurationMs = 30_000
    """How long the customer is dialled."""
    mode: DialMode = "agent_first"
    holdback_percent: Percent = 10
    """Members held at one time for promises that are nearly missed (rounded up)."""
    holdback_ms: DurationMs = 0
    """The next agent is held so long before the last moment to dial; 0: nobody is."""
    hold_place: bool = False
    """Who waits may hang up and keep the place, to be called when it is reached. What wait is expected is said in this queue."""
    offer_missed: bool = False
    """Who came in vain is to be offered a callback."""
    returning: Returning = "keep"
    """What becomes of the promise if its customer comes in before."""


class QueuePolicy(msgspec.Struct, frozen=True, kw_only=True):
    """One queue. `targets_ms` by channel, else `target_ms`. `requirements` are added to those a contact brings."""

    name: Name
    target_ms: DurationMs = 60_000
    targets_ms: dict[Channel, DurationMs] = {}
    requirements: Annotated[list[Requirement], msgspec.Meta(max_length=8)] = []
    strategy: Literal["longest_idle", "least_loaded", "best_skilled", "least_skilled_fit", "round_robin", "fewest_today"] = (
        "longest_idle"
    )
    short_abandon_ms: DurationMs = 5_000
    service_level_percent: Annotated[int, msgspec.Meta(ge=0, le=100)] = 80
    broadcast: Annotated[int, msgspec.Meta(ge=1, le=SIBLINGS_MAX)] = 1
    """Agents who are offered a contact at the same time."""
    rank_delays_ms: Annotated[list[DurationMs], msgspec.Meta(max_length=RANKS_MAX)] = []
    """Age of a contact at which members of rank 0, 1, … may be offered it; ranks beyond the list: the last."""
    plan: Annotated[list[PlanStep], msgspec.Meta(max_length=PLAN_MAX)] = []
    thresholds: Annotated[list[Threshold], msgspec.Meta(max_length=PLAN_MAX)] = []
    promote_before_ms: DurationMs = 0
    """Deferrable work becomes live so long before it is due; 0: never."""
    promoted_percent: Percent = 20
    """Promoted contacts at one time, of the queue's ready members (rounded up)."""
    floors: Annotated[list[Floor], msgspec.Meta(max_length=4)] = []
    drain_after_ms: DurationMs = 0
    """A contact that finds no agent with enough room for so long has one reserved; 0: never."""
    drain_percent: Percent = 10
    """Members reserved at one time (rounded up)."""
    max_waiting: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 0
    """New contacts are not admitted while so many wait; 0: no limit."""
    admit_unstaffed: bool = True
    """New contacts are admitted when every member is offline."""
    overflow: Name | None = None
    """Where contacts go that are not admitted, or still wait after closing; None: they are refused, or end."""
    closing_grace_ms: DurationMs = 600_000
    """Contacts admitted before closing are served for so long."""
    callbacks: CallbackPolicy | None = None
    """None: nobody is promised a call."""
    calendar: Name | None = None
    """When it is open; None: always. Deferrable work is due in the time it is."""
    max_expected_wait_ms: DurationMs = 0
    """New contacts are not admitted while there is more to do first; 0: no limit."""


class CalendarPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """When queues are open. The last three fields are for the core, and made when the policy is published: weeks of 7 times 24
    hours follow each other from `from_ms` on, `order` says which of `weeks` each one is, and one of those is openings and closings
    in turn, in minutes from its beginning. The last week repeats."""

    name: Name
    timezone: Annotated[str, msgspec.Meta(max_length=64)] = ""
    """IANA; empty: the site's."""
    hours: dict[Weekday, Intervals] = {}
    holidays: Annotated[list[Annotated[str, msgspec.Meta(max_length=16)]], msgspec.Meta(max_length=HOLIDAY_REGIONS_MAX)] = []
    """Countries (ISO 3166, `BE`) or their parts (`BE-VLG`, `DE-BY`), closed on their public holidays."""
    exceptions: Annotated[dict[LocalDate, Intervals], msgspec.Meta(max_length=EXCEPTIONS_MAX)] = {}
    """Hours of single days, whatever they are otherwise; none: closed."""
    from_ms: Ms = 0
    weeks: Annotated[
        list[Annotated[list[Annotated[int, msgspec.Meta(ge=0, le=10_080)]], msgspec.Meta(max_length=512)]],
        msgspec.Meta(max_length=WEEKS_MAX),
    ] = []
    order: Annotated[list[Annotated[int, msgspec.Meta(ge=0, le=WEEKS_MAX - 1)]], msgspec.Meta(max_length=WEEKS_MAX)] = []


class SlaPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What is promised to contacts of these queues, channels and segments (none: of all)."""

    name: Name
    measure: SlaMeasure
    target_ms: DurationMs
    """In time of `calendar`, if there is one, else around the clock."""
    queues: Annotated[list[Name], msgspec.Meta(max_length=SLA_QUEUES_MAX)] = []
    channels: Annotated[list[Channel], msgspec.Meta(max_length=POLICY_CHANNELS_MAX)] = []
    segments: Annotated[list[Name], msgspec.Meta(max_length=SLA_SEGMENTS_MAX)] = []
    calendar: Name | None = None
    warn_percent: Annotated[int, msgspec.Meta(ge=0, le=99)] = 80
    """At risk when so much of the time is gone; 0: nobody is warned."""
    internal: bool = False
    """A promise among us, not to the customer."""
    escalate: Name | None = None
    """The group that is told when it is at risk or broken."""
    reopen_ms: DurationMs = 30 * 24 * 3_600_000
    """A case reopened within this time goes on with what was left of its resolution; 0: it starts anew."""


class Reason(msgspec.Struct, frozen=True):
    """A reason an agent may give, for not being ready or for declining, and its class."""

    name: Name
    klass: ReasonClass


class Topic(msgspec.Struct, frozen=True, kw_only=True):
    """What contacts are about. `queue` is where they go unless a rule says otherwise."""

    name: Name
    queue: Name | None = None


class Availability(msgspec.Struct, frozen=True, kw_only=True):
    """What customers are shown of an entry point (ROUTING: channel availability)."""

    open_below_ms: DurationMs = 300_000
    """Busy from this expected wait on."""
    min_open_ms: DurationMs = 900_000
    min_closed_ms: DurationMs = 600_000
    keep_free_percent: Percent = 10
    """Of the room of its queue (`max_waiting`): closed when no more than this is left."""
    listen_only: bool = True
    """With nobody there, messages of its channel are taken, and answered later."""
    referral: Name | None = None
    """The entry point where customers are sent while this one is not open."""


class NextStep(msgspec.Struct, frozen=True, array_like=True):
    """One next step. `to`: the queue, or the entry point, that it leads to; `channel` and `queue` are those of what follows."""

    kind: StepKind
    to: Name | None = None
    channel: Channel | None = None
    queue: Name | None = None


class EntryPoint(msgspec.Struct, frozen=True, kw_only=True):
    """A door to one channel: a mail address, chat button, form, webhook. Its queue, topic, language yield to rules."""

    name: Name
    channel: Channel
    address: Annotated[str, msgspec.Meta(max_length=254)] | None = None
    """Mail: the address, in lower case; unique in the policy."""
    queue: Name | None = None
    topic: Name | None = None
    language: Name | None = None
    availability: Availability | None = None
    """None: nothing is said of it."""
    next_steps: Annotated[list[NextStep], msgspec.Meta(max_length=NEXT_STEPS_MAX)] = []
    """What customers can do whom nobody can help: in this order, the last one is a message."""
    choose_ms: DurationMs = 120_000
    messages: Messages = {}
    """What they are told at the last step, by language."""
    labels: DoorLabels = {}
    """What customers see of it where they are sent to it."""


class FormField(msgspec.Struct, frozen=True, kw_only=True):
    """One field of a form. `role` says what it is to the engine; one without is shown to agents, and rules may ask for it."""

    name: Name
    kind: Literal["text", "long_text", "email", "phone", "number", "date", "choice", "checkbox"] = "text"
    required: bool = False
    max_length: Annotated[int, msgspec.Meta(ge=1, le=16_000)] = 200
    choices: Annotated[dict[Name, Labels], msgspec.Meta(max_length=CHOICES_MAX)] = {}
    role: Literal["subject", "text", "email", "name", "language"] | None = None
    labels: Labels = {}


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """A web form; `name` is an entry point of its channel."""

    name: Name
    fields: Annotated[list[FormField], msgspec.Meta(min_length=1, max_length=FORM_FIELDS_MAX)]
    labels: Labels = {}


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """What a signed payload means; `name` is an entry point of its channel. Values are found by pointers into the JSON body."""

    name: Name
    text: Pointer
    subject: Pointer | None = None
    customer: Pointer | None = None
    customer_kind: Name = "email"
    customer_name: Pointer | None = None
    language: Pointer | None = None
    thread: Pointer | None = None
    """The source's own id of the matter: payloads with the same one belong to one case."""
    fields: Annotated[dict[Name, Pointer], msgspec.Meta(max_length=FORM_FIELDS_MAX)] = {}
    reply_url: Annotated[str, msgspec.Meta(max_length=500)] | None = None
    """Where answers are posted, signed with the same secret."""


Needles = Annotated[list[Annotated[str, msgspec.Meta(min_length=1, max_length=120)]], msgspec.Meta(max_length=KEYWORDS_MAX)]


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """The first rule whose conditions all hold classifies. Within one condition any value will do; an empty one always holds."""

    name: Name
    channels: Annotated[list[Name], msgspec.Meta(max_length=POLICY_CHANNELS_MAX)] = []
    entry_points: Annotated[list[Name], msgspec.Meta(max_length=KEYWORDS_MAX)] = []
    addresses: Needles = []
    """Sender addresses or their domains (`@example.com`), lower case."""
    languages: Annotated[list[Name], msgspec.Meta(max_length=LANGUAGES_MAX)] = []
    keywords: Needles = []
    """Whole words or phrases in subject and text, whatever their case and accents; a trailing `*` stands for any ending."""
    fields: Annotated[dict[Name, Needles], msgspec.Meta(max_length=FORM_FIELDS_MAX)] = {}
    segments: Annotated[list[Name], msgspec.Meta(max_length=KEYWORDS_MAX)] = []
    automatic: bool | None = None
    """True: only mail that a machine wrote; False: only mail that a person wrote."""
    topic: Name | None = None
    queue: Name | None = None
    requirements: Annotated[list[Requirement], msgspec.Meta(max_length=8)] = []
    priority: Annotated[int, msgspec.Meta(ge=0, le=100)] | None = None
    new_case: bool = False
    """Begin a case of its own even if the contact continues one."""


class MailTemplate(msgspec.Struct, frozen=True, kw_only=True):
    """What stands around an agent's text. `{agent}` is the agent's name, `{customer}` the customer's."""

    greeting: Annotated[str, msgspec.Meta(max_length=TEXT_MAX)] = ""
    signature: Annotated[str, msgspec.Meta(max_length=TEXT_MAX)] = ""


class MailPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How mail is read and written."""

    sender_name: Annotated[str, msgspec.Meta(max_length=120)] = ""
    templates: Annotated[dict[Name, MailTemplate], msgspec.Meta(max_length=LANGUAGES_MAX)] = {}
    """By language; the first one serves languages that have none."""
    no_action: Needles = []
    """Replies that consist of nothing but these phrases are attached without reopening anything."""


class Monitoring(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown of single agents. Routing does not read it."""

    individual_live: bool = True
    individual_history: bool = True
    group_min: Annotated[int, msgspec.Meta(ge=2, le=GROUP_MAX)] = 5
    """Where single agents are not shown, figures about fewer are not either."""
    agent_detail_days: Annotated[int, msgspec.Meta(ge=0, le=3_650)] = 0
    """So long after a period is over it is known who its agents were; 0: periods do not turn."""


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """The site's versioned document, compiled. `version` grows with every publication."""

    version: Count
    site: Name
    skills: Annotated[list[Name], msgspec.Meta(max_length=POLICY_SKILLS_MAX)]
    channels: Annotated[list[ChannelProfile], msgspec.Meta(max_length=POLICY_CHANNELS_MAX)]
    queues: Annotated[list[QueuePolicy], msgspec.Meta(max_length=QUEUES_MAX)]
    reasons: Annotated[list[Reason], msgspec.Meta(max_length=WORDS_MAX)] = []
    dispositions: Annotated[list[Name], msgspec.Meta(max_length=WORDS_MAX)] = []
    capacity: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 100
    order: Literal["urgency", "strict"] = "urgency"
    """`urgency`: nearness to the target, priority as a credit in time. `strict`: priority before everything but the class."""
    age_credit_ms: DurationMs = 60_000
    """What one step of priority is worth."""
    freed_agent: Literal["rank_then_key", "key"] = "rank_then_key"
    prefer_ms: DurationMs = 30_000
    decline_cooldown_ms: DurationMs = 60_000
    reoffer_min_ms: DurationMs = 10_000
    declines_limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 3
    connect_retry_ms: DurationMs = 5_000
    toggle_grace_ms: DurationMs = 10_000
    max_parked: Annotated[int, msgspec.Meta(ge=0, le=1_000)] = 50
    """Parked contacts an agent may own."""
    owner_ms: DurationMs = 3_600_000
    """A contact that returns waits this long for its owner, if present, then anyone will do."""
    max_transfers: Annotated[int, msgspec.Meta(ge=0, le=100)] = 0
    """The next transfer goes to `supervisor_queue`, or is refused; 0: no limit."""
    supervisor_queue: Name | None = None
    transfer_ms: DurationMs = 30_000
    """How long an agent is offered a contact that was transferred to them."""
    repeat_count: Annotated[int, msgspec.Meta(ge=0, le=100)] = 0
    """A customer who comes so often about one topic within `repeat_ms` gets a step of priority; 0: never."""
    repeat_ms: DurationMs = 7 * 24 * 3_600_000
    repeat_priority: Priority = 1
    days_ms: Annotated[list[Ms], msgspec.Meta(max_length=DAYS_MAX)] = []
    """When the site's days begin, ascending, from its time zone."""
    timezone: Annotated[str, msgspec.Meta(max_length=64)] = ""
    """Of the site's days (IANA); empty: no day turns."""
    reopen_ms: DurationMs = 7 * 24 * 3_600_000
    """A reply within this time of the contact's end goes on with the case, its last agent preferred; later it begins a new one."""
    segments: Annotated[list[Name], msgspec.Meta(max_length=WORDS_MAX)] = []
    topics: Annotated[list[Topic], msgspec.Meta(max_length=TOPICS_MAX)] = []
    entry_points: Annotated[list[EntryPoint], msgspec.Meta(max_length=ENTRY_POINTS_MAX)] = []
    forms: Annotated[list[Form], msgspec.Meta(max_length=FORMS_MAX)] = []
    webhooks: Annotated[list[Webhook], msgspec.Meta(max_length=WEBHOOKS_MAX)] = []
    rules: Annotated[list[Rule], msgspec.Meta(max_length=RULES_MAX)] = []
    default: Rule | None = None
    """What holds when no rule does."""
    mail: MailPolicy = MailPolicy()
    monitoring: Monitoring = Monitoring()
    calendars: Annotated[list[CalendarPolicy], msgspec.Meta(max_length=CALENDARS_MAX)] = []
    slas: Annotated[list[SlaPolicy], msgspec.Meta(max_length=SLAS_MAX)] = []
