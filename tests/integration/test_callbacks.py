"""Callbacks from the API to the core and back: found, promised, moved, cancelled, refused, called and kept, at risk by a plan."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
import uuid
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import grpc
import pytest
from msgspec.structs import replace
from typer.testing import CliRunner, Result

from cordboard import codec
from cordboard.client import AgentDeclaration, Client, ClientError, Customer, DeskSnapshot, Offer, PromiseFilter
from cordboard.events.fact import ContactAbandoned
from cordboard.events.policy import CallbackPolicy, ChannelProfile, Monitoring, QueuePolicy
from cordboard.main import app
from cordboard.v1.callback_service_pb2 import (
    DIAL_MODE_AGENT_FIRST,
    PROMISE_STATE_CALLING,
    PROMISE_STATE_ENDED,
    PROMISE_STATE_PROMISED,
    MissedContact,
    Promise,
)
from cordboard.v1.types_pb2 import CONTACT_STATE_SCHEDULED, AgentChannel, Membership
from tests.api_site import PATIENCE_S, POLICY, ApiSite, DeskReader, api_site

MINUTE = 60_000
VOICE = ChannelProfile(name="voice", presence="live", klass=1, answered_on="connected", offer_ttl_ms=60_000, connect_ms=60_000)
PROMISING = replace(
    POLICY,
    channels=[*POLICY.channels, VOICE],
    queues=[
        # Early enough that what is promised for the next minute may be called at once.
        QueuePolicy(
            name="orders",
            short_abandon_ms=0,
            callbacks=CallbackPolicy(slot_ms=MINUTE, capacity=1, early_ms=10 * MINUTE, dial_ms=60_000, offer_missed=True),
        ),
        *POLICY.queues[1:],
    ],
)
JAN = Customer(kind="phone", address="+32 470 12 34 56", name="Jan")


async def test_a_call_is_promised_moved_and_kept(tmp_path: Path) -> None:
    async with api_site(tmp_path, PROMISING) as site, Client(site.target) as client, asyncio.timeout(PATIENCE_S):
        watch = client.watch_promises(interval_ms=20)
        assert [len((await anext(watch)).promises)] == [0]

        async def until(contact_id: str, state: int) -> Promise:
            async for change in watch:
                for promise in change.promises:
                    if (promise.contact_id, promise.state) == (contact_id, state):
                        return promise
            raise AssertionError("the watch ended")

        found = await client.find_slots("orders", zone="Europe/Brussels", count=3)
        assert [slot.begin_ms - found.slots[0].begin_ms for slot in found.slots] == [0, MINUTE, 2 * MINUTE]
        assert found.slots[0].local.endswith(("+01:00", "+02:00"))
        await _book_and_move(client, found.slots[1].begin_ms, until)
        await _refusals(client, found.slots[2].begin_ms)
        await _called(client, until)
        await _moved_and_called(client, until)
        await watch.aclose()
        await _at_risk(client)
        await _board(client)
        await asyncio.to_thread(_by_hand, site.target)
        await _in_vain(site, client)
        await asyncio.to_thread(_plan_by_hand, site.target, tmp_path)


async def _in_vain(site: ApiSite, client: Client) -> None:
    """Two leave before anybody answers: one of them can be called back, about what they came for."""
    known = await client.submit_contact(
        channel="chat", queue="orders", topic="delivery", customer=JAN, text="My boots!", language="nl"
    )
    unknown = await client.submit_contact(channel="chat", queue="orders")
    async with site.log.publisher("test") as publisher:
        for contact in (known.contact_id, unknown.contact_id):
            await publisher.publish(codec.check_fact(ContactAbandoned(secrets.token_bytes(16), bytes.fromhex(contact))))
    missed: list[MissedContact] = []
    while len(missed) < 2:  # the facts went past the API
        missed = [one async for one in client.list_missed_contacts("orders", include_settled=True, page_size=1)]
    assert [(one.contact_id, one.missed, one.reason) for one in missed] == [
        (known.contact_id, "abandoned", ""),
        (unknown.contact_id, "abandoned", "no_return_address"),
    ]
    done = await asyncio.to_thread(CliRunner().invoke, app, ["callbacks", "missed", "--target", site.target, "--json"])
    assert [one["contact_id"] for one in json.loads(done.output)] == [known.contact_id]
    with pytest.raises(ClientError) as hopeless:
        await client.book_callback(missed_contact_id=unknown.contact_id)
    assert hopeless.value.violations.keys() == {"number"}
    with pytest.raises(ClientError, match="unknown_missed_contact"):
        await client.book_callback(missed_contact_id="0" * 32)
    done = await asyncio.to_thread(
        CliRunner().invoke, app, ["callbacks", "take", known.contact_id, "--target", site.target, "--json"]
    )
    assert done.exit_code == 0, done.output
    promise = await client.get_promise(json.loads(done.output)["contact_id"])
    assert (promise.queue, promise.topic, promise.case_id) == ("orders", "delivery", known.contact_id)
    assert (promise.number, promise.text, promise.customer.name, promise.language) == ("+32470123456", "My boots!", "Jan", "nl")
    assert [one async for one in client.list_missed_contacts()] == []


async def test_of_two_who_call_one_back_one_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    offering = replace(PROMISING.queues[0], callbacks=replace(PROMISING.queues[0].callbacks, capacity=9))
    policy = replace(PROMISING, queues=[offering, *PROMISING.queues[1:]])
    async with api_site(tmp_path, policy) as site, Client(site.target) as client, asyncio.timeout(PATIENCE_S):
        first, second = [await _came_in_vain(site, client) for _ in range(2)]
        with pytest.raises(ClientError) as somebody_else:
            await client.book_callback(missed_contact_id=first, customer=Customer(kind="phone", address="+32 470 99 99 99"))
        assert somebody_else.value.violations.keys() == {"customer"}
        with pytest.raises(ClientError) as late:
            await client.book_callback(missed_contact_id=first, wish_ms=4_000_000_000_000)
        assert late.value.reason == "callback_beyond_horizon"
        ids = [str(uuid.uuid4()) for _ in range(4)]
        done = await asyncio.gather(
            *(client.book_callback(missed_contact_id=first, request_id=request_id) for request_id in ids), return_exceptions=True
        )
        (booked,) = [one for one in done if not isinstance(one, BaseException)]
        assert {one.reason for one in done if isinstance(one, ClientError)} == {"missed_contact_settled"}
        # Both were the same customer's.
        with pytest.raises(ClientError, match="missed_contact_settled"):
            await client.book_callback(missed_contact_id=second)
        # Whoever asks again is told the same, also when nobody knows any more who came in vain.
        monkeypatch.setattr("cordboard.missed.KEPT_MS", 0)
        await client.submit_contact(channel="chat", queue="orders")
        assert [one async for one in client.list_missed_contacts(include_settled=True)] == []
        again = await client.book_callback(missed_contact_id=first, request_id=ids[done.index(booked)])
        assert again.repeated_request and again.promise.contact_id == booked.promise.contact_id
        with pytest.raises(ClientError, match="unknown_missed_contact"):
            await client.book_callback(missed_contact_id=first)


async def test_who_calls_knows_what_was_promised_to_whom_before(tmp_path: Path) -> None:
    async with api_site(tmp_path, PROMISING) as site, Client(site.target) as client, asyncio.timeout(PATIENCE_S):
        missed = await _came_in_vain(site, client)
        booked = (await client.book_callback(missed_contact_id=missed)).promise
        promise = (await client.reschedule_callback(booked.contact_id)).promise
        for person, channel in (("anna", "voice"), ("bert", "chat")):
            await client.declare_agents(
                [
                    AgentDeclaration(
                        person=person,
                        name=person,
                        memberships=[Membership(queue="orders")],
                        channels=[AgentChannel(channel=channel)],
                    )
                ]
            )
            await client.set_presence(person, "ready")
        desk = DeskReader(client, "anna")
        shown = await desk.until(DeskSnapshot)
        offer = shown.work[0].offer if shown.work else await desk.until(Offer)
        await desk.close()
        assert (offer.contact_id, offer.text, offer.customer.name) == (promise.contact_id, "My boots!", "Jan")
        seen = offer.callback
        assert (seen.due_ms, seen.until_ms, seen.kind) == (promise.due_ms, promise.until_ms, "scheduled")
        assert (seen.number, seen.mode, seen.attempts, seen.last_attempt) == ("+32470123456", DIAL_MODE_AGENT_FIRST, 0, "")
        assert seen.missed_contact_id == missed
        # Who comes in before is seen to be the one who is promised a call.
        again = await client.submit_contact(channel="chat", queue="orders", customer=JAN, text="Where are they?")
        desk = DeskReader(client, "bert")
        shown = await desk.until(DeskSnapshot)
        offer = shown.work[0].offer if shown.work else await desk.until(Offer)
        await desk.close()
        assert (offer.contact_id, offer.promised_contact_id) == (again.contact_id, promise.contact_id)
        assert not offer.HasField("callback")


async def _came_in_vain(site: ApiSite, client: Client) -> str:
    made = await client.submit_contact(channel="chat", queue="orders", customer=JAN, text="My boots!")
    async with site.log.publisher("test") as publisher:
        await publisher.publish(codec.check_fact(ContactAbandoned(secrets.token_bytes(16), bytes.fromhex(made.contact_id))))
    while made.contact_id not in [one.contact_id async for one in client.list_missed_contacts("orders")]:
        pass
    return made.contact_id


async def _book_and_move(client: Client, wish_ms: int, until) -> None:  # type: ignore[no-untyped-def]
    request_id = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"
    booked = await client.book_callback(
        queue="orders", wish_ms=wish_ms, exact=True, customer=JAN, text="Where is it?", topic="delivery", request_id=request_id
    )
    promise = booked.promise
    assert (promise.due_ms, promise.outcome, promise.number, booked.repeated_request) == (wish_ms, "", "", False)
    again = await client.book_callback(queue="orders", wish_ms=wish_ms, exact=True, customer=JAN, request_id=request_id)
    assert (again.promise.contact_id, again.repeated_request) == (promise.contact_id, True)
    whole = await client.get_promise(promise.contact_id, after=booked.consistency_token)
    assert (whole.number, whole.text, whole.customer.name) == ("+32470123456", "Where is it?", "Jan")
    taken = await client.find_slots("orders", wish_ms=wish_ms, count=1, include_full=True)
    assert [(slot.capacity, slot.booked) for slot in taken.slots] == [(1, 1)]
    moved = await client.reschedule_callback(promise.contact_id, wish_ms=wish_ms + MINUTE)
    new = await client.get_promise(moved.promise.contact_id, after=moved.consistency_token)
    assert (new.replaces_contact_id, new.number, new.text) == (promise.contact_id, "+32470123456", "Where is it?")
    old = await until(promise.contact_id, PROMISE_STATE_ENDED)
    assert (old.outcome, old.successor_contact_id) == ("rescheduled", new.contact_id)
    live = [one.contact_id async for one in client.list_promises(PromiseFilter(queue="orders", state=PROMISE_STATE_PROMISED))]
    assert live in ([new.contact_id], [])  # its window may have begun
    cancelled = await client.cancel_callback(new.contact_id)
    listed = [one async for one in client.list_promises(page_size=1, after=cancelled.consistency_token)]
    assert [one.outcome for one in listed] == ["rescheduled", "cancelled"]


async def _refusals(client: Client, wish_ms: int) -> None:
    first = await client.book_callback(queue="orders", wish_ms=wish_ms, exact=True, number="02 555 12 34")
    with pytest.raises(ClientError) as full:
        await client.book_callback(queue="orders", wish_ms=wish_ms, exact=True, number="02 555 12 35")
    assert (full.value.code, full.value.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "callback_full")
    assert wish_ms not in full.value.alternatives_ms and wish_ms + MINUTE in full.value.alternatives_ms
    for queue, reason in (("invoices", "no_callbacks"), ("nowhere", "unknown_queue")):
        with pytest.raises(ClientError) as refused:
            await client.find_slots(queue)
        assert refused.value.reason == reason
    with pytest.raises(ClientError) as wrong:
        await client.book_callback(queue="orders", hours=[(5, 5)], number="none")
    assert wrong.value.violations.keys() == {"hours[0].until_ms", "number"}
    for cannot_be in ("112", "02 555", "+32 2 555 12 34 56 78", "02 555 12 34 ext. 7", "+999 123 456 789", "0" * 10_000):
        with pytest.raises(ClientError) as none_such:
            await client.book_callback(queue="orders", wish_ms=wish_ms, number=cannot_be)
        assert none_such.value.violations.keys() == {"number"} and cannot_be not in str(none_such.value)
    for zone in ("Europe/Brusels", "../etc/passwd", "Europe"):
        with pytest.raises(ClientError) as nowhere:
            await client.find_slots("orders", zone=zone)
        assert nowhere.value.violations.keys() == {"zone"}
    with pytest.raises(ClientError, match="unknown_promise"):
        await client.get_promise("0" * 32)
    await client.cancel_callback(first.promise.contact_id)
    with pytest.raises(ClientError) as gone:
        await client.cancel_callback(first.promise.contact_id)
    assert gone.value.reason in ("contact_gone", "unknown_contact")


async def _serves_a_call(client: Client) -> None:
    desk = DeskReader(client, "anna")
    await desk.until(DeskSnapshot)
    call = (await client.submit_contact(channel="voice", queue="orders")).contact_id
    attempt = (await desk.until(Offer)).attempt
    await desk.close()
    await client.accept_offer("anna", call, attempt)
    await client.confirm_connected("anna", call, attempt)
    await client.end_engagement("anna", call, "solved")


async def _called(client: Client, until) -> None:  # type: ignore[no-untyped-def]
    anna = AgentDeclaration(
        person="anna", name="Anna", memberships=[Membership(queue="orders")], channels=[AgentChannel(channel="voice")]
    )
    await client.declare_agents([anna])
    await client.set_presence("anna", "ready")
    desk = DeskReader(client, "anna")
    await desk.until(DeskSnapshot)
    request_id = "7f9619ff-8b86-4d01-b42d-00cf4fc964ff"
    promise = (await client.book_callback(queue="orders", customer=JAN, request_id=request_id)).promise
    attempt = (await desk.until(Offer)).attempt
    await desk.close()
    await client.accept_offer("anna", promise.contact_id, attempt)
    assert (await until(promise.contact_id, PROMISE_STATE_CALLING)).agent == "anna"
    await _bounded(client, promise.contact_id, request_id)
    await client.confirm_connected("anna", promise.contact_id, attempt)
    kept = await until(promise.contact_id, PROMISE_STATE_ENDED)
    assert (kept.outcome, kept.agent) == ("kept", "anna")


async def _moved_and_called(client: Client, until) -> None:  # type: ignore[no-untyped-def]
    """RescheduleCallback, asked again, answers with the promise as it stands: who calls is bounded there, too."""
    (talk,) = [one.contact_id async for one in client.list_promises(PromiseFilter(outcome="kept"))]
    await client.end_engagement("anna", talk, "solved")
    later = (await client.find_slots("orders", count=30)).slots[-1].begin_ms
    first = (await client.book_callback(queue="orders", wish_ms=later, exact=True, number="+3225551234")).promise
    desk = DeskReader(client, "anna")
    await desk.until(DeskSnapshot)
    request_id = "8f9619ff-8b86-4d01-b42d-00cf4fc964ff"
    moved = (await client.reschedule_callback(first.contact_id, request_id=request_id)).promise
    attempt = (await desk.until(Offer)).attempt
    await desk.close()
    await client.accept_offer("anna", moved.contact_id, attempt)
    assert (await until(moved.contact_id, PROMISE_STATE_CALLING)).agent == "anna"
    for monitoring, agent in ((Monitoring(individual_live=False), ""), (Monitoring(), "anna")):
        await client.publish_policy(codec.encode(replace(PROMISING, monitoring=monitoring)))
        again = (await client.reschedule_callback(first.contact_id, request_id=request_id)).promise
        assert (again.contact_id, again.agent) == (moved.contact_id, agent)
    await client.confirm_connected("anna", moved.contact_id, attempt)
    assert (await until(moved.contact_id, PROMISE_STATE_ENDED)).outcome == "kept"


async def _bounded(client: Client, contact_id: str, request_id: str) -> None:
    """Who calls is shown by every method, or by none; and a watch that goes on says it anew."""
    on = client.watch_promises(interval_ms=20)
    assert "anna" in {one.agent for one in (await anext(on)).promises if one.contact_id == contact_id}
    for monitoring, agent in ((Monitoring(individual_live=False, individual_history=False), ""), (Monitoring(), "anna")):
        after = (await client.publish_policy(codec.encode(replace(PROMISING, monitoring=monitoring)))).consistency_token
        seen = [await client.get_promise(contact_id, after=after)]
        seen.append((await client.book_callback(queue="orders", customer=JAN, request_id=request_id)).promise)
        seen += [one async for one in client.list_promises() if one.contact_id == contact_id]
        watch = client.watch_promises(interval_ms=20)
        seen += [one for one in (await anext(watch)).promises if one.contact_id == contact_id]
        await watch.aclose()
        assert [one.agent for one in seen] == [agent] * 4
        async for change in on:
            if {one.agent for one in change.promises if one.contact_id == contact_id} == {agent}:
                break
    await on.aclose()


async def _at_risk(client: Client) -> None:
    later = (await client.find_slots("orders", wish_ms=(await client.find_slots("orders")).slots[0].begin_ms + 60 * MINUTE)).slots[
        0
    ]
    promise = (await client.book_callback(queue="orders", wish_ms=later.begin_ms, number="+3225551234")).promise
    assert (await client.get_contact(promise.contact_id)).state == CONTACT_STATE_SCHEDULED
    planned = await client.plan_capacity("orders", later.begin_ms, MINUTE, [0, 3])
    assert [(risk.contact_id, risk.due_ms) for risk in planned.at_risk] == [(promise.contact_id, later.begin_ms)]
    assert later.begin_ms + MINUTE in planned.at_risk[0].alternatives_ms
    risky = [one.contact_id async for one in client.list_promises(PromiseFilter(at_risk=True), after=planned.consistency_token)]
    assert risky == [promise.contact_id]
    others = planned.at_risk[0].alternatives_ms
    again = await client.plan_capacity("orders", later.begin_ms, MINUTE, [0, 0])
    assert [risk.contact_id for risk in again.at_risk] == [promise.contact_id], "what does not fit is said every time"
    left = [begin_ms for begin_ms in others if begin_ms != later.begin_ms + MINUTE]
    assert again.at_risk[0].alternatives_ms == left, "of what was proposed, what has room still"
    assert (await client.get_promise(promise.contact_id)).alternatives_ms == left
    assert (await client.explain_contact(promise.contact_id)).promise.at_risk
    assert (await client.get_promise_board(due_from_ms=later.begin_ms, due_until_ms=later.begin_ms + 1)).total.at_risk == 1
    room = await client.plan_capacity("orders", later.begin_ms, MINUTE, [1])
    assert not room.at_risk and not (await client.get_promise(promise.contact_id)).at_risk
    assert not (await client.explain_contact(promise.contact_id)).promise.at_risk
    assert (await client.get_promise_board(due_from_ms=later.begin_ms, due_until_ms=later.begin_ms + 1)).total.at_risk == 0
    less = await client.plan_capacity("orders", later.begin_ms, MINUTE, [0])
    assert [risk.contact_id for risk in less.at_risk] == [promise.contact_id]


def _by_hand(target: str) -> None:
    """The same from the command line."""

    def said(*words: str, code: int = 0) -> str:
        done = CliRunner().invoke(app, [*words, "--target", target])
        assert done.exit_code == code, done.output
        return done.output

    (slot,) = json.loads(said("callbacks", "slots", "orders", "--at", "2026-01-01T00:00Z", "--count", "1", "--json"))
    shown = said("callbacks", "slots", "orders", "--count", "1", "--zone", "Asia/Kolkata")
    assert shown.count("+05:30") == 2, "begin and end by the same clock"
    assert slot["end_ms"] - slot["begin_ms"] == MINUTE
    far = said("callbacks", "book", "orders", "--number", "02 555 12 34", "--at", "2100-01-01T00:00Z", code=1)
    assert "callback_beyond_horizon" in far and "could be had" in far
    nobodys = said("callbacks", "book", "orders", "--number", "112", code=1)
    assert "of BE or with its country's prefix: +32 2 555 12 34" in " ".join(nobodys.split())
    booked = json.loads(said("callbacks", "book", "orders", "--number", "02 555 12 34", "--name", "Jan", "--text", "why", "--json"))
    promised = json.loads(said("promises", "show", booked["contact_id"], "--json"))
    assert promised["number"] == "+3225551234", "in the spelling in which it is dialled, also of the customer"
    known = json.loads(said("customer", "show", "+3225551234", "--json"))
    assert [one["address"] for one in known["identities"]] == ["+3225551234"]
    moved = json.loads(said("callbacks", "reschedule", booked["contact_id"], "--json"))
    assert moved["replaces_contact_id"] == booked["contact_id"]
    shown = said("promises", "show", moved["contact_id"])
    assert "Jan" in shown and "slot  1 min 00 s" in shown and "due  20" in shown
    assert said("callbacks", "cancel", moved["contact_id"]) == "cancelled\n"
    listed = json.loads(said("promises", "list", "--outcome", "cancelled", "--json"))
    assert moved["contact_id"] in [promise["contact_id"] for promise in listed]
    risky = said("promises", "list", "--at-risk")
    assert "at risk" in risky and "1 promises" in risky
    assert json.loads(said("promises", "board", "--json"))["total"]["rescheduled"] >= 1
    assert "orders" in said("promises", "board", "--zone", "Europe/Brussels")


async def _board(client: Client) -> None:
    """What was done above, as the day's figures; and none of days without promises."""
    while True:
        listed = [promise async for promise in client.list_promises()]
        due = [promise.due_ms for promise in listed]
        seen = (await client.find_slots("orders")).consistency_token  # the history may be behind what is listed
        board = await client.get_promise_board(["orders"], due_from_ms=min(due), due_until_ms=max(due) + 1, zone="UTC", after=seen)
        # The board is of a later moment than the list: looked at anew if something happened between the two.
        if [promise async for promise in client.list_promises()] == listed:
            break
    outcomes = Counter(promise.outcome for promise in listed)
    total = board.total
    assert (total.promised, total.live, total.at_risk) == (len(listed), outcomes[""], 1)
    assert (total.kept, total.cancelled, total.rescheduled) == (2, outcomes["cancelled"], outcomes["rescheduled"])
    early, late = sorted(promise.lateness_ms for promise in listed if promise.outcome == "kept")
    assert (total.kept_permille, total.lateness_p50_ms, total.lateness_p95_ms) == (1_000, early, late)
    assert sum(day.promised for day in board.days) == total.promised and {day.queue for day in board.days} == {"orders"}
    none = await client.get_promise_board(["invoices"])
    assert list(none.days) == [] and not none.total.HasField("kept_permille") and none.zone == "UTC"
    with pytest.raises(ClientError, match="32 days"):
        await client.get_promise_board(due_from_ms=1, due_until_ms=33 * 86_400_000)


def _plan_by_hand(target: str, directory: Path) -> None:
    """A table is published; one that shrinks below what is promised names the promises that do not fit, and where they would."""
    table, at_ms = directory / "staffing.csv", _hours_from_now(5)

    def planned(agents: int, *words: str) -> Result:
        begin, end = (datetime.fromtimestamp(ms / 1_000, UTC).isoformat() for ms in (at_ms, at_ms + 3 * MINUTE))
        table.write_text(f"queue,from,to,agents\n# at night\norders,{begin},{end},{agents}\n")
        done = CliRunner().invoke(app, ["callbacks", "plan", str(table), *words, "--json", "--target", target])
        assert done.exit_code == 0, done.output
        return done

    def day(done: Result) -> tuple[int, int]:
        said = json.loads(done.stdout)["days"]
        return sum(one["capacity"] for one in said), sum(one["booked"] for one in said)

    assert day(planned(2)) == (6, 0)
    book = ["callbacks", "book", "orders", "--at", datetime.fromtimestamp(at_ms / 1_000, UTC).isoformat(), "--exact"]
    made = [
        CliRunner().invoke(app, [*book, "--number", number, "--json", "--target", target]) for number in ("025551235", "025551236")
    ]
    assert [json.loads(one.stdout)["due_ms"] for one in made] == [at_ms, at_ms]
    assert day(planned(1, "--dry-run")) == (3, 2)
    (risk,) = json.loads(planned(1).stdout)["at_risk"]
    assert (risk["contact_id"], risk["due_ms"]) == (json.loads(made[1].stdout)["contact_id"], at_ms), "the one made last"
    assert at_ms + MINUTE in risk["alternatives_ms"]


def _hours_from_now(hours: int) -> int:
    """At the beginning of a minute."""
    return (round(time.time() * 1_000) // MINUTE + hours * 60) * MINUTE


async def test_who_waits_hangs_up_and_keeps_the_place(tmp_path: Path) -> None:
    keeping = replace(PROMISING.queues[0], callbacks=replace(PROMISING.queues[0].callbacks, hold_place=True))
    policy = replace(PROMISING, queues=[keeping, *POLICY.queues[1:]])
    async with api_site(tmp_path, policy) as site, Client(site.target) as client, asyncio.timeout(PATIENCE_S):
        waits = (await client.submit_contact(channel="chat", queue="orders", customer=JAN, text="My boots!")).contact_id
        with pytest.raises(ClientError) as unknown:
            await client.book_callback(queue="orders", number="02 555 12 34", waiting_contact_id=waits, hold_place=True)
        assert unknown.value.reason == "callback_closed", "nobody is at work who could say how long it takes"
        assert not (await client.find_slots("orders", waiting_contact_id=waits)).HasField("place")
        for queue, contact in (("orders", "0" * 32), ("invoices", waits)):
            with pytest.raises(ClientError, match=r"not_waiting|no_callbacks"):
                await client.find_slots(queue, waiting_contact_id=contact)
        with pytest.raises(ClientError) as wrong:
            await client.book_callback(queue="orders", number="02 555 12 34", wish_ms=1, hold_place=True)
        assert wrong.value.violations.keys() == {"hold_place", "waiting_contact_id"}

        anna = AgentDeclaration(
            person="anna", name="Anna", memberships=[Membership(queue="orders")], channels=[AgentChannel(channel="voice")]
        )
        await client.declare_agents([anna])
        await client.set_presence("anna", "ready")
        with pytest.raises(ClientError, match="callback_closed"):  # nobody was done with a contact yet
            await client.book_callback(queue="orders", number="02 555 12 34", waiting_contact_id=waits, hold_place=True)
        await _serves_a_call(client)
        await _place_shown(client, site.target, waits)
        arguments = ["book", "orders", "--number", "02 555 12 34", "--waiting", waits, "--hold-place", "--json"]
        done = await asyncio.to_thread(CliRunner().invoke, app, ["callbacks", *arguments, "--target", site.target])
        assert done.exit_code == 0, done.output
        promise = await client.get_promise(json.loads(done.output)["contact_id"])
        assert (promise.kind, promise.waiting_contact_id, promise.number) == ("hold_place", waits, "+3225551234")
        assert (promise.text, promise.customer.name) == ("My boots!", "Jan"), "what was said while they waited"
        with pytest.raises(ClientError, match="not_waiting"):
            await client.find_slots("orders", waiting_contact_id=waits)
        assert promise.customer_id == (await client.get_contact(waits)).customer_id
        left = await client.get_contact(waits)
        assert left.end_reason == "flowed_out"
        desk = DeskReader(client, "anna")
        offer = await desk.until(DeskSnapshot)
        offered = offer.work[0].offer if offer.work else await desk.until(Offer)
        assert offered.contact_id == promise.contact_id, "the place is reached at once: nobody is ahead"
        await desk.close()


async def _place_shown(client: Client, target: str, waits: str) -> None:
    """Before it is kept the place is known, with the slots."""
    found = await client.find_slots("orders", waiting_contact_id=waits, zone="Europe/Brussels")
    place = found.place
    assert found.slots and place.from_ms <= place.due_ms < place.until_ms
    assert place.local.endswith(("+01:00", "+02:00"))
    hours = [(place.due_ms + 30 * 60 * MINUTE, place.due_ms + 40 * 60 * MINUTE)]
    assert not (await client.find_slots("orders", waiting_contact_id=waits, hours=hours)).HasField("place"), "not then"
    arguments = ["callbacks", "slots", "orders", "--waiting", waits, "--target", target]
    shown = await asyncio.to_thread(CliRunner().invoke, app, [*arguments, "--json"])
    assert json.loads(shown.output)["place"].keys() == {"due_ms", "from_ms", "until_ms", "local"}
    assert "the place in the line" in (await asyncio.to_thread(CliRunner().invoke, app, arguments)).output
