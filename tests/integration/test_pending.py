"""What the vault holds when the whole engine is killed before the log has it: the next engine publishes it, once."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from websockets.asyncio.client import connect as open_socket
from websockets.exceptions import ConnectionClosed

from cordboard import codec
from cordboard.client import Client, ClientError
from cordboard.demo import engine as engines
from cordboard.events.fact import ContactArrived
from cordboard.events.verdict import Accepted, Duplicate
from cordboard.log import connect
from cordboard.router.verify import verify
from tests.integration.live_site import PATIENCE_S, QUEUE, SITE, complaints, living, read_journal, say, servers_on
from tests.postgres import eventually

TASKS = 8


def pending(data_dir: Path) -> list[tuple[bytes, bytes]]:
    """(contact, fact) of every row that the log has not acknowledged."""
    with closing(sqlite3.connect(f"file:{data_dir / 'vault.db'}?mode=ro", uri=True)) as vault:
        return vault.execute("SELECT contact, fact FROM vault_intake WHERE published = 0").fetchall()


async def test_what_was_pending_when_the_engine_died_is_published_by_the_next(tmp_path: Path) -> None:
    data_dir, log_file = tmp_path / "data", tmp_path / "up.log"
    arguments = ["--site", SITE, "--grace", "1"]
    process, engine = await engines.start(data_dir, arguments, log_file)
    async with living(engine.grpc, engine.http, seed=1) as site:
        await site.submit()
        await site.settled()
    # A server that is there and answers nobody: what comes in reaches the vault and no further.
    assert engine.nats_pid is not None
    os.kill(engine.nats_pid, signal.SIGSTOP)
    async with Client(engine.grpc, attempts=1) as service, open_socket(engine.chat_url, compression=None) as customer:
        await say(customer, type="start", client_id="c" * 32, queue=QUEUE, language="nl", text="Hallo?")
        submissions = [asyncio.create_task(service.submit_contact(channel="task", queue=QUEUE, text="x")) for _ in range(TASKS)]
        await eventually(lambda: len(pending(data_dir)) == TASKS + 1, "all of them stand in the vault")
        process.kill()
        await process.wait()
        for submission in submissions:
            with pytest.raises(ClientError):
                await submission
        with pytest.raises(ConnectionClosed):
            await customer.recv()
    await eventually(lambda: servers_on(data_dir) == [], "the server died with its owner, stopped or not")
    left = pending(data_dir)
    assert len(left) == TASKS + 1

    process, engine = await engines.start(data_dir, arguments, log_file)
    try:
        await eventually(lambda: pending(data_dir) == [], "the sweep has published everything", PATIENCE_S)
        async with Client(engine.grpc) as client:
            # The customer never comes back, so that chat is abandoned; tasks have no such end.
            for contact, fact in left:
                if _arrival(fact).channel == "task":
                    await client.end_contact(contact.hex())
            await eventually(lambda: _nothing_open(client), "everything has ended", PATIENCE_S)
        async with connect(engine.nats_url, SITE, allow_lazy_fsync=True) as log:
            journal, verified = await read_journal(log), await verify(log)
    finally:
        await engines.stop(process)
    assert (verified.divergences, verified.violations, verified.lost) == ([], [], 0)
    for contact, fact in left:
        verdicts = [decided.verdict for decided in journal.inputs.values() if decided.fact == fact]
        # Both gateways of this process sweep, so that a row may go out twice; it counts once.
        assert [verdict for verdict in verdicts if not isinstance(verdict, Duplicate)] == [Accepted()]
        assert journal.ends()[contact.hex()] == ["cancelled" if _arrival(fact).channel == "task" else "abandoned"]
    assert complaints(log_file) == []


def _arrival(fact: bytes) -> ContactArrived:
    arrival = codec.decode_fact(fact)
    assert isinstance(arrival, ContactArrived)
    return arrival


async def _nothing_open(client: Client) -> bool:
    return (await client.get_boards()).site.open == 0
