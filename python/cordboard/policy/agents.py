"""The agents file: who works here, with which skills, queues and channels. YAML or CSV, thousands of lines.

    sheets = load_agents("agents.csv", policy)      # PolicyErrors names every mistake by line and column
    diff_agents(current, sheets, policy)            # whom to declare, to change and to retire

A sheet names a person; the API turns that into the opaque agent reference of the journal.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cordboard.events.bounds import AgentChannel
from cordboard.events.policy import Policy
from cordboard.policy.agents_check import DraftCheck
from cordboard.policy.agents_csv import read_agents_csv
from cordboard.policy.agents_sheet import AgentSheet
from cordboard.policy.agents_yaml import read_agents_yaml
from cordboard.policy.load import read_text
from cordboard.policy.problems import PolicyErrors, Problem, Problems

FILE_MAX = 16 << 20
"""Bytes of an agents file."""
AGENTS_MAX = 50_000


@dataclass(frozen=True, slots=True)
class AgentChange:
    """A person whose sheet differs; `what` names the differing parts: name, skills, queues, channels, capacity."""

    old: AgentSheet
    new: AgentSheet
    what: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AgentDiff:
    """What to send so that the site has the wanted agents, each part in the order of persons."""

    declared: tuple[AgentSheet, ...]
    changed: tuple[AgentChange, ...]
    retired: tuple[AgentSheet, ...]
    unchanged: int

    def __bool__(self) -> bool:
        return bool(self.declared or self.changed or self.retired)


def load_agents(path: Path | str, policy: Policy) -> list[AgentSheet]:
    """Read an agents file (.csv, .yaml, .yml) and check it against `policy`, in the order of the file.

    Raises PolicyErrors with all problems (the first PROBLEMS_MAX).
    """
    path = Path(path)
    form = path.suffix.lower().removeprefix(".")
    if form not in ("csv", "yaml", "yml"):
        problem = Problem(1, 1, "", f"`{path.name}` is neither YAML nor CSV", "name the file .yaml or .csv")
        raise PolicyErrors([problem], source=str(path))
    return loads_agents(read_text(path, bytes_max=FILE_MAX), form, policy, source=str(path))


def loads_agents(text: str, form: str, policy: Policy, *, source: str = "") -> list[AgentSheet]:
    """The same for a text; `form` is `csv` or `yaml`."""
    problems = Problems()
    body = text.removeprefix("\ufeff")
    drafts = read_agents_csv(body, problems) if form == "csv" else read_agents_yaml(body, problems, text_max=FILE_MAX)
    check = DraftCheck(policy, problems)
    sheets: dict[str, AgentSheet] = {}
    for draft in drafts:
        sheet = check.sheet(draft)
        if sheet is not None:
            sheets[sheet.person] = sheet
    if len(sheets) > AGENTS_MAX:
        problems.add((1, 1), "", f"{len(sheets):,} agents", f"a site has at most {AGENTS_MAX:,}")
    problems.raise_if_any(source, text)
    return list(sheets.values())


def diff_agents(current: Iterable[AgentSheet], wanted: Iterable[AgentSheet], policy: Policy) -> AgentDiff:
    """Compare sheets by person. What a sheet leaves to `policy` (cost, maximum, capacity) is filled in on both sides first;
    a wanted sheet without a name keeps the name known."""
    now = {sheet.person: sheet for sheet in current}
    then = {sheet.person: sheet for sheet in wanted}
    changed = []
    for person in sorted(now.keys() & then.keys()):
        what = _differences(fill_in(now[person], policy), fill_in(then[person], policy))
        if what:
            changed.append(AgentChange(now[person], then[person], what))
    return AgentDiff(
        declared=tuple(then[person] for person in sorted(then.keys() - now.keys())),
        changed=tuple(changed),
        retired=tuple(now[person] for person in sorted(now.keys() - then.keys())),
        unchanged=len(now.keys() & then.keys()) - len(changed),
    )


def fill_in(sheet: AgentSheet, policy: Policy) -> AgentSheet:
    """The sheet with the policy's values where it has none, as the engine sees it."""
    profiles = {profile.name: profile for profile in policy.channels}
    channels = []
    for channel in sheet.channels:
        profile = profiles.get(channel.channel)
        cost = profile.cost if channel.cost is None and profile is not None else channel.cost
        most = profile.max_concurrent if channel.max_concurrent is None and profile is not None else channel.max_concurrent
        channels.append(AgentChannel(channel.channel, cost, most))
    capacity = policy.capacity if sheet.capacity is None else sheet.capacity
    return AgentSheet(sheet.person, sheet.name, sheet.skills, sheet.queues, tuple(channels), capacity)


def leave_out(sheet: AgentSheet, policy: Policy) -> AgentSheet:
    """The opposite: what equals the policy's values is left to it, so that an exported file says only what is the agent's own."""
    profiles = {profile.name: profile for profile in policy.channels}
    channels = []
    for channel in sheet.channels:
        profile = profiles.get(channel.channel)
        cost = None if profile is not None and channel.cost == profile.cost else channel.cost
        most = None if profile is not None and channel.max_concurrent == profile.max_concurrent else channel.max_concurrent
        channels.append(AgentChannel(channel.channel, cost, most))
    capacity = None if sheet.capacity == policy.capacity else sheet.capacity
    return AgentSheet(sheet.person, sheet.name, sheet.skills, sheet.queues, tuple(channels), capacity)


def _differences(old: AgentSheet, new: AgentSheet) -> tuple[str, ...]:
    what = [part for part in ("skills", "queues", "channels", "capacity") if getattr(old, part) != getattr(new, part)]
    if new.name and new.name != old.name:
        what.insert(0, "name")
    return tuple(what)


__all__ = [
    "AgentChange",
    "AgentDiff",
    "AgentSheet",
    "diff_agents",
    "fill_in",
    "leave_out",
    "load_agents",
    "loads_agents",
]
