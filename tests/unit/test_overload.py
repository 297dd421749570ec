"""More than a gateway can take: everything has a bound, whoever is refused is told in the door's own words and comes back, and
whoever was told yes stands in the journal."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import httpx
import pytest

from cordboard.api import server
from cordboard.api.site import ARRIVING_MAX
from cordboard.errors import Overloaded
from cordboard.gateway.limits import Limits
from cordboard.log.memory import MemoryLog
from cordboard.projections.history import HistoryReader
from cordboard.room import STUCK, Room
from cordboard.v1.board_service_pb2 import GetBoardsRequest, WatchBoardsRequest
from cordboard.v1.board_service_pb2_grpc import BoardServiceStub
from cordboard.vault import Vault
from tests.api_site import SITE, ApiSite
from tests.chat_site import SECRET, chat_site
from tests.letters_over_http import FILLED, PAYLOAD, PLENTY, SECRETS, HttpSite, http_site
from tests.unit.test_retried_command import History, a_site
from tests.written_site import mail, written_site

DOCUMENT = Path(__file__).parents[2] / "docs/overload.md"
FLOOD = 12


async def test_a_room_takes_so_many_and_nobody_waits() -> None:
    room = Room(2)
    with room.place(), room.place():
        assert room.full
        with pytest.raises(Overloaded):
            room.place().__enter__()
    with room.place():
        assert not room.full


async def test_a_room_whose_people_are_not_served_takes_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now[0])
    room = Room(100, 5.0)
    with ExitStack() as inside, room.place():
        for _ in range(STUCK - 1):
            inside.enter_context(room.place())
        now[0] += 5.0
        assert not room.full
        now[0] += 0.1
        assert room.full
        inside.pop_all().close()
        assert not room.full, "one that is stuck alone stands in nobody's way"


async def flood(site: HttpSite) -> list[tuple[str, int]]:
    """Forms and webhooks at once, while the log acknowledges nothing; then it does. What each was told, by its key."""
    site.log.inbox.hold()
    keys = [f"key-{number:08}" for number in range(FLOOD)]
    posts = [asyncio.create_task(site.post_json(FILLED | {"mail": f"{key}@customer.example"}, key)) for key in keys]
    posts += [asyncio.create_task(site.hook(PAYLOAD, f"msg_{key}")) for key in keys]
    # Those that have no place hear so at once; those that have one wait for the log.
    await asyncio.wait_for(_answered(posts, 2 * (FLOOD - 3)), 60)
    assert Counter(task.result().status_code for task in posts if task.done()) == {503: 2 * (FLOOD - 3)}
    site.log.inbox.release()
    answers = [await task for task in posts]
    for answer in answers:
        if answer.status_code == 503:
            assert answer.json()["reason"] == "overloaded" and int(answer.headers["retry-after"]) >= 1
    return list(zip([*keys, *(f"msg_{key}" for key in keys)], (answer.status_code for answer in answers), strict=True))


async def _answered(posts: list[asyncio.Task[httpx.Response]], count: int) -> None:
    left = set(posts)
    while len(left) > len(posts) - count:
        _, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)


async def test_a_flood_is_refused_at_the_door_and_taken_when_it_comes_back(tmp_path: Path) -> None:
    async with http_site(tmp_path, limits=replace(PLENTY, letters=3)) as site:
        told = dict(await flood(site))
        assert Counter(told.values()) == {202: 6, 503: 2 * (FLOOD - 3)}
        await site.record.until(lambda: len(site.record.arrivals) >= 6)
        assert len(site.record.arrivals) == 6, "who was told yes stands in the journal, and nobody else"
        for key in told:
            filled = FILLED | {"mail": f"{key}@customer.example"}
            again = await (site.hook(PAYLOAD, key) if key.startswith("msg_") else site.post_json(filled, key))
            assert again.status_code == 202
        await site.record.until(lambda: len(site.record.arrivals) == 2 * FLOOD)
        contacts = Counter(fact.fact_id for fact, _ in site.record.arrivals)
        assert set(contacts.values()) == {1}, "whoever came twice counts once"


async def test_a_vault_that_stands_still_leaves_no_room_for_repeats_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with written_site(tmp_path, limits=Limits(letters=3)) as site:
        stands = await site.entrance.admit(mail(0))
        reader, goes_on = site.vault._reader, asyncio.Event()
        read = reader.read

        async def late(query: Callable[[Any], Any]) -> Any:
            await goes_on.wait()
            return await read(query)

        monkeypatch.setattr(reader, "read", late)
        inside = [asyncio.create_task(site.entrance.admit(mail(number))) for number in range(3)]
        await asyncio.sleep(0)
        for number in (0, 3):  # a repeat, and a new one
            with pytest.raises(Overloaded):
                await asyncio.wait_for(site.entrance.admit(mail(number)), 60)
        goes_on.set()
        repeat, *others = await asyncio.gather(*inside)
        assert repeat.contact == stands.contact and not repeat.fresh and all(one.fresh for one in others)
        assert not (await site.entrance.admit(mail(0))).fresh


async def test_bodies_that_do_not_come_leave_no_room_for_more(tmp_path: Path) -> None:
    async with http_site(tmp_path, limits=replace(PLENTY, bodies=1)) as site:
        port = site.client.base_url.port
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        head = "POST /form/contact HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{"
        writer.write(head.encode())
        await writer.drain()
        async with asyncio.timeout(60):
            while (answer := await site.post_json(FILLED)).status_code == 202:
                pass
        assert (answer.status_code, answer.json()["reason"]) == (503, "overloaded")
        assert "retry-after" in answer.headers
        page = await site.client.post("/form/contact", data=FILLED)
        assert page.status_code == 503
        assert (await site.hook(PAYLOAD)).status_code == 202, "webhooks have a room of their own"
        writer.close()
        async with asyncio.timeout(60):
            while (await site.post_json(FILLED, "key-00000002")).status_code == 503:
                pass


async def test_bodies_that_do_not_come_to_one_webhook_leave_room_for_the_others(tmp_path: Path) -> None:
    secrets = {"reviews": SECRETS[:2], "returns": SECRETS[2:]}
    async with http_site(tmp_path, limits=replace(PLENTY, bodies=4), webhook_secrets=secrets) as site:

        async def stall(name: str, like: str) -> asyncio.StreamWriter:
            """Until posts to `like` are refused for it."""
            _, writer = await asyncio.open_connection("127.0.0.1", site.client.base_url.port)
            writer.write(f"POST /webhook/{name} HTTP/1.1\r\nhost: x\r\ncontent-length: 500\r\n\r\n{{".encode())
            while (answer := await site.client.post(f"/webhook/{like}", content=b"{}")).status_code == 401:
                pass
            assert (answer.status_code, answer.json()["reason"]) == (503, "overloaded")
            return writer

        async with asyncio.timeout(60):
            writers = [await stall("nobodys", like="nobodys-either"), await stall("returns", like="returns")]
        assert (await site.hook(PAYLOAD)).status_code == 202
        for writer in writers:
            writer.close()


async def test_connections_beyond_the_most_are_refused_until_one_closes(tmp_path: Path) -> None:
    async with chat_site(tmp_path, limits=Limits(connections=2)) as site, httpx.AsyncClient(trust_env=False) as client:

        async def page() -> int:
            return (await client.get(f"http://{site.address}/chat", headers={"connection": "close"})).status_code

        async with await site.customer() as bo, await site.customer() as cy:
            for chat in (bo, cy):
                await chat.say("leave")
                await chat.hear("error")
            assert await page() == 503
            await cy.socket.close()
            async with asyncio.timeout(60):
                while await page() == 503:
                    pass
            await bo.say("leave")
            await bo.hear("error")


async def test_calls_beyond_the_most_are_refused_until_one_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "CALLS_MAX", 2)
    vault, views = (f"sqlite+aiosqlite:///{tmp_path / name}" for name in ("vault.db", "views.db"))
    async with Vault.open(vault, bytes(32)) as opened, HistoryReader.open(views) as history:
        site = ApiSite(MemoryLog(SITE), opened, history, "", vault)
        await site.start_api()
        async with grpc.aio.insecure_channel(site.target) as channel:
            boards = BoardServiceStub(channel)
            watches = [boards.WatchBoards(WatchBoardsRequest()) for _ in range(2)]
            for watch in watches:
                await watch.read()

            async def asked() -> grpc.StatusCode:
                try:
                    await boards.GetBoards(GetBoardsRequest())
                except grpc.aio.AioRpcError as refused:
                    return refused.code()
                return grpc.StatusCode.OK

            assert [await asked() for _ in range(3)] == [grpc.StatusCode.RESOURCE_EXHAUSTED] * 3
            watches[0].cancel()
            async with asyncio.timeout(60):
                while await asked() is not grpc.StatusCode.OK:
                    pass
            assert [await asked() for _ in range(3)] == [grpc.StatusCode.OK] * 3, "refused ones have left no trace"
        await site.stop_api()


async def test_chats_that_wait_for_the_router_leave_no_room_for_more(tmp_path: Path) -> None:
    async with chat_site(tmp_path, limits=Limits(starts=1)) as site, await site.customer() as bo:
        site.router.running.clear()
        await bo.say("start", client_id=SECRET, queue="orders", text="?")
        async with asyncio.timeout(60):
            while not await site.log.last_inbox_seq():  # noqa: ASYNC110 - what another process would see
                await asyncio.sleep(0.001)
        async with await site.customer() as late:
            await late.say("start", client_id=SECRET[::-1], queue="orders", text="?")
            error = await late.hear("error")
            assert error["reason"] == "overloaded" and error["retry_after_ms"] > 0
            site.router.running.set()
            await bo.hear("started")
            await late.say("start", client_id=SECRET[::-1], queue="orders", text="?")
            assert (await late.hear("started"))["contact"]


async def test_contacts_on_their_way_leave_no_room_for_more_and_answers_pass() -> None:
    site = a_site(History({}))
    with ExitStack() as arrivals:
        for _ in range(ARRIVING_MAX):
            site.admit()
            arrivals.enter_context(site.arriving.taken())
        with pytest.raises(Overloaded):
            site.admit()
    site.admit()


def test_the_document_names_the_bounds_as_they_are() -> None:
    found, module = 0, ""
    for line in DOCUMENT.read_text().splitlines():
        if not line.startswith("| "):
            continue
        for path, name, value in re.findall(r"(?:`([a-z_/]+)\.py` )?`([A-Za-z_.]+)` = ([\d,]+)", line):
            module = path.replace("/", ".") or module
            first, *rest = name.split(".")
            bound = getattr(import_module(f"cordboard.{module}"), first)
            for part in rest:
                bound = getattr(bound(), part)
            assert bound == int(value.replace(",", "")), f"{module} {name}"
            found += 1
    assert found >= 40
