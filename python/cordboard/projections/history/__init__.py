"""History in SQL: contacts, visits, engagements and timelines, folded from the journal. Rebuilt at any time, so never backed up."""

from cordboard.projections.history.describe import asyncapi
from cordboard.projections.history.projector import Trimmed, abandon_rebuild, rebuild_history, run_history
from cordboard.projections.history.reader import (
    MESSAGES,
    ContactFilter,
    ContactKey,
    ContactRow,
    EngagementRow,
    HistoryReader,
    TimelineKey,
    TimelineRow,
    TopicOutcome,
    VisitRow,
)

__all__ = [
    "MESSAGES",
    "ContactFilter",
    "ContactKey",
    "ContactRow",
    "EngagementRow",
    "HistoryReader",
    "TimelineKey",
    "TimelineRow",
    "TopicOutcome",
    "Trimmed",
    "VisitRow",
    "abandon_rebuild",
    "asyncapi",
    "rebuild_history",
    "run_history",
]
