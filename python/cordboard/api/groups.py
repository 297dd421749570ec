"""Of which queues figures about agents may be told, so that none can be reckoned back to a few of them.

Pure, and decided by what agents are declared for alone: which figures are missing says nothing of what anybody does.

Figures are told of whole queues and of the site; what single channels add would be a second way to cut the same sum. Two kinds:

- *Work in a queue* (engaged, handled …) belongs to one queue, so queues do not overlap. The site's open contacts give the total
  away: what is not told must be the work of enough agents, too.
- *Agents of a queue* (ready, occupancy) stand in every queue they serve. Rows are told only as long as each agent looks like
  enough others: the same rows told of all of them. Whatever is added and subtracted then, what is left is about all of those or
  none.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Told(NamedTuple):
    """The queues of which figures about agents are told, by kind; `site`: whether those of the site are."""

    work: frozenset[str]
    agents: frozenset[str]
    site: bool


class Figures(NamedTuple):
    """Whether a queue's row tells of the work in it, and of its agents."""

    work: bool
    agents: bool


def told(members: Mapping[str, frozenset[bytes]], agents: int, least: int) -> Told:
    """`members`: who is declared for each queue, of `agents` in all. No figure is to be about fewer than `least` of them."""
    large = sorted((queue for queue in members if len(members[queue]) >= least), key=lambda queue: (-len(members[queue]), queue))
    return Told(_work(members, large, least), _agents(members, large, agents, least), agents >= least)


def _work(members: Mapping[str, frozenset[bytes]], large: list[str], least: int) -> frozenset[str]:
    shown = list(large)
    rest: set[bytes] = set().union(*(members[queue] for queue in members.keys() - set(large)))
    while shown and 0 < len(rest) < least:
        rest |= members[shown.pop()]
    return frozenset(shown)


def _agents(members: Mapping[str, frozenset[bytes]], large: list[str], agents: int, least: int) -> frozenset[str]:
    """The largest first: each is told if it parts no crowd of agents who look alike into one that is too small."""
    if agents < least:
        return frozenset()
    crowd_of: dict[bytes, int] = {}
    """Of those who stand in any row told; all others are crowd 0."""
    sizes = [agents]
    shown: list[str] = []
    for queue in large:
        parts: dict[int, list[bytes]] = {}
        for agent in members[queue]:
            parts.setdefault(crowd_of.get(agent, 0), []).append(agent)
        if all(len(part) >= least and (sizes[crowd] - len(part) or least) >= least for crowd, part in parts.items()):
            shown.append(queue)
            for crowd, part in parts.items():
                sizes[crowd] -= len(part)
                crowd_of.update(dict.fromkeys(part, len(sizes)))
                sizes.append(len(part))
    return frozenset(shown)


def enough(counts: Mapping[str, int], others: int, least: int) -> dict[str, int]:
    """The counts that may be told of people who are each counted once, or among `others`: none is below `least`, nor is what is
    left over."""
    shown = dict(sorted(((word, count) for word, count in counts.items() if count >= least), key=lambda item: (-item[1], item[0])))
    left = others + sum(counts.values()) - sum(shown.values())
    while shown and 0 < left < least:
        left += shown.popitem()[1]
    return shown
