"""A promise as a calendar entry (iCalendar, RFC 5545 and 5546): to download, or to send along with a mail."""

from dataclasses import dataclass
from datetime import UTC, datetime

from cordboard.promises import Promise

CALENDAR = "/callback.ics"
"""Where it is found, below the link of its promise."""
PRODUCT = "-//Cordboard//Callbacks//EN"


@dataclass(frozen=True, slots=True)
class CalendarFile:
    """A file as browsers and mail programs take it."""

    name: str
    media_type: str
    data: bytes


def calendar_file(
    promise: Promise, first: bytes, moves: int, site: str, zone: str, title: str, note: str, url: str | None = None
) -> CalendarFile:
    """The entry of a promise. All times are UTC; `zone` is for display. `first`: the contact of the first promise, by which
    calendars know the entry again; each of its `moves` replaces it. What was cancelled takes the entry away again. `url`: the page
    by which the customer looks after it."""
    # Imported where it is needed: most gateways never make one.
    from icalendar import Calendar, Event, vCalAddress

    gone = promise.outcome in ("cancelled", "rescheduled")
    method = "CANCEL" if gone else "PUBLISH"
    event = Event()
    event.add("uid", f"{first.hex()}@{site}.cordboard")
    event.add("sequence", moves + (1 if gone else 0))
    event.add("status", "CANCELLED" if gone else "CONFIRMED")
    event.add("dtstamp", _utc(promise.ended_ms or promise.made_ms))
    event.add("dtstart", _utc(promise.due_ms))
    event.add("dtend", _utc(promise.due_ms + promise.slot_ms))
    event.add("summary", title)
    event.add("description", note)
    if url is not None:
        event.add("url", url)
    event.add("organizer", vCalAddress(f"urn:x-cordboard:{site}"))
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", method)
    calendar.add("x-wr-timezone", zone)
    calendar.add_component(event)
    return CalendarFile("callback.ics", f"text/calendar; method={method}", calendar.to_ical())


def _utc(ms: int) -> datetime:
    return datetime.fromtimestamp(ms // 1_000, UTC)
