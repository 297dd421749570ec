"""Reads mappings of the tree by their description: values with their places, and every problem of shape."""

from dataclasses import dataclass, field
from typing import Any

from cordboard.policy.kinds import Placed, name
from cordboard.policy.problems import Problems
from cordboard.policy.setting import Names, Section
from cordboard.policy.tree import Listing, Mapping, Scalar, Tree
from cordboard.policy.word_kinds import nothing


@dataclass(frozen=True)
class Entry:
    """One section as read. `at` is where it begins (its name); `values` by key holds what was given and is right."""

    section: Section
    at: tuple[int, int]
    values: dict[str, Placed] = field(default_factory=dict)
    wrong: set[str] = field(default_factory=set)
    """Settings that were given but cannot be read."""

    def get(self, key: str) -> Any:
        """The value of a setting, else its default; None if it has neither, or what was given is wrong."""
        if key in self.values:
            return self.values[key].value
        setting = None if key in self.wrong else self.section.setting(key)
        return self.section.default(setting.field) if setting is not None and setting.field is not None else None

    def place(self, key: str) -> tuple[int, int]:
        """Where a setting stands, or the section if it is not given."""
        return self.values[key].at if key in self.values else self.at

    def fields(self) -> dict[str, Any]:
        """The compiled fields that were given, and those that are something else than the struct's default otherwise."""
        named = ((self.section.setting(key), placed.value) for key, placed in self.values.items())
        otherwise = {setting.field: setting.otherwise for setting in self.section.settings if setting.otherwise is not None}
        return {field: value for field, value in otherwise.items() if field is not None} | {
            setting.field: setting.kind.bare(value) for setting, value in named if setting is not None and setting.field is not None
        }


def read_section(section: Section, tree: Tree, at: tuple[int, int], path: str, problems: Problems) -> Entry:
    """Read one mapping by its description. `at` is where missing settings are reported."""
    entry = Entry(section, at)
    if not isinstance(tree, Mapping):
        _read_short(section, tree, entry, path, problems)
        return entry
    for key, value in tree.entries:
        below = f"{path}.{key.text}".lstrip(".")
        setting = section.setting(key.text)
        if setting is None:
            problems.unknown(key.at, below, f"setting of a {section.word}", key.text, (setting.key for setting in section.settings))
            continue
        read = setting.kind.read(value, below, problems)
        if read is None:
            entry.wrong.add(key.text)
        else:
            entry.values[key.text] = Placed(read, value.at)
    given = {key.text for key, _ in tree.entries}
    for setting in section.settings:
        if setting.required and setting.key not in given:
            problems.add(at, path, f"`{setting.key}` is missing", f"{setting.key}: {setting.doc}")
    return entry


def read_names(names: Names, found: tuple[Scalar, Tree] | None, path: str, problems: Problems) -> dict[str, Entry]:
    """`skills`, `channels` …: names with their sections. `path` is that of the whole, such as `skills`."""
    if found is None or nothing(found[1]):
        if names.required:
            at = found[0].at if found is not None else (1, 1)
            problems.add(at, path, f"the site has no {names.key}", f"write at least one {names.section.word} under `{names.key}:`")
        return {}
    key, tree = found
    entries: dict[str, Entry] = {}
    if isinstance(tree, Listing) and names.listable:
        _read_list(names, tree, entries, path, problems)
    elif isinstance(tree, Mapping):
        for word, value in tree.entries:
            below = f"{path}.{word.text}"
            good = name(word, below, problems)
            label = _as_label(names, value)
            entry = read_section(names.section, label, word.at, below, problems)
            if good is not None:
                entries[good] = entry
    else:
        ways = (
            "a mapping or a list of names" if names.listable else f"a mapping from each {names.section.word}'s name to its settings"
        )
        problems.add(tree.at, path, f"`{names.key}` is {ways}")
    if len(entries) > names.most:
        problems.add(key.at, path, f"{len(entries)} {names.key}", f"at most {names.most}")
    return entries


def _read_short(section: Section, tree: Tree, entry: Entry, path: str, problems: Problems) -> None:
    """A bare value: the one setting it stands for, such as `lunch: meal`; or nothing at all, where nothing is required."""
    required = [setting for setting in section.settings if setting.required]
    if isinstance(tree, Scalar) and tree.empty and not required:
        return
    setting = section.setting(section.short) if section.short is not None else None
    if setting is not None and isinstance(tree, Scalar):
        read = setting.kind.read(tree, path, problems)
        if read is not None:
            entry.values[setting.key] = Placed(read, tree.at)
        else:
            entry.wrong.add(setting.key)
        return
    wanted = ", ".join(f"`{setting.key}`" for setting in required or section.settings)
    problems.add(tree.at, path, f"a {section.word} is a mapping", f"write its settings below it: {wanted}")


def _read_list(names: Names, tree: Listing, entries: dict[str, Entry], path: str, problems: Problems) -> None:
    for index, item in enumerate(tree.items):
        below = f"{path}[{index}]"
        word = name(item, below, problems)
        if word is None:
            continue
        if word in entries:
            line = entries[word].at[0]
            problems.add(item.at, below, f"`{word}` stands twice", f"it is on line {line} already: keep one of them")
        else:
            entries[word] = Entry(names.section, item.at)


def _as_label(names: Names, value: Tree) -> Tree:
    """`nl.written: {nl: …, en: …}` is short for `nl.written: {label: {nl: …, en: …}}`."""
    if names.section.short != "label" or not isinstance(value, Mapping):
        return value
    if any(key.text == "label" for key, _ in value.entries):
        return value
    return Mapping(value.at, ((Scalar(value.at, "label"), value),))
