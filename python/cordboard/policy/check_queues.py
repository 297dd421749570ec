"""What is said of waiting, as a whole: plans in order, thresholds that are one instant, names that are there."""

from collections.abc import Iterable

from cordboard.policy.callbacks import check_callbacks
from cordboard.policy.duration import format_duration
from cordboard.policy.entry import Entry
from cordboard.policy.kinds import Placed
from cordboard.policy.problems import Problems
from cordboard.policy.references import check_references, check_requirements, placed_words
from cordboard.policy.sections import Document


def check_waiting(document: Document, word: str, queue: Entry, path: str, problems: Problems) -> None:
    """Plan, thresholds, floors and overflow of one queue."""
    _check_plan(document, word, queue.get("plan") or [], f"{path}.plan", problems)
    _check_thresholds(document, word, queue.get("thresholds") or [], f"{path}.thresholds", problems)
    _check_floors(queue.get("floors") or [], f"{path}.floors", problems)
    if (callbacks := queue.get("callbacks")) is not None:
        check_callbacks(callbacks, f"{path}.callbacks", problems)
    _check_queues(document, word, queue, "overflow", path, problems)
    check_references(document, queue, ("calendar",), path, problems)


def _check_plan(document: Document, word: str, steps: list[Entry], path: str, problems: Problems) -> None:
    before: int | None = None
    for index, step in enumerate(steps):
        at = f"{path}[{index}]"
        after = step.get("after")
        if after is not None and before is not None and after <= before:
            message = f"the step before is taken after {format_duration(before)}"
            problems.add(step.place("after"), f"{at}.after", message, "write the steps in the order of their ages")
        before = after if after is not None else before
        check_requirements(document, step.get("lower") or [], f"{at}.lower", problems)
        _check_skills(document, placed_words(step, "drop"), f"{at}.drop", problems)
        for number, replacement in enumerate(step.get("replace") or []):
            below = f"{at}.replace[{number}]"
            _check_skills(document, placed_words(replacement, "skill"), f"{below}.skill", problems)
            check_requirements(document, placed_requirement(replacement), f"{below}.by", problems)
        _check_queues(document, word, step, "queues", at, problems)


def placed_requirement(replacement: Entry) -> list[Placed]:
    """What is asked for instead, at its own place."""
    by: Placed | None = replacement.get("by")
    return [] if by is None else [by]


def _check_thresholds(document: Document, word: str, thresholds: list[Entry], path: str, problems: Problems) -> None:
    names: set[str] = set()
    for index, threshold in enumerate(thresholds):
        at, name, action = f"{path}[{index}]", threshold.get("name"), threshold.get("action")
        if name in names:
            problems.add(threshold.place("name"), f"{at}.name", f"`{name}` stands twice", "give each its own name")
        names.add(name)
        instants = ("wait", "target_percent", "expected_wait")
        given = [key for key in instants if key in threshold.values]
        if len(given) != 1 and not threshold.wrong & set(instants):
            advice = "write one of `wait: 60s`, `target_percent: 150` and `expected_wait: 10m`"
            problems.add(threshold.at, at, "a threshold is one instant", advice)
        for key, owner in (("raise_priority", "raise_priority"), ("queue", "overflow")):
            setting = threshold.section.setting(key)
            if setting is not None and action == owner and key not in threshold.values and key not in threshold.wrong:
                problems.add(threshold.at, at, f"`{key}` is missing", f"{key}: {setting.doc}")
        _check_queues(document, word, threshold, "queue", at, problems)


def _check_floors(floors: list[Entry], path: str, problems: Problems) -> None:
    classes: set[int] = set()
    for index, floor in enumerate(floors):
        klass = floor.get("class")
        if klass in classes:
            problems.add(floor.place("class"), f"{path}[{index}].class", f"class {klass} stands twice", "keep one of them")
        classes.add(klass)


def _check_skills(document: Document, words: Iterable[Placed], path: str, problems: Problems) -> None:
    skills = document.named["skills"]
    for placed in words:
        if placed.value not in skills:
            problems.unknown(placed.at, path, "skill", placed.value, skills)


def _check_queues(document: Document, own: str, entry: Entry, key: str, path: str, problems: Problems) -> None:
    """Other queues than its own."""
    queues = document.named["queues"]
    for placed in placed_words(entry, key):
        if placed.value not in queues:
            problems.unknown(placed.at, f"{path}.{key}", "queue", placed.value, queues)
        elif placed.value == own:
            problems.add(placed.at, f"{path}.{key}", "that is the queue itself", "name another queue, or remove it")
