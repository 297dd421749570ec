"""Forms as next steps: who fills in the page behind a step's link has taken it, and what follows has what they wrote."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path

import httpx
import pytest
from msgspec.structs import replace

from cordboard.events import fact as facts
from cordboard.events.policy import ChannelProfile, EntryPoint, Form, FormField, NextStep
from cordboard.gateway.limits import Limits
from cordboard.vault.refs import content_ref
from tests.chat_site import POLICY, ScriptedSite, chat_site
from tests.unit.test_chat_next_steps import WIDGET, turned_away

STEPS = [NextStep("form", "contact", "form", "orders"), NextStep("message")]
FORMS = replace(
    POLICY,
    version=2,
    channels=[*POLICY.channels, ChannelProfile(name="form", presence="async", klass=3, answered_on="first_message", reply="mail")],
    entry_points=[
        replace(WIDGET, next_steps=STEPS),
        EntryPoint(name="contact", channel="form", queue="orders"),
        EntryPoint(name="service", channel="mail", queue="orders", address="service@shop.example"),
    ],
    forms=[
        Form(
            name="contact",
            fields=[
                FormField(name="mail", kind="email", role="email", required=True),
                FormField(name="text", kind="long_text", role="text"),
                FormField(name="order"),
            ],
        )
    ],
)
FILLED = {"mail": "bo@example.org", "text": "Ze zijn te klein.", "order": "A1"}
KEYED = {"idempotency-key": "0123456789"}


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[ScriptedSite]:
    async with chat_site(tmp_path) as site:
        await site.router.adopt(FORMS)
        site.router.turns_away = STEPS
        yield site


async def fill(site: ScriptedSite, url: str, **filled: str) -> httpx.Response:
    async with httpx.AsyncClient() as client:
        return await client.post(f"http://{site.address}{url}", json=FILLED | filled, headers=KEYED)


async def letters(site: ScriptedSite) -> list[facts.ContactArrived]:
    return [fact for fact in site.router.facts if isinstance(fact, facts.ContactArrived) and fact.channel == "form"]


async def test_who_fills_in_the_form_has_chosen_it(site: ScriptedSite) -> None:
    async with await site.customer() as bo:
        form, message = (await turned_away(bo))["next_steps"]["steps"]
        assert "url" not in message
        first = await fill(site, form["url"])
        taken = await bo.hear("next_step")
        assert taken == {"type": "next_step", "kind": "form", "to": "contact", "by": "customer"}
        (step,) = await site.router.seen(1, facts.NextStepChosen)
        assert (first.status_code, first.json()) == (202, {"contact": step.successor.hex()})
        kept = await site.vault.read([step.message, content_ref(step.successor, "fields")])
        assert {content.text for content in kept.values()} == {"Ze zijn te klein.", '{"order": "A1"}'}
        assert await site.vault.address(step.customer, "email") is not None
        # Sent again it is the same; and what else is written after that is a letter like any other.
        assert (await fill(site, form["url"])).json() == first.json()
        assert await letters(site) == []
        site.router.turns_away = []
        more = await fill(site, form["url"], text="Nog iets.")
        (letter,) = [fact for fact in await site.router.seen(2, facts.ContactArrived) if fact.channel == "form"]
        assert more.json() == {"contact": letter.contact.hex()}
        assert len(await site.router.seen(1, facts.NextStepChosen)) == 1


async def test_the_page_begins_with_what_the_chat_began_with(site: ScriptedSite) -> None:
    async with await site.customer() as bo, httpx.AsyncClient() as client:
        form, _ = (await turned_away(bo))["next_steps"]["steps"]
        page = (await client.get(f"http://{site.address}{form['url']}")).text
        assert "Mijn laarzen!</textarea>" in page
        action, key = (re.search(shape, page) for shape in (r'action="([^"]*)"', r'name="_key" value="([^"]*)"'))
        assert action is not None and key is not None
        posted = {"_key": key[1], "mail": "bo@example.org", "text": "Mijn laarzen!"}
        done = await client.post(f"http://{site.address}/form/contact{unescape(action[1])}", data=posted)
        (step,) = await site.router.seen(1, facts.NextStepChosen)
        assert done.status_code in (200, 201, 202) and step.successor.hex() in done.text
        # Others see nothing of it.
        for strange in ("/form/contact", "/form/contact?step=x"):
            assert "laarzen" not in (await client.get(f"http://{site.address}{strange}")).text


async def test_what_is_written_stays_when_it_cannot_be_chosen(site: ScriptedSite) -> None:
    async with await site.customer() as bo:
        form, _ = (await turned_away(bo))["next_steps"]["steps"]
        site.router.turns_away = []
        site.router.refuse[facts.NextStepChosen] = "next_step_unavailable"
        first = await fill(site, form["url"])
        (step,) = await site.router.seen(1, facts.NextStepChosen)
        (letter,) = [fact for fact in await site.router.seen(2, facts.ContactArrived) if fact.channel == "form"]
        assert (first.status_code, first.json()) == (202, {"contact": letter.contact.hex()})
        assert await site.vault.read([step.message, content_ref(step.successor, "fields")]) == {}
        assert letter.message is not None
        assert [content.text for content in (await site.vault.read([letter.message])).values()] == ["Ze zijn te klein."]
        site.router.refuse.clear()
        nobodys = await fill(site, "/form/contact?step=AAAA", text="Iets anders.")
        assert nobodys.status_code == 202 and len(await letters(site)) == 2


@pytest.mark.parametrize("refused", [None, "next_step_unavailable"])
async def test_what_was_not_decided_is_decided_when_it_is_sent_again(tmp_path: Path, refused: str | None) -> None:
    async with chat_site(tmp_path, limits=Limits(posts_burst=1_000, verdict_s=0.2)) as site:
        await site.router.adopt(FORMS)
        site.router.turns_away = STEPS
        async with await site.customer() as bo:
            form, _ = (await turned_away(bo))["next_steps"]["steps"]
        site.router.running.clear()
        undecided = [await fill(site, form["url"]) for _ in range(2)]
        assert [(answer.status_code, answer.json()["reason"]) for answer in undecided] == [(503, "outcome_unknown")] * 2
        site.router.turns_away = []
        if refused is not None:
            site.router.refuse[facts.NextStepChosen] = refused
        site.router.running.set()
        while (sent := await fill(site, form["url"])).status_code == 503:
            pass
        assert (await fill(site, form["url"])).json() == sent.json()
        chosen, *more = await site.router.seen(1, facts.NextStepChosen)
        assert {fact.fact_id for fact in more} <= {chosen.fact_id}, "it is one fact, however often it is sent"
        follows = [chosen.successor] if refused is None else [letter.contact for letter in await letters(site)]
        assert [sent.json()] == [{"contact": contact.hex()} for contact in follows]
        kept = await site.vault.read([chosen.message, content_ref(chosen.successor, "fields")])
        assert len(kept) == (2 if refused is None else 0)
