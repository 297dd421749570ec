"""What is told of groups cannot be reckoned back to few agents: by every sum and difference of the rows of one answer."""

from collections.abc import Iterator
from itertools import product

from hypothesis import given
from hypothesis import strategies as some

from cordboard.api.groups import Told, enough, told

QUEUES = ("complaints", "invoices", "orders", "returns")
Members = dict[str, frozenset[bytes]]


@some.composite
def sites(draw: some.DrawFn) -> tuple[Members, int, int]:
    """Who serves what, how many agents there are, and how many a figure must be about. Some agents look alike, as in real sites."""
    kinds = draw(some.lists(some.sets(some.sampled_from(QUEUES)), min_size=1, max_size=4))
    agents = [serves for serves in kinds for _ in range(draw(some.integers(1, 6)))]
    members: Members = {}
    for number, serves in enumerate(agents):
        for queue in serves:
            members[queue] = members.get(queue, frozenset()) | {bytes([number])}
    return members, len(agents), draw(some.integers(2, 6))


def sums(rows: list[dict[tuple[int, str], int]]) -> Iterator[set[int]]:
    """Of whom every way to add and subtract the rows tells; a row is what it counts: an agent's part in a queue."""
    for factors in product((-2, -1, 0, 1, 2), repeat=len(rows)):
        total: dict[tuple[int, str], int] = {}
        for factor, row in zip(factors, rows, strict=True):
            for part, times in row.items():
                total[part] = total.get(part, 0) + factor * times
        yield {agent for (agent, _), times in total.items() if times}


@given(sites())
def test_no_sum_of_agents_rows_is_about_few(site: tuple[Members, int, int]) -> None:
    members, agents, least = site
    found = told(members, agents, least)
    rows = [{(agent[0], "is"): 1 for agent in members[queue]} for queue in sorted(found.agents)]
    if found.site:
        rows.append({(agent, "is"): 1 for agent in range(agents)})
    for about in sums(rows):
        assert not about or len(about) >= least


@given(sites())
def test_no_sum_of_work_rows_is_about_few(site: tuple[Members, int, int]) -> None:
    members, agents, least = site
    found = told(members, agents, least)
    rows = [{(agent[0], queue): 1 for agent in members[queue]} for queue in sorted(found.work)]
    # Contacts that are open, less those that wait or are parked: the work of all queues.
    rows.append({(agent[0], queue): 1 for queue in members for agent in members[queue]})
    served = {agent for serving in members.values() for agent in serving}
    for about in sums(rows):
        assert not about or len(about) >= min(least, len(served))


COUNTS = some.dictionaries(some.sampled_from(("", "lunch", "training", "technical")), some.integers(0, 12))


@given(COUNTS, some.integers(0, 12), some.integers(2, 6))
def test_neither_a_count_nor_what_is_left_is_of_few(counts: dict[str, int], others: int, least: int) -> None:
    shown = enough(counts, others, least)
    assert shown.items() <= counts.items()
    assert all(count >= least for count in shown.values())
    left = others + sum(counts.values()) - sum(shown.values())
    assert not shown or left == 0 or left >= least


def test_what_may_be_told_is_told() -> None:
    ten = frozenset(bytes([number]) for number in range(10))
    alike = {"orders": ten, "invoices": ten}
    assert told(alike, 10, 5) == Told(frozenset(alike), frozenset(alike), site=True)
    two_teams = {"orders": frozenset(sorted(ten)[:5]), "invoices": frozenset(sorted(ten)[5:])}
    assert told(two_teams, 10, 5) == Told(frozenset(two_teams), frozenset(two_teams), site=True)


def test_a_small_queue_hides_another_one_that_would_give_it_away() -> None:
    many = frozenset(bytes([number]) for number in range(10))
    few, some_more = frozenset([b"\x20", b"\x21"]), frozenset(bytes([number]) for number in range(0x30, 0x35))
    members = {"orders": many, "returns": some_more, "complaints": few}
    assert told(members, 17, 5).work == {"orders"}, "else the work of all less that of the other two were that of two agents"
    # Not so the rows about agents: `complaints` has none, and nothing adds up to it but with all agents of the site.
    assert told(members, 17, 5).agents == {"orders"}
    assert told(members | {"complaints": frozenset()}, 15, 5).agents == {"orders", "returns"}


def test_queues_that_differ_by_one_agent_are_not_both_told() -> None:
    ten = frozenset(bytes([number]) for number in range(10))
    assert told({"orders": ten, "invoices": ten - {b"\x00"}}, 10, 5).agents == {"orders"}
    assert told({"orders": ten, "invoices": ten - {b"\x00"}}, 10, 5).work == {"orders", "invoices"}


def test_a_site_of_few_tells_nothing() -> None:
    assert told({"orders": frozenset([b"\x00"])}, 1, 2) == Told(frozenset(), frozenset(), site=False)
