"""Reads a tree by the description in `document`: values with their places, and every problem of shape."""

from dataclasses import dataclass, field
from typing import Any

from cordboard.policy.document import NAMED, ROUTING, SITE, Names, Section
from cordboard.policy.kinds import Labels, Placed, name
from cordboard.policy.problems import Problems
from cordboard.policy.tree import Listing, Mapping, Scalar, Tree


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
        """The compiled fields that were given."""
        named = ((self.section.setting(key), placed.value) for key, placed in self.values.items())
        return {setting.field: value for setting, value in named if setting is not None and setting.field is not None}


@dataclass(frozen=True)
class Document:
    """A document as read: `named` holds the entries of `skills`, `channels` …, by name, in the order of the file."""

    site: Entry
    routing: Entry
    named: dict[str, dict[str, Entry]]
    places: dict[str, tuple[int, int]]
    """Where each top-level key stands."""

    def labels(self) -> dict[str, Labels]:
        """`{"queues.orders": {"nl": "Bestellingen"}}`; a text without a language counts as the document's."""
        language = self.site.get("language") or "en"
        found: dict[str, Labels] = {}
        for key, entries in self.named.items():
            for word, entry in entries.items():
                texts: Labels | None = entry.get("label")
                if texts:
                    found[f"{key}.{word}"] = {tag or language: text for tag, text in texts.items()}
        return found


def read_document(tree: Tree | None, problems: Problems) -> Document:
    """Never raises: what cannot be read is missing, and stands in `problems`."""
    if tree is None or (isinstance(tree, Scalar) and tree.empty):
        if not problems:
            problems.add((1, 1), "", "the document is empty", "begin with `site: webshop`; examples/webshop.yaml shows the rest")
        tree = Mapping((1, 1), ())
    if not isinstance(tree, Mapping):
        problems.add(
            tree.at, "", "the document is no mapping", "begin with `site: webshop`, then `skills:`, `channels:`, `queues:`"
        )
        tree = Mapping((1, 1), ())
    else:
        _report_unknown(tree, problems)
    below = {key.text: (key, value) for key, value in tree.entries}
    known = {setting.key for setting in SITE.settings}
    site = read_section(SITE, Mapping(tree.at, tuple(pair for pair in tree.entries if pair[0].text in known)), (1, 1), "", problems)
    routing_key, routing_tree = below.get("routing", (None, None))
    if routing_key is None or routing_tree is None or _nothing(routing_tree):
        routing = Entry(ROUTING, (1, 1))
    else:
        routing = read_section(ROUTING, routing_tree, routing_key.at, "routing", problems)
    named = {names.key: _read_names(names, below.get(names.key), problems) for names in NAMED}
    return Document(site, routing, named, {key.text: key.at for key, _ in tree.entries})


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
        return
    wanted = ", ".join(f"`{setting.key}`" for setting in required or section.settings)
    problems.add(tree.at, path, f"a {section.word} is a mapping", f"write its settings below it: {wanted}")


def _read_names(names: Names, found: tuple[Scalar, Tree] | None, problems: Problems) -> dict[str, Entry]:
    """`skills`, `channels` …: names with their sections."""
    if found is None or _nothing(found[1]):
        if names.required:
            at = found[0].at if found is not None else (1, 1)
            problems.add(
                at, names.key, f"the site has no {names.key}", f"write at least one {names.section.word} under `{names.key}:`"
            )
        return {}
    key, tree = found
    entries: dict[str, Entry] = {}
    if isinstance(tree, Listing) and names.listable:
        _read_list(names, tree, entries, problems)
    elif isinstance(tree, Mapping):
        for word, value in tree.entries:
            path = f"{names.key}.{word.text}"
            good = name(word, path, problems)
            label = _as_label(names, value)
            entry = read_section(names.section, label, word.at, path, problems)
            if good is not None:
                entries[good] = entry
    else:
        ways = (
            "a mapping or a list of names" if names.listable else f"a mapping from each {names.section.word}'s name to its settings"
        )
        problems.add(tree.at, names.key, f"`{names.key}` is {ways}")
    if len(entries) > names.most:
        problems.add(key.at, names.key, f"{len(entries)} {names.key}", f"at most {names.most}")
    return entries


def _read_list(names: Names, tree: Listing, entries: dict[str, Entry], problems: Problems) -> None:
    for index, item in enumerate(tree.items):
        word = name(item, f"{names.key}[{index}]", problems)
        if word is None:
            continue
        if word in entries:
            line = entries[word].at[0]
            problems.add(
                item.at, f"{names.key}[{index}]", f"`{word}` stands twice", f"it is on line {line} already: keep one of them"
            )
        else:
            entries[word] = Entry(names.section, item.at)


def _as_label(names: Names, value: Tree) -> Tree:
    """`nl.written: {nl: …, en: …}` is short for `nl.written: {label: {nl: …, en: …}}`."""
    if names.section.short != "label" or not isinstance(value, Mapping):
        return value
    if any(key.text == "label" for key, _ in value.entries):
        return value
    return Mapping(value.at, ((Scalar(value.at, "label"), value),))


def _report_unknown(tree: Mapping, problems: Problems) -> None:
    known = [setting.key for setting in SITE.settings] + ["routing", *(names.key for names in NAMED)]
    for key, _ in tree.entries:
        if key.text not in known:
            inner = next((s for s in ROUTING.settings if s.key == key.text), None)
            if inner is not None:
                problems.add(key.at, key.text, f"`{key.text}` does not belong here", "write it under `routing:`")
            else:
                problems.unknown(key.at, key.text, "key", key.text, known)


def _nothing(tree: Tree) -> bool:
    return isinstance(tree, Scalar) and tree.empty
