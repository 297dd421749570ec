"""Agents from YAML, each part in the short form of the CSV, as a list, or as a mapping:

agents:
  j.devries:
    name: Joost de Vries
    skills: {nl.written: 8, de.spoken: 5}       # or: nl.written:8 de.spoken:5
    queues: {orders: 0, invoices: 1}            # or: [orders, invoices]
    channels: [chat, task]                      # or: {chat: {cost: 50, max_concurrent: 2}, task: }
    capacity: 80
"""

from collections.abc import Iterator

from cordboard.policy.agents_sheet import COLUMNS, Draft, Token, split_tokens
from cordboard.policy.problems import Problems
from cordboard.policy.tree import Listing, Mapping, Scalar, Tree, read_tree

_PARTS = ("skills", "queues", "channels")


def read_agents_yaml(text: str, problems: Problems, *, text_max: int) -> list[Draft]:
    """The agents as written; shapes that make no sense are in `problems`."""
    tree = read_tree(text, problems, text_max=text_max)
    if tree is None or (isinstance(tree, Scalar) and tree.empty):
        if not problems:
            problems.add((1, 1), "", "the file is empty", "begin with `agents:`; to retire everybody, write `agents: {}`")
        return []
    if not isinstance(tree, Mapping) or [key.text for key, _ in tree.entries] != ["agents"]:
        problems.add(
            tree.at, "", "the file is no mapping with the one key `agents`", "begin with `agents:`, then the persons below it"
        )
        return []
    agents = tree.entries[0][1]
    if isinstance(agents, Mapping):
        return [_agent(key, value, problems) for key, value in agents.entries]
    problems.add(
        agents.at, "agents", "`agents` is a mapping from each person's id to the rest", "write `j.devries:` and the rest below it"
    )
    return []


def _agent(person: Scalar, tree: Tree, problems: Problems) -> Draft:
    draft = Draft(person.at, person.text.strip(), f"agents.{person.text.strip()}")
    if not isinstance(tree, Mapping):
        if not (isinstance(tree, Scalar) and tree.empty):
            problems.add(tree.at, draft.path, "an agent is a mapping", "write `skills:`, `queues:` and `channels:` below it")
        return draft
    for key, value in tree.entries:
        path = f"{draft.path}.{key.text}"
        if key.text in _PARTS:
            draft.tokens[key.text] = list(_tokens(key.text, value, path, problems))
        elif key.text not in ("name", "capacity"):
            problems.unknown(key.at, path, "part of an agent", key.text, COLUMNS[1:])
        elif isinstance(value, Scalar):
            setattr(draft, key.text, value)
        else:
            problems.add(value.at, path, f"`{key.text}` is one value", "write it on the same line")
    return draft


def _tokens(part: str, tree: Tree, path: str, problems: Problems) -> Iterator[Token]:
    if isinstance(tree, Scalar):
        if not tree.empty:
            yield from split_tokens(tree.text, _text_at(tree))
    elif isinstance(tree, Listing):
        for item in tree.items:
            if isinstance(item, Scalar):
                yield from split_tokens(item.text, _text_at(item))
            elif isinstance(item, Mapping) and len(item.entries) == 1:  # `- nl.written: 8`
                yield from _mapped(part, item, path, problems)
            else:
                problems.add(item.at, path, "expected one word", "write `- orders:0`")
    else:
        yield from _mapped(part, tree, path, problems)


def _mapped(part: str, tree: Mapping, path: str, problems: Problems) -> Iterator[Token]:
    for key, value in tree.entries:
        if isinstance(value, Scalar):
            yield Token(key.at, key.text, None if value.empty else value.text.strip())
        elif part == "channels" and isinstance(value, Mapping):
            given = {setting.text: text.text.strip() for setting, text in value.entries if isinstance(text, Scalar)}
            for setting, _ in value.entries:
                if setting.text not in ("cost", "max_concurrent"):
                    problems.unknown(setting.at, path, "setting of an agent's channel", setting.text, ("cost", "max_concurrent"))
            most = f"x{given['max_concurrent']}" if "max_concurrent" in given else ""
            yield Token(key.at, key.text, f"{given.get('cost', '')}{most}" or None)
        else:
            problems.add(value.at, path, "expected one value", f"write `{key.text}: 5`")


def _text_at(scalar: Scalar) -> tuple[int, int]:
    """Where the text itself begins: after the quote, if there is one."""
    return scalar.at[0], scalar.at[1] + (0 if scalar.plain else 1)
