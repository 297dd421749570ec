"""What the overload run says of its figures, on figures whose answer is known."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import grpc.aio

from cordboard import codec
from cordboard.api.status import grpc_status
from cordboard.errors import CordboardError, FactRefused, LogUnavailable, Overloaded
from cordboard.events import fact as facts
from cordboard.events.commit import Entry, Input
from cordboard.events.verdict import Accepted, Refused, Verdict
from cordboard.log.memory import MemoryLog
from tests.journal import SITE, an_id, commit
from tests.overload.doors import refusal
from tests.overload.judge import MIB, Report, growth, missing, recovered_s
from tests.overload.load import Phase

NORMAL_S = 0.01


def windows(*latencies: float) -> list[tuple[float, float]]:
    """Ten contacts in every half second, with these latencies."""
    return [(number * 0.5 + part * 0.05, took) for number, took in enumerate(latencies) for part in range(10)]


def test_recovered_is_when_three_windows_in_a_row_are_normal() -> None:
    assert recovered_s(windows(0.01, 0.012, 0.02, 0.01), NORMAL_S, 2.0) == 0.0
    assert recovered_s(windows(4.0, 2.0, 0.015, 0.5, 0.02, 0.01, 0.01, 0.01), NORMAL_S, 4.0) == 2.0
    assert recovered_s(windows(0.01, 0.01, 0.03, 0.01, 0.01, 0.03), NORMAL_S, 3.0) is None
    assert recovered_s([], NORMAL_S, 3.0) is None, "nobody was served"


def test_growth_is_what_a_process_held_more_than_at_half_load() -> None:
    peaks = {"0.5x": {"api": 100, "router": 50}, "3x": {"api": 140, "router": 40}, "0.5x again": {"api": 120, "router": 50}}
    assert growth(peaks, "0.5x", ["3x", "0.5x again"]) == {"api": 40, "router": 0}


def a_report(*, lost: int = 0, ends: dict[str, int] | None = None, reasons: dict[str, int] | None = None, api: int = 1) -> Report:
    phases = [Phase(name, 20.0, 2.0, taken=windows(*[NORMAL_S] * 4)) for name in ("0.5x", "3x", "0.5x again")]
    phases[1].reasons = Counter(reasons or {})
    peaks = {phase.name: {"api": MIB, "nats-server": MIB} for phase in phases}
    peaks["3x"] = {"api": api * MIB, "nats-server": 400 * MIB}
    return Report(100.0, phases, 60, lost, ends or {"accepted": 60}, peaks)


def test_every_broken_promise_is_a_finding() -> None:
    assert a_report(reasons={"refused overloaded": 12, "unknown outcome_unknown": 1}, api=200).findings() == []
    for broken, words in (
        (a_report(lost=2), "not in the journal"),
        (a_report(ends={"accepted": 9, "refused overloaded": 1}), "an end was refused overloaded"),
        (a_report(reasons={"untyped HTTP 500": 3}), "untyped HTTP 500"),
        (a_report(api=300), "api grew by 299 MiB"),
        (replace(a_report(), ended_by_itself=["router"]), "router ended by itself"),
    ):
        (finding,) = broken.findings()
        assert words in finding
    slow = a_report()
    slow.phases[-1].taken = windows(1.0, 1.0, 1.0, 1.0)
    (finding,) = slow.findings()
    assert "did not come back" in finding


def given(fact: facts.Fact, contact: bytes, verdict: Verdict) -> Entry:
    return Entry(0, contact, None, "chat", 0, codec.encode(Input(1, 0, 1, codec.encode(fact), verdict)))


async def test_whoever_was_told_yes_is_missing_until_the_journal_says_that_he_arrived() -> None:
    log = MemoryLog(SITE)
    bo, cy, di = (an_id(name) for name in ("bo", "cy", "di"))
    entries = [
        given(facts.ContactArrived(an_id("f1"), bo, "chat", "orders"), bo, Accepted()),
        given(facts.ContactArrived(an_id("f2"), cy, "chat", "orders"), cy, Refused("queue_full")),
        given(facts.ContactAbandoned(an_id("f3"), di), di, Accepted()),
    ]
    async with log.appender() as appender:
        await appender.append(1, codec.encode(commit(1, 1, *entries)))
    assert await missing(log, {bo.hex(), cy.hex(), di.hex()}) == {cy.hex(), di.hex()}, "an end is no arrival"


def told(error: CordboardError) -> grpc.aio.AioRpcError:
    status = grpc_status(error)
    metadata = grpc.aio.Metadata(*status.trailing_metadata)
    return grpc.aio.AioRpcError(status.code, grpc.aio.Metadata(), metadata, status.details, "")


def test_what_the_api_says_is_understood() -> None:
    words = {"overloaded": Overloaded("full"), "queue_full": FactRefused("full", reason="queue_full")}
    said = {name: refusal(told(error)) for name, error in words.items()}
    assert [(one.word, one.reason) for one in said.values()] == [("refused", "overloaded"), ("refused", "queue_full")]
    assert refusal(told(LogUnavailable("away"))).word == "unknown"
    assert refusal(told(FactRefused("?", reason="unknown_queue"))).word == "untyped"
