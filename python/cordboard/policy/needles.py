"""Finds words and phrases in a text, whatever their case and accents: all needles of a policy in one pass over the text.

A text is folded (NFKD, accents dropped, case folded) and cut into words; a needle is a run of words, each whole unless it ends in
`*`, which stands for any ending. A trie of words is walked from every word on, so the time grows with the text alone.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator

TEXT_MAX = 16_000
"""Characters of a text that are looked at."""
_WORD = re.compile(r"\w+")
_NEEDLE_WORD = re.compile(r"\w+\*?")


def fold(text: str) -> str:
    """Lower case without accents, at most TEXT_MAX characters: `Größe` and `GROSSE` are equal, as are `é` and `e`."""
    decomposed = unicodedata.normalize("NFKD", text[:TEXT_MAX].casefold())[:TEXT_MAX]
    if decomposed.isascii():
        return decomposed
    return "".join(char for char in decomposed if not unicodedata.combining(char)).casefold()


def words(text: str) -> list[str]:
    """The folded words of a text; punctuation, apostrophes and hyphens only separate."""
    return _WORD.findall(fold(text))


def needle_words(needle: str) -> tuple[str, ...]:
    """The folded words of a needle, each with its `*` if it has one; empty if no word is in it."""
    return tuple(_NEEDLE_WORD.findall(fold(needle)))


class _Node:
    """What may follow: the next whole words, the next beginnings of words, and the needles that end here."""

    __slots__ = ("beginnings", "ends", "longest", "wholes")

    def __init__(self) -> None:
        self.wholes: dict[str, _Node] = {}
        self.beginnings: dict[str, _Node] = {}
        self.longest = 0
        self.ends: set[int] = set()

    def child(self, word: str) -> "_Node":
        if not word.endswith("*"):
            return self.wholes.setdefault(word, _Node())
        stem = word[:-1]
        self.longest = max(self.longest, len(stem))
        return self.beginnings.setdefault(stem, _Node())

    def after(self, word: str) -> Iterator["_Node"]:
        if (whole := self.wholes.get(word)) is not None:
            yield whole
        if self.beginnings:
            for length in range(1, min(len(word), self.longest) + 1):
                if (node := self.beginnings.get(word[:length])) is not None:
                    yield node


class Needles:
    """Needles with the number of whom they belong to."""

    def __init__(self, needles: Iterable[tuple[str, int]] = ()) -> None:
        self._root = _Node()
        for needle, owner in needles:
            parts = needle_words(needle)
            node = self._root
            for part in parts:
                node = node.child(part)
            if parts:
                node.ends.add(owner)

    def owners(self, text_words: list[str]) -> set[int]:
        """Whose needles are in the text."""
        found: set[int] = set()
        for _, node in self._matches(text_words):
            found |= node.ends
        return found

    def covers(self, text_words: list[str]) -> bool:
        """Whether the text consists of nothing but needles, one after the other; an empty text does not."""
        reached = {0}
        for start in range(len(text_words)):
            if start in reached:
                reached.update(end for end, node in self._from(text_words, start) if node.ends)
        return bool(text_words) and len(text_words) in reached

    def _matches(self, text_words: list[str]) -> Iterator[tuple[int, _Node]]:
        for start in range(len(text_words)):
            yield from self._from(text_words, start)

    def _from(self, text_words: list[str], start: int) -> Iterator[tuple[int, _Node]]:
        """The nodes reached from the word at `start` on, each with the place behind its last word."""
        front: list[_Node] = [self._root]
        for place in range(start, len(text_words)):
            front = [after for node in front for after in node.after(text_words[place])]
            if not front:
                return
            for node in front:
                yield place + 1, node
