"""Errors as statuses: the code says whose turn it is, the reason is stable, details say what to mend or when to retry."""

from typing import get_args

import pytest
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2

from cordboard.api import status
from cordboard.errors import (
    CordboardError,
    FactRefused,
    InvalidInput,
    JournalCorrupt,
    LogUnavailable,
    NotFound,
    OutcomeUnknown,
    Overloaded,
    VaultUnavailable,
)  # fmt: skip
from cordboard.events.promises import DeclineReason
from cordboard.events.verdict import REFUSALS
from cordboard.v1.callback_service_pb2 import CallbackAlternatives

NOT_FOUND = {reason for reason in REFUSALS if reason.startswith("unknown_")} | {"no_such_offer"}
OTHERS = {
    "contact_exists": code_pb2.ALREADY_EXISTS,
    "already_asked": code_pb2.ALREADY_EXISTS,
    "park_limit": code_pb2.RESOURCE_EXHAUSTED,
    "side_limit": code_pb2.RESOURCE_EXHAUSTED,
    "no_room": code_pb2.RESOURCE_EXHAUSTED,
    "queue_full": code_pb2.RESOURCE_EXHAUSTED,
    "queue_expected_wait": code_pb2.RESOURCE_EXHAUSTED,
    "policy_invalid": code_pb2.INVALID_ARGUMENT,
    "hours_invalid": code_pb2.INVALID_ARGUMENT,
    "slot_mismatch": code_pb2.INVALID_ARGUMENT,
    "plan_too_far": code_pb2.INVALID_ARGUMENT,
    "too_many_promises": code_pb2.RESOURCE_EXHAUSTED,
    "policy_stale": code_pb2.ABORTED,
}


def detail(error: CordboardError, kind: type[Message]) -> Message | None:
    for packed in status.status_of(error).details:
        found = kind()
        if packed.Unpack(found):
            return found
    return None


@pytest.mark.parametrize("reason", sorted(REFUSALS))
def test_every_refusal_has_its_code_and_its_reason(reason: str) -> None:
    answer = status.status_of(FactRefused(REFUSALS[reason], reason=reason))
    expected = code_pb2.NOT_FOUND if reason in NOT_FOUND else OTHERS.get(reason, code_pb2.FAILED_PRECONDITION)
    assert answer.code == expected
    info = detail(FactRefused("", reason=reason), error_details_pb2.ErrorInfo)
    assert info == error_details_pb2.ErrorInfo(reason=reason.upper(), domain="cordboard")


def test_no_refusal_is_left_to_chance() -> None:
    assert status._BY_REASON.keys() == REFUSALS.keys()
    assert all(REFUSALS.values())


def test_a_reason_of_a_newer_router_is_no_error_of_ours() -> None:
    assert status.code_of(FactRefused("", reason="too_cold")) == code_pb2.FAILED_PRECONDITION


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidInput("x"), code_pb2.INVALID_ARGUMENT),
        (NotFound("x", reason="no_policy"), code_pb2.NOT_FOUND),
        (Overloaded("x"), code_pb2.UNAVAILABLE),
        (VaultUnavailable("x"), code_pb2.UNAVAILABLE),
        (status.Draining("x"), code_pb2.UNAVAILABLE),
        (status.CatchingUp("x"), code_pb2.UNAVAILABLE),
        (LogUnavailable("x"), code_pb2.DEADLINE_EXCEEDED),
        (OutcomeUnknown("x"), code_pb2.DEADLINE_EXCEEDED),
        (status.TokenExpired("x"), code_pb2.OUT_OF_RANGE),
        (status.VersionChanged("x"), code_pb2.ABORTED),
        (status.ReaderTooSlow("x"), code_pb2.RESOURCE_EXHAUSTED),
        (JournalCorrupt("x"), code_pb2.DATA_LOSS),
        (status.WishDeclined("full", ()), code_pb2.RESOURCE_EXHAUSTED),
        (status.WishDeclined("past", ()), code_pb2.OUT_OF_RANGE),
        (status.WishDeclined("beyond_horizon", ()), code_pb2.OUT_OF_RANGE),
        (status.WishDeclined("outside_hours", ()), code_pb2.FAILED_PRECONDITION),
        (status.WishDeclined("no_callbacks", ()), code_pb2.FAILED_PRECONDITION),
        (CordboardError("x"), code_pb2.INTERNAL),
    ],
)
def test_every_other_error_has_its_code(error: CordboardError, code: int) -> None:
    assert status.status_of(error).code == code


@pytest.mark.parametrize(
    "error", [Overloaded("full"), VaultUnavailable("away"), status.Draining("stopping"), status.CatchingUp("started")]
)
def test_what_passes_says_when_to_come_back(error: CordboardError) -> None:
    retry = detail(error, error_details_pb2.RetryInfo)
    assert isinstance(retry, error_details_pb2.RetryInfo)
    assert retry.retry_delay.ToMilliseconds() == status.RETRY_DELAY_MS


@pytest.mark.parametrize("error", [OutcomeUnknown("no verdict yet"), LogUnavailable("no acknowledgement")])
def test_an_unknown_outcome_says_how_to_learn_it(error: CordboardError) -> None:
    assert status.status_of(error).message.startswith("outcome unknown, retry with the same request_id")


def test_wrong_fields_are_named() -> None:
    error = status.BadRequest((status.Violation("a", "is wrong"), status.Violation("b[1].c", "too")))
    bad = detail(error, error_details_pb2.BadRequest)
    assert isinstance(bad, error_details_pb2.BadRequest)
    assert [(violation.field, violation.description) for violation in bad.field_violations] == [
        ("a", "is wrong"),
        ("b[1].c", "too"),
    ]


def test_a_status_fits_what_clients_read() -> None:
    violations = tuple(status.Violation(f"agents[{number}].name", "ü" * 5_000) for number in range(50))
    answer = status.status_of(status.BadRequest(violations))
    # The message stands in the trailers percent-encoded, and again inside the details, which are in base64.
    assert 3 * len(answer.message.encode()) + len(answer.SerializeToString()) * 4 / 3 < 8_000
    named = detail(status.BadRequest(violations), error_details_pb2.BadRequest)
    assert isinstance(named, error_details_pb2.BadRequest)
    assert [violation.field for violation in named.field_violations] == [f"agents[{number}].name" for number in range(9)]
    assert answer.message.endswith("ü…")


def test_a_wish_that_cannot_be_met_names_what_can_be_had() -> None:
    error = status.WishDeclined("closed", (1_800_000, 900_000))
    assert detail(error, CallbackAlternatives) == CallbackAlternatives(begin_ms=[1_800_000, 900_000])
    info = detail(error, error_details_pb2.ErrorInfo)
    assert info == error_details_pb2.ErrorInfo(reason="CALLBACK_CLOSED", domain="cordboard")
    assert set(status._DECLINED) == set(get_args(DeclineReason))
