"""Metrics: documented one by one, bounded, and never in contradiction with readiness."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import httpx
import pytest
from prometheus_client.metrics import MetricWrapperBase

from cordboard import codec, metrics
from cordboard.cli.lags import LAG_MAX, SILENCE_S, STILL_MS, Lags
from cordboard.cli.vitals import Vitals, exposition, health_app
from cordboard.errors import Overloaded
from cordboard.log.backlog import UNREAD_MAX, Lag
from cordboard.log.memory import MemoryLog
from cordboard.log.port import Backlog
from tests.journal import SITE, commit

ROOT = Path(__file__).parent.parent.parent


def instruments() -> list[MetricWrapperBase]:
    return [value for value in vars(metrics).values() if isinstance(value, MetricWrapperBase)]


def row(instrument: MetricWrapperBase) -> str:
    ending = "_total" if instrument._type == "counter" else ""
    labels = ", ".join(f"`{label}`" for label in instrument._labelnames)
    return f"| `{instrument._name}{ending}` | {instrument._type} | {labels} | {instrument._documentation} |"


def test_every_metric_stands_in_the_docs_as_it_is() -> None:
    told = [line for line in (ROOT / "docs/metrics.md").read_text().splitlines() if line.startswith("| `cordboard_")]
    assert told == [row(instrument) for instrument in instruments()]


def test_names_and_labels_are_as_prometheus_wants_them() -> None:
    for instrument in instruments():
        assert re.fullmatch(r"cordboard(_[a-z]+)+", instrument._name)
        assert not re.search(r"_(ms|milliseconds|kib|mib|percent)(_|$)", instrument._name), "base units"
        if instrument._type == "histogram":
            assert instrument._name.endswith(("_seconds", "_facts"))
        assert set(instrument._labelnames) <= {
            "role",
            "server",
            "stream",
            "follower",
            "publisher",
            "channel",
            "reason",
            "method",
            "code",
            "verdict",
            "outcome",
            "queue",
            "threshold",
            "group",
        }


def test_every_alert_of_the_rules_is_explained() -> None:
    rules = re.findall(r"- alert: (\w+)", (ROOT / "deploy/helm/cordboard/alerts.yaml").read_text())
    assert rules == re.findall(r"^\| (Cordboard\w+) \|", (ROOT / "docs/metrics.md").read_text(), re.MULTILINE)


def value(text: bytes, line: str) -> float:
    found = [told for told in text.decode().splitlines() if told.startswith(f"{line} ")]
    assert len(found) == 1, f"{line}: {found}"
    return float(found[0].rpartition(" ")[2])


async def test_a_follower_that_stands_still_is_told_by_readiness_and_metrics_alike() -> None:
    log, vitals = MemoryLog(SITE), Vitals.of(["projector", "router"])
    vitals.ready("projector")
    lags = Lags(log, vitals, ["projector"])

    def told() -> tuple[float, bool]:
        text, content_type = exposition(vitals, "")
        assert content_type.startswith("text/plain")
        ready = value(text, 'cordboard_ready{role="projector"}')
        assert bool(ready) == (not vitals.why_not("projector"))
        assert value(text, 'cordboard_ready{role="router"}') == 0, "it is starting"
        return value(text, 'cordboard_follower_lag_commits{follower="history"}'), bool(ready)

    async with log.appender() as appender:
        for seq in range(1, LAG_MAX + 12):
            await appender.append(seq, codec.encode(commit(seq, seq)))
    metrics.at("history", 5)
    await lags.look()
    assert told() == (LAG_MAX + 6, True), "it may have begun a moment ago"
    await lags.look()
    assert told() == (LAG_MAX + 6, False)
    assert "1006 commits behind and stands still" in vitals.why_not("projector")
    metrics.at("history", 6)
    await lags.look()
    assert told() == (LAG_MAX + 5, True), "it moves"
    metrics.at("history", LAG_MAX + 11)
    await lags.look()
    assert told() == (0, True)


async def test_one_that_stands_before_a_single_commit_is_told_too_and_so_is_a_log_that_is_silent() -> None:
    log, vitals = MemoryLog(SITE), Vitals.of(["archiver"])
    vitals.ready("archiver")
    lags, now_s = Lags(log, vitals, ["archiver"]), 1_000.0
    lags._clock = lambda: now_s
    async with log.appender() as appender:
        for seq in (1, 2, 3):
            await appender.append(seq, codec.encode(commit(seq, seq)))
    metrics.at("archive", 2)
    for _ in range(2):
        await lags.look()
        assert not vitals.why_not("archiver") and not vitals.standing()
    now_s += STILL_MS / 1000 + 1
    await lags.look()
    assert vitals.why_not("archiver") == "the archive is 1 commits behind and stands still"
    metrics.at("archive", 3)
    await lags.look()
    assert not vitals.why_not("archiver")
    now_s += SILENCE_S
    assert vitals.standing()["log"].startswith("NATS has not told this process for 20 s where the journal ends")
    assert not vitals.why_not("archiver"), "to be started anew helps nobody"
    await lags.look()
    assert not vitals.standing()


def test_who_is_behind_for_days_remembers_no_more_looks_than_somebody_needs() -> None:
    lag = Lag()
    for second in range(5_000):
        lag.seen(second + 1, float(second))
    assert len(lag._unread) == UNREAD_MAX
    assert lag.backlog(5_000.0) == Backlog(5_000, 5_000_000)
    lag.read(UNREAD_MAX + 7)
    assert lag.backlog(5_000.0) == Backlog(5_000 - UNREAD_MAX - 7, (5_000 - UNREAD_MAX + 1) * 1_000), "older rather than younger"
    lag.read(5_000)
    assert lag.backlog(5_001.0) == Backlog(0, 0)


async def test_the_health_port_answers_probes_and_scrapers_and_nobody_else() -> None:
    vitals = Vitals.of(["router"])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(health_app(vitals)), base_url="http://health") as client:
        assert (await client.get("/healthz")).json()["ok"], "it lives, ready or not"
        answer = await client.get("/readyz")
        assert (answer.status_code, answer.json()["unready"]) == (503, {"router": "starting"})
        vitals.ready("router", says="leading since epoch 3")
        vitals.sound({"inbox": "80 %"})
        answer = await client.get("/readyz")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
        assert answer.json() == {
            "ok": True,
            "unready": {},
            "roles": {"router": "leading since epoch 3"},
            "alarms": {"inbox": "80 %"},
        }
        scraped = await client.get("/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"})
        assert scraped.headers["content-type"].startswith("application/openmetrics-text")
        assert (await client.get("/metrics")).headers["content-type"].startswith("text/plain")
        assert (await client.get("/")).status_code == 404
        assert (await client.post("/metrics")).status_code == 405


async def test_a_publisher_of_any_name_makes_no_metric_of_its_own() -> None:
    log = MemoryLog(SITE)
    count, total = (
        metrics.REGISTRY.get_sample_value(f"cordboard_publisher_frame_facts_{each}", {"publisher": "other"}) or 0
        for each in ("count", "sum")
    )
    async with log.publisher("zoe-7") as publisher:
        await asyncio.gather(*(publisher.publish(b"fact") for _ in range(3)))
    after = {
        each: metrics.REGISTRY.get_sample_value(f"cordboard_publisher_frame_facts_{each}", {"publisher": "other"})
        for each in ("count", "sum")
    }
    assert after == {"count": count + 1, "sum": total + 3}
    assert b"zoe" not in exposition(Vitals.of([]), "")[0]


def test_a_refusal_is_counted_by_its_class_and_not_by_what_was_said() -> None:
    def counted(reason: str) -> float:
        return metrics.REGISTRY.get_sample_value("cordboard_gateway_refused_total", {"channel": "form", "reason": reason}) or 0

    before = {reason: counted(reason) for reason in ("overloaded", "internal")}
    with pytest.raises(Overloaded), metrics.admission("form"):
        raise Overloaded("no", reason="told-by-a-stranger")
    with pytest.raises(OSError), metrics.admission("form"):
        raise OSError
    assert {reason: counted(reason) - was for reason, was in before.items()} == {"overloaded": 1, "internal": 1}
    assert counted("told-by-a-stranger") == 0
