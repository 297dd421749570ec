"""Voicemails of the chat: who chose to leave one sends what they say, once, and the agent gets it as a file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from cordboard.events import fact as facts
from cordboard.gateway.limits import RECORDING_MAX, Limits
from cordboard.vault import AttachmentInfo
from tests.chat_site import POLICY, ScriptedSite, chat_site
from tests.unit.test_chat_next_steps import STEPS, WIDGET, turned_away

OGG = b"OggS" + bytes(range(256)) * 40
TYPED = {"content-type": "audio/ogg; codecs=opus"}


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[ScriptedSite]:
    limits = Limits(posts_burst=1_000)
    async with chat_site(tmp_path, limits=limits, allowed_origins={"https://shop.example"}) as site:
        await site.router.adopt(replace(POLICY, version=2, entry_points=[WIDGET]))
        site.router.turns_away = STEPS
        yield site


async def chosen(site: ScriptedSite, kind: str = "voicemail", to: str = "mailbox") -> dict[str, Any]:
    async with await site.customer() as bo:
        await turned_away(bo)
        await bo.say("choose", kind=kind, to=to)
        return await bo.hear("next_step")


async def send(site: ScriptedSite, path: str, data: bytes = OGG, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient() as client:
        return await client.post(f"http://{site.address}{path}", content=data, headers=TYPED | headers)


async def test_what_is_said_is_a_file_of_the_contact_that_follows(site: ScriptedSite) -> None:
    path = (await chosen(site))["recording"]
    first = await send(site, path)
    (step,) = await site.router.seen(1, facts.NextStepChosen)
    assert (first.status_code, first.json()) == (201, {"contact": step.successor.hex()})
    (said,) = [fact for fact in await site.router.seen(2, facts.MessagePosted) if fact.contact == step.successor]
    (info,) = (await site.vault.attachments([said.message]))[said.message]
    assert info == AttachmentInfo(info.ref, "recording.ogg", "audio/ogg", len(OGG))
    file = await site.vault.attachment(info.ref)
    assert file is not None and file.data == OGG
    # Sent again it is the same; there is no second one.
    assert (await send(site, path)).json() == first.json()
    other = await send(site, path, OGG + b"!")
    assert (other.status_code, other.json()["reason"]) == (409, "recording_exists")
    assert len(await site.vault.attachments([said.message])) == 1


async def test_only_who_chose_a_voicemail_sends_a_recording(site: ScriptedSite) -> None:
    told = await chosen(site, "queue", "invoices")
    assert "recording" not in told
    site.router.turns_away = []
    async with await site.customer() as bo:
        started = await bo.start("f" * 32)
    for token in ("x", started["token"]):
        refused = await send(site, f"/chat/recording/{token}")
        assert (refused.status_code, refused.json()["reason"]) == (404, "unknown_voicemail")


async def test_what_is_no_recording_is_refused(site: ScriptedSite) -> None:
    path = (await chosen(site))["recording"]
    for data, headers, status, reason in (
        (b"", {}, 415, "not_a_recording"),
        (b"<script>", {}, 415, "not_a_recording"),
        (OGG, {"content-type": "audio/wav"}, 415, "not_a_recording"),
        (OGG, {"content-type": "text/html"}, 415, "not_a_recording"),
        (OGG, {"content-type": ""}, 415, "not_a_recording"),
        (OGG + bytes(RECORDING_MAX), {}, 413, "too_large"),
        (OGG, {"origin": "https://elsewhere.example"}, 403, "origin_not_allowed"),
    ):
        refused = await send(site, path, data, **headers)
        assert (refused.status_code, refused.json()["reason"]) == (status, reason), headers
    site.router.refuse[facts.MessagePosted] = "contact_gone"
    gone = await send(site, path)
    assert (gone.status_code, gone.json()["reason"]) == (409, "contact_gone")
    # Nothing of it stays, and whoever sends it again is told the same.
    said = (await site.router.seen(1, facts.MessagePosted))[-1]
    assert await site.vault.attachments([said.message]) == {} and await site.vault.read([said.message]) == {}
    again = await send(site, path)
    assert (again.status_code, again.json()["reason"]) == (409, "contact_gone")


@pytest.mark.parametrize("refused", [None, "contact_gone"])
async def test_a_recording_is_not_confirmed_before_the_router_has_it(tmp_path: Path, refused: str | None) -> None:
    async with chat_site(tmp_path, limits=Limits(posts_burst=1_000, verdict_s=0.2)) as site:
        await site.router.adopt(replace(POLICY, version=2, entry_points=[WIDGET]))
        site.router.turns_away = STEPS
        path = (await chosen(site))["recording"]
        site.router.running.clear()
        undecided = [await send(site, path) for _ in range(2)]
        assert [(answer.status_code, answer.json()["reason"]) for answer in undecided] == [(503, "outcome_unknown")] * 2
        if refused is not None:
            site.router.refuse[facts.MessagePosted] = refused
        site.router.running.set()
        while (sent := await send(site, path)).status_code == 503:
            pass
        while (again := await send(site, path)).status_code == 503:
            pass
        assert (again.status_code, again.content) == (sent.status_code, sent.content)
        assert (sent.status_code, sent.json().get("reason")) == ((409, refused) if refused else (201, None))
        (step,) = await site.router.seen(1, facts.NextStepChosen)
        said, *more = [fact for fact in await site.router.seen(1, facts.MessagePosted) if fact.contact == step.successor]
        kept = 0 if refused else 1
        assert len(await site.vault.read([said.message])) == len(await site.vault.attachments([said.message])) == kept
        assert {fact.fact_id for fact in more} == {said.fact_id}, "it is one fact, however often it is sent"


async def test_pages_of_allowed_origins_send_recordings(site: ScriptedSite) -> None:
    path = (await chosen(site))["recording"]
    async with httpx.AsyncClient() as client:
        asked = await client.options(f"http://{site.address}{path}", headers={"origin": "https://shop.example"})
        strange = await client.options(f"http://{site.address}{path}", headers={"origin": "https://elsewhere.example"})
    assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (204, "https://shop.example")
    assert "content-type" in asked.headers["access-control-allow-headers"] and strange.status_code == 403
    own = {"origin": "https://shop.example", "content-type": "audio/webm"}
    sent = await send(site, path, b"\x1a\x45\xdf\xa3webm", **own)
    assert (sent.status_code, sent.headers["access-control-allow-origin"]) == (201, "https://shop.example")


async def test_one_address_cannot_send_for_ever(tmp_path: Path) -> None:
    limits = Limits(posts_burst=2, posts_per_s=0.000_001)
    async with chat_site(tmp_path, limits=limits) as site:
        sent = [await send(site, "/chat/recording/x") for _ in range(3)]
        assert [answer.status_code for answer in sent] == [404, 404, 429]
        assert sent[2].headers["retry-after"]
