"""What is wrong with a document, where, and what to write instead: all of it at once, as a compiler does."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from cordboard.errors import InvalidInput

PROBLEMS_MAX = 200
"""More than this nobody reads; the rest shows after the first ones are mended."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake. `line` and `column` count from 1; `path` is dotted (`channels.chat.cost`), empty for the whole document."""

    line: int
    column: int
    path: str
    message: str
    suggestion: str | None = None

    def __str__(self) -> str:
        where = f"{self.line}:{self.column}: {self.path + ': ' if self.path else ''}{self.message}"
        return f"{where} ({self.suggestion})" if self.suggestion else where


class PolicyErrors(InvalidInput):
    """The document has mistakes: all that were found are in `problems`, in the order of the file.

    `source` is the file's name; `text` the document as read (empty if it could not be read), for showing the lines.
    """

    reason = "invalid_policy"

    def __init__(self, problems: Iterable[Problem], *, source: str = "", text: str = "") -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.line, problem.column, problem.path, problem.message)))
        self.source = source
        self.text = text
        prefix = f"{source}:" if source else ""
        super().__init__("\n".join(f"{prefix}{problem}" for problem in self.problems) or "the document has problems")


class Problems:
    """Collects problems while a document is read. Beyond PROBLEMS_MAX it only counts."""

    def __init__(self) -> None:
        self.found: list[Problem] = []
        self.count = 0

    def add(self, at: tuple[int, int], path: str, message: str, suggestion: str | None = None) -> None:
        """`at` is (line, column), both from 1."""
        self.count += 1
        if self.count <= PROBLEMS_MAX:
            self.found.append(Problem(at[0], at[1], path, message, suggestion))

    def unknown(self, at: tuple[int, int], path: str, what: str, word: str, known: Iterable[str]) -> None:
        """A word that is none of `known`: add it with the nearest one, or with all if they are few."""
        self.add(at, path, f"unknown {what} `{shorten(word)}`", did_you_mean(word, known))

    def __bool__(self) -> bool:
        return self.count > 0

    def raise_if_any(self, source: str, text: str) -> None:
        """Raise PolicyErrors with everything found so far."""
        if self.found:
            raise PolicyErrors(self.found, source=source, text=text)


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """`did you mean …?` with the nearest of `known`, else the list of them if it is short."""
    choices = list(dict.fromkeys(known))
    near = difflib.get_close_matches(shorten(word).lower(), choices, n=1, cutoff=0.6)
    if near:
        return f"did you mean `{near[0]}`?"
    if 0 < len(choices) <= 12:
        return "write one of " + ", ".join(f"`{choice}`" for choice in choices)
    return None


def shorten(text: str, limit: int = 60) -> str:
    """`text` on one line and at most `limit` characters, for messages."""
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"
