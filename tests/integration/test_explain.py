"""Why a contact waits, asked of the real site: now, and as it was."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import grpc
import pytest
from google.protobuf.json_format import MessageToJson
from msgspec.structs import replace
from typer.testing import CliRunner

from cordboard import codec
from cordboard.client import Client, ClientError, DeskSnapshot, Offer
from cordboard.events.policy import CallbackPolicy, ChannelProfile, Monitoring, Policy
from cordboard.main import app
from cordboard.v1.types_pb2 import CONTACT_STATE_SCHEDULED, PARK_KIND_THIRD_PARTY
from tests.api_site import PATIENCE_S, POLICY, DeskReader, an_agent, api_site


async def test_what_stands_between_a_contact_and_the_agents(tmp_path: Path) -> None:
    async with api_site(tmp_path) as site, Client(site.target) as client:
        await client.declare_agents([an_agent("anna", "orders", skills=[("garden", 3)]), an_agent("bob", "orders")])
        waits = await client.submit_contact(channel="task", queue="orders", text="A hedge", requirements=[])
        absent = await client.explain_contact(waits.contact_id)
        assert dict(absent.hindrances) == {"absent": 2}
        assert [each.id for each in absent.agents] == ["anna", "bob"] or [each.id for each in absent.agents] == ["bob", "anna"]
        assert "Of the 2 members of its queue 2 are not ready." in absent.sentences

        desk = DeskReader(client, "anna")
        await desk.until(DeskSnapshot)
        await client.set_presence("anna", "ready")
        offer = await desk.until(Offer)
        has_it = await client.explain_contact(offer.contact_id)
        assert has_it.agent == "anna"
        assert not has_it.agents
        free = await client.explain_agent("anna")
        assert (free.load, free.waiting) == (50, 0)
        assert free.sentences[1] == "Nothing waits in Anna's queues."

        offered = next(entry for entry in await client.timeline(offer.contact_id) if entry.event == "OfferMade")
        assert offered.sentence.startswith("Anna had room and took what is first for Anna: ")

        # As it was before anybody was ready.
        before = await client.explain_contact(waits.contact_id, position=absent.position)
        assert dict(before.hindrances) == {"absent": 2}
        again = await client.explain_contact(waits.contact_id)
        assert again.agent == "anna"
        await desk.close()


async def test_who_has_it_until_when_and_who_is_kept_free_for_what(tmp_path: Path) -> None:
    """Two mails and a task on one agent: each is explained in every hand it goes through."""
    policy = replace(POLICY, queues=[replace(POLICY.queues[0], drain_after_ms=1), *POLICY.queues[1:]])
    async with api_site(tmp_path, policy) as site, Client(site.target) as client:
        (anna,) = await client.declare_agents([an_agent("anna", "orders")])
        await client.set_presence("anna", "ready")
        await client.report_work("anna", "mail", "letters", busy=True)
        busy = await client.explain_agent("anna")
        assert (busy.load, busy.outside) == (20, 1)
        assert busy.sentences[0] == "Anna is ready, with a load of 20 of 100 in work from elsewhere."

        desk = DeskReader(client, "anna")
        mail = (await client.submit_contact(channel="mail", queue="orders", text="A hedge")).contact_id
        offer = await desk.until(Offer)
        offered = await client.explain_contact(mail)
        assert offered.offer_until_ms > offered.at_ms
        assert "it is offered to Anna, who has " in offered.sentences[0] and offered.sentences[0].endswith(" more to answer.")
        await client.accept_offer("anna", mail, offer.attempt)
        connecting = await client.explain_contact(mail)
        assert connecting.offer_until_ms > connecting.at_ms
        assert "Anna accepted it and has " in connecting.sentences[0]
        await client.confirm_connected("anna", mail, offer.attempt)
        engaged = await client.explain_contact(mail)
        assert (engaged.agent, engaged.offer_until_ms) == ("anna", 0) and engaged.sentences[0].endswith("; Anna has it.")

        # With 90 of 100 in work neither a task nor another mail fits; the task drains.
        await client.report_work("anna", "task", "errand", busy=True)
        task = (await client.submit_contact(channel="task", queue="orders", text="A hedge")).contact_id
        async with asyncio.timeout(PATIENCE_S):
            await site.until_told("AgentReserved", bytes.fromhex(anna.agent_id), 1)
        drains = await client.explain_contact(task)
        assert drains.reserved_agent == "anna" and "Anna is reserved for it." in drains.sentences
        small = (await client.submit_contact(channel="mail", queue="orders", text="A rose")).contact_id
        kept = await client.explain_agent("anna")
        assert kept.reserved_for == task and f"Anna is reserved for contact {task}." in kept.sentences
        await client.report_work("anna", "mail", "letters", busy=False)
        (behind,) = (await client.explain_contact(small)).agents
        assert (behind.hindrance, behind.reserved_for) == ("reserved", task)
        assert behind.sentence == f"is reserved for contact {task}"
        assert not await _names_anna(client, policy, task)

        # What is parked makes room for the task, which then cannot be connected.
        await client.park_contact("anna", mail, "third_party", for_ms=3_600_000)
        parked = await client.explain_contact(mail)
        assert (parked.agent, parked.owner, parked.park.kind) == ("", "anna", PARK_KIND_THIRD_PARTY)
        assert parked.park.until_ms == parked.parked_at_ms + 3_600_000
        assert " ago by Anna (third_party: somebody else is to answer) and returns in " in parked.sentences[1]
        assert not await _names_anna(client, policy, mail)
        offer = await desk.until(Offer)
        assert offer.contact_id == task
        assert not await _names_anna(client, policy, task)
        await client.accept_offer("anna", task, offer.attempt)
        assert not await _names_anna(client, policy, task)
        await client.report_connect_failure("anna", task, offer.attempt, "platform")
        (apart,) = (await client.explain_contact(task)).agents
        assert apart.hindrance == "excluded"
        assert apart.sentence.startswith("declined, missed or could not be connected with it a short while ago, for ")
        await desk.close()


async def _names_anna(client: Client, policy: Policy, contact_id: str) -> bool:
    """Whether its explanation does that where single agents are not shown."""
    await client.publish_policy(codec.encode(replace(policy, monitoring=Monitoring(individual_live=False))))
    told = MessageToJson(await client.explain_contact(contact_id))
    await client.publish_policy(codec.encode(policy))
    return "anna" in told.lower()


async def test_a_promised_call_is_explained_before_its_time(tmp_path: Path) -> None:
    voice = ChannelProfile(name="voice", presence="live", klass=1, answered_on="connected")
    callbacks = CallbackPolicy(slot_ms=3_600_000, capacity=2, early_ms=60_000, late_ms=120_000)
    policy = replace(
        POLICY, channels=[*POLICY.channels, voice], queues=[replace(POLICY.queues[0], callbacks=callbacks), *POLICY.queues[1:]]
    )
    async with api_site(tmp_path, policy) as site, Client(site.target) as client:
        booked = await client.book_callback(queue="orders", number="+32 2 555 12 34")
        contact_id, due_ms = booked.promise.contact_id, booked.promise.due_ms
        found = await client.explain_contact(contact_id)
        assert (found.state, found.queue, found.channel) == (CONTACT_STATE_SCHEDULED, "orders", "voice")
        promise = found.promise
        assert (promise.kind, promise.stage, promise.attempts) == ("scheduled", "scheduled", 0)
        assert (promise.slot_begin_ms, promise.slot_end_ms) == (due_ms, due_ms + 3_600_000)
        assert (promise.from_ms, promise.next_at_ms, promise.until_ms) == (due_ms - 60_000, due_ms - 60_000, due_ms + 120_000)
        assert found.sentences[0] == "The contact (voice) is promised a call by orders, priority 0."
        assert (await client.get_contact(contact_id)).state == CONTACT_STATE_SCHEDULED
        await client.cancel_callback(contact_id)
        with pytest.raises(ClientError) as gone:
            await client.explain_contact(contact_id)
        assert (gone.value.code, gone.value.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "contact_gone")
        with pytest.raises(ClientError) as never:
            await client.explain_contact("ab" * 16)
        assert never.value.code == grpc.StatusCode.NOT_FOUND


async def test_a_quiet_site_is_explained_as_of_now_and_as_of_any_instant(tmp_path: Path) -> None:
    async with api_site(tmp_path) as site, Client(site.target) as client:
        await client.declare_agents([an_agent("anna", "orders")])
        waits = await client.submit_contact(channel="task", queue="orders", text="A hedge")
        first = await client.explain_contact(waits.contact_id)
        committed = await client.explain_contact(waits.contact_id, position=first.position)
        assert first.at_ms >= committed.at_ms
        await asyncio.sleep(0.02)
        later = await client.explain_contact(waits.contact_id)
        assert later.position == first.position and later.at_ms > first.at_ms
        then = await client.explain_contact(waits.contact_id, at_ms=first.at_ms)
        assert (then.position, then.at_ms) == (first.position, first.at_ms)
        with pytest.raises(ClientError) as before:
            await client.explain_contact(waits.contact_id, at_ms=committed.at_ms - 3_600_000)
        with pytest.raises(ClientError) as ahead:
            await client.explain_agent("anna", at_ms=later.at_ms + 3_600_000)
        with pytest.raises(ClientError) as both:
            await client.explain_agent("anna", position=1, at_ms=later.at_ms)
        for wrong in (before, ahead, both):
            assert wrong.value.violations.keys() == {"at_ms"}
        moment = datetime.fromtimestamp(first.at_ms / 1_000, UTC).isoformat()
        command = ["explain", "contact", waits.contact_id, "--target", site.target, "--json", "--at"]
        for at in (moment, str(first.position)):
            told = await asyncio.to_thread(CliRunner().invoke, app, [*command, at])
            assert told.exit_code == 0, told.output
            assert json.loads(told.output)["position"] == str(first.position)
        for wrong_at in ("yesterday", "0", "00", "-5"):
            refused = await asyncio.to_thread(CliRunner().invoke, app, [*command, wrong_at])
            assert refused.exit_code == 2, wrong_at


async def test_what_cannot_be_explained(tmp_path: Path) -> None:
    async with api_site(tmp_path) as site, Client(site.target) as client:
        with pytest.raises(ClientError) as gone:
            await client.explain_contact("00" * 16)
        assert gone.value.code == grpc.StatusCode.NOT_FOUND
        with pytest.raises(ClientError) as ahead:
            await client.explain_contact("00" * 16, position=1_000_000)
        assert ahead.value.code == grpc.StatusCode.INVALID_ARGUMENT
        with pytest.raises(ClientError) as nobody:
            await client.explain_agent("nobody")
        assert nobody.value.code == grpc.StatusCode.NOT_FOUND


async def test_the_command_says_it_to_people_and_programs(tmp_path: Path) -> None:
    async with api_site(tmp_path) as site, Client(site.target) as client:
        await client.declare_agents([an_agent("anna", "orders")])
        waits = await client.submit_contact(channel="task", queue="orders", text="A hedge")
        command = ["explain", "contact", waits.contact_id, "--target", site.target]
        said = await asyncio.to_thread(CliRunner().invoke, app, command)
        assert said.exit_code == 0, said.output
        assert "The one member of its queue is not ready." in said.output
        assert "commits folded from the beginning" in said.output
        told = await asyncio.to_thread(CliRunner().invoke, app, [*command, "--json"])
        assert json.loads(told.output)["hindrances"] == {"absent": "1"}
        agent = await asyncio.to_thread(CliRunner().invoke, app, ["explain", "agent", "anna", "--target", site.target])
        assert "One contact waits in Anna's queues: Anna is not ready." in " ".join(agent.output.split())
