"""Next steps of the chat with the real core: a form filled in, a voicemail spoken, a call promised and looked after; at the end the
journal verifies."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from msgspec.structs import replace

from cordboard import codec
from cordboard.events import event as words
from cordboard.events import fact as facts
from cordboard.events.policy import CallbackPolicy, ChannelProfile, EntryPoint, NextStep, QueuePolicy
from cordboard.log.feed import Feed
from cordboard.log.memory import MemoryLog
from cordboard.router import run_router
from cordboard.router.verify import verify
from cordboard.vault import Vault
from tests.chat_site import ChatSite
from tests.integration.test_chat import running
from tests.journal import SITE
from tests.unit.test_chat_forms import FILLED, FORMS, KEYED
from tests.unit.test_chat_next_steps import turned_away
from tests.unit.test_chat_recordings import OGG, TYPED
from tests.written_site import Record

STEPS = [
    NextStep("form", "contact", "form", "orders"),
    NextStep("voicemail", "mailbox", "voicemail", "orders"),
    NextStep("callback", "orders", "voice", "orders"),
    NextStep("message"),
]
POLICY = replace(
    FORMS,
    channels=[
        *FORMS.channels,
        ChannelProfile(name="voicemail", presence="async", klass=3, answered_on="first_message"),
        ChannelProfile(name="voice", presence="live", klass=1, answered_on="connected"),
    ],
    queues=[
        QueuePolicy(name="orders", max_waiting=1, callbacks=CallbackPolicy(slot_ms=900_000, capacity=2)),
        QueuePolicy(name="invoices"),
    ],
    entry_points=[
        replace(FORMS.entry_points[0], next_steps=STEPS),
        *FORMS.entry_points[1:],
        EntryPoint(name="mailbox", channel="voicemail", queue="orders"),
    ],
)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[tuple[ChatSite, Record]]:
    log, record = MemoryLog(SITE), Record()
    async with contextlib.AsyncExitStack() as stack:
        vault = await stack.enter_async_context(Vault.open(f"sqlite+aiosqlite:///{tmp_path / 'vault.db'}", bytes(32)))
        publisher = await stack.enter_async_context(log.publisher("test"))
        feed = Feed(log)
        feed.attach(record.apply)
        async with running(*(asyncio.create_task(role) for role in (run_router(log), feed.run()))):
            for fact in (
                facts.PolicyPublished(secrets.token_bytes(16), codec.encode(POLICY)),
                facts.ContactArrived(secrets.token_bytes(16), secrets.token_bytes(16), "chat", "orders"),
            ):
                await publisher.publish(codec.check_fact(fact))
            await record.until(lambda: record.arrivals)
            chat = ChatSite(log, vault, callback_numbers="+32")
            await chat.open()
            try:
                yield chat, record
            finally:
                await chat.shut()
        report = await verify(log)
        assert report.clean, report


async def test_a_form_and_a_voicemail_follow_what_was_chosen(site: tuple[ChatSite, Record]) -> None:
    chat, record = site
    async with await chat.customer() as bo, await chat.customer() as jo, httpx.AsyncClient() as web:
        form = (await turned_away(bo))["next_steps"]["steps"][0]
        filled = await web.post(f"http://{chat.address}{form['url']}", json=FILLED, headers=KEYED)
        assert filled.status_code == 202 and (await bo.hear("next_step"))["kind"] == "form"
        await turned_away(jo, "1" * 32)
        await jo.say("choose", kind="voicemail", to="mailbox")
        link = (await jo.hear("next_step"))["recording"]
        spoken = await web.post(f"http://{chat.address}{link}", content=OGG, headers=TYPED)
        assert spoken.status_code == 201
        for answer, channel, entry_point in ((filled, "form", "contact"), (spoken, "voicemail", "mailbox")):
            contact = bytes.fromhex(answer.json()["contact"])
            await record.until(lambda contact=contact: record.of(contact, words.MessageRelayed))
            (queued,) = record.of(contact, words.ContactQueued)
            assert (queued.queue, queued.entry_point, queued.case is not None) == ("orders", entry_point, True), channel
            (said,) = record.of(contact, words.MessageRelayed)
            assert (said.author, said.ordinal) == ("customer", 1)


async def test_a_call_that_was_promised_in_the_chat_is_moved_and_cancelled_by_its_customer(site: tuple[ChatSite, Record]) -> None:
    """No calls are booked at the door of the chat, and there is no other one: the link knows to what the call can be moved."""
    chat, _ = site
    async with await chat.customer() as bo, httpx.AsyncClient(base_url=f"http://{chat.address}") as web:
        await turned_away(bo)
        await bo.say("choose", kind="callback", to="orders", number="+32 470 12 34 56")
        taken = await bo.hear("next_step")
        manage = taken["manage"]
        promise = (await web.get(manage)).json()
        assert (promise["due_ms"], promise["entry_point"]) == (taken["due_ms"], "widget")
        assert (await web.get("/callbacks/widget/slots")).status_code == 404
        slots = (await web.get(f"{manage}/slots?hours=2")).json()
        assert slots["slot_ms"] == 900_000 and len(slots["slots"]) in (7, 8)
        page = (await web.get(manage, headers={"accept": "text/html"})).text
        assert f'<form data-manage="{manage}">' in page
        later_ms = slots["slots"][-1]["begin_ms"]
        moved = await web.post(manage, json={"action": "move", "begin_ms": later_ms}, headers=KEYED)
        assert (moved.status_code, moved.json()["due_ms"]) == (200, later_ms)
        entry = (await web.get(taken["calendar"])).text
        assert "METHOD:PUBLISH" in entry and "SEQUENCE:1" in entry
        gone = await web.post(manage, json={"action": "cancel"}, headers=KEYED)
        assert (gone.status_code, gone.json()["outcome"]) == (200, "cancelled")
        for wrong in ("hours=0", "from=-1"):
            assert (await web.get(f"{manage}/slots?{wrong}")).status_code == 422
        assert (await web.get(f"{manage[:-4]}AAAA/slots")).status_code == 404
