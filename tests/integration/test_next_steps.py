"""Next steps from the API to the core and back: who is turned away is told what can be done, chooses, and something follows."""

from __future__ import annotations

import asyncio
import json
import uuid
from pathlib import Path

import grpc
import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from cordboard.api.ids import callback_id
from cordboard.client import Client, ClientError, Customer
from cordboard.events.policy import CallbackPolicy, ChannelProfile, EntryPoint, NextStep, QueuePolicy
from cordboard.main import app
from cordboard.router.verify import verify
from cordboard.v1.types_pb2 import AUTHOR_CUSTOMER
from cordboard.vault.address import PHONE
from cordboard.vault.refs import content_ref
from tests.api_site import PATIENCE_S, POLICY, ApiSite, api_site

MINUTE = 60_000
VOICE = ChannelProfile(name="voice", presence="live", klass=1, answered_on="connected")
LEADING_ON = replace(
    POLICY,
    channels=[*POLICY.channels, VOICE],
    queues=[
        QueuePolicy(name="orders", max_waiting=1, callbacks=CallbackPolicy(slot_ms=MINUTE, capacity=1, horizon_ms=60 * MINUTE)),
        QueuePolicy(name="invoices", max_waiting=1),
        *POLICY.queues[2:],
    ],
    entry_points=[
        EntryPoint(
            name="widget",
            channel="chat",
            queue="orders",
            next_steps=[
                NextStep("callback", "orders", "voice", "orders"),
                NextStep("queue", "invoices", None, "invoices"),
                NextStep("voicemail", "mailbox", "task", "nobody"),
                NextStep("message"),
            ],
            messages={"nl": "Probeer het later.", "en": "Try again later."},
        ),
        EntryPoint(name="dead-end", channel="chat", queue="orders", next_steps=[NextStep("message")], messages={"en": "Closed."}),
        EntryPoint(name="mailbox", channel="task", queue="nobody"),
    ],
)
JAN = Customer(kind="phone", address="+32 470 12 34 56", name="Jan")


async def turned_away(
    client: Client,
    entry_point: str = "widget",
    language: str = "nl",
    request_id: str | None = None,
    customer: Customer | None = None,
) -> ClientError:
    with pytest.raises(ClientError) as refused:
        await client.submit_contact(
            channel="chat", queue="orders", entry_point=entry_point, topic="delivery", language=language, text="My boots!",
            customer=customer, request_id=request_id or str(uuid.uuid4()),
        )  # fmt: skip
    return refused.value


async def test_who_is_turned_away_chooses_and_something_follows(tmp_path: Path) -> None:
    async with api_site(tmp_path, LEADING_ON) as site, Client(site.target) as client, asyncio.timeout(PATIENCE_S):
        await client.submit_contact(channel="chat", queue="orders")
        first = await turned_away(client)
        assert (first.code, first.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "queue_full")
        offered = first.next_steps
        assert offered is not None and offered.open and offered.told == "Probeer het later."
        assert [(step.kind, step.to) for step in offered.steps] == [
            ("callback", "orders"), ("queue", "invoices"), ("voicemail", "mailbox"), ("message", ""),
        ]  # fmt: skip
        assert await client.next_steps(offered.contact_id) == offered
        await _called_back(client, offered.contact_id)
        left = await _in_another_queue(client)
        await asyncio.to_thread(_left_by_hand, site, (await turned_away(client)).next_steps.contact_id)  # type: ignore[union-attr]
        await _told(client)
        await _asked_again(client)
        await _come_to_nothing(site, client)
        await _whose_number(site, client)
        await _wrong(client)
        await _forgotten(client, left)
        async with asyncio.timeout(PATIENCE_S):
            report = await verify(site.log)
        assert report.violations == []


async def _called_back(client: Client, contact: str) -> None:
    request_id = str(uuid.uuid4())
    done = await client.choose_next_step(
        contact, "callback", "orders", customer=JAN, number=JAN.address, text="Boots", request_id=request_id
    )
    promise = await client.get_promise(done.successor_contact_id, after=done.consistency_token)
    assert (promise.number, promise.text, promise.topic, promise.language) == ("+32470123456", "Boots", "delivery", "nl")
    assert (promise.case_id, promise.entry_point, promise.customer.name) == (contact, "widget", "Jan")
    assert done.promise.due_ms == promise.due_ms and done.taken.kind == "callback"
    again = await client.choose_next_step(
        contact, "callback", "orders", customer=JAN, number=JAN.address, text="Boots", request_id=request_id
    )
    assert again.repeated_request and again.successor_contact_id == done.successor_contact_id
    over = await client.next_steps(contact, after=done.consistency_token)
    assert (over.open, over.taken.kind, over.taken_by, over.successor_contact_id) == (
        False, "callback", "customer", done.successor_contact_id,
    )  # fmt: skip
    with pytest.raises(ClientError, match="contact_gone"):
        await client.choose_next_step(contact, "message")


async def _in_another_queue(client: Client) -> str:
    """Returns the contact of what was left behind by somebody else."""
    one, other = await turned_away(client), await turned_away(client)
    assert one.next_steps is not None and other.next_steps is not None
    done = await client.choose_next_step(one.next_steps.contact_id, "queue", "invoices")
    contact = await client.get_contact(done.successor_contact_id, after=done.consistency_token)
    assert (contact.queue, contact.channel, contact.topic, contact.case_id) == (
        "invoices", "chat", "delivery", one.next_steps.contact_id,
    )  # fmt: skip
    # There was room for one: now it is full, and the others can still be chosen.
    with pytest.raises(ClientError) as late:
        await client.choose_next_step(other.next_steps.contact_id, "queue", "invoices")
    assert (late.value.reason, late.value.code) == ("next_step_unavailable", grpc.StatusCode.FAILED_PRECONDITION)
    still = await client.next_steps(other.next_steps.contact_id)
    assert still.open
    left = await client.choose_next_step(
        other.next_steps.contact_id, "voicemail", "mailbox", customer=JAN, fields={"recording": "rec-42.ogg"}
    )
    contact = await client.get_contact(left.successor_contact_id, after=left.consistency_token)
    assert (contact.channel, contact.queue, contact.entry_point) == ("task", "nobody", "mailbox")
    assert (contact.fields["recording"], contact.customer.name) == ("rec-42.ogg", "Jan")
    return contact.contact_id


def _left_by_hand(site: ApiSite, contact: str) -> None:
    def typed(*words: str, code: int = 0) -> str:
        done = CliRunner().invoke(app, ["contacts", *words, "--target", site.target])
        assert done.exit_code == code, done.output
        return " ".join(done.output.split())

    shown = typed("next", contact)
    assert "nobody can help in orders (full)" in shown and "voicemail mailbox" in shown and "can be chosen until" in shown
    assert "next_step_not_offered" in typed("choose", contact, "form", "contact", code=1)
    done = json.loads(typed("choose", contact, "voicemail", "mailbox", "--recording", "rec-7", "--phone", "+32470000000", "--json"))
    assert done["taken"] == {"kind": "voicemail", "to": "mailbox"}
    assert f"the customer chose voicemail mailbox, {done['successor_contact_id']} goes on with it" in typed("next", contact)
    assert json.loads(typed("next", contact, "--json"))["taken_by"] == "customer"
    assert "contact_gone" in typed("choose", contact, "message", code=1)


async def _told(client: Client) -> None:
    """With nothing but a message nobody is asked; and a message is a choice, too."""
    dead_end = await turned_away(client, "dead-end", "fr")
    assert dead_end.next_steps is not None
    assert (dead_end.next_steps.open, list(dead_end.next_steps.steps), dead_end.next_steps.told) == (False, [], "Closed.")
    chosen = (await turned_away(client)).next_steps
    assert chosen is not None
    done = await client.choose_next_step(chosen.contact_id, "message")
    assert (done.taken.kind, done.successor_contact_id) == ("message", "")


async def _asked_again(client: Client) -> None:
    """The same request again is the same contact: open while its customer may choose, and then no more."""
    request_id = str(uuid.uuid4())
    first, again = [(await turned_away(client, request_id=request_id)).next_steps for _ in range(2)]
    assert first is not None and again == first and first.open
    done = await client.choose_next_step(first.contact_id, "message")
    await client.next_steps(first.contact_id, after=done.consistency_token)
    over = (await turned_away(client, request_id=request_id)).next_steps
    assert over is not None
    assert (over.contact_id, over.open, list(over.steps), over.told) == (first.contact_id, False, [], first.told)


async def _come_to_nothing(site: ApiSite, client: Client) -> None:
    """Number and text of a choice that was refused, or declined, are not kept."""
    chosen = (await turned_away(client)).next_steps
    assert chosen is not None
    away = Customer(kind="phone", address="+32 470 99 99 99", name="Wim")
    for reason, kind, to, wish_ms in (
        ("callback_beyond_horizon", "callback", "orders", 1 << 47),
        ("next_step_not_offered", "form", "contact", 0),
    ):
        request_id = uuid.uuid4()
        with pytest.raises(ClientError) as refused:
            await client.choose_next_step(
                chosen.contact_id, kind, to, customer=away, text="Soon!", wish_ms=wish_ms, request_id=str(request_id)
            )
        assert refused.value.reason == reason
        successor = callback_id("ChooseNextStep", request_id)
        assert await site.vault.read([content_ref(successor, kept) for kept in ("text", "customer", "number")]) == {}


async def _whose_number(site: ApiSite, client: Client) -> None:
    """Of whom nobody knows who they are, whoever has the number is called: so many calls are promised to one number."""
    number = "+32 471 11 22 33"

    async def promised_to(chooser: Customer | None) -> str:
        refused = await turned_away(client, customer=chooser)
        assert refused.next_steps is not None
        done = await client.choose_next_step(refused.next_steps.contact_id, "callback", "orders", number=number)
        return (await client.get_promise(done.successor_contact_id, after=done.consistency_token)).customer_id

    whoever = await site.vault.customer(PHONE, "+32471112233")
    assert {await promised_to(None), await promised_to(None)} == {whoever.hex()}
    known = await site.vault.customer(PHONE, JAN.address)
    assert await promised_to(JAN) == known.hex()


async def _forgotten(client: Client, left: str) -> None:
    """The reference of a recording goes with its customer, as all that was left."""
    assert (await client.get_contact(left)).fields["recording"] == "rec-42.ogg"
    erased = await client.erase_customer(("phone", JAN.address))
    contact = await client.get_contact(left, after=erased.consistency_token)
    assert (dict(contact.fields), contact.customer.name, contact.entry_point) == ({}, "", "mailbox")


async def _wrong(client: Client) -> None:
    contact = (await turned_away(client)).next_steps
    assert contact is not None
    for wrong, fields in (
        ({"kind": "hop"}, {"kind"}),
        ({"kind": "callback", "to": "orders"}, {"number"}),
        ({"kind": "callback", "to": "orders", "number": "112"}, {"number"}),
        ({"kind": "callback", "to": "orders", "number": "0475 12 34 56", "hours": [(9, 3)]}, {"hours[0].until_ms"}),
        ({"kind": "queue", "to": "No Name"}, {"to"}),
        ({"kind": "form", "text": "x" * 40_000}, {"text"}),
        ({"kind": "form", "fields": {"X": "y"}}, {"fields"}),
        ({"kind": "message", "text": "Are you there?", "fields": {"order": "A1"}}, {"text", "fields"}),
    ):
        with pytest.raises(ClientError) as refused:
            await client.choose_next_step(contact.contact_id, **wrong)  # type: ignore[arg-type]
        assert refused.value.violations.keys() == fields
    for contact_id, reason in (("0" * 32, "unknown_contact"), ("zz", "invalid_input")):
        with pytest.raises(ClientError) as unknown:
            await client.next_steps(contact_id)
        assert unknown.value.reason == reason
    with pytest.raises(ClientError) as past:
        await client.choose_next_step(contact.contact_id, "callback", "orders", number="0475 12 34 56", wish_ms=1 << 47)
    assert past.value.reason == "callback_beyond_horizon" and (await client.next_steps(contact.contact_id)).open


async def test_who_waits_says_something_on_the_way_to_another_queue(tmp_path: Path) -> None:
    grace = replace(LEADING_ON.queues[0], closing_grace_ms=0)
    policy = replace(LEADING_ON, queues=[grace, *LEADING_ON.queues[1:]])
    async with api_site(tmp_path, policy) as site, Client(site.target) as client, asyncio.timeout(PATIENCE_S):
        contact = (await client.submit_contact(channel="chat", queue="orders", entry_point="widget", text="My boots!")).contact_id
        await client.set_queue_mode("orders", "closed")
        await site.until_told("NextStepOffered", None, 1)
        await asyncio.to_thread(_waits_and_may_choose, site, contact)
        offered = await client.next_steps(contact)
        assert (await client.get_contact(contact)).next_steps == offered
        explained = await client.explain_contact(contact)
        assert explained.next_steps == offered
        assert explained.sentences[-1].startswith("Its customer may choose something else (closing), for ")
        assert explained.sentences[-1].endswith(" more: callback orders, queue invoices, voicemail mailbox, message.")
        for left, field in (({"fields": {"order": "A1"}}, "fields"), ({"customer": JAN}, "customer")):
            with pytest.raises(ClientError) as refused:
                await client.choose_next_step(contact, "queue", "invoices", **left)  # type: ignore[arg-type]
            assert refused.value.violations.keys() == {field}
        done = await client.choose_next_step(contact, "queue", "invoices", text="It is urgent.")
        assert done.successor_contact_id == contact
        said = await client.messages(contact, after=done.consistency_token)
        assert [(message.text, message.author) for message in said] == [("It is urgent.", AUTHOR_CUSTOMER)]
        waiting = await client.get_contact(contact)
        assert (waiting.queue, waiting.text) == ("invoices", "My boots!")
        # It is over: nobody speaks of it any more.
        assert not waiting.HasField("next_steps")
        assert not (await client.explain_contact(contact)).HasField("next_steps")


def _waits_and_may_choose(site: ApiSite, contact: str) -> None:
    shown = CliRunner().invoke(app, ["contacts", "show", contact, "--target", site.target])
    assert "callback orders, queue invoices, voicemail mailbox, message (closing, until 20" in shown.output, shown.output
