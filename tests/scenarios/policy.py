"""The stories' policy as a document that lines change. The twin of rust/core/tests/scenarios/policy.rs."""

import re
from typing import Any

import msgspec

from tests.scenarios.language import HERE, duration, value

Document = dict[str, Any]
LISTS = {
    "skill": "skills", "channel": "channels", "queue": "queues", "reason": "reasons", "disposition": "dispositions",
    "topic": "topics", "entry_point": "entry_points", "calendar": "calendars", "sla": "slas",
}  # fmt: skip

PARTS = {"step": "plan", "threshold": "thresholds", "floor": "floors"}
"""What a queue has several of."""


def standard() -> Document:
    """The document in standard.policy."""
    document: Document = {"version": 0} | {name: [] for name in LISTS.values()}
    for line in (HERE / "standard.policy").read_text().splitlines():
        change(document, line)
    return document


def change(document: Document, line: str) -> None:
    """`name=value …` sets, `queue name key=value …` changes, `drop queue name` removes, `step queue key=value …` a step."""
    words = line.split("#")[0].split()
    if not words:
        return
    if words[0] == "drop":
        items = document[LISTS[words[1]]]
        items[:] = [item for item in items if name_of(item) != words[2]]
    elif words[0] in ("skill", "disposition"):
        document[LISTS[words[0]]].append(words[1])
    elif words[0] == "callbacks":
        queue = next(item for item in document["queues"] if item["name"] == words[1])
        queue["callbacks"] = dict(map(setting, words[2:]))
    elif words[0] in PARTS:
        queue = next(item for item in document["queues"] if item["name"] == words[1])
        queue.setdefault(PARTS[words[0]], []).append(dict(map(setting, words[2:])))
    elif words[0] == "door":
        door = next(item for item in document["entry_points"] if item["name"] == words[1])
        door["availability"] = dict(map(setting, words[2:]))
    elif words[0] == "next_step":
        door = next(item for item in document["entry_points"] if item["name"] == words[1])
        step = [None if part == "-" else part for part in words[2].split(":")]
        door.setdefault("next_steps", []).append(step)
    elif words[0] in LISTS:
        items = document[LISTS[words[0]]]
        found = next((item for item in items if item["name"] == words[1]), None)
        if found is None:
            items.append(found := {"name": words[1]})
        found.update(map(setting, words[2:]))
    else:
        document.update(map(setting, words))


def name_of(item: Any) -> str:
    return item if isinstance(item, str) else item["name"]


def setting(word: str) -> tuple[str, Any]:
    """`key=value` as the policy's own type."""
    key, text = word.split("=")
    if key in ("requirements", "lower"):
        return key, value("requirements", text)
    if key == "weeks":
        return key, [[int(minute) for minute in re.split("[,-]", week) if minute] for week in text.split("/")]
    if key == "order" and text[0].isdigit():
        return key, [int(number) for number in text.split(",")]
    if key == "calendar":
        return key, text or None
    if key == "replace":
        return key, [replacement(*item.split(":")) for item in text.split(",")]
    if key in ("admit_unstaffed", "hold_place", "offer_missed", "join_waiting", "release_preference", "listen_only", "internal"):
        return key, text == "on"
    if key == "targets_ms":
        return key, {name: duration(after) for name, after in (item.split(":") for item in text.split(","))}
    if key in ("days_ms", "rank_delays_ms"):
        return key, [duration(after) for after in text.split(",") if after]
    if key in ("interruptible_by", "drop", "queues", "channels", "segments", *PARTS.values()):
        return key, text.split(",") if text else []
    if key.endswith("_ms"):
        return key, duration(text)
    return key, int(text) if text.isdigit() else text


def replacement(skill: str, by: str, level: str, language: str | None = None) -> Document:
    """`nl.written:en.written:6:en`: one skill for another, if the customer accepts the language."""
    return {"skill": skill, "by": [by, int(level), False], "language": language}


def published(document: Document, fact_id: bytes) -> bytes:
    """The fact that publishes the document."""
    return msgspec.msgpack.encode([15, fact_id, msgspec.msgpack.encode(document)])
