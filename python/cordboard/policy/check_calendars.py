"""What calendars say, as a whole."""

from cordboard.policy.problems import Problems
from cordboard.policy.sections import Document


def check_calendars(document: Document, problems: Problems) -> None:
    """Every calendar's hours are of some clock."""
    for word, calendar in document.named["calendars"].items():
        if not calendar.get("timezone") and not document.site.get("timezone") and "timezone" not in calendar.wrong:
            problems.add(
                calendar.at,
                f"calendars.{word}",
                "nothing says whose clock its hours are of",
                "write `timezone: Europe/Amsterdam` in it, or at the top for the whole site",
            )
