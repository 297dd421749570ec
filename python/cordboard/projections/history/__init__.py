"""History in SQL: contacts, visits, engagements and timelines, folded from the journal. Rebuilt at any time, so never backed up."""

from cordboard.projections.history.describe import asyncapi
from cordboard.projections.history.projector import run_history
from cordboard.projections.history.reader import (
    ContactFilter,
    ContactKey,
    ContactRow,
    EngagementRow,
    HistoryReader,
    TimelineKey,
    TimelineRow,
    VisitRow,
)

__all__ = [
    "ContactFilter",
    "ContactKey",
    "ContactRow",
    "EngagementRow",
    "HistoryReader",
    "TimelineKey",
    "TimelineRow",
    "VisitRow",
    "asyncapi",
    "run_history",
]
