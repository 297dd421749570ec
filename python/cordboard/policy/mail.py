"""Mail as the document describes it: the sender's name, templates by language, replies that ask for nothing."""

from cordboard.events.policy import KEYWORDS_MAX, LANGUAGES_MAX, TEXT_MAX, MailPolicy, MailTemplate
from cordboard.policy.nested import NestedNames
from cordboard.policy.setting import Names, Section, Setting
from cordboard.policy.text_kinds import Needle, Text
from cordboard.policy.word_kinds import Several

TEMPLATE = Section(
    "template",
    (
        Setting(
            "greeting",
            Text(TEXT_MAX, lines=True),
            "Before the agent's text; `{customer}` is the customer's name.",
            field="greeting",
        ),
        Setting("signature", Text(TEXT_MAX, lines=True), "Below it; `{agent}` is the agent's name.", field="signature"),
    ),
    MailTemplate,
)
MAIL = Section(
    "mail",
    (
        Setting("sender_name", Text(120), "The name beside our address.", field="sender_name"),
        Setting(
            "templates",
            NestedNames(Names("templates", TEMPLATE, LANGUAGES_MAX, "By language; the first serves languages that have none.")),
            "What stands around an agent's text, by language; the first serves languages that have none.",
            field="templates",
        ),
        Setting(
            "no_action",
            Several(Needle(), KEYWORDS_MAX),
            "Replies that consist of nothing but these phrases are attached without reopening anything.",
            field="no_action",
        ),
    ),
    MailPolicy,
)
