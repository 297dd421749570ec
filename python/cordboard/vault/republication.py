"""Facts that were published, and that a restored journal may lack: marked as pending again, for the gateways' sweeps to send.

A sweep sends the same bytes with the same fact id, asks the history about whatever the router may have forgotten, and a contact
with an external id has one fact for ever: so it harms nothing to mark too much. Only what came from outside is marked: agents find
their contacts again, and what they wrote may have gone out already.
"""

from __future__ import annotations

from sqlalchemy import Connection, exists, select, true, tuple_, update

from cordboard import codec
from cordboard.errors import InvalidInput
from cordboard.events.fact import ContactArrived, MessagePosted
from cordboard.vault.schema import contacts, erased, intake

CHUNK = 500
Cursor = tuple[int, bytes]
"""(created_ms, fact id) of the last row that was looked at."""


def mark_pending(
    connection: Connection, since_ms: int, after: Cursor | None, *, dry_run: bool
) -> tuple[dict[str, int], Cursor | None]:
    """Of the next published rows since `since_ms`: how many are pending now, by gateway (or would be), and where to go on."""
    place = tuple_(intake.c.created_ms, intake.c.fact_id)
    gone = exists().where(contacts.c.contact == intake.c.contact, contacts.c.customer == erased.c.customer)
    query = (
        select(intake.c.gateway, intake.c.created_ms, intake.c.fact_id, intake.c.fact)
        .where(intake.c.published == true(), intake.c.created_ms >= since_ms, ~gone)
        .order_by(intake.c.created_ms, intake.c.fact_id)
        .limit(CHUNK)
    )
    rows = connection.execute(query if after is None else query.where(place > after)).all()
    due = [row for row in rows if _from_outside(row.fact)]
    if due and not dry_run:
        again = update(intake).where(intake.c.fact_id.in_([row.fact_id for row in due])).values(published=False)
        connection.execute(again)
    counts: dict[str, int] = {}
    for row in due:
        counts[row.gateway] = counts.get(row.gateway, 0) + 1
    return counts, (rows[-1].created_ms, rows[-1].fact_id) if len(rows) == CHUNK else None


def _from_outside(data: bytes) -> bool:
    try:
        fact = codec.decode_fact(data)
    except InvalidInput:
        return False  # a newer release's: it knows better what may be repeated
    return isinstance(fact, ContactArrived) or (isinstance(fact, MessagePosted) and fact.author != "agent")
