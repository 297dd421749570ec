"""Figures of a period that the database counts: how promised calls and clocks of SLAs ended. However many there are, the answer is
a row a queue and outcome."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Label, Select, case, func, literal, select

from cordboard.projections.history.schema import promises, slas


class Period(msgspec.Struct, frozen=True):
    """`from_ms` ≤ instant < `until_ms`; of these queues if any are named."""

    from_ms: int
    until_ms: int
    queues: Sequence[str] = ()


class PromiseOutcomes(msgspec.Struct, frozen=True):
    """How many promised calls of a queue ended so, or live (`outcome` None); of these, how many were at risk at some time, and how
    many were due by the time asked about."""

    queue: str
    outcome: str | None
    promises: int
    at_risk: int
    due: int


class Lateness(msgspec.Struct, frozen=True):
    """How late the promised calls of a queue were, or of all together (`queue` empty): values that were seen, the least that so
    many percent do not exceed."""

    queue: str
    p50_ms: int
    p95_ms: int


class SlaOutcome(msgspec.Struct, frozen=True):
    """How many clocks of an SLA ended so while their contact was in this queue."""

    sla: str
    queue: str
    internal: bool
    outcome: str
    clocks: int


def promises_by_outcome(of: Period, due_ms: int) -> Select[Any]:
    by = (promises.c.queue, promises.c.outcome)
    figures = (
        func.count().label("promises"),
        func.sum(case((promises.c.at_risk, 1), else_=0)).label("at_risk"),
        func.sum(case((promises.c.due_ms <= due_ms, 1), else_=0)).label("due"),
    )
    return _due(select(*by, *figures), of).group_by(*by)


def lateness(of: Period, outcomes: Sequence[str], *, by_queue: bool) -> Select[Any]:
    queue = promises.c.queue if by_queue else literal("")
    late = func.coalesce(promises.c.lateness_ms, 0)
    places = (
        queue.label("queue"),
        late.label("late"),
        func.row_number().over(partition_by=queue, order_by=late).label("place"),
        func.count().over(partition_by=queue).label("places"),
    )
    ranked = _due(select(*places), of).where(promises.c.outcome.in_(outcomes)).subquery()

    def percentile(percent: int, name: str) -> Label[int]:
        return func.min(case((ranked.c.place * 100 >= ranked.c.places * percent, ranked.c.late))).label(name)

    return select(ranked.c.queue, percentile(50, "p50_ms"), percentile(95, "p95_ms")).group_by(ranked.c.queue)


def clocks_by_outcome(of: Period) -> Select[Any]:
    by = (slas.c.sla, slas.c.queue, slas.c.internal, slas.c.outcome)
    query = select(*by, func.count().label("clocks")).where(slas.c.ended_ms >= of.from_ms, slas.c.ended_ms < of.until_ms)
    return (query.where(slas.c.queue.in_(of.queues)) if of.queues else query).group_by(*by)


def _due(query: Select[Any], of: Period) -> Select[Any]:
    query = query.where(promises.c.due_ms >= of.from_ms, promises.c.due_ms < of.until_ms)
    return query.where(promises.c.queue.in_(of.queues)) if of.queues else query
