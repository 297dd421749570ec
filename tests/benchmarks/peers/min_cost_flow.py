"""The best that could be done with everybody who waits and everybody who is free: a min-cost flow, seen from above.

Contacts flow through their requirement set to agents who could serve it, one each. The most that can be matched at all, and
among those the least sum of places in the line.
"""

from collections.abc import Sequence

from ortools.graph.python.min_cost_flow import SimpleMinCostFlow

from tests.benchmarks.workload import Needs, suits


def most_matched(agents: Sequence[dict[int, int]], sets: Sequence[Needs], needs: Sequence[int]) -> int:
    """How many of the contacts, given by the number of their set and in the order of the line, can have an agent at once."""
    flow = SimpleMinCostFlow()
    source, sink = 0, 1
    first_set = 2
    first_contact = first_set + len(sets)
    first_agent = first_contact + len(needs)
    for place, number in enumerate(needs):
        flow.add_arc_with_capacity_and_unit_cost(source, first_contact + place, 1, place)
        flow.add_arc_with_capacity_and_unit_cost(first_contact + place, first_set + number, 1, 0)
    for agent, skills in enumerate(agents):
        flow.add_arc_with_capacity_and_unit_cost(first_agent + agent, sink, 1, 0)
        for number, wanted in enumerate(sets):
            if suits(skills, wanted):
                flow.add_arc_with_capacity_and_unit_cost(first_set + number, first_agent + agent, 1, 0)
    flow.set_node_supply(source, len(needs))
    flow.set_node_supply(sink, -len(needs))
    if flow.solve_max_flow_with_min_cost() != flow.OPTIMAL:
        raise RuntimeError("the flow has no optimum")
    return int(flow.maximum_flow())
