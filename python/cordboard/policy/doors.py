"""The doors of a site as the document describes them: topics, entry points, forms, webhooks."""

from typing import Final

from cordboard.events.policy import (
    CHOICES_MAX,
    ENTRY_POINTS_MAX,
    FORM_FIELDS_MAX,
    FORMS_MAX,
    TOPICS_MAX,
    WEBHOOKS_MAX,
    Availability,
    EntryPoint,
    Form,
    FormField,
    Topic,
    Webhook,
)
from cordboard.policy.kinds import Duration, Label, OneOf, Percent, Whole
from cordboard.policy.nested import NestedNames, NestedStruct
from cordboard.policy.next_steps import NEXT_STEPS
from cordboard.policy.setting import Names, Section, Setting
from cordboard.policy.text_kinds import MailAddress, Pointer, WebAddress
from cordboard.policy.word_kinds import ByName, Flag, LanguageCode, Word

FORM_CHANNEL: Final = "form"
WEBHOOK_CHANNEL: Final = "webhook"
FORM_LABEL_MAX: Final = 120

LABEL = Setting("label", Label(), "What people see: one text, or one a language: `{nl: Bestellingen, de: Bestellungen}`.")
SHOWN_LABEL = Setting("label", Label(FORM_LABEL_MAX), "What customers see in the form, by language.", field="labels")
WORD = Section("word", (LABEL,), short="label")

_QUEUE = Setting("queue", Word("queue"), "Where its contacts go, unless a rule says otherwise.", field="queue")
_TOPIC = Setting("topic", Word("topic"), "What its contacts are about, unless a rule says otherwise.", field="topic")
_LANGUAGE = Setting("language", LanguageCode(), "The language of texts that do not show their own.", field="language")

TOPIC = Section("topic", (LABEL, _QUEUE), Topic, short="queue")
TOPICS = Names("topics", TOPIC, TOPICS_MAX, "What contacts are about, and where each goes.")

_WAIT = Duration(1_000, 30 * 86_400_000)
_LEAST = Duration(0, 86_400_000)
AVAILABILITY = Section(
    "availability",
    (
        Setting("open_below", _WAIT, "It is open while the expected wait is below this, else busy.", field="open_below_ms"),
        Setting("min_open", _LEAST, "How long it stays open at least, whatever the wait does.", field="min_open_ms"),
        Setting("min_closed", _LEAST, "How long it stays busy or closed at least.", field="min_closed_ms"),
        Setting(
            "keep_free",
            Percent(1, 99),  # of 0 there were no tickets, of 100 no room
            "It closes while this share of its queue's room (`max_waiting`) is still left, for those who hold tickets.",
            field="keep_free_percent",
        ),
        Setting("listen_only", Flag(), "Take messages when nobody is there (session channels).", field="listen_only"),
        Setting("referral", Word("entry point"), "Where customers are sent while it is not open.", field="referral"),
    ),
    Availability,
    short="open_below",
)

ENTRY_POINT = Section(
    "entry point",
    (
        Setting("label", Label(), "What customers see where they are sent to it, by language.", field="labels"),
        Setting("channel", Word("channel"), "The channel it opens.", field="channel", required=True),
        Setting("address", MailAddress(), "Mail: the address customers write to.", field="address"),
        _QUEUE,
        _TOPIC,
        _LANGUAGE,
        Setting(
            "availability",
            NestedStruct(AVAILABILITY),
            "When customers are shown that it is open, busy or closed: `{}` for the defaults. Without it nothing is said of it.",
            field="availability",
            rare=True,
        ),
        *NEXT_STEPS,
    ),
    EntryPoint,
)
ENTRY_POINTS = Names("entry_points", ENTRY_POINT, ENTRY_POINTS_MAX, "Doors to the channels: mail addresses, chat buttons.")

FIELD = Section(
    "form field",
    (
        SHOWN_LABEL,
        Setting(
            "kind",
            OneOf(("text", "long_text", "email", "phone", "number", "date", "choice", "checkbox")),
            "What may be written into it.",
            field="kind",
        ),
        Setting("required", Flag(), "Whether it must be filled in.", field="required"),
        Setting("max_length", Whole(1, 16_000), "Characters at most.", field="max_length"),
        Setting(
            "choices",
            NestedNames(Names("choices", WORD, CHOICES_MAX, "What can be chosen, with its label.", listable=True)),
            "Of kind choice: what can be chosen.",
            field="choices",
        ),
        Setting(
            "as",
            OneOf(("subject", "text", "email", "name", "language")),
            "What it is to the engine; other fields are shown to agents, and rules may ask for them.",
            field="role",
        ),
    ),
    FormField,
    short="kind",
)
FORM = Section(
    "form",
    (
        SHOWN_LABEL,
        Setting("channel", Word("channel"), f"The channel it opens ({FORM_CHANNEL})."),
        Setting("queue", Word("queue"), _QUEUE.doc),
        Setting("topic", Word("topic"), _TOPIC.doc),
        Setting("language", LanguageCode(), _LANGUAGE.doc),
        Setting(
            "fields",
            NestedNames(Names("fields", FIELD, FORM_FIELDS_MAX, "The fields, in the order in which customers see them.")),
            "The fields, in the order in which customers see them.",
            field="fields",
            required=True,
        ),
    ),
    Form,
)
FORMS = Names("forms", FORM, FORMS_MAX, "Web forms; each is an entry point of its channel.")

WEBHOOK = Section(
    "webhook",
    (
        LABEL,
        Setting("channel", Word("channel"), f"The channel it opens ({WEBHOOK_CHANNEL})."),
        Setting("queue", Word("queue"), _QUEUE.doc),
        Setting("topic", Word("topic"), _TOPIC.doc),
        Setting("text", Pointer(), "Where the text stands in the JSON: `/review/text`.", field="text", required=True),
        Setting("subject", Pointer(), "Where the subject stands.", field="subject"),
        Setting("customer", Pointer(), "Where the customer's address or id stands.", field="customer"),
        Setting(
            "customer_kind", Word("kind of address"), "What that is: email, phone, or a word of your own.", field="customer_kind"
        ),
        Setting("customer_name", Pointer(), "Where the customer's name stands.", field="customer_name"),
        Setting("language", Pointer(), "Where the language stands.", field="language"),
        Setting(
            "thread",
            Pointer(),
            "Where the source's id of the matter stands: payloads with the same one are one case.",
            field="thread",
        ),
        Setting(
            "fields",
            ByName(Pointer(), FORM_FIELDS_MAX, "a place in the JSON for each field", "rating: /review/rating"),
            "Further values, for agents and rules.",
            field="fields",
        ),
        Setting("reply_url", WebAddress(), "Where answers are posted.", field="reply_url"),
    ),
    Webhook,
)
WEBHOOKS = Names(
    "webhooks", WEBHOOK, WEBHOOKS_MAX, "What signed payloads of other systems mean; each is an entry point of its channel."
)
