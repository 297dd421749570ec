"""Names on the server: streams and subjects of a site. Nothing personal ever stands in one."""

import re

from cordboard.errors import ConfigurationError, InvalidInput

_SITE = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_KIND = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_TOPIC = re.compile(r"[a-z0-9_-]{1,64}(\.[a-z0-9_-]{1,64}){0,7}")
BEATS = "router"
"""The topic on which routers whisper that they live (JOURNAL: leadership)."""
_PATTERN = re.compile(r"([a-z0-9_-]{1,64}|\*)(\.([a-z0-9_-]{1,64}|\*)){0,7}(\.>)?|>")


def check_site(site: str) -> str:
    """The site's name itself. Raises ConfigurationError if it could not stand in a stream's name."""
    if not _SITE.fullmatch(site):
        raise ConfigurationError(f"site {site!r}: use 1 to 32 of a-z, 0-9, '_' and '-', starting with a letter or digit")
    return site


def inbox_stream(site: str) -> str:
    return f"INBOX_{check_site(site)}"


def journal_stream(site: str) -> str:
    return f"JOURNAL_{check_site(site)}"


def snapshot_bucket(site: str) -> str:
    return f"SNAPSHOTS_{check_site(site)}"


def inbox_subject(site: str) -> str:
    """Where gateways publish frames."""
    return f"cordboard.{check_site(site)}.inbox"


def journal_subject(site: str) -> str:
    """Where the router, and nobody else, publishes commits."""
    return f"cordboard.{check_site(site)}.journal"


def work_stream(site: str, kind: str) -> str:
    """Raises InvalidInput unless `kind` is one token."""
    return f"WORK_{check_site(site)}_{_kind(kind)}"


def work_subject(site: str, kind: str) -> str:
    """Of all items of a kind; an item's own ends in its numbers."""
    return f"cordboard.{check_site(site)}.work.{_kind(kind)}.>"


def claims_stream(site: str, kind: str) -> str:
    """Raises InvalidInput unless `kind` is one token."""
    return f"CLAIMS_{check_site(site)}_{_kind(kind)}"


def claims_subject(site: str, kind: str) -> str:
    """Of all claims of a kind; a claim's own ends in its name."""
    return f"cordboard.{check_site(site)}.claims.{_kind(kind)}.>"


def whisper_subject(site: str, topic: str) -> str:
    """Raises InvalidInput unless `topic` is dot-separated tokens of [a-z0-9_-]."""
    if not _TOPIC.fullmatch(topic):
        raise InvalidInput(f"not a topic: {topic!r}")
    return f"cordboard.{check_site(site)}.whisper.{topic}"


def whisper_pattern(site: str, topic: str) -> str:
    """As whisper_subject, but `*` may stand for a token and `.>` for the rest."""
    if not _PATTERN.fullmatch(topic):
        raise InvalidInput(f"not a topic pattern: {topic!r}")
    return f"cordboard.{check_site(site)}.whisper.{topic}"


def _kind(kind: str) -> str:
    if not _KIND.fullmatch(kind):
        raise InvalidInput(f"not a kind of work: {kind!r}")
    return kind


def covers(pattern: str, topic: str) -> bool:
    """Does `topic` match `pattern`, as the server would say?"""
    wanted, tokens = pattern.split("."), topic.split(".")
    if wanted[-1] == ">":
        wanted.pop()
        if len(tokens) <= len(wanted):
            return False
        tokens = tokens[: len(wanted)]
    return len(wanted) == len(tokens) and all(want in ("*", token) for want, token in zip(wanted, tokens, strict=True))
