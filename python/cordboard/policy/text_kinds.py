"""Kinds of value that are text: phrases, keywords, addresses, places in a JSON document."""

import re
from dataclasses import dataclass

from cordboard.policy.kinds import Kind, Schema, scalar
from cordboard.policy.needles import needle_words
from cordboard.policy.problems import Problems, shorten
from cordboard.policy.tree import Scalar, Tree

NEEDLE_MAX = 120
ADDRESS_MAX = 254
URL_MAX = 500
POINTER_PATTERN = r"^(/[^/]{1,64}){1,8}$"
ADDRESS_PATTERN = r"^[^@\s<>,;:\x22()]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$"
SENDER_PATTERN = r"^[^@\s<>,;:\x22()]{0,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$"
URL_PATTERN = r"^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[!-~]*)?$"

_POINTER = re.compile(POINTER_PATTERN.removesuffix("$") + r"\Z")
_ADDRESS = re.compile(ADDRESS_PATTERN.removesuffix("$") + r"\Z", re.ASCII)
_SENDER = re.compile(SENDER_PATTERN.removesuffix("$") + r"\Z", re.ASCII)
_URL = re.compile(URL_PATTERN.removesuffix("$") + r"\Z", re.ASCII)
_STRAY_STAR = re.compile(r"(?<!\w)\*|\*(?=\w)")


@dataclass(frozen=True)
class Text(Kind):
    """Free text, several lines if `lines`."""

    most: int
    lines: bool = False

    def read(self, node: Tree, path: str, problems: Problems) -> str | None:
        if isinstance(node, Scalar) and not node.plain and not node.text.strip():
            return ""
        text = scalar(node, path, problems, "a text")
        if text is None:
            return None
        if len(text) > self.most:
            problems.add(node.at, path, f"the text has {len(text)} characters", f"at most {self.most}")
            return None
        if not self.lines and not text.isprintable():
            problems.add(node.at, path, "the text has line breaks or control characters", "write it on one line")
            return None
        return text

    def schema(self) -> Schema:
        return {"type": ["string", "number"], "maxLength": self.most}


@dataclass(frozen=True)
class Needle(Kind):
    """A word or phrase to look for; `*` at the end of a word stands for any ending."""

    def read(self, node: Tree, path: str, problems: Problems) -> str | None:
        text = scalar(node, path, problems, "a word or phrase")
        if text is None:
            return None
        if len(text) > NEEDLE_MAX:
            problems.add(node.at, path, f"the phrase has {len(text)} characters", f"at most {NEEDLE_MAX}")
            return None
        if _STRAY_STAR.search(text):
            advice = "put it at the end of a word, such as `defekt*`"
            problems.add(node.at, path, f"`*` stands for any ending of a word, but not so in `{shorten(text)}`", advice)
            return None
        if not needle_words(text):
            problems.add(node.at, path, f"no word is in `{shorten(text)}`", "write a word of letters or digits")
            return None
        return text

    def schema(self) -> Schema:
        return {"type": ["string", "integer"], "maxLength": NEEDLE_MAX}


@dataclass(frozen=True)
class FieldValue(Kind):
    """A value to compare a field with; `*` at its end stands for any ending."""

    def read(self, node: Tree, path: str, problems: Problems) -> str | None:
        text = scalar(node, path, problems, "a value, or `*` for any")
        if text is None:
            return None
        if len(text) > NEEDLE_MAX or "*" in text[:-1]:
            problems.add(
                node.at,
                path,
                f"`{shorten(text)}` is no value to compare with",
                f"at most {NEEDLE_MAX} characters; `*` only at the end",
            )
            return None
        return text

    def schema(self) -> Schema:
        return {"type": ["string", "integer"], "maxLength": NEEDLE_MAX}


@dataclass(frozen=True)
class MailAddress(Kind):
    """A mail address, kept in lower case."""

    def read(self, node: Tree, path: str, problems: Problems) -> str | None:
        text = scalar(node, path, problems, "a mail address")
        if text is None:
            return None
        if len(text) > ADDRESS_MAX or not _ADDRESS.match(text):
            problems.add(node.at, path, f"`{shorten(text)}` is no mail address", "write it bare, such as service@webshop.example")
            return None
        return text.lower()

    def schema(self) -> Schema:
        return {"type": "string", "pattern": ADDRESS_PATTERN, "maxLength": ADDRESS_MAX}


@dataclass(frozen=True)
class Sender(Kind):
    """A mail address, or `@` and a domain for all of that domain; kept in lower case."""

    def read(self, node: Tree, path: str, problems: Problems) -> str | None:
        text = scalar(node, path, problems, "a mail address")
        if text is None:
            return None
        if len(text) <= NEEDLE_MAX and _SENDER.match(text):
            return text.lower()
        advice = (
            f"write `@{text}` for all of that domain"
            if _SENDER.match(f"@{text}")
            else "write an address, or `@example.com` for all of a domain"
        )
        problems.add(node.at, path, f"`{shorten(text)}` is neither a mail address nor a domain", advice)
        return None

    def schema(self) -> Schema:
        return {"type": "string", "pattern": SENDER_PATTERN, "maxLength": NEEDLE_MAX}


@dataclass(frozen=True)
class WebAddress(Kind):
    """An address to post to."""

    def read(self, node: Tree, path: str, problems: Problems) -> str | None:
        text = scalar(node, path, problems, "a web address")
        if text is None or (len(text) <= URL_MAX and _URL.match(text)):
            return text
        problems.add(node.at, path, f"`{shorten(text)}` is no web address", f"write https://… in at most {URL_MAX} characters")
        return None

    def schema(self) -> Schema:
        return {"type": "string", "pattern": URL_PATTERN, "maxLength": URL_MAX}


@dataclass(frozen=True)
class Pointer(Kind):
    """A place in a JSON document: `/review/text`."""

    def read(self, node: Tree, path: str, problems: Problems) -> str | None:
        text = scalar(node, path, problems, "a place in the JSON, such as /review/text")
        if text is None or (len(text) <= 256 and _POINTER.match(text)):
            return text
        parts = [part for part in re.split(r"[./]", text) if part not in ("", "$")]
        better = "/" + "/".join(parts)
        advice = (
            f"write `{better}`"
            if parts and _POINTER.match(better)
            else "write `/` before each key, such as /review/text; at most 8 keys"
        )
        problems.add(node.at, path, f"`{shorten(text)}` is no place in a JSON document", advice)
        return None

    def schema(self) -> Schema:
        return {"type": "string", "pattern": POINTER_PATTERN, "maxLength": 256}
