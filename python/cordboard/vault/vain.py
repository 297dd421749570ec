"""Wishes for a call, and choices of a next step, of which nothing came: what was kept for them is kept for nothing.

Who asked forgets it as soon as the verdict is heard. Where nobody heard it (a client that went, a crash), the journal says it.
"""

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Connection, exists, select

from cordboard import codec
from cordboard.errors import InvalidInput
from cordboard.events import Commit
from cordboard.events.commit import INPUT_TAG, Input
from cordboard.events.next_steps import NextStepChosen
from cordboard.events.promises import CallbackDeclined, CallbackRequested, CallbackRescheduled
from cordboard.events.verdict import Refused
from cordboard.vault.discarding import discard, withdraw
from cordboard.vault.schema import contents, intake

_DECLINED = CallbackDeclined.__struct_config__.tag
RESENT_MS = 10 * 60_000
"""A fact that is refused so long after it was kept may be one that was accepted before, sent again after the router's memory."""


class Vain(NamedTuple):
    """A fact that made nothing of the contact it was to begin, or, if it brought a `message`, of that to a contact that stays."""

    contact: bytes
    fact_id: bytes
    since_ms: int
    """What was kept before has perhaps come to something."""
    message: bytes | None = None


def vain_in(commit: Commit) -> list[Vain]:
    """Those that this commit declines or refuses."""
    declined = {entry.cause for entry in commit.entries if entry.tag == _DECLINED}
    inputs = ((index, entry) for index, entry in enumerate(commit.entries) if entry.tag == INPUT_TAG)
    found = (_vain(codec.decode_input(entry), commit.at_ms, declined=index in declined) for index, entry in inputs)
    return [one for some in found for one in some]


def _vain(given: Input, at_ms: int, *, declined: bool) -> Iterator[Vain]:
    refused = isinstance(given.verdict, Refused)
    # What there is by that id is somebody else's.
    if not (declined or refused) or (isinstance(given.verdict, Refused) and given.verdict.reason == "contact_exists"):
        return
    try:
        fact = codec.decode_fact(given.fact)
    except InvalidInput:
        return  # of a newer release
    since_ms = 0 if declined else at_ms - RESENT_MS
    match fact:
        case CallbackRequested():
            yield Vain(fact.contact, fact.fact_id, since_ms)
        case CallbackRescheduled():
            yield Vain(fact.successor, fact.fact_id, since_ms)
        case NextStepChosen(message=message):
            yield Vain(fact.successor, fact.fact_id, since_ms)
            if message is not None:  # whoever waits stays the same contact in another queue
                yield Vain(fact.contact, fact.fact_id, since_ms, message)


def forget(connection: Connection, vain: Vain) -> list[bytes]:
    """Delete the contents that came with this fact, and what `discard` says; not if another wish has the contact by now, which may
    be wished for again. Returns the owners whose keys are gone."""
    of_it = (intake.c.contact == vain.contact, intake.c.fact_id == vain.fact_id, intake.c.created_ms >= vain.since_ms)
    if vain.message is not None:
        if connection.execute(select(exists().where(*of_it))).scalar_one():
            withdraw(connection, vain.contact, vain.message)
        return []
    came_ms = select(intake.c.created_ms).where(*of_it).scalar_subquery()
    other = exists().where(intake.c.contact == vain.contact, intake.c.fact_id != vain.fact_id, intake.c.created_ms >= came_ms)
    # One statement looks at wishes and contents: what another wish brings comes with its own row, and is not taken for this one's.
    mine = exists().where(*of_it)
    refs = connection.execute(select(contents.c.ref).where(contents.c.contact == vain.contact, mine, ~other)).scalars().all()
    return discard(connection, vain.contact, refs) if refs else []
