"""From Cordboard's errors to google.rpc.Status: one code, one stable reason, and what the caller can do about it."""

from dataclasses import dataclass
from typing import Self

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from cordboard.errors import (
    Conflict,
    CordboardError,
    FactRefused,
    InvalidInput,
    JournalCorrupt,
    LogUnavailable,
    NotFound,
    OutcomeUnknown,
    Overloaded,
    VaultUnavailable,
)
from cordboard.events.promises import DeclineReason
from cordboard.events.terms import DivertCause
from cordboard.events.verdict import REFUSALS
from cordboard.v1.callback_service_pb2 import CallbackAlternatives
from cordboard.v1.next_step_service_pb2 import NextSteps

DOMAIN = "cordboard"
RETRY_DELAY_MS = 1_000
MESSAGE_MAX = 600
DESCRIPTION_MAX = 300
DETAILS_MAX = 3_000
"""Bytes. A status travels in the trailers, message and details once more in base64, and clients read 8 KiB of those, not more."""
RETRY_HINT = "outcome unknown, retry with the same request_id"


@dataclass(frozen=True, slots=True)
class Violation:
    """One wrong field of a request; `field` is its path, for example `requirements[2].level`."""

    field: str
    description: str


class BadRequest(InvalidInput):
    """The request breaks the API's own rules; every wrong field is named."""

    def __init__(self, violations: tuple[Violation, ...]) -> None:
        super().__init__("; ".join(f"{violation.field}: {violation.description}" for violation in violations))
        self.violations = violations

    @classmethod
    def of(cls, field: str, description: str) -> Self:
        """One wrong field."""
        return cls((Violation(field, description),))


class TokenExpired(CordboardError):
    """A resume or consistency token that this site cannot serve (any more)."""

    reason = "resume_token_expired"


class VersionChanged(CordboardError):
    """The compare of a compare-and-publish failed: read again, then decide again."""

    reason = "version_changed"


class ReaderTooSlow(CordboardError):
    """A watch ended because its reader let the queue fill up. Watch again."""

    reason = "reader_too_slow"


class NotShown(CordboardError):
    """The policy's monitoring does not show this of single agents."""

    reason = "not_shown"


class WishDeclined(CordboardError):
    """A call cannot be promised as it was wished; `alternatives` begin then (Unix ms), the nearest first."""

    def __init__(self, reason: DeclineReason, alternatives: tuple[int, ...]) -> None:
        said, self.code = _DECLINED[reason]
        super().__init__(said, reason=reason if reason == "no_callbacks" else f"callback_{reason}")
        self.alternatives = alternatives


class TurnedAway(FactRefused):
    """A new contact is not taken by its queue; its customer may do something else instead."""

    def __init__(self, cause: DivertCause, next_steps: NextSteps) -> None:
        reason = f"queue_{cause}"
        super().__init__(REFUSALS.get(reason, reason), reason=reason)
        self.next_steps = next_steps


_DECLINED: dict[DeclineReason, tuple[str, int]] = {
    "no_callbacks": ("the queue promises no calls", code_pb2.FAILED_PRECONDITION),
    "closed": ("nobody is called back then", code_pb2.FAILED_PRECONDITION),
    "outside_hours": ("there is no room in the hours in which the customer can be reached", code_pb2.FAILED_PRECONDITION),
    "past": ("that time has passed", code_pb2.OUT_OF_RANGE),
    "beyond_horizon": ("that is further ahead than anything is promised", code_pb2.OUT_OF_RANGE),
    "full": ("everything is promised already then", code_pb2.RESOURCE_EXHAUSTED),
}


class Draining(CordboardError):
    """This server is shutting down; another one, or the next one, serves the call."""

    reason = "draining"


class CatchingUp(CordboardError):
    """This server has just started and has not read the journal to its end."""

    reason = "catching_up"


_BY_REASON: dict[str, int] = {
    # Says nothing about the caller: there is no such thing.
    **dict.fromkeys(
        (
            "unknown_contact", "unknown_agent", "unknown_queue", "unknown_channel", "unknown_skill", "unknown_reason",
            "unknown_disposition", "unknown_topic", "unknown_entry_point", "unknown_effect", "unknown_work", "no_such_offer",
        ),
        code_pb2.NOT_FOUND,
    ),
    # It is so already.
    **dict.fromkeys(("contact_exists", "already_asked"), code_pb2.ALREADY_EXISTS),
    # A limit is reached, and room may come.
    **dict.fromkeys(
        ("queue_full", "queue_expected_wait", "park_limit", "side_limit", "no_room", "too_many_promises"),
        code_pb2.RESOURCE_EXHAUSTED,
    ),
    # The state is another one than the caller thought: look, then decide again.
    **dict.fromkeys(
        (
            "no_policy", "contact_gone", "queue_emergency", "queue_closed", "queue_closed_hours", "queue_unstaffed",
            "already_accepted", "declined",
            "expired", "revoked", "not_connecting", "not_engaged", "not_wrapping", "extension_limit", "no_abandon", "no_parking",
            "not_parked", "effect_open", "agent_busy", "same_queue", "same_agent", "transfer_limit", "not_queued",
            "already_queued", "agent_not_ready", "no_side", "channel_not_enabled", "policy_in_use",
            "level_in_force", "level_unknown", "contact_scheduled", "contact_promised", "not_promised", "not_waiting",
            "callback_in_progress", "no_callbacks", "no_next_step", "next_step_not_offered", "next_step_unavailable",
        ),
        code_pb2.FAILED_PRECONDITION,
    ),
    "policy_invalid": code_pb2.INVALID_ARGUMENT,
    "hours_invalid": code_pb2.INVALID_ARGUMENT,
    "slot_mismatch": code_pb2.INVALID_ARGUMENT,
    "plan_too_far": code_pb2.INVALID_ARGUMENT,
    "policy_stale": code_pb2.ABORTED,
}  # fmt: skip
"""Every refusal of the router (`events.verdict.REFUSALS`)."""
_BY_TYPE: tuple[tuple[type[CordboardError], int], ...] = (
    (InvalidInput, code_pb2.INVALID_ARGUMENT),
    (NotFound, code_pb2.NOT_FOUND),
    (Conflict, code_pb2.FAILED_PRECONDITION),
    # For a reason that only a newer router knows.
    (FactRefused, code_pb2.FAILED_PRECONDITION),
    (Overloaded, code_pb2.UNAVAILABLE),
    (VaultUnavailable, code_pb2.UNAVAILABLE),
    (Draining, code_pb2.UNAVAILABLE),
    (CatchingUp, code_pb2.UNAVAILABLE),
    (LogUnavailable, code_pb2.DEADLINE_EXCEEDED),
    (OutcomeUnknown, code_pb2.DEADLINE_EXCEEDED),
    (TokenExpired, code_pb2.OUT_OF_RANGE),
    (VersionChanged, code_pb2.ABORTED),
    (NotShown, code_pb2.PERMISSION_DENIED),
    (ReaderTooSlow, code_pb2.RESOURCE_EXHAUSTED),
    (JournalCorrupt, code_pb2.DATA_LOSS),
)


def code_of(error: CordboardError) -> int:
    """The google.rpc.Code of an error."""
    if isinstance(error, FactRefused) and (code := _BY_REASON.get(error.reason)) is not None:
        return code
    if isinstance(error, WishDeclined):
        return error.code
    return next((code for kind, code in _BY_TYPE if isinstance(error, kind)), code_pb2.INTERNAL)


def reason_of(error: CordboardError) -> str:
    """The reason as it stands in an ErrorInfo: upper case, as google.rpc wants it."""
    return error.reason.upper()


def message_of(error: CordboardError) -> str:
    """What people read, in at most MESSAGE_MAX bytes. An unknown outcome says how to learn it."""
    return _cut(f"{RETRY_HINT}: {error}" if isinstance(error, LogUnavailable | OutcomeUnknown) else str(error), MESSAGE_MAX)


def status_of(error: CordboardError) -> status_pb2.Status:
    """The whole status with its details."""
    details: list[Message] = [error_details_pb2.ErrorInfo(reason=reason_of(error), domain=DOMAIN)]
    if isinstance(error, BadRequest):
        details.append(_bad_request(error.violations))
    if isinstance(error, WishDeclined):
        details.append(CallbackAlternatives(begin_ms=error.alternatives))
    if isinstance(error, TurnedAway):
        details.append(error.next_steps)
    if isinstance(error, Overloaded | VaultUnavailable | Draining | CatchingUp):
        details.append(
            error_details_pb2.RetryInfo(
                retry_delay=duration_pb2.Duration(nanos=RETRY_DELAY_MS % 1000 * 1_000_000, seconds=RETRY_DELAY_MS // 1000)
            )
        )
    return status_pb2.Status(code=code_of(error), message=message_of(error), details=[_packed(detail) for detail in details])


def grpc_status(error: CordboardError) -> grpc.Status:
    """What `context.abort_with_status` takes."""
    return rpc_status.to_status(status_of(error))


def _bad_request(violations: tuple[Violation, ...]) -> error_details_pb2.BadRequest:
    """As many violations as fit DETAILS_MAX."""
    bad = error_details_pb2.BadRequest()
    for violation in violations:
        found = bad.field_violations.add(field=violation.field, description=_cut(violation.description, DESCRIPTION_MAX))
        if bad.ByteSize() > DETAILS_MAX:
            bad.field_violations.remove(found)
            break
    return bad


def _cut(text: str, longest: int) -> str:
    """`text`, or its beginning and an ellipsis, in at most `longest` bytes of UTF-8."""
    data = text.encode()
    return text if len(data) <= longest else data[: longest - 3].decode(errors="ignore") + "…"


def _packed(detail: Message) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(detail)
    return packed
