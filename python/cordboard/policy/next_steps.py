"""Next steps of an entry point, in the words of the document: what customers can do whom nobody can help (docs/overflow.md).

`[callback, queue service, voicemail mailbox]` compiles to steps that say what follows them; the last one, a message, is never
written.
"""

from dataclasses import dataclass
from typing import Final, get_args

from cordboard.events.policy import MESSAGE_MAX, NEXT_STEPS_MAX, NextStep, StepKind
from cordboard.policy.kinds import NAME_PATTERN, Duration, Kind, Label, Schema, name, scalar
from cordboard.policy.problems import Problems, did_you_mean, shorten
from cordboard.policy.setting import Setting
from cordboard.policy.tree import Scalar, Tree
from cordboard.policy.word_kinds import Several

TOLD: Final = "message"
WRITABLE: Final = tuple(kind for kind in get_args(StepKind) if kind != TOLD)
_MINUTE_MS: Final = 60_000


@dataclass(frozen=True)
class OneStep(Kind):
    """`callback`, `queue service`: a step, and where it leads. Reads to a NextStep that does not say yet what follows."""

    def read(self, node: Tree, path: str, problems: Problems) -> NextStep | None:
        text = scalar(node, path, problems, "a next step, such as `voicemail mailbox`")
        if text is None:
            return None
        kind, *rest = text.split()
        if kind == TOLD:
            problems.add(node.at, path, "a message is always the last step", "leave it out, and write its text under `told:`")
            return None
        if kind not in WRITABLE:
            problems.add(node.at, path, f"`{shorten(kind)}` is no next step", did_you_mean(kind, WRITABLE))
            return None
        if len(rest) > 1 or (not rest and kind != "callback"):
            wanted = "one name behind it" if rest else "a name behind it"
            problems.add(node.at, path, f"`{shorten(text)}` needs {wanted}", f"write `{kind} {rest[0] if rest else 'service'}`")
            return None
        to = name(Scalar(node.at, rest[0]), path, problems) if rest else None
        return None if rest and to is None else NextStep(kind, to)  # type: ignore[arg-type]  # it is one of WRITABLE

    def schema(self) -> Schema:
        word = NAME_PATTERN.removeprefix("^").removesuffix("$")
        return {"type": "string", "pattern": f"^(callback|({'|'.join(WRITABLE)}) +{word})$"}

    def spell(self, value: NextStep) -> str:
        return value.kind if value.to is None else f"{value.kind} {value.to}"


@dataclass(frozen=True)
class Steps(Several):
    """The steps that are written: the message behind them is not."""

    def spell(self, value: list[NextStep]) -> list[str]:
        return [self.kind.spell(step) for step in value if step.kind != TOLD]


NEXT_STEPS: Final = (
    Setting(
        "next_steps",
        Steps(OneStep(), NEXT_STEPS_MAX - 1),
        "What customers can do whom nobody can help, best first: `[callback, queue service, voicemail mailbox, form contact]`.",
        field="next_steps",
        rare=True,
    ),
    Setting(
        "choose_within",
        Duration(5_000, 60 * _MINUTE_MS),
        "How long they may choose; then they are told, and it is over.",
        field="choose_ms",
        rare=True,
    ),
    Setting("told", Label(MESSAGE_MAX), "What they are told then: one text, or one a language.", field="messages", rare=True),
)
"""Settings of an entry point."""
