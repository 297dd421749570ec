"""Agents back to a file: the same forms that `load_agents` reads."""

import csv
import io
import json
from collections.abc import Iterable

from cordboard.policy.agents_sheet import COLUMNS, AgentSheet, spell_channels, spell_queues, spell_skills


def dump_agents_csv(sheets: Iterable[AgentSheet]) -> str:
    """CSV with a header line, in the order given."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for sheet in sheets:
        capacity = "" if sheet.capacity is None else str(sheet.capacity)
        parts = spell_skills(sheet.skills), spell_queues(sheet.queues), spell_channels(sheet.channels)
        writer.writerow((sheet.person, sheet.name, *parts, capacity))
    return out.getvalue()


def dump_agents_yaml(sheets: Iterable[AgentSheet]) -> str:
    """YAML, one agent a paragraph, in the order given."""
    lines = []
    for sheet in sheets:
        lines.append(f"  {_quote(sheet.person)}:")
        if sheet.name:
            lines.append(f"    name: {_quote(sheet.name)}")
        lines.append(f"    skills: {_quote(spell_skills(sheet.skills))}")
        lines.append(f"    queues: {_quote(spell_queues(sheet.queues))}")
        lines.append(f"    channels: {_quote(spell_channels(sheet.channels))}")
        if sheet.capacity is not None:
            lines.append(f"    capacity: {sheet.capacity}")
    return "\n".join(["agents:", *lines, ""]) if lines else "agents: {}\n"


def _quote(text: str) -> str:
    """JSON's quotes are YAML's double quotes, so no text needs thought."""
    return json.dumps(text, ensure_ascii=False)
