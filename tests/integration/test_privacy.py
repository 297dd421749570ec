"""Names, addresses and texts stand in the vault, encrypted, and nowhere else: not in any byte of any file the engine writes."""

import asyncio
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from cordboard.client import Client, ClientError, Customer
from cordboard.demo import engine as engines
from tests.integration.live_site import QUEUE, SITE, hear, living, say

NAME, ADDRESS = "Wilhelmina-Zonderland", "w.zonderland@privacy.example"
SUBJECT, TEXT, CHAT, FORGOTTEN = "subject-kwikstaart", "text-roodborst", "chat-ijsvogel", "late-wielewaal"
SECRETS = [secret.encode() for secret in (NAME, ADDRESS, SUBJECT, TEXT, CHAT, FORGOTTEN)]


async def test_no_file_holds_plaintext(tmp_path: Path) -> None:
    async with engines.running(tmp_path, ["--site", SITE, "--verbose"]) as engine:
        async with living(engine.grpc, engine.http, seed=1) as site:
            done = await site.client.submit_contact(
                channel="task", queue=QUEUE, subject=SUBJECT, text=TEXT, customer=Customer(kind="mail", address=ADDRESS)
            )
            site.good.expected.add(done.contact_id)
            async with connect(site.chat_url, compression=None) as socket:
                await say(socket, type="start", client_id="0" * 32, queue=QUEUE, name=NAME, text=CHAT)
                contact = (await hear(socket, "started"))["contact"]
                await hear(socket, "ended")
            await site.settled()
        async with Client(engine.grpc) as client:
            seen = await client.get_contact(done.contact_id)
            assert (seen.subject, seen.text, seen.customer.address) == (SUBJECT, TEXT, ADDRESS)
            # Refused, malformed and late words carry text too.
            async with connect(engine.chat_url, compression=None) as socket:
                await socket.send('{"type":"nonsense","text":"' + FORGOTTEN + '"}')
                await socket.recv()
            with pytest.raises(ClientError):
                await client.send_message("anna", contact, FORGOTTEN)
            with pytest.raises(ClientError):
                await client.submit_contact(channel="task", queue="nowhere", text=FORGOTTEN)
    await asyncio.to_thread(assert_sealed, tmp_path)


def assert_sealed(directory: Path) -> None:
    """Every file: inbox, journal, snapshots, views, vault, logs."""
    files = [path for path in directory.rglob("*") if path.is_file()]
    assert {"vault.db", "views.db", "up.log"} <= {path.name for path in files}
    assert any("JOURNAL_" in str(path) for path in files)
    for path in files:
        data = path.read_bytes()
        for secret in SECRETS:
            assert secret not in data, f"{secret!r} stands in {path.relative_to(directory)}"
