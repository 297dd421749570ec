"""Reads a tree by the description in `document`: values with their places, and every problem of shape."""

from dataclasses import dataclass

from cordboard.policy.document import BLOCKS, NAMED, ROUTING, SITE
from cordboard.policy.entry import Entry, read_names, read_section
from cordboard.policy.kinds import Labels
from cordboard.policy.problems import Problems
from cordboard.policy.setting import Section
from cordboard.policy.tree import Mapping, Scalar, Tree
from cordboard.policy.word_kinds import nothing


@dataclass(frozen=True)
class Document:
    """A document as read: `named` holds the entries of `skills`, `channels` …, by name, in the order of the file; `blocks` those of
    `routing`, `classification` …"""

    site: Entry
    blocks: dict[str, Entry]
    named: dict[str, dict[str, Entry]]
    places: dict[str, tuple[int, int]]
    """Where each top-level key stands."""

    @property
    def language(self) -> str:
        """Of texts that name none."""
        return str(self.site.get("language") or "en")

    def labels(self) -> dict[str, Labels]:
        """`{"queues.orders": {"nl": "Bestellingen"}}`; a text without a language counts as the document's."""
        found: dict[str, Labels] = {}
        for key, entries in self.named.items():
            for word, entry in entries.items():
                texts: Labels | None = entry.get("label")
                if texts:
                    found[f"{key}.{word}"] = {tag or self.language: text for tag, text in texts.items()}
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
    blocks = {key: _read_block(key, section, below.get(key), problems) for key, section, _ in BLOCKS}
    named = {names.key: read_names(names, below.get(names.key), names.key, problems) for names in NAMED}
    return Document(site, blocks, named, {key.text: key.at for key, _ in tree.entries})


def _read_block(key: str, section: Section, found: tuple[Scalar, Tree] | None, problems: Problems) -> Entry:
    if found is None or nothing(found[1]):
        return Entry(section, (1, 1) if found is None else found[0].at)
    return read_section(section, found[1], found[0].at, key, problems)


def _report_unknown(tree: Mapping, problems: Problems) -> None:
    known = [setting.key for setting in SITE.settings] + [key for key, _, _ in BLOCKS] + [names.key for names in NAMED]
    for key, _ in tree.entries:
        if key.text not in known:
            inner = next((s for s in ROUTING.settings if s.key == key.text), None)
            if inner is not None:
                problems.add(key.at, key.text, f"`{key.text}` does not belong here", "write it under `routing:`")
            else:
                problems.unknown(key.at, key.text, "key", key.text, known)
