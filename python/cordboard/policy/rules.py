"""The classification as the document describes it: an ordered list of rules, each with examples, and what holds when none does."""

from typing import Final

from cordboard.events.policy import (
    FORM_FIELDS_MAX,
    KEYWORDS_MAX,
    LANGUAGES_MAX,
    POLICY_CHANNELS_MAX,
    RULES_MAX,
    Rule,
)
from cordboard.policy.kinds import Requirements, Whole
from cordboard.policy.nested import Nested, NestedList
from cordboard.policy.setting import Section, Setting
from cordboard.policy.text_kinds import FieldValue, MailAddress, Needle, Sender, Text
from cordboard.policy.word_kinds import ByName, Flag, LanguageCode, Several, Word

EXAMPLES_MAX: Final = 32
EXAMPLE_TEXT_MAX: Final = 2_000

WHEN = Section(
    "condition",
    (
        Setting("channel", Several(Word("channel"), POLICY_CHANNELS_MAX), "It came in on one of these.", field="channels"),
        Setting("entry_point", Several(Word("entry point"), KEYWORDS_MAX), "… through one of these doors.", field="entry_points"),
        Setting(
            "sender",
            Several(Sender(), KEYWORDS_MAX),
            "From one of these addresses; `@example.com` is a whole domain.",
            field="addresses",
        ),
        Setting("language", Several(LanguageCode(), LANGUAGES_MAX), "Written in one of these.", field="languages"),
        Setting(
            "keywords",
            Several(Needle(), KEYWORDS_MAX),
            "One of these words or phrases is in subject or text, whatever its case and accents; `*` is any ending of a word.",
            field="keywords",
        ),
        Setting(
            "fields",
            ByName(Several(FieldValue(), KEYWORDS_MAX), FORM_FIELDS_MAX, "values for each field", "reason: [damaged, broken]"),
            "Each of these form or webhook fields has one of the values; `*` is any.",
            field="fields",
        ),
        Setting("segment", Several(Word("segment"), KEYWORDS_MAX), "The customer is one of these.", field="segments"),
        Setting("automatic", Flag(), "true: a machine wrote it. false: a person did.", field="automatic"),
    ),
    Rule,
)
_THEN = (
    Setting("topic", Word("topic"), "What it is about.", field="topic"),
    Setting("queue", Word("queue"), "Where it goes, if not where the topic says.", field="queue"),
    Setting("requires", Requirements(), "Skills it needs, beside the queue's and its language.", field="requirements"),
    Setting("priority", Whole(0, 100), "Steps of priority; each is worth routing.age_credit.", field="priority"),
    Setting("new_case", Flag(), "Begin a case of its own, even if it answers something.", field="new_case"),
)
THEN = Section("classification", _THEN, Rule)
EXAMPLE = Section(
    "example",
    (
        Setting("text", Text(EXAMPLE_TEXT_MAX, lines=True), "Subject and text."),
        Setting("channel", Word("channel"), "Where it comes in; as in the rule's conditions if not given, like all below."),
        Setting("entry_point", Word("entry point"), "The door."),
        Setting("sender", MailAddress(), "Who sends it."),
        Setting("language", LanguageCode(), "As the page or form declares it; otherwise it is found out from the text."),
        Setting(
            "fields",
            ByName(Text(EXAMPLE_TEXT_MAX, lines=True), FORM_FIELDS_MAX, "a value for each field", "reason: damaged"),
            "Fields of the form or webhook.",
        ),
        Setting("segment", Word("segment"), "The customer's segment."),
        Setting("automatic", Flag(), "Whether a machine wrote it."),
    ),
    short="text",
)
_EXAMPLES = Setting("examples", NestedList(EXAMPLE, EXAMPLES_MAX), "Texts that this rule must catch; `policy check` tries them.")
RULE = Section(
    "rule",
    (
        Setting("name", Word("rule"), "Its name: it is recorded on every contact that it classifies.", required=True),
        Setting("when", Nested(WHEN), "Conditions: all of them hold, each by any of its values."),
        Setting("then", Nested(THEN), "What follows.", required=True),
        _EXAMPLES,
    ),
    Rule,
)
DEFAULT = Section("default", (*_THEN, _EXAMPLES), Rule)
CLASSIFICATION = Section(
    "classification",
    (
        Setting("rules", NestedList(RULE, RULES_MAX), "In this order; the first that holds decides."),
        Setting("default", Nested(DEFAULT), "What holds when no rule does."),
    ),
)
