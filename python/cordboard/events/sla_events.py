"""Events of SLA promises: clocks on contacts and cases that say whether a customer was served in the time that was promised.

A clock is known by its subject, the entry's contact or the `case` that contact belongs to, and by the `name` of its SLA. It
starts once, may pause and go on, and ends once: met, broken or cancelled. `queue` is the contact's at that moment. See
`events.event` for what holds of all events.
"""

import msgspec

from cordboard.events.bounds import ContactId, DurationMs, Ms, Name
from cordboard.events.terms import EndReason, SlaMeasure


class SlaStarted(msgspec.Struct, frozen=True, array_like=True, tag=81):
    """The clock runs from `at_ms`: what it measures is to have happened by `due_ms`.

    From `warn_ms` on it is at risk (None: nobody is warned). A case that is reopened goes on with what was left of `target_ms`.
    """

    at_ms: Ms
    name: Name
    measure: SlaMeasure
    queue: Name
    case: ContactId | None
    target_ms: DurationMs
    due_ms: Ms
    warn_ms: Ms | None
    internal: bool
    group: Name | None


class SlaAtRisk(msgspec.Struct, frozen=True, array_like=True, tag=82):
    """Most of the time is gone and it can still be met: `group` is to know."""

    at_ms: Ms
    name: Name
    queue: Name
    case: ContactId | None
    due_ms: Ms
    internal: bool
    group: Name | None


class SlaMet(msgspec.Struct, frozen=True, array_like=True, tag=83):
    """It happened in time: after `elapsed_ms` that count, `spare_ms` before the end.

    A case that is reopened before `kept_until_ms` goes on with that.
    """

    at_ms: Ms
    name: Name
    queue: Name
    case: ContactId | None
    internal: bool
    elapsed_ms: DurationMs
    spare_ms: DurationMs
    kept_until_ms: Ms | None


class SlaBroken(msgspec.Struct, frozen=True, array_like=True, tag=84):
    """It did not happen by `due_ms`, or cannot any more since the call that was promised was missed then: `group` is to know.

    The clock of a case that is reopened before `kept_until_ms` does not start again.
    """

    at_ms: Ms
    name: Name
    queue: Name
    case: ContactId | None
    due_ms: Ms
    internal: bool
    group: Name | None
    kept_until_ms: Ms | None


class SlaPaused(msgspec.Struct, frozen=True, array_like=True, tag=85):
    """It waits for somebody else than us: the clock stands with `left_ms` to go."""

    at_ms: Ms
    name: Name
    queue: Name
    case: ContactId | None
    left_ms: DurationMs


class SlaResumed(msgspec.Struct, frozen=True, array_like=True, tag=90):
    """The clock goes on."""

    at_ms: Ms
    name: Name
    queue: Name
    case: ContactId | None
    due_ms: Ms
    warn_ms: Ms | None


class SlaCancelled(msgspec.Struct, frozen=True, array_like=True, tag=91):
    """The contact ended for `reason` before it could be said whether the promise was kept.

    A case goes on with what was left, as one that was met.
    """

    at_ms: Ms
    name: Name
    queue: Name
    case: ContactId | None
    internal: bool
    reason: EndReason
    spare_ms: DurationMs
    kept_until_ms: Ms | None


class ContactSegmented(msgspec.Struct, frozen=True, array_like=True, tag=92):
    """The contact's customer belongs to `segment`, which some SLA asks for."""

    at_ms: Ms
    segment: Name
