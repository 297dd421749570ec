"""The HTTP edge round the chat: page, health, documents, and who may connect."""

import asyncio
import base64
import hashlib
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from cordboard.errors import ConfigurationError
from cordboard.gateway import serve
from cordboard.gateway.limits import Limits
from cordboard.gateway.serve import bind
from tests.chat_site import ScriptedSite, chat_site
from tests.journal import an_id


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[ScriptedSite]:
    async with chat_site(tmp_path, limits=Limits(sockets=2), allowed_origins={"https://shop.example"}) as site:
        yield site


async def get(site: ScriptedSite, path: str) -> httpx.Response:
    async with httpx.AsyncClient() as client:
        return await client.get(f"http://{site.address}{path}")


async def test_the_page_may_run_its_own_script_and_nothing_else(site: ScriptedSite) -> None:
    answer = await get(site, "/chat")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    policy = answer.headers["content-security-policy"]
    for tag in ("script", "style"):
        (body,) = re.findall(rf"<{tag}>(.*?)</{tag}>", answer.text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert not re.search(r'(src|href)="|style="|\son\w+="', answer.text)


async def test_health_and_readiness(site: ScriptedSite, tmp_path: Path) -> None:
    assert (await get(site, "/healthz")).json()["ok"] is True
    assert (await get(site, "/readyz")).status_code == 200
    (tmp_path / "other").mkdir()
    async with chat_site(tmp_path / "other", policy=None) as empty:
        answer = await get(empty, "/readyz")
        assert (answer.status_code, answer.json()) == (503, {"ok": False, "detail": "the site has no policy yet"})


async def test_documents(site: ScriptedSite) -> None:
    paths = (await get(site, "/schema/openapi.json")).json()["paths"]
    assert {"/chat", "/chat/options", "/chat/protocol", "/healthz", "/readyz"} <= set(paths)
    assert (await get(site, "/chat/options")).json() == {"queues": ["invoices", "orders"], "languages": ["en", "nl"]}
    assert set((await get(site, "/chat/protocol")).json()) == {"client", "server", "$defs"}
    assert (await get(site, "/nothing")).status_code == 404


async def test_pages_of_other_origins_are_refused_unless_allowed(site: ScriptedSite) -> None:
    for origin in ("https://evil.example", "null", f"https://evil.example/{site.address}"):
        with pytest.raises(InvalidStatus) as refused:
            await site.customer(additional_headers={"origin": origin})
        assert refused.value.response.status_code == 403
    for origin in (f"http://{site.address}", "https://shop.example"):
        async with await site.customer(additional_headers={"origin": origin}) as bo:
            await bo.say("resume", token="none")
            await bo.hear("error")


async def test_the_subprotocol_is_agreed_on_if_asked_for(site: ScriptedSite) -> None:
    async with connect(f"ws://{site.address}/chat/ws", subprotocols=["cordboard.chat.v1"]) as socket:  # type: ignore[list-item]
        assert socket.subprotocol == "cordboard.chat.v1"


async def test_one_socket_too_many(site: ScriptedSite) -> None:
    async with await site.customer() as bo, await site.customer() as cy:
        for one in (bo, cy):
            await one.say("leave")
            await one.hear("error")
        assert await (await site.customer()).closed() == 1013


def test_nothing_listens_to_the_world_by_accident() -> None:
    for host in ("0.0.0.0", "192.0.2.1", "::", "example.org"):
        with pytest.raises(ConfigurationError):
            bind(host, 0, insecure_listen=False)
    with bind("127.0.0.1", 0, insecure_listen=False) as listener:
        assert listener.getsockname()[0] == "127.0.0.1"
        listener.listen()
        with pytest.raises(ConfigurationError):
            bind("127.0.0.1", listener.getsockname()[1], insecure_listen=False)


async def test_a_client_that_hangs_does_not_keep_its_connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "_LINGER_S", 0.05)
    async with chat_site(tmp_path, limits=Limits(send_s=0.05, lag_lines=10_000)) as site:
        bo = await site.customer(max_queue=1)
        contact = bytes.fromhex((await bo.start())["contact"])
        bo.socket.transport.pause_reading()
        for _ in range(150):
            await site.write(contact, an_id("ann"), "x" * 60_000)
        await asyncio.sleep(0.5)
        bo.socket.transport.resume_reading()
        assert await bo.closed() in (None, 1013)
