"""YAML text to a small tree that knows its lines and columns.

Only the shapes a policy needs: no anchors, aliases or tags (so nothing can blow up), one document, a bounded depth, no key twice.
Scalars stay text: whoever reads one knows the type it expects, so `no`, `on`, `1.10` and `0777` never become anything else.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)

from cordboard.policy.problems import Problems, shorten

TEXT_MAX = 1 << 20
"""Characters of a policy document."""
DEPTH_MAX = 16


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value as written, quotes and folding undone. `plain`: it was written without quotes."""

    at: tuple[int, int]
    text: str
    plain: bool = True

    @property
    def empty(self) -> bool:
        """Nothing was written: `key:`, `key: ~` or `key: null`."""
        return self.plain and self.text in ("", "~", "null", "Null", "NULL")


@dataclass(frozen=True, slots=True)
class Listing:
    """A sequence."""

    at: tuple[int, int]
    items: tuple["Tree", ...]


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping in the order of the file; every key once."""

    at: tuple[int, int]
    entries: tuple[tuple[Scalar, "Tree"], ...]


Tree = Scalar | Listing | Mapping


class _Stopped(Exception):
    """Reading cannot go on; the problem is recorded already."""


def read_tree(text: str, problems: Problems, *, text_max: int = TEXT_MAX) -> Tree | None:
    """The document's tree, or None if it is empty or cannot be read at all (then `problems` says why)."""
    if len(text) > text_max:
        problems.add((1, 1), "", f"the document has {len(text):,} characters", f"at most {text_max:,} are read")
        return None
    try:
        return _Reader(text, problems).document()
    except _Stopped:
        return None


class _Reader:
    """Builds the tree from the parser's events; recursion is bounded by DEPTH_MAX."""

    def __init__(self, text: str, problems: Problems) -> None:
        self._text = text
        self._problems = problems
        self._events = _events(text)
        self._at = (1, 1)

    def document(self) -> Tree | None:
        """The one document of the stream."""
        root: Tree | None = None
        seen = False
        while not isinstance(event := self._next(), StreamEndEvent):
            if isinstance(event, StreamStartEvent | DocumentEndEvent):
                continue
            if isinstance(event, DocumentStartEvent):
                if seen:
                    self._stop(_place(event), "a second document begins here", "keep one document a file: remove the `---`")
                seen = True
                continue
            root = self._tree(event, "", 0)
        return root

    def _tree(self, event: Event, path: str, depth: int) -> Tree:
        at = _place(event)
        if depth > DEPTH_MAX:
            self._stop(at, f"nested deeper than {DEPTH_MAX} levels", None)
        if isinstance(event, AliasEvent):
            self._problems.add(at, path, f"aliases such as `*{event.anchor}` are not read", "write the value out")
            return Scalar(at, "")
        assert isinstance(event, NodeEvent)
        if event.anchor is not None:
            self._problems.add(
                at, path, f"anchors such as `&{event.anchor}` are not read", "remove it and write values out where needed"
            )
        tag: Any = getattr(event, "tag", None)
        if tag is not None:
            self._problems.add(at, path, f"tags such as `{shorten(str(tag))}` are not read", "remove the tag")
        if isinstance(event, ScalarEvent):
            return Scalar(at, self._whole(event.value, at, path), plain=event.style is None)
        if isinstance(event, SequenceStartEvent):
            return self._listing(at, path, depth)
        return self._mapping(at, path, depth)

    def _whole(self, text: str, at: tuple[int, int], path: str) -> str:
        r"""JSON writes rare characters as two escapes, `"\ud83d\ude42"`: make them one. Half of one is no text."""
        try:
            return text.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            self._problems.add(at, path, "half a character", "remove the escape `\\u…`, or write its other half too")
            return ""

    def _listing(self, at: tuple[int, int], path: str, depth: int) -> Listing:
        items: list[Tree] = []
        while not isinstance(event := self._next(), SequenceEndEvent):
            items.append(self._tree(event, f"{path}[{len(items)}]", depth + 1))
        return Listing(at, tuple(items))

    def _mapping(self, at: tuple[int, int], path: str, depth: int) -> Mapping:
        entries: dict[str, tuple[Scalar, Tree]] = {}
        while not isinstance(event := self._next(), MappingEndEvent):
            key = self._tree(event, path, depth + 1)
            below = f"{path}.{key.text}".lstrip(".") if isinstance(key, Scalar) else path
            value = _beside(self._tree(self._next(), below, depth + 1), event)
            if not isinstance(key, Scalar):
                self._problems.add(key.at, path, "a key must be one word", "put the value in quotes if it begins with [ or {")
            elif key.text in entries:
                first = entries[key.text][0].at[0]
                self._problems.add(
                    key.at, below, f"`{shorten(key.text)}` stands twice", f"it is on line {first} already: keep one of them"
                )
            else:
                entries[key.text] = (key, value)
        return Mapping(at, tuple(entries.values()))

    def _next(self) -> Event:
        try:
            event = next(self._events)
        except MarkedYAMLError as error:
            mark: Any = error.problem_mark or error.context_mark
            at = (mark.line + 1, mark.column + 1) if mark is not None else self._at
            self._stop(at, f"not YAML: {shorten(str(error.problem or error.context))}", _yaml_advice(str(error.problem)))
        except YAMLError as error:  # a character that no YAML may contain
            self._stop(
                self._offset(getattr(error, "position", 0)),
                "a character that YAML does not allow",
                "remove it, or save the file as UTF-8",
            )
        except Exception as error:  # noqa: BLE001 - the parser also asserts and overflows on odd input, such as %YAML 1.9 or "\UFFFFFFFF"
            self._stop(self._at, f"not YAML after this place: {shorten(str(error))}", None)
        self._at = _place(event)
        return event

    def _offset(self, position: Any) -> tuple[int, int]:
        before = self._text[: position if isinstance(position, int) else 0]
        return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1

    def _stop(self, at: tuple[int, int], message: str, suggestion: str | None) -> NoReturn:
        self._problems.add(at, "", message, suggestion)
        raise _Stopped


def _events(text: str) -> Iterator[Event]:
    """Lazily, so that nothing is built of a text that is refused at its first hazard."""
    events: Iterator[Event] = YAML(typ="safe", pure=True).parse(text)
    return events


def _place(event: Event) -> tuple[int, int]:
    mark: Any = event.start_mark
    return mark.line + 1, mark.column + 1


def _beside(value: Tree, key: Event) -> Tree:
    """A value that was never written is said to be where the next thing begins: rather say that it is missing behind its key."""
    if not isinstance(value, Scalar) or value.text or not value.plain:
        return value
    mark: Any = key.end_mark
    return Scalar((mark.line + 1, mark.column + 2), "")


def _yaml_advice(problem: str) -> str | None:
    """What usually lies behind the parser's words."""
    if "mapping values are not allowed" in problem:
        return "put the text in quotes if it contains `: `, or check the indentation"
    if "cannot start any token" in problem:
        return "indent with spaces, and quote values that begin with a special character"
    if "expected <block end>" in problem or "could not find expected ':'" in problem:
        return "check the indentation of this line and the one before"
    if "stream end" in problem or "end of stream" in problem:
        return "a bracket or a quote is not closed"
    return None
