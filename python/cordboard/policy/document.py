"""The policy document: every setting it may hold, in the words people write, with its bounds, default and meaning.

One description serves all: reading the YAML (`sections`), the JSON Schema for editors (`schema`), the compiled policy (`compile`).
`field` is the name in `cordboard.events.policy`; defaults are those of the words there, so that they stand in one place.
"""

from typing import Final

from cordboard.events.bounds import CAPACITY_MAX, RANKS_MAX
from cordboard.events.policy import (
    CALENDARS_MAX,
    POLICY_CHANNELS_MAX,
    POLICY_SKILLS_MAX,
    QUEUES_MAX,
    WORDS_MAX,
    ChannelProfile,
    Policy,
    QueuePolicy,
)
from cordboard.policy.calendars import CALENDAR
from cordboard.policy.callbacks import CALLBACKS
from cordboard.policy.conversation import CONVERSATION
from cordboard.policy.doors import ENTRY_POINTS, FORMS, LABEL, TOPICS, WEBHOOKS, WORD
from cordboard.policy.kinds import Duration, Language, OneOf, Percent, Requirements, SiteName, Timezone, Whole
from cordboard.policy.mail import MAIL
from cordboard.policy.monitoring import MONITORING
from cordboard.policy.moving import ANSWERING, ASKING, TRANSFERS
from cordboard.policy.rules import CLASSIFICATION
from cordboard.policy.setting import Names, Section, Setting
from cordboard.policy.slas import SLAS
from cordboard.policy.waiting import COMING_BACK, REPEATS, WAITING
from cordboard.policy.word_kinds import ByName, Several

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

LIVE_OFFER_TTL_MAX_MS: Final = 5 * MINUTE_MS
"""A live customer hears the bell that long at most."""
STRATEGIES: Final = ("longest_idle", "least_loaded", "best_skilled", "least_skilled_fit", "round_robin", "fewest_today")
BUILT_IN_REASONS: Final = ("declined", "missed", "technical")
"""Not-ready reasons that the engine itself gives; their class is `system`."""
REASON_CLASSES: Final = ("break", "meal", "training", "meeting", "back_office", "technical", "personal", "system")


SITE = Section(
    "site",
    (
        Setting("site", SiteName(), "The site's name, as in `cordboard up --site`.", field="site", required=True),
        Setting("language", Language(), "The language of labels that name none (en)."),
        Setting("timezone", Timezone(), "Where the site's days begin and end: `Europe/Amsterdam`.", field="timezone"),
        Setting("capacity", Whole(1, CAPACITY_MAX), "Units of work an agent can carry at once (100).", field="capacity"),
        Setting("max_parked", Whole(0, 1_000), "Parked contacts an agent may own at once.", field="max_parked"),
        Setting(
            "owner",
            Duration(0, 30 * DAY_MS),
            "A parked contact that returns waits this long for its owner, if present; then anyone will do.",
            field="owner_ms",
        ),
        Setting(
            "reopen",
            Duration(0, 365 * DAY_MS),
            "A reply within this time goes on with the case, its last agent preferred; later it begins a new one.",
            field="reopen_ms",
        ),
    ),
    Policy,
)

ROUTING = Section(
    "routing",
    (
        Setting(
            "order",
            OneOf(("urgency", "strict")),
            "urgency: nearness to the target, priority as a credit in time. strict: priority before all but the class.",
            field="order",
        ),
        Setting(
            "age_credit", Duration(0, 7 * DAY_MS), "What one step of priority is worth in waiting time.", field="age_credit_ms"
        ),
        Setting(
            "freed_agent",
            OneOf(("rank_then_key", "key")),
            "What a freed agent takes first: the queue they rank lowest, or the most urgent of all.",
            field="freed_agent",
        ),
        Setting("prefer", Duration(0, DAY_MS), "How long a preferred agent is waited for.", field="prefer_ms"),
        Setting(
            "decline_cooldown",
            Duration(0, 8 * HOUR_MS),
            "A contact that was declined stays away that long.",
            field="decline_cooldown_ms",
        ),
        Setting(
            "reoffer_min",
            Duration(0, 8 * HOUR_MS),
            "… and at least that long, even with nobody else present.",
            field="reoffer_min_ms",
        ),
        Setting(
            "declines_limit", Whole(1, 100), "Declines in a row after which an agent is set to not ready.", field="declines_limit"
        ),
        Setting(
            "connect_retry",
            Duration(0, HOUR_MS),
            "After a failed connect the pair is kept apart that long.",
            field="connect_retry_ms",
        ),
        Setting(
            "toggle_grace",
            Duration(0, HOUR_MS),
            "An agent back within this time keeps the place in the idle order.",
            field="toggle_grace_ms",
        ),
        *REPEATS,
        *TRANSFERS,
    ),
    Policy,
)

CHANNEL = Section(
    "channel",
    (
        LABEL,
        Setting(
            "presence",
            OneOf(("live", "session", "async")),
            "live: the customer is there and waits. session: a conversation with pauses. async: work without a waiting customer.",
            field="presence",
            required=True,
        ),
        Setting(
            "class",
            Whole(0, 3),
            "0 emergency, 1 live, 2 session, 3 deferrable; a lower class always goes first.",
            field="klass",
            required=True,
        ),
        Setting(
            "answered_on",
            OneOf(("connected", "first_message")),
            "What counts as the answer for service level and speed of answer; never the accept.",
            field="answered_on",
            required=True,
        ),
        Setting("offer_ttl", Duration(SECOND_MS, HOUR_MS), "How long an agent may think about an offer.", field="offer_ttl_ms"),
        Setting(
            "connect",
            Duration(SECOND_MS, 10 * MINUTE_MS),
            "An accepted contact must be connected within this time.",
            field="connect_ms",
        ),
        Setting("wrap_up", Duration(0, 8 * HOUR_MS), "After-contact work; 0s for none.", field="wrap_up_ms"),
        Setting(
            "wrap_up_max",
            Duration(0, 8 * HOUR_MS),
            "Longest wrap-up with extensions, from its start; 0s forbids extensions.",
            field="wrap_up_max_ms",
        ),
        Setting("wrap_up_cost", Percent(), "Share of the cost that wrap-up still takes.", field="wrap_up_cost_percent"),
        Setting("cost", Whole(0, CAPACITY_MAX), "Units of an agent's capacity one contact takes.", field="cost"),
        Setting("max_concurrent", Whole(1, 1_000), "Contacts of this channel an agent may have at once.", field="max_concurrent"),
        Setting(
            "on_missed",
            OneOf(("not_ready", "switch_off")),
            "After missed offers: the agent is set to not ready, or this channel is switched off.",
            field="on_missed",
        ),
        Setting("missed_limit", Whole(1, 100), "Missed offers in a row before that happens.", field="missed_limit"),
        Setting(
            "last_offer_before",
            Duration(0, 8 * HOUR_MS),
            "No offer so shortly before an agent is known to leave; 0s: offers until then.",
            field="last_offer_before_ms",
        ),
        Setting(
            "desk_lost",
            Duration(SECOND_MS, DAY_MS),
            "So long a lost desk may come back before somebody else gets its contacts (live ones stay).",
            field="desk_lost_ms",
        ),
        Setting(
            "reply",
            OneOf(("live", "mail", "webhook")),
            "How an agent's answer reaches the customer: over the connection that is there, by mail, or posted to the source.",
            field="reply",
        ),
        *CONVERSATION,
        *COMING_BACK,
        *ANSWERING,
    ),
    ChannelProfile,
)

TARGET = Duration(SECOND_MS, 90 * DAY_MS)

QUEUE = Section(
    "queue",
    (
        LABEL,
        Setting("target", TARGET, "A contact should be answered within this time of arrival.", field="target_ms"),
        Setting(
            "targets",
            ByName(TARGET, POLICY_CHANNELS_MAX, "a duration for each channel", "chat: 45s"),
            "The same for single channels: `{chat: 45s, task: 8h}`.",
            field="targets_ms",
        ),
        Setting("requires", Requirements(), "Skills that every contact of the queue needs, beside its own.", field="requirements"),
        Setting("strategy", OneOf(STRATEGIES), "Which of several fitting agents is asked.", field="strategy"),
        Setting(
            "rank_delays",
            Several(Duration(0, 90 * DAY_MS), RANKS_MAX),
            "After how long agents of rank 0, 1, … may be asked, unless nobody of a lower rank is there.",
            field="rank_delays_ms",
        ),
        Setting(
            "drain_after",
            Duration(0, 90 * DAY_MS),
            "A contact for which nobody has room gets an agent reserved after this time; 0s: never.",
            field="drain_after_ms",
        ),
        Setting("drain_share", Percent(), "Share of the ready members who may be reserved at once.", field="drain_percent"),
        Setting(
            "short_abandon", Duration(0, 10 * MINUTE_MS), "Abandons sooner than this are counted apart.", field="short_abandon_ms"
        ),
        Setting("service_level", Percent(), "Share of contacts to be answered within the target.", field="service_level_percent"),
        *WAITING,
        *ASKING,
        *CALLBACKS,
    ),
    QueuePolicy,
)

REASON = Section(
    "not-ready reason",
    (LABEL, Setting("class", OneOf(REASON_CLASSES), "What kind of absence it is.", field="klass", required=True)),
    short="class",
)

NAMED: Final[tuple[Names, ...]] = (
    Names("skills", WORD, POLICY_SKILLS_MAX, "Everything an agent can be good at, levels 1..10.", listable=True),
    Names("channels", CHANNEL, POLICY_CHANNELS_MAX, "How contacts of each channel behave.", required=True),
    Names("queues", QUEUE, QUEUES_MAX, "Where contacts wait.", required=True),
    Names("calendars", CALENDAR, CALENDARS_MAX, "When queues are open."),
    SLAS,
    Names("reasons", REASON, WORDS_MAX, "Why agents may be not ready."),
    Names("dispositions", WORD, WORDS_MAX, "How agents close a contact.", listable=True),
    Names("segments", WORD, WORDS_MAX, "Kinds of customer, for rules to tell apart.", listable=True),
    TOPICS,
    ENTRY_POINTS,
    FORMS,
    WEBHOOKS,
)

BLOCKS: Final[tuple[tuple[str, Section, str], ...]] = (
    ("classification", CLASSIFICATION, "What contacts are about and where they go: the first rule that holds."),
    ("mail", MAIL, "How mail is read and written."),
    ("monitoring", MONITORING, "What boards, histories and explanations show of single agents."),
    ("routing", ROUTING, "How contacts and agents are matched."),
)
"""Mappings with known keys that stand once: the key, what is below it, what it is for."""
