"""Promises to nobody: queues, channels, segments and calendars that are not there, and settings that mean nothing."""

from cordboard.policy.problems import Problems
from cordboard.policy.references import check_references
from cordboard.policy.sections import Document


def check_slas(document: Document, problems: Problems) -> None:
    """Add every contradiction of the SLAs."""
    for word, sla in document.named["slas"].items():
        path = f"slas.{word}"
        check_references(document, sla, ("queue", "channel", "segment", "calendar"), path, problems)
        measure = sla.get("measure")
        if "reopen" in sla.values and measure not in (None, "resolution"):
            problems.add(
                sla.place("reopen"),
                f"{path}.reopen",
                f"only a resolution goes on when a case is reopened, not {measure}",
                "remove `reopen`, or write `measure: resolution`",
            )
