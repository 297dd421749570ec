"""kill -9 between socket and acknowledgement: of the gateway at named moments, and of gateway, NATS and vault amid a crowd.

Real sockets (SMTP, forms, webhooks), a real NATS server, a real database. Senders do as senders do: what was not answered with 250
or 2xx they send again. In the end each letter is in the journal once.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import httpx
import pytest

from cordboard import codec
from cordboard.events import fact as facts
from cordboard.events.verdict import Accepted
from cordboard.log import connect
from cordboard.log.embedded import EmbeddedServer
from cordboard.log.port import SiteLog
from cordboard.router import run_router
from cordboard.vault import Vault
from tests.integration.live_site import complaints, read_journal
from tests.journal import SITE
from tests.letters_over_http import FILLED, PAYLOAD, signed
from tests.postgres import eventually, own_server
from tests.written_site import POLICY

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60.0
KINDS = ("mail", "form", "webhook")
MOMENTS = ("before accept", "after accept", "after publish", "after published")
"""Nothing stands yet; the vault has it; the log has it; the vault knows that.

tests/unit/test_entrance_crash.py tries all others."""
CROWD = 12
"""Letters of each kind."""
STRIKE_AFTER = 6
"""Letters that are confirmed when the blow falls."""


class Gateway:
    """A child process, and the senders' way to it: letters by their texts, confirmed or not."""

    def __init__(self, nats_url: str, vault_url: str, log_file: Path) -> None:
        self._arguments = [nats_url, SITE, vault_url]
        self._log_file = log_file
        self._up = asyncio.Event()
        self.confirmed: Counter[str] = Counter()
        self.changed = asyncio.Event()

    async def start(self) -> None:
        with self._log_file.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.integration.gateway_process", *self._arguments),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=ROOT,
            )
        self._ports: dict[str, int] = json.loads(await self.said())
        self._up.set()

    async def said(self) -> bytes:
        """The next line."""
        assert self._process.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            return await self._process.stdout.readline()

    async def hold(self, moment: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"hold {moment}\n".encode())
        assert await self.said() == b"armed\n"

    async def kill(self) -> None:
        self._up.clear()
        self._process.kill()
        await self._process.wait()

    # -- senders

    async def send(self, kind: str, name: str) -> bool:
        """One try: True if it was confirmed."""
        try:
            await {"mail": self._mail, "form": self._form, "webhook": self._webhook}[kind](name)
        except httpx.HTTPStatusError as refused:
            assert refused.response.status_code == 503, refused.response.text
            return False
        except aiosmtplib.SMTPResponseException as refused:
            assert refused.code in (421, 451), refused
            return False
        except (httpx.HTTPError, aiosmtplib.SMTPException, OSError):
            return False
        self.confirmed[f"{kind} {name}"] += 1
        self.changed.set()
        return True

    async def deliver(self, kind: str, name: str) -> None:
        """Again and again, until it is confirmed."""
        async with asyncio.timeout(PATIENCE_S):
            while not await self.send(kind, name):
                await asyncio.sleep(0.1)
                await self._up.wait()

    async def _mail(self, name: str) -> None:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = "Bo <bo@customer.example>", "service@shop.example", "Mijn bestelling"
        mail["Message-ID"] = f"<{name}@customer.example>"
        mail.set_content(f"mail {name}")
        await aiosmtplib.send(mail, hostname="127.0.0.1", port=self._ports["smtp"], timeout=PATIENCE_S, start_tls=False)

    async def _form(self, name: str) -> None:
        async with self._client() as client:
            body, headers = FILLED | {"text": f"form {name}"}, {"idempotency-key": f"key-{name:0>8}"}
            (await client.post("/form/contact", json=body, headers=headers)).raise_for_status()

    async def _webhook(self, name: str) -> None:
        review = {"text": f"webhook {name}", "id": name}
        body, headers = signed(PAYLOAD | {"review": review}, f"msg_{name}")
        async with self._client() as client:
            (await client.post("/webhook/reviews", content=body, headers=headers)).raise_for_status()

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=f"http://127.0.0.1:{self._ports['http']}", timeout=PATIENCE_S)


@contextlib.asynccontextmanager
async def routed_site(directory: Path) -> AsyncIterator[tuple[EmbeddedServer, SiteLog]]:
    """NATS, a router that leads, a policy."""
    async with EmbeddedServer(directory / "nats") as server, connect(server.url, SITE, create=True) as log:
        leading: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        router = asyncio.create_task(run_router(log, leading=leading.set_result))
        try:
            await asyncio.wait([leading, router], return_when=asyncio.FIRST_COMPLETED)
            async with log.publisher("test") as publisher:
                policy = facts.PolicyPublished(secrets.token_bytes(16), codec.encode(POLICY))
                await publisher.publish(codec.check_fact(policy))
            yield server, log
        finally:
            router.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await router


async def assert_once_each(log: SiteLog, vault_url: str, expected: set[str]) -> None:
    """Every text that was sent stands in the journal as one accepted arrival; the inbox is decided to its end."""
    last = await log.last_inbox_seq()

    async def decided() -> bool:
        return any(place == last for place, _ in (await read_journal(log)).inputs)

    await eventually(decided, "the router has decided everything", PATIENCE_S)
    journal = await read_journal(log)
    arrivals = [
        (fact, decided.verdict)
        for decided in journal.inputs.values()
        if isinstance(fact := codec.decode_fact(decided.fact), facts.ContactArrived)
    ]
    messages = [fact.message for fact, verdict in arrivals if verdict == Accepted() and fact.message is not None]
    async with Vault.open(vault_url, bytes(32)) as vault:
        texts = await vault.read(messages)
    assert Counter(texts[message].text.strip() for message in messages) == Counter(expected)
    assert journal.repeated == 0


async def test_the_gateway_is_killed_at_each_moment(tmp_path: Path) -> None:
    vault_url = f"sqlite+aiosqlite:///{tmp_path / 'vault.db'}"
    async with routed_site(tmp_path) as (server, log):
        gateway = Gateway(server.url, vault_url, tmp_path / "gateway.log")
        await gateway.start()
        for number, moment in enumerate(MOMENTS):
            await gateway.hold(moment)
            sending = [asyncio.create_task(gateway.send(kind, f"n{number}")) for kind in KINDS]
            for _ in KINDS:
                assert await gateway.said() == b"held\n", moment
            await gateway.kill()
            assert not any(await asyncio.gather(*sending)), f"nothing is confirmed {moment}"
            await gateway.start()
            await asyncio.gather(*(gateway.deliver(kind, f"n{number}") for kind in KINDS))
        # What was never sent again: the next life's sweep brings it out, if the vault had it.
        await gateway.hold("after accept")
        sending = [asyncio.create_task(gateway.send(kind, "last")) for kind in KINDS]
        for _ in KINDS:
            await gateway.said()
        await gateway.kill()
        await asyncio.gather(*sending)
        await gateway.start()
        expected = {f"{kind} n{number}" for kind in KINDS for number in range(len(MOMENTS))} | {f"{kind} last" for kind in KINDS}

        async def arrived() -> bool:
            return len((await read_journal(log)).events) == len(expected)

        await eventually(arrived, "the sweep brings out what the vault had", PATIENCE_S)
        await gateway.kill()
        await assert_once_each(log, vault_url, expected)
        assert complaints(tmp_path / "gateway.log") == []


@pytest.mark.parametrize("victim", ["gateway", "nats", pytest.param("vault", marks=pytest.mark.postgres)])
async def test_killed_amid_a_crowd(tmp_path: Path, victim: str) -> None:
    with contextlib.ExitStack() as stack:
        postgres, processes = stack.enter_context(own_server()) if victim == "vault" else (None, [])
        vault_url = postgres.database() if postgres is not None else f"sqlite+aiosqlite:///{tmp_path / 'vault.db'}"
        async with routed_site(tmp_path) as (server, log):
            gateway = Gateway(server.url, vault_url, tmp_path / "gateway.log")

            async def kill_gateway() -> None:
                await gateway.kill()
                await gateway.start()

            async def kill_nats() -> None:
                os.kill(server.pid, signal.SIGKILL)

            async def kill_vault() -> None:
                assert postgres is not None
                processes[-1].send_signal(signal.SIGQUIT)  # at once, without a checkpoint: the next start recovers
                await asyncio.to_thread(processes[-1].wait)
                processes.append(await asyncio.to_thread(postgres.start))

            blows = {"gateway": kill_gateway, "nats": kill_nats, "vault": kill_vault}
            await gateway.start()
            await _crowd(gateway, blows[victim])
            await gateway.kill()
            await assert_once_each(log, vault_url, set(gateway.confirmed))
            assert len(gateway.confirmed) == len(KINDS) * CROWD
            assert complaints(tmp_path / "gateway.log") == []


async def _crowd(gateway: Gateway, strike: Callable[[], Awaitable[None]]) -> None:
    """Letters of every kind come one after another, each sent until it is confirmed; the blow falls when some are."""

    async def sender(kind: str) -> None:
        for number in range(CROWD):
            await gateway.deliver(kind, f"n{number}")

    async with asyncio.TaskGroup() as group:
        for kind in KINDS:
            group.create_task(sender(kind))
        while len(gateway.confirmed) < STRIKE_AFTER:
            gateway.changed.clear()
            await gateway.changed.wait()
        await strike()
