"""Everything a customer gave away is shown to them, then forgotten: no file of the engine holds a word of it, before or after, nor
once a backup of the vault from before the erasure is put back."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from cordboard._core import Router
from cordboard.client import Client, ClientError
from cordboard.demo import engine as engines
from cordboard.demo.engine import Engine
from cordboard.log import connect
from tests.effects_site import Mailbox, receiving
from tests.integration.erasure_story import ADDRESS, HELD, WORDS, Story, seated, write_secrets
from tests.integration.live_site import SITE, complaints
from tests.integration.test_privacy import holds, sealed_bytes
from tests.traces import traces


async def test_a_customer_is_erased_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, backup = tmp_path / "data", tmp_path / "backup"
    (data / "tmp").mkdir(parents=True)
    for variable in ("TMPDIR", "SQLITE_TMPDIR"):  # what is put aside for a moment is searched, too
        monkeypatch.setenv(variable, str(data / "tmp"))
    relay = Mailbox()
    await relay.start()
    site = Runs(data, ["--smtp-relay", f"smtp://127.0.0.1:{relay.port}?tls=never"])
    async with receiving() as receiver, site.running() as engine:
        async with Client(engine.grpc) as client, seated(client, receiver.url) as desk:
            story = Story(engine, client, desk, relay, receiver)
            await story.tell()
        await site.search("before the erasure")
        shown = await customer(engine, "export", ADDRESS, "-o", "-")
        assert not (missing := [what for what, word in HELD.items() if word not in opened(shown)]), f"not shown: {missing}"
    await relay.stop()
    await asyncio.to_thread(
        shutil.copytree, data, backup, ignore=lambda _, names: [n for n in names if not n.startswith("vault.db")]
    )
    sealed = await asyncio.to_thread(sealed_bytes, data)
    assert await asyncio.to_thread(holds, data, sealed) == len(sealed)

    async with site.running() as engine:
        said = json.loads(await customer(engine, "erase", ADDRESS, "--yes", "--json"))
        assert said["completed"] is True
        await customer(engine, "erase", story.chat, "--yes")
        await site.forgotten(engine)
        assert await asyncio.to_thread(holds, data, sealed) == 0, "not even sealed"
        async with Client(engine.grpc) as client:
            await story.afterwards(engine, client)
        await site.forgotten(engine)
    await site.search("after the erasure and a stop")
    async with site.running() as engine:
        await site.forgotten(engine)

    for file in data.glob("vault.db*"):
        file.unlink()
    for file in backup.glob("vault.db*"):
        shutil.copy(file, data)
    assert await asyncio.to_thread(holds, data, sealed) == len(sealed), "the backup is from before the erasure"
    async with site.running() as engine:
        assert await asyncio.to_thread(holds, data, sealed) == 0, "erased again before it serves"
        await site.forgotten(engine)
    await site.search("at the very end")


class Runs:
    """One data directory, under one engine after the other."""

    def __init__(self, data: Path, arguments: list[str]) -> None:
        self.data = data
        secrets = write_secrets(data.parent / "webhooks.yaml")
        self.arguments = ["--site", SITE, "--verbose", "--webhook-secrets", str(secrets), *arguments]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Engine]:
        async with engines.running(self.data, self.arguments) as engine:
            yield engine
        assert not complaints(self.data / "up.log")

    async def keep_snapshot(self, engine: Engine) -> None:
        """What the router would store as its snapshot at this point; by itself it makes one every few thousand commits."""
        router = Router(SITE)
        async with connect(engine.nats_url, SITE, allow_lazy_fsync=True, name="test") as log:
            for seq in range(1, await log.last_journal_seq() + 1):
                router.apply((await log.read_commit(seq)).data)
        (self.data / f"snapshot-{engine.pid}").write_bytes(router.snapshot())

    async def search(self, when: str) -> None:
        found = await asyncio.to_thread(traces, self.data, WORDS.values())
        assert not found, f"{when}:\n" + "\n".join(found)
        names = {path.name for path in self.data.rglob("*")}
        streams = {f"{kind}_{SITE}" for kind in ("INBOX", "JOURNAL")} | {
            f"WORK_{SITE}_mail",
            f"WORK_{SITE}_webhook",
        }
        assert names >= {"vault.db", "views.db", "up.log", "nats.log"} | streams

    async def forgotten(self, engine: Engine) -> None:
        """By the API too."""
        async with Client(engine.grpc) as client:
            await client.ready()
            with pytest.raises(ClientError, match="unknown_customer"):
                await client.get_customer(("email", ADDRESS))
            contacts = [contact async for contact in client.list_contacts()]
            assert len(contacts) >= 8, "that somebody wrote is still known"
            for contact in contacts:
                assert (contact.subject, contact.text, contact.customer.address, contact.customer.name) == ("", "", "", "")
                assert not [message for message in await client.messages(contact.contact_id) if message.text or message.attachments]
        await self.search("after the erasure")


async def customer(engine: Engine, *arguments: str) -> bytes:
    """`cordboard customer …`, as an operator would."""
    command = ("-m", "cordboard.main", "customer", *arguments, "--target", engine.grpc)
    process = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=asyncio.subprocess.PIPE, env=os.environ)
    stdout, _ = await process.communicate()
    assert process.returncode == 0
    return stdout


def opened(document: bytes) -> str:
    """The access file with its attachments in the clear."""
    found: dict[str, Any] = json.loads(document)
    files = [base64.b64decode(file.pop("data_base64")).decode("latin-1") for file in found["attachments"]]
    return json.dumps(found, ensure_ascii=False) + "".join(files)
