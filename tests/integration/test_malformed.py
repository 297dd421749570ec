"""More than a thousand malformed inputs against a running engine, at every door at once, with good contacts among them.

Each is refused or quarantined with a typed reason, nothing crashes, and everything good is served to its end.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from pathlib import Path

import grpc.aio
import nats
from grpc_health.v1 import health_pb2, health_pb2_grpc

from cordboard.demo import engine as engines
from cordboard.log import connect
from cordboard.router.verify import verify
from tests.integration import malformed_calls, malformed_chat, malformed_facts
from tests.integration.live_site import SITE, LiveSite, complaints, living, read_journal, servers_on
from tests.integration.malformed_facts import Inbox

SEED = int(os.environ.get("CORDBOARD_SEED", "20240917"))


async def test_a_thousand_malformed_inputs_harm_nobody(tmp_path: Path) -> None:
    print(f"seed {SEED}: CORDBOARD_SEED={SEED} makes the same inputs again")
    data_dir, log_file = tmp_path / "data", tmp_path / "up.log"
    process, engine = await engines.start(data_dir, ["--site", SITE, "--grace", "2"], log_file)
    try:
        refused: Counter[str] = Counter()
        async with await nats.connect(engine.nats_url) as nc, living(engine.grpc, engine.http, SEED) as site:
            inbox = Inbox(nc)
            await _everything(site, inbox, refused)
            await site.settled()
        assert site.wrong == [], "\n".join(site.wrong)
        assert await _serving(engine.grpc) and process.returncode is None
        assert await malformed_chat.healthy(engine.http)
        refused["inbox"] = inbox.malformed()
        print(dict(refused), "in all", refused.total())
        assert refused.total() >= 1_000
        async with connect(engine.nats_url, SITE, allow_lazy_fsync=True) as log:
            journal, verified = await read_journal(log), await verify(log)
        assert (verified.divergences, verified.violations, verified.lost) == ([], [], 0)
        assert inbox.compare(journal) == []
        assert journal.repeated == 0
        good = site.good
        assert good.expected <= good.offered
        ends = journal.ends()
        assert {contact: ends.get(contact) for contact in good.expected} == {contact: ["completed"] for contact in good.expected}
        assert set(good.heard.values()) == {1}
        assert servers_on(data_dir) == [engine.nats_pid]
    finally:
        await engines.stop(process)
    assert process.returncode == 0
    assert complaints(log_file) == []
    assert servers_on(data_dir) == []


async def _everything(site: LiveSite, inbox: Inbox, refused: Counter[str]) -> None:
    """All doors at once; each has dice of its own, so that a seed gives each the same inputs whoever is faster."""

    def dice(door: str) -> random.Random:
        return random.Random(f"{SEED} {door}")

    async with asyncio.TaskGroup() as group:
        group.create_task(malformed_facts.nonsense(site, inbox, dice("bytes"), 320))
        group.create_task(malformed_facts.impossible_orders(site, inbox, dice("orders"), 4))
        group.create_task(malformed_facts.whispers(site, inbox, dice("whispers"), 40))
        doors = {
            "chat frames": group.create_task(malformed_chat.nonsense(site, dice("frames"), 16)),
            "chat order": group.create_task(malformed_chat.wrong_order(site, dice("order"), 4)),
            "sockets": group.create_task(malformed_chat.broken_sockets(site, dice("sockets"))),
            "http": group.create_task(malformed_chat.broken_requests(site, dice("http"))),
            "calls": group.create_task(malformed_calls.nonsense(site, dice("calls"), 4)),
            "items": group.create_task(malformed_calls.broken_items(site, dice("items"), 100)),
        }
    for door, task in doors.items():
        refused[door] = task.result().total()
        print(door, dict(task.result()))
    assert await malformed_calls.endless_stream(site) == "INVALID_ARGUMENT"


async def _serving(target: str) -> bool:
    async with grpc.aio.insecure_channel(target) as channel:
        answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())  # type: ignore[attr-defined]
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
