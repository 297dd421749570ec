"""Rules that could never hold, or that name what is not there."""

import re
from collections.abc import Iterator

from cordboard.policy.check_doors import door_channel, doors
from cordboard.policy.classify import DEFAULT_RULE
from cordboard.policy.entry import Entry
from cordboard.policy.needles import needle_words
from cordboard.policy.problems import Problems, shorten
from cordboard.policy.references import check_references, check_requirements, placed_words
from cordboard.policy.sections import Document
from cordboard.policy.word_kinds import CODE_PATTERN

PLACEHOLDERS = ("agent", "customer")
CONDITIONS = ("channel", "entry_point", "sender", "language", "keywords", "segment")
"""Conditions that are lists."""


def check_rules(document: Document, problems: Problems) -> None:
    """Add every contradiction of the classification and of mail."""
    classification = document.blocks["classification"]
    lines: dict[str, int] = {}
    earlier: list[tuple[str, Entry]] = []
    for index, rule in enumerate(classification.get("rules") or []):
        path = f"classification.rules[{index}]"
        _check_name(rule, path, lines, problems)
        when: Entry | None = rule.get("when")
        if when is not None:
            _check_when(document, when, f"{path}.when", problems)
        if rule.get("then") is not None:
            _check_then(document, rule.get("then"), f"{path}.then", problems)
        _check_examples(document, rule, path, problems)
        _check_reached(rule, path, earlier, problems)
        earlier.append((rule.get("name") or f"number {index + 1}", rule))
    default: Entry | None = classification.get("default")
    if default is not None:
        _check_then(document, default, "classification.default", problems)
        _check_examples(document, default, "classification.default", problems)
    _check_mail(document.blocks["mail"], problems)


def conditions(rule: Entry) -> Entry | None:
    """The conditions of a rule that has some."""
    when: Entry | None = rule.get("when")
    return when if when is not None and (when.values or when.wrong) else None


def _check_name(rule: Entry, path: str, lines: dict[str, int], problems: Problems) -> None:
    word, at = rule.get("name"), rule.place("name")
    if word == DEFAULT_RULE:
        problems.add(at, f"{path}.name", "`default` is what holds when no rule does", "choose another name")
    elif word is not None and word in lines:
        problems.add(at, f"{path}.name", f"`{word}` stands twice", f"it is on line {lines[word]} already: choose another name")
    if word is not None:
        lines.setdefault(word, at[0])


def _check_when(document: Document, when: Entry, path: str, problems: Problems) -> None:
    check_references(document, when, ("channel", "segment"), path, problems)
    opened = {word: door_channel(group, entry) for group, word, entry in doors(document)}
    channels = {placed.value for placed in placed_words(when, "channel")}
    for placed in placed_words(when, "entry_point"):
        if placed.value not in opened:
            problems.unknown(placed.at, f"{path}.entry_point", "entry point", placed.value, opened)
        elif channels and opened[placed.value] is not None and opened[placed.value] not in channels:
            message = f"`{placed.value}` opens channel `{opened[placed.value]}`, which the rule leaves out"
            problems.add(placed.at, f"{path}.entry_point", message, "add that channel, or remove the condition on channels")
    for placed in placed_words(when, "channel"):
        channel = document.named["channels"].get(placed.value)
        if channel is not None and channel.get("reply") in ("mail", "webhook") and placed.value not in opened.values():
            advice = "add an entry point, a form or a webhook for it"
            problems.add(placed.at, f"{path}.channel", f"nothing comes in on `{placed.value}`: no door opens it", advice)
    _check_keywords(when, path, problems)
    _check_fields(document, when, path, problems)


def _check_keywords(when: Entry, path: str, problems: Problems) -> None:
    seen: dict[tuple[str, ...], str] = {}
    for placed in placed_words(when, "keywords"):
        parts = needle_words(placed.value)
        if parts in seen:
            message = f"`{shorten(placed.value)}` is the same as `{shorten(seen[parts])}`: case and accents make no difference"
            problems.add(placed.at, f"{path}.keywords", message, "keep one of them")
        seen.setdefault(parts, placed.value)


def _check_fields(document: Document, when: Entry, path: str, problems: Problems) -> None:
    fields: dict[str, list[Entry | None]] = {}
    for form in document.named["forms"].values():
        for word, one in (form.get("fields") or {}).items():
            fields.setdefault(word, []).append(one)
    for webhook in document.named["webhooks"].values():
        for word in webhook.get("fields") or {}:
            fields.setdefault(word, []).append(None)
    for word, placed in (when.get("fields") or {}).items():
        if word not in fields:
            problems.unknown(placed.at, f"{path}.fields.{word}", "field of a form or webhook", word, fields)
            continue
        entries = [one for one in fields[word] if one is not None and one.get("kind") == "choice"]
        if len(entries) < len(fields[word]):
            continue
        choices = {choice for one in entries for choice in one.get("choices") or {}}
        for value in placed.value:
            if not value.value.endswith("*") and value.value.lower() not in choices:
                problems.unknown(value.at, f"{path}.fields.{word}", "choice", value.value, sorted(choices))


def _check_then(document: Document, then: Entry, path: str, problems: Problems) -> None:
    check_references(document, then, ("topic", "queue"), path, problems)
    check_requirements(document, then.get("requires") or [], f"{path}.requires", problems)


def _check_examples(document: Document, rule: Entry, path: str, problems: Problems) -> None:
    opened = {word for _, word, _ in doors(document)}
    for index, example in enumerate(rule.get("examples") or []):
        below = f"{path}.examples[{index}]"
        check_references(document, example, ("channel", "segment"), below, problems)
        for placed in placed_words(example, "entry_point"):
            if placed.value not in opened:
                problems.unknown(placed.at, f"{below}.entry_point", "entry point", placed.value, opened)


def _check_reached(rule: Entry, path: str, earlier: list[tuple[str, Entry]], problems: Problems) -> None:
    """Whether an earlier rule holds whenever this one does. The first such rule is named."""
    when = conditions(rule)
    if when is not None and when.wrong:
        return
    for word, other in earlier:
        if _covers(conditions(other), when):
            everything = "has no conditions" if conditions(other) is None else "holds whenever this one does"
            message = f"never reached: rule `{word}` on line {other.at[0]} {everything}"
            problems.add(rule.at, path, message, "move it before that one, or narrow that one down")
            return


def _covers(wide: Entry | None, narrow: Entry | None) -> bool:
    if wide is None:
        return True
    if wide.wrong or narrow is None:
        return False
    for key in CONDITIONS:
        values = _values(wide, key)
        if values and not (_values(narrow, key) and _values(narrow, key) <= values):
            return False
    if wide.get("automatic") is not None and wide.get("automatic") is not narrow.get("automatic"):
        return False
    fields = narrow.get("fields") or {}
    return all(
        word in fields and {value.value for value in fields[word].value} <= {value.value for value in placed.value}
        for word, placed in (wide.get("fields") or {}).items()
    )


def _values(when: Entry, key: str) -> set[str]:
    found: Iterator[str] = (placed.value for placed in placed_words(when, key))
    return {" ".join(needle_words(text)) for text in found} if key == "keywords" else set(found)


def _check_mail(mail: Entry, problems: Problems) -> None:
    for word, template in (mail.get("templates") or {}).items():
        path = f"mail.templates.{word}"
        if not re.match(CODE_PATTERN, word):
            problems.add(template.at, path, f"`{word}` is no language", "write a code of two letters, such as nl or de")
        for key in ("greeting", "signature"):
            for name in re.findall(r"\{([^{}\n]*)\}", template.get(key) or ""):
                if name not in PLACEHOLDERS:
                    advice = "write one of " + ", ".join(f"`{{{known}}}`" for known in PLACEHOLDERS)
                    problems.add(template.place(key), f"{path}.{key}", f"`{{{shorten(name)}}}` stands for nothing", advice)
