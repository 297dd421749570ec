"""From a YAML file or text to a compiled site: the one door of this package."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from cordboard import codec
from cordboard.events.policy import Policy
from cordboard.policy.checks import check_document
from cordboard.policy.compile import check_compiled, check_size, compile_policy
from cordboard.policy.examples import Example, collect_examples, try_examples
from cordboard.policy.kinds import Labels
from cordboard.policy.problems import PolicyErrors, Problem, Problems
from cordboard.policy.sections import read_document
from cordboard.policy.tree import TEXT_MAX, read_tree


@dataclass(frozen=True)
class CompiledSite:
    """A policy that is ready to publish, and the words for people that do not travel with it.

    `digest` (32 bytes) is of the content, not the version; `labels` by `queues.orders`, `skills.nl.written` …, then by language;
    `examples` those of the rules; `text` the document.
    """

    policy: Policy
    labels: Mapping[str, Labels] = field(default_factory=dict)
    source: str = ""
    examples: tuple[Example, ...] = ()
    text: str = ""

    def try_examples(self) -> None:
        """Classify the examples of the rules. Raises PolicyErrors if another one catches it. Slow the first time."""
        problems = try_examples(self.examples, self.policy)
        if problems:
            raise PolicyErrors(problems, source=self.source, text=self.text)

    @property
    def digest(self) -> bytes:
        """SHA-256 of the compiled policy at version 0: equal for equal content."""
        return hashlib.sha256(self.compiled(0)).digest()

    def at_version(self, version: int) -> Policy:
        """The policy to publish as `version` (the last one in force + 1)."""
        return msgspec.structs.replace(self.policy, version=version)

    def compiled(self, version: int) -> bytes:
        """The bytes a PolicyPublished fact carries."""
        return codec.encode(self.at_version(version))

    def label(self, path: str, *languages: str) -> str:
        """Text for people for `queues.orders`: in the first of `languages` there is, else in any, else the bare name."""
        texts = self.labels.get(path, {})
        for language in languages:
            for tag in (language, language.split("-")[0]):
                if tag in texts:
                    return texts[tag]
        return next(iter(texts.values()), path.partition(".")[2])


def load(source: Path | str, *, version: int = 1) -> CompiledSite:
    """Read, check and compile a site policy. A `str` of several lines is the text itself, of one line a path.

    Raises PolicyErrors with all problems: line, column, and what to write instead. `version` is the caller's: the last one + 1.
    """
    if isinstance(source, str) and "\n" in source:
        return loads(source, version=version)
    path = Path(source)
    return loads(read_text(path), source=str(path), version=version)


def loads(text: str, *, source: str = "", version: int = 1) -> CompiledSite:
    """The same for a text; `source` is its name in messages."""
    problems = Problems()
    tree = read_tree(text.removeprefix("\ufeff"), problems)
    if tree is None:
        problems.raise_if_any(source, text)
    document = read_document(tree, problems)
    check_document(document, problems)
    problems.raise_if_any(source, text)
    policy = compile_policy(document, version)
    check_size(document, policy, problems)
    problems.raise_if_any(source, text)
    check_compiled(policy)
    return CompiledSite(policy, document.labels(), source, collect_examples(document, policy), text)


def read_text(path: Path, *, bytes_max: int = 4 * TEXT_MAX) -> str:
    """A file's text. Raises PolicyErrors if it cannot be read, is too large, or is not UTF-8."""
    try:
        with path.open("rb") as file:
            data = file.read(bytes_max + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise PolicyErrors([Problem(1, 1, "", f"the file cannot be read: {reason}")], source=str(path)) from error
    if len(data) > bytes_max:
        problem = Problem(1, 1, "", "the file is too large", f"at most {bytes_max:,} bytes are read")
        raise PolicyErrors([problem], source=str(path))
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8")) + 1
        problem = Problem(before.count(b"\n") + 1, column, "", "not UTF-8", "save the file as UTF-8")
        raise PolicyErrors([problem], source=str(path)) from error
