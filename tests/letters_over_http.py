"""Forms and webhooks over real sockets: the whole gateway on log and vault of a test site."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from standardwebhooks.webhooks import Webhook

from cordboard.events.policy import Policy
from cordboard.gateway.limits import Limits
from cordboard.gateway.run import run_gateway
from cordboard.log.feed import Feed
from cordboard.log.memory import MemoryLog
from cordboard.vault import Vault
from tests.journal import SITE
from tests.written_site import PATIENCE_S, POLICY, Record, WrittenSite, routed

SECRETS = tuple("whsec_" + base64.b64encode(bytes([number]) * 32).decode() for number in range(3))
PLENTY = Limits(posts_per_s=10_000, posts_burst=10_000, webhooks_per_s=10_000, webhooks_burst=10_000)
FILLED = {"mail": "bo@customer.example", "text": "Waar blijft mijn pakket?"}
PAYLOAD = {
    "review": {"id": 7, "text": "It broke after a day", "title": "Broken", "rating": 1, "language": "en-GB", "tags": ["a", "b"]},
    "author": {"email": "Bo@Customer.example", "name": "Bo"},
}


def signed(
    payload: object, message_id: str = "msg_1", secret: str = SECRETS[0], at: datetime | None = None
) -> tuple[bytes, dict[str, str]]:
    """Body and headers, as a source sends them."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    at = at or datetime.now(UTC)
    return body, {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, at, body.decode()),
    }


class HttpSite:
    """A gateway on a port of its own; `record` is the journal."""

    def __init__(self, log: MemoryLog, vault: Any, **options: Any) -> None:
        self.log, self.vault = log, vault
        self.options: dict[str, Any] = {"limits": PLENTY, "webhook_secrets": {"reviews": SECRETS[:2]}} | options
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.record, self.feed = Record(), Feed(self.log)
        self.feed.attach(self.record.apply)
        gateway = run_gateway(self.log, self.vault, self.feed, ready=ready.set_result, **self.options)
        self._tasks = [asyncio.create_task(gateway), asyncio.create_task(self.feed.run())]
        await asyncio.wait([ready, *self._tasks], return_when=asyncio.FIRST_COMPLETED)
        for task in self._tasks:
            if task.done():
                task.result()
        self.client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{ready.result()}", timeout=PATIENCE_S)

    async def shut(self) -> None:
        await self.client.aclose()
        for task in self._tasks:
            task.cancel()
        for outcome in await asyncio.gather(*self._tasks, return_exceptions=True):
            if not isinstance(outcome, asyncio.CancelledError):
                raise AssertionError("a role ended by itself") from outcome

    async def post_json(self, body: object, key: str = "key-00000001", path: str = "/form/contact") -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"content-type": "application/json", "idempotency-key": key}
        return await self.client.post(path, content=content, headers=headers)

    async def hook(self, payload: object, message_id: str = "msg_1", **options: Any) -> httpx.Response:
        body, headers = signed(payload, message_id, **options)
        return await self.client.post("/webhook/reviews", content=body, headers=headers)

    async def text_of(self, contact: str) -> str:
        """The first message of a contact that is in the journal."""
        await self.record.until(lambda: bytes.fromhex(contact) in self.record.events)
        await self.record.until(lambda: any(fact.contact.hex() == contact for fact, _ in self.record.arrivals))
        (ref,) = {fact.message for fact, _ in self.record.arrivals if fact.contact.hex() == contact}
        assert ref is not None
        return str((await self.vault.read([ref]))[ref].text)


@asynccontextmanager
async def http_site(directory: Path, policy: Policy | None = POLICY, **options: Any) -> AsyncIterator[HttpSite]:
    log = MemoryLog(SITE)
    async with Vault.open(f"sqlite+aiosqlite:///{directory / 'vault.db'}", bytes(32)) as vault, routed(log):
        if policy is not None:
            publisher = WrittenSite(log, vault)
            await publisher.open()
            await publisher.adopt(policy)
            await publisher.shut()
        site = HttpSite(log, vault, **options)
        await site.open()
        try:
            yield site
        finally:
            await site.shut()
