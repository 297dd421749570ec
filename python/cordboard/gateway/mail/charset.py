"""Bytes to text that can be stored, whatever they claim to be."""

import codecs
import re

_NOT_FOR_MAIL = frozenset({
    "punycode", "idna", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem",
    "rot13", "base64", "quopri", "uu", "hex", "zlib", "bz2",
})  # fmt: skip
"""Python calls these codecs too; none is a charset, some are slow on long input or blow it up."""
_WINDOWS = {"ascii": None, "iso8859-1": "cp1252", "latin-1": "cp1252"}
"""What mail programs mean by these names."""
_ALIASES = {"iso-8859-8-i": "iso-8859-8", "ks_c_5601-1987": "cp949", "x-sjis": "shift_jis", "x-gbk": "gbk", "utf8mb4": "utf-8"}
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SURROGATES = re.compile(r"[\ud800-\udfff]")
_BREAKS = re.compile(r"\r\n?|[\x85\u2028\u2029]")
_BLANKS = re.compile(r"[\s\x00-\x1f\x7f\u2028\u2029]+")
_BIDI = re.compile(r"[\u202a-\u202e\u2066-\u2069]")


def decode(data: bytes, declared: str | None = None, whole: bool = True) -> str:
    """Text of `data` in the charset `declared`, else UTF-8, else Windows-1252, else Latin-1. Never raises.

    `whole` False: the end was cut off, maybe within a character.
    """
    name = _codec(declared)
    for charset in dict.fromkeys((name, "utf-8-sig")):
        if charset is not None:
            text = _strict(data, charset, whole)
            if text is not None:
                return text
    if name is None or name.startswith("utf"):
        mended = data.decode("utf-8", "replace")
        bad = mended.count("\ufffd")
        # Some broken characters in what is UTF-8 otherwise.
        if sum(char > "\x7f" for char in mended) - bad > 4 * bad:
            return mended
    return _strict(data, "cp1252", whole) or data.decode("latin-1")


def recover(text: str) -> str:
    """Text from a header in which the email package left bytes beyond ASCII as surrogates."""
    return decode(text.encode("utf-8", "surrogateescape")) if _SURROGATES.search(text) and _is_escaped(text) else storable(text)


def storable(text: str) -> str:
    """Without surrogates that no encoding can carry."""
    return _SURROGATES.sub("\ufffd", text)


def clean(text: str) -> str:
    """A text of several lines, without control characters; line ends are LF."""
    return _CONTROLS.sub("", _BREAKS.sub("\n", storable(text)))


def one_line(text: str, most: int) -> str:
    """The same on one line of at most `most` characters: what a header may hold."""
    return _BLANKS.sub(" ", _BIDI.sub("", storable(text))).strip()[:most].rstrip()


def cut(text: str, most_bytes: int, note: str) -> str:
    """At most `most_bytes` of UTF-8; `note` stands at the end of what was cut."""
    if len(text) * 4 <= most_bytes or len(data := text.encode()) <= most_bytes:
        return text
    return data[: most_bytes - len(note.encode())].decode("utf-8", "ignore") + note


def _is_escaped(text: str) -> bool:
    return all(not "\ud800" <= char <= "\udfff" or "\udc80" <= char <= "\udcff" for char in text)


def _codec(declared: str | None) -> str | None:
    if not declared:
        return None
    asked = declared.strip().strip("\"'").lower()[:60]
    try:
        name = codecs.lookup(_ALIASES.get(asked, asked)).name
    except (LookupError, ValueError):
        return None
    return None if name in _NOT_FOR_MAIL else _WINDOWS.get(name, name)


def _strict(data: bytes, charset: str, whole: bool) -> str | None:
    try:
        return codecs.getincrementaldecoder(charset)("strict").decode(data, whole)
    except (ValueError, LookupError, TypeError, AssertionError):
        return None
