"""The engine is killed while customers are being erased. Whoever repeats the request, and the journal by itself, see it through."""

from __future__ import annotations

import asyncio
import sqlite3
import uuid
from collections.abc import Mapping
from pathlib import Path

from cordboard import codec
from cordboard.client import Client, ClientError, Customer
from cordboard.demo import engine as engines
from cordboard.log import connect
from cordboard.vault.erasure import erased_in
from tests.integration.live_site import QUEUE, SITE, policy
from tests.postgres import eventually

KILLS = (0, 3)
"""The engine dies when so many erasures of a run have been answered."""
A_RUN = 8
AT_ONCE = 2


async def test_every_erasure_is_seen_through(tmp_path: Path) -> None:
    async with engines.running(tmp_path, ["--site", SITE]) as engine, Client(engine.grpc) as client:
        await client.ready()
        await client.publish_policy(codec.encode(policy()))
        addresses = [f"customer{number}@x.example" for number in range(A_RUN * len(KILLS))]
        for address in (*addresses, "stays@x.example"):
            await client.submit_contact(
                channel="task", queue=QUEUE, text="een vraag", customer=Customer(kind="email", address=address)
            )
        refs = {(await client.get_customer(("email", address))).customer_id: str(uuid.uuid4()) for address in addresses}
    left: dict[str, str] = {}
    for run, answers in enumerate(KILLS):
        process, engine = await engines.start(tmp_path, ["--site", SITE], tmp_path / "up.log")
        wanted = left | dict(list(refs.items())[run * A_RUN : (run + 1) * A_RUN])
        done = await erase_until(engine.grpc, wanted, answers, process)
        left = {ref: request for ref, request in wanted.items() if ref not in done}
    unanswered = set(left)
    async with engines.running(tmp_path, ["--site", SITE]) as engine:
        async with connect(engine.nats_url, SITE, monitor_url=engine.monitor_url) as log:
            said = {
                ref.hex()
                for seq in range(1, await log.last_journal_seq() + 1)
                for ref in erased_in(codec.decode_commit((await log.read_commit(seq)).data))
            }
        assert set(refs) - unanswered <= said, "nothing is answered before the journal has it"
        async with Client(engine.grpc) as client:
            for ref in said:  # without anybody asking again
                await unknown(client, ref)
            for ref, request in left.items():
                assert (await client.erase_customer(ref, request_id=request)).completed
            for ref, request in refs.items():
                assert (await client.erase_customer(ref, request_id=request)).completed, "once more is no more"
                await unknown(client, ref)
            assert (await client.get_customer(("email", "stays@x.example"))).customer_id not in refs
    assert await asyncio.to_thread(remaining, tmp_path) == {"vault_customers": 1, "vault_identities": 1, "vault_contents": 2}


async def erase_until(target: str, wanted: Mapping[str, str], answers: int, process: asyncio.subprocess.Process) -> set[str]:
    """Ask, a few at once; kill the engine after so many answers. Returns whose erasure was confirmed."""
    confirmed: set[str] = set()
    hands = asyncio.Semaphore(AT_ONCE)

    async def ask(client: Client, ref: str, request: str) -> None:
        async with hands:
            try:
                answer = await client.erase_customer(ref, request_id=request)
            except ClientError:
                return
        if answer.completed:
            confirmed.add(ref)

    async with Client(target, attempts=1) as client:
        asking = [asyncio.create_task(ask(client, ref, request)) for ref, request in wanted.items()]
        await eventually(lambda: len(confirmed) >= answers, f"{answers} erasures")
        process.kill()
        await process.wait()
        for task in asking:
            task.cancel()
        await asyncio.wait(asking)
        assert not any(task.exception() for task in asking if not task.cancelled())
    return confirmed


async def unknown(client: Client, ref: str) -> None:
    try:
        await client.get_customer(ref)
    except ClientError as error:
        assert error.reason == "unknown_customer"
    else:
        raise AssertionError(f"customer {ref} is still there")


def remaining(directory: Path) -> dict[str, int]:
    with sqlite3.connect(directory / "vault.db") as connection:
        tables = ("vault_customers", "vault_identities", "vault_contents")
        found = {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}
    connection.close()
    return found
