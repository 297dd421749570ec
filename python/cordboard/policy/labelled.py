"""Texts whose topic somebody has said, and how often a policy says the same.

    texts = load_labelled("examples/labelled.tsv", policy)      # PolicyErrors names every mistake by line and column
    judged = judge(policy, texts)
    accuracy(judged), confusion(judged)

A file of lines with tabs between the columns `language`, `channel`, `topic` and `text`; `split` and `entry_point` may be there too.
The language is not told to the classifier: it has to find out, as it must for mail.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cordboard.events.policy import Policy
from cordboard.policy.classify import Classification, Classifier, Signals
from cordboard.policy.load import read_text
from cordboard.policy.problems import Problems

COLUMNS = ("language", "channel", "topic", "text")
"""Those that must be there."""
OPTIONAL = ("split", "entry_point")
LINES_MAX = 100_000
LINE_MAX = 20_000
NO_TOPIC = "none"
"""The topic of a text that has none."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """One text with what is right for it. `split` tells texts that rules were tuned on from those that were held out."""

    language: str
    channel: str
    topic: str
    text: str
    split: str = ""
    entry_point: str | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """A labelled text and what the policy makes of it."""

    labelled: Labelled
    found: Classification

    @property
    def topic(self) -> str:
        """The topic that was found."""
        return self.found.topic or NO_TOPIC

    @property
    def right(self) -> bool:
        """Whether that is the labelled one."""
        return self.topic == self.labelled.topic


def load_labelled(path: Path | str, policy: Policy) -> list[Labelled]:
    """Read a file and check it against `policy`. Raises PolicyErrors with all problems."""
    path = Path(path)
    return loads_labelled(read_text(path, bytes_max=64 << 20), policy, source=str(path))


def loads_labelled(text: str, policy: Policy, *, source: str = "") -> list[Labelled]:
    """The same for a text."""
    problems, found = Problems(), list[Labelled]()
    lines = text.removeprefix("\ufeff").splitlines()
    columns = lines[0].split("\t") if lines else []
    missing = [column for column in COLUMNS if column not in columns]
    if missing:
        problems.add(
            (1, 1), "", f"column `{missing[0]}` is missing", "begin with a line of " + ", ".join(COLUMNS) + ", tabs between"
        )
    for column in columns:
        if column not in (*COLUMNS, *OPTIONAL):
            problems.unknown((1, 1), "", "column", column, (*COLUMNS, *OPTIONAL))
    if len(lines) > LINES_MAX:
        problems.add((LINES_MAX, 1), "", f"{len(lines):,} lines", f"at most {LINES_MAX:,}")
    problems.raise_if_any(source, text)
    known = {
        "channel": {channel.name for channel in policy.channels},
        "topic": {topic.name for topic in policy.topics} | {NO_TOPIC},
        "entry_point": {entry_point.name for entry_point in policy.entry_points},
    }
    for number, line in enumerate(lines[1:], 2):
        if line.strip():
            found += _labelled(line, number, columns, known, problems)
    problems.raise_if_any(source, text)
    return found


def judge(policy: Policy, texts: Iterable[Labelled]) -> list[Judged]:
    """Classify every text."""
    classifier = Classifier(policy)
    signals = ((one, Signals(channel=one.channel, entry_point=one.entry_point, text=one.text)) for one in texts)
    return [Judged(one, classifier.classify(heard)) for one, heard in signals]


def accuracy(judged: Sequence[Judged]) -> float:
    """The share that is right, 0 to 1; 1 of nothing."""
    return sum(one.right for one in judged) / len(judged) if judged else 1.0


def confusion(judged: Iterable[Judged]) -> dict[str, dict[str, int]]:
    """How many of each labelled topic (outer) were found to be of each topic (inner)."""
    table: dict[str, Counter[str]] = {}
    for one in judged:
        table.setdefault(one.labelled.topic, Counter())[one.topic] += 1
    return {topic: dict(found) for topic, found in table.items()}


def _labelled(line: str, number: int, columns: list[str], known: dict[str, set[str]], problems: Problems) -> list[Labelled]:
    values = line.split("\t")
    if len(values) != len(columns) or len(line) > LINE_MAX:
        advice = f"write one value a column, in at most {LINE_MAX:,} characters"
        problems.add((number, 1), "", f"{len(values)} values in {len(columns)} columns", advice)
        return []
    row = dict(zip(columns, (value.strip() for value in values), strict=True))
    before = problems.count
    for column, words in known.items():
        if (row.get(column) and row[column] not in words) or (column not in ("entry_point",) and not row.get(column)):
            place = 1 + len("\t".join(values[: columns.index(column)])) + (columns.index(column) > 0)
            problems.unknown((number, place), "", column.replace("_", " "), row.get(column, ""), sorted(words))
    if problems.count > before:
        return []
    return [
        Labelled(row["language"], row["channel"], row["topic"], row["text"], row.get("split", ""), row.get("entry_point") or None)
    ]
