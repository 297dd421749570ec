"""Next steps in the chat: who is turned away, or waits in vain, is shown what can be done and chooses it on the same socket."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from cordboard.events import fact as facts
from cordboard.events.policy import EntryPoint, NextStep
from cordboard.gateway.limits import Limits
from cordboard.vault.refs import content_ref
from tests.chat_site import POLICY, SECRET, ScriptedSite, chat_site

STEPS = [
    NextStep("callback", "orders", "voice", "orders"),
    NextStep("queue", "invoices", None, "invoices"),
    NextStep("voicemail", "mailbox", "task", "orders"),
    NextStep("mail", "inbox", "mail", "orders"),
    NextStep("message"),
]
WIDGET = EntryPoint(name="widget", channel="chat", queue="orders", next_steps=STEPS, messages={"nl": "Probeer het later."})


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[ScriptedSite]:
    async with chat_site(tmp_path, callback_numbers="+32") as site:
        await site.router.adopt(replace(POLICY, version=2, entry_points=[WIDGET]))
        site.router.turns_away = STEPS
        yield site


async def turned_away(customer: Any, client_id: str = SECRET) -> dict[str, Any]:
    await customer.say("start", client_id=client_id, entry_point="widget", text="Mijn laarzen!")
    problem: dict[str, Any] = await customer.hear("error")
    assert problem["reason"] == "queue_full"
    return problem


async def test_who_is_turned_away_sees_what_can_be_done(site: ScriptedSite) -> None:
    async with await site.customer() as bo:
        shown = (await turned_away(bo))["next_steps"]
        assert [(step["kind"], step.get("to")) for step in shown["steps"]] == [(step.kind, step.to) for step in STEPS]
        assert (shown["until_ms"], shown["told"]) == (60_000, "Probeer het later.")
        # The same start again is the same contact, also from elsewhere.
        async with await site.customer() as again:
            assert (await turned_away(again))["next_steps"] == shown
        assert len(await site.router.seen(1, facts.ContactArrived)) == 1


async def test_a_call_is_promised_to_a_number_that_may_be_called(site: ScriptedSite) -> None:
    async with await site.customer() as bo:
        await turned_away(bo)
        for wrong in ("", "12", "+1 212 555 0100"):
            await bo.say("choose", kind="callback", to="orders", number=wrong)
            assert (await bo.hear("error"))["reason"] == "bad_number"
        await bo.say("choose", kind="callback", to="orders", number="+32 470 12 34 56")
        taken = await bo.hear("next_step")
        manage = taken["manage"]
        assert taken == {
            "type": "next_step", "kind": "callback", "to": "orders", "by": "customer", "due_ms": 900, "manage": manage,
            "calendar": f"{manage}/callback.ics",
        }  # fmt: skip
        async with httpx.AsyncClient(base_url=f"http://{site.address}") as web:
            looked = (await web.get(manage)).json()
        assert (looked["state"], looked["due_ms"], looked["manage"]) == ("promised", 900, manage)
        (fact,) = await site.router.seen(1, facts.NextStepChosen)
        contents = await site.vault.read([content_ref(fact.successor, kind) for kind in ("number", "text", "customer")])
        assert {content.kind: content.text for content in contents.values()} == {
            "number": "+32470123456",
            "text": "Mijn laarzen!",
            "customer": json.dumps({"kind": "phone", "address": "+32470123456", "name": ""}),
        }
        # Said twice it is the same, and nothing else can be chosen any more.
        await bo.say("choose", kind="callback", to="orders", number="+32 470 12 34 56")
        assert await bo.hear("next_step") == taken
        await bo.say("choose", kind="message")
        assert (await bo.hear("error"))["reason"] == "next_step_not_offered"
        assert len(await site.router.seen(1, facts.NextStepChosen)) == 1


async def test_the_chat_goes_on_in_another_queue(site: ScriptedSite) -> None:
    async with await site.customer() as bo:
        await turned_away(bo)
        await bo.say("choose", kind="queue", to="invoices")
        assert (await bo.hear("next_step"))["kind"] == "queue"
        started = await bo.hear("started")
        assert await bo.hear("queued") == {"type": "queued", "queue": "invoices"}
        assert (await bo.hear("message"))["text"] == "Mijn laarzen!"
        (fact,) = await site.router.seen(1, facts.NextStepChosen)
        assert bytes.fromhex(started["contact"]) == fact.successor
        await bo.say("message", client_id="m1", text="Nog iets")
        receipt = await bo.hear("receipt")
        while receipt["state"] != "relayed":
            receipt = await bo.hear("receipt")
    async with await site.customer() as back:
        await back.say("resume", token=started["token"], seen=2)
        assert (await back.hear("started"))["contact"] == started["contact"]


async def test_something_can_be_left_behind(site: ScriptedSite) -> None:
    async with await site.customer() as bo:
        await turned_away(bo)
        for wrong in (None, "no address"):
            await bo.say("choose", kind="mail", to="inbox", **({} if wrong is None else {"email": wrong}))
            assert (await bo.hear("error"))["reason"] == "not_an_email"
        await bo.say("choose", kind="mail", to="inbox", email="Bo@Example.org", text="Waar zijn ze?")
        assert (await bo.hear("next_step"))["kind"] == "mail"
        (fact,) = await site.router.seen(1, facts.NextStepChosen)
        contents = await site.vault.read([content_ref(fact.successor, "text")])
        assert [content.text for content in contents.values()] == ["Waar zijn ze?"]
        assert fact.customer is not None and await site.vault.address(fact.customer, "email") is not None


async def test_nothing_is_chosen_that_was_not_offered(site: ScriptedSite) -> None:
    async with await site.customer() as bo:
        await bo.say("choose", kind="message")
        assert (await bo.hear("error"))["reason"] == "no_next_step"
        await turned_away(bo)
        for wrong in ({"kind": "queue", "to": "orders"}, {"kind": "form", "to": "contact"}, {"kind": "callback"}):
            await bo.say("choose", **wrong)
            assert (await bo.hear("error"))["reason"] == "next_step_not_offered"
        for broken in (
            {"kind": "hop"},
            {"kind": "queue", "to": "No Name"},
            {"kind": "callback", "to": "orders", "number": "1" * 61},
        ):
            await bo.say("choose", **broken)
            assert (await bo.hear("error"))["reason"] == "bad_message"
        site.router.refuse[facts.NextStepChosen] = "next_step_unavailable"
        await bo.say("choose", kind="queue", to="invoices")
        assert (await bo.hear("error"))["reason"] == "next_step_unavailable"
        site.router.refuse.clear()
        await bo.say("choose", kind="message")
        assert await bo.hear("next_step") == {
            "type": "next_step", "kind": "message", "by": "customer", "told": "Probeer het later.",
        }  # fmt: skip


@pytest.mark.parametrize("refused", ["next_step_unavailable", "callback_full"])
async def test_nothing_is_kept_of_a_choice_that_came_to_nothing(site: ScriptedSite, refused: str) -> None:
    async with await site.customer() as bo:
        await turned_away(bo)
        if refused == "callback_full":
            site.router.declines = True
        else:
            site.router.refuse[facts.NextStepChosen] = refused
        await bo.say("choose", kind="callback", to="orders", number="+32 470 12 34 56", text="Bel mij!")
        assert (await bo.hear("error"))["reason"] == refused
        (fact,) = await site.router.seen(1, facts.NextStepChosen)
        refs = [content_ref(fact.successor, kind) for kind in ("number", "text", "customer")]
        assert await site.vault.read(refs) == {}
        assert fact.customer is not None and await site.vault.address(fact.customer, "phone") is None
        # The choice is still open.
        site.router.declines = False
        site.router.refuse.clear()
        await bo.say("choose", kind="callback", to="orders", number="+32 470 12 34 56", text="Bel mij!")
        assert (await bo.hear("next_step"))["kind"] == "callback"
        _, fact = await site.router.seen(2, facts.NextStepChosen)
        refs = [content_ref(fact.successor, kind) for kind in ("number", "text", "customer")]
        assert len(await site.vault.read(refs)) == 3


async def test_who_waits_in_vain_is_shown_them_in_the_chat(site: ScriptedSite) -> None:
    site.router.turns_away = []
    async with await site.customer() as bo:
        contact = bytes.fromhex((await bo.start())["contact"])
        site.router.turns_away = STEPS
        await site.router.offer(contact, "orders")
        assert [step["kind"] for step in (await bo.hear("next_steps"))["steps"]] == [step.kind for step in STEPS]
        await bo.say("choose", kind="voicemail", to="mailbox")
        assert (await bo.hear("next_step"))["kind"] == "voicemail"
        await site.router.end(contact, "flowed_out")
        assert (await bo.hear("ended"))["reason"] == "flowed_out"


async def test_nobody_is_called_where_no_numbers_are_allowed(tmp_path: Path) -> None:
    async with chat_site(tmp_path) as site, await site.customer() as bo:
        await site.router.adopt(replace(POLICY, version=2, entry_points=[WIDGET]))
        site.router.turns_away = STEPS
        shown = (await turned_away(bo))["next_steps"]
        assert [step["kind"] for step in shown["steps"]] == ["queue", "voicemail", "mail", "message"]
        await bo.say("choose", kind="callback", to="orders", number="+32 470 12 34 56")
        assert (await bo.hear("error"))["reason"] == "next_step_not_offered"


async def test_one_address_does_not_take_the_room_to_choose_from_all_others(tmp_path: Path) -> None:
    async with chat_site(tmp_path, limits=Limits(choices_a_client=1), behind_proxy=True) as site:
        await site.router.adopt(replace(POLICY, version=2, entry_points=[WIDGET]))
        site.router.turns_away = STEPS
        own = {"additional_headers": {"X-Forwarded-For": "192.0.2.7"}}
        async with await site.customer(**own) as bo, await site.customer(**own) as next_door, await site.customer() as elsewhere:
            await turned_away(bo)
            await next_door.say("start", client_id="1" * 32, entry_point="widget", text="Hallo?")
            refused = await next_door.hear("error")
            assert (refused["reason"], refused["retry_after_ms"]) == ("rate_limited", 1_000)
            # Who chooses may look again, and others are not concerned.
            await turned_away(bo)
            await turned_away(elsewhere, "2" * 32)
            assert len(await site.router.seen(2, facts.ContactArrived)) == 2
            await bo.say("choose", kind="message")
            assert (await bo.hear("next_step"))["kind"] == "message"
            await turned_away(next_door, "1" * 32)
            assert len(await site.router.seen(3, facts.ContactArrived)) == 3


async def test_who_waits_says_something_on_the_way_to_another_queue(site: ScriptedSite) -> None:
    site.router.turns_away = []
    async with await site.customer() as bo:
        contact = bytes.fromhex((await bo.start())["contact"])
        site.router.turns_away = STEPS
        await site.router.offer(contact, "orders")
        await bo.hear("next_steps")
        site.router.refuse[facts.NextStepChosen] = "next_step_unavailable"
        await bo.say("choose", kind="queue", to="invoices", text="Het is dringend.")
        assert (await bo.hear("error"))["reason"] == "next_step_unavailable"
        (refused,) = await site.router.seen(1, facts.NextStepChosen)
        assert await site.vault.read([refused.message]) == {}
        site.router.refuse.clear()
        await bo.say("choose", kind="queue", to="invoices", text="Het is dringend.")
        _, fact = await site.router.seen(2, facts.NextStepChosen)
        (content,) = (await site.vault.read([fact.message])).values()
        # It belongs to the chat that goes on, and the first words are there already.
        assert (content.text, content.kind) == ("Het is dringend.", "message")
        await site.vault.discard(fact.successor, ("text", "customer"), [fact.message])
        assert len(await site.vault.read([fact.message])) == 1
        await site.router.offer(contact, "orders")
        await bo.say("choose", kind="queue", to="invoices")
        *_, silent = await site.router.seen(3, facts.NextStepChosen)
        assert silent.message is None
