"""Texts of strangers, made fit to be kept: every character can be stored, and nothing is longer than its place."""

import re
import unicodedata

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_BREAKS = re.compile(r"\r\n?|\u2028|\u2029")
_MARK_ROOM = 64


def clean(text: str) -> str:
    """Control characters and lone surrogates become U+FFFD, all line ends become \\n."""
    return _CONTROL.sub("\ufffd", _BREAKS.sub("\n", text))


def one_line(text: str, most: int) -> str:
    """Without line ends, of at most `most` characters; what is longer ends in an ellipsis."""
    line = " ".join(clean(text).split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def cut(text: str, most: int) -> str:
    """The beginning of a cleaned text, of at most `most` bytes in UTF-8, and how much is missing."""
    data = text.encode()
    if len(data) <= most:
        return text
    kept = data[: most - _MARK_ROOM].decode(errors="ignore")
    return f"{kept}\n\n[… {len(text) - len(kept)} characters more]"


def storable(text: str, most: int) -> bool:
    """Can it be a key as it is: 1 to `most` characters, none of them a control character?"""
    return 0 < len(text) <= most and not any(unicodedata.category(char) in ("Cc", "Cs") for char in text)
