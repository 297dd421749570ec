"""The gateway over real sockets; the router is a script, so that every order of events can be had."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from cordboard.events import fact as facts
from cordboard.events.bounds import Requirement
from cordboard.events.policy import EntryPoint, Rule, Topic
from cordboard.gateway.limits import Limits
from cordboard.vault.refs import content_ref
from tests.chat import broken_frames
from tests.chat_site import POLICY, SECRET, ScriptedSite, chat_site
from tests.journal import an_id
from tests.postgres import eventually

ANN = an_id("ann")


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[ScriptedSite]:
    async with chat_site(tmp_path) as site:
        yield site


async def test_a_chat_from_hello_to_goodbye(site: ScriptedSite) -> None:
    ann = await site.vault.agent_ref("ann@example.org", "Ann")
    async with await site.customer() as bo:
        started = await bo.start(language="nl", name="Bo")
        contact = bytes.fromhex(started["contact"])
        assert await bo.hear("queued") == {"type": "queued", "queue": "orders"}
        (arrival,) = await site.router.seen(1, facts.ContactArrived)
        assert (arrival.channel, arrival.queue, arrival.customer) == ("chat", "orders", None)
        assert arrival.requirements == [Requirement("nl.written", 5, True)]
        receipt = await bo.hear("receipt")
        assert (receipt["client_id"], receipt["state"], receipt["ordinal"]) == (SECRET, "relayed", 1)

        await site.router.join(contact, ann)
        assert await bo.hear("agent_joined") == {"type": "agent_joined", "name": "Ann"}
        said = await site.write(contact, ann, "Dag Bo")
        told = await bo.hear("message")
        assert (told["ordinal"], told["author"], told["text"], told["message"]) == (2, "agent", "Dag Bo", said.hex())

        await bo.say("message", client_id="m1", text="Waar blijft mijn pakket?")
        posted = (await site.router.seen(2, facts.MessagePosted))[1]
        while (receipt := await bo.hear("receipt"))["state"] != "relayed":
            assert receipt == {"type": "receipt", "client_id": "m1", "message": posted.message.hex(), "state": "stored"}
        assert (receipt["client_id"], receipt["ordinal"]) == ("m1", 3)
        texts = await site.vault.read([posted.message, content_ref(contact, "customer")])
        assert texts[posted.message].text == "Waar blijft mijn pakket?"
        assert json.loads(texts[content_ref(contact, "customer")].text) == {"kind": "chat", "address": "Bo"}

        await site.router.end(contact)
        assert (await bo.hear("ended"))["reason"] == "completed"
        assert await bo.closed() == 1000


async def test_an_agent_without_a_name_is_not_shown_by_login(site: ScriptedSite) -> None:
    ann = await site.vault.agent_ref("ann@example.org")
    async with await site.customer() as bo:
        await site.router.join(bytes.fromhex((await bo.start())["contact"]), ann)
        assert await bo.hear("agent_joined") == {"type": "agent_joined", "name": None}


async def test_leaving_abandons_at_once(site: ScriptedSite) -> None:
    async with await site.customer() as bo:
        started = await bo.start()
        await bo.say("leave")
        assert (await bo.hear("ended"))["reason"] == "abandoned"
        assert await bo.closed() == 1000
    (left,) = await site.router.seen(1, facts.ContactAbandoned)
    assert left.contact.hex() == started["contact"]


async def test_whoever_comes_back_in_time_misses_nothing(site: ScriptedSite) -> None:
    bo = await site.customer()
    started = await bo.start()
    contact = bytes.fromhex(started["contact"])
    await site.router.join(contact, ANN)
    await site.write(contact, ANN, "eins")
    seen = (await bo.hear("message"))["ordinal"]
    bo.vanish()
    await site.write(contact, ANN, "zwei")
    await site.write(contact, ANN, "drei")
    async with await site.customer() as again:
        await again.say("resume", token=started["token"], seen=seen)
        resumed = await again.hear("started")
        assert (resumed["contact"], resumed["resumed"], resumed["ordinal"]) == (started["contact"], True, 4)
        assert (await again.hear("agent_joined"))["name"] is None
        assert [(await again.hear("message"))["text"] for _ in range(2)] == ["zwei", "drei"]
        assert [frame["type"] for frame in again.frames] == ["started", "agent_joined", "message", "message"]
    assert not [fact for fact in site.router.facts if isinstance(fact, facts.ContactAbandoned)]


async def test_whoever_stays_away_is_abandoned(tmp_path: Path) -> None:
    async with chat_site(tmp_path, grace_s=0.05) as site:
        bo = await site.customer()
        started = await bo.start()
        bo.vanish()
        (left,) = await site.router.seen(1, facts.ContactAbandoned)
        assert left.contact.hex() == started["contact"]
        async with await site.customer() as again:
            await again.say("resume", token=started["token"], seen=1)
            assert (await again.hear("ended"))["reason"] == "abandoned"


async def test_the_same_start_is_the_same_chat(site: ScriptedSite) -> None:
    first = await site.customer()
    started = await first.start()
    async with await site.customer() as second:
        again = await second.start()
        assert again["contact"] == started["contact"]
        assert again["token"] == started["token"]
        assert await first.closed() == 4001
        async with await site.customer() as other:
            assert (await other.start("f" * 32))["contact"] != started["contact"]
    assert len(await site.router.seen(2, facts.ContactArrived)) == 2
    assert len(await site.router.seen(2, facts.MessagePosted)) == 2


async def test_the_same_message_is_said_once(site: ScriptedSite) -> None:
    async with await site.customer() as bo:
        await bo.start()
        for text in ("first", "changed"):
            await bo.say("message", client_id="m1", text=text)
            while (receipt := await bo.hear("receipt")).get("client_id") != "m1" or receipt["state"] != "relayed":
                pass
            assert receipt["ordinal"] == 2
        await bo.say("message", client_id="m2", text="next")
        while (await bo.hear("receipt")).get("ordinal") != 3:
            pass
    posted = await site.router.seen(3, facts.MessagePosted)
    assert len(posted) == 3
    assert [content.text for content in (await site.vault.read([posted[1].message])).values()] == ["first"]


async def test_a_start_is_confirmed_only_with_the_routers_verdict(site: ScriptedSite) -> None:
    site.router.running.clear()
    async with await site.customer() as bo:
        await bo.say("start", client_id=SECRET, queue="orders", text="Hallo?")
        await eventually(lambda: site.log.inbox.sends > 0, "arrival and text are durable")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(bo.socket.recv(), 0.05)
        site.router.running.set()
        await bo.hear("started")


async def test_what_the_router_refuses_is_said(site: ScriptedSite) -> None:
    site.router.refuse[facts.ContactArrived] = "unknown_queue"
    async with await site.customer() as bo:
        await bo.say("start", client_id=SECRET, queue="orders", text="Hallo?")
        assert (await bo.hear("error"))["reason"] == "unknown_queue"
        site.router.refuse.clear()
        await bo.start("e" * 32)
        site.router.refuse[facts.MessagePosted] = "contact_gone"
        await bo.say("message", client_id="m1", text="too late")
        error = await bo.hear("error")
        assert (error["reason"], error["client_id"]) == ("contact_gone", "m1")


async def test_a_router_that_does_not_answer_leaves_the_outcome_open(tmp_path: Path) -> None:
    async with chat_site(tmp_path, limits=Limits(verdict_s=0.05)) as site:
        site.router.running.clear()
        async with await site.customer() as bo:
            await bo.say("start", client_id=SECRET, queue="orders", text="Hallo?")
            error = await bo.hear("error")
            assert (error["reason"], error["client_id"]) == ("outcome_unknown", SECRET)
            assert error["retry_after_ms"] > 0
            site.router.running.set()
            await site.router.seen(1, facts.ContactArrived)
            await bo.start()
    assert len([fact for fact in site.router.facts if isinstance(fact, facts.ContactArrived)]) == 1


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"queue": "nowhere"}, "unknown_queue"),
        ({"queue": "orders", "language": "xx"}, "unknown_language"),
        ({"entry_point": "nowhere"}, "unknown_entry_point"),
    ],
)
async def test_a_wrong_start_writes_nothing(site: ScriptedSite, members: dict[str, str], reason: str) -> None:
    async with await site.customer() as bo:
        await bo.say("start", client_id=SECRET, text="Hallo?", **members)
        error = await bo.hear("error")
        assert (error["reason"], error["client_id"]) == (reason, SECRET)
    assert await site.log.last_inbox_seq() == 0
    assert await site.vault.pending(0, 10) == []


async def test_without_a_policy_nobody_can_start(tmp_path: Path) -> None:
    async with chat_site(tmp_path, policy=None) as site, await site.customer() as bo:
        await bo.say("start", client_id=SECRET, text="Hallo?", queue="orders")
        assert (await bo.hear("error"))["reason"] == "no_policy"


async def test_without_a_queue_the_rules_of_the_policy_decide(tmp_path: Path) -> None:
    policy = replace(
        POLICY,
        topics=[Topic(name="invoice", queue="invoices"), Topic(name="delivery")],
        entry_points=[
            EntryPoint(name="basket", channel="chat", queue="orders", topic="delivery"),
            EntryPoint(name="post", channel="mail", queue="orders"),
        ],
        rules=[Rule(name="about-invoices", keywords=["factu*"], topic="invoice", priority=3)],
    )
    async with chat_site(tmp_path, policy=policy) as site:
        async with await site.customer() as bo:
            await bo.start("a" * 32, entry_point="basket", queue=None)
        async with await site.customer() as cy:
            await cy.start("b" * 32, queue=None, text="Ik heb twee facturen gekregen", language="nl")
        async with await site.customer() as di:
            await di.say("start", client_id="c" * 32, text="Hallo?", entry_point="post")
            assert (await di.hear("error"))["reason"] == "unknown_entry_point"
        basket, invoice = await site.router.seen(2, facts.ContactArrived)
    assert (basket.queue, basket.entry_point, basket.topic, basket.rule) == ("orders", "basket", "delivery", "default")
    assert (invoice.queue, invoice.topic, invoice.rule, invoice.priority) == ("invoices", "invoice", "about-invoices", 3)
    assert (invoice.language, invoice.requirements) == ("nl", [Requirement("nl.written", 5, True)])


async def test_frames_out_of_turn(site: ScriptedSite) -> None:
    async with await site.customer() as bo:
        await bo.say("message", client_id="m", text="anybody?")
        assert (await bo.hear("error"))["reason"] == "not_started"
        await bo.say("resume", token="none", seen=0)
        assert (await bo.hear("error"))["reason"] == "unknown_contact"
        started = await bo.start()
        await bo.say("resume", token=started["token"], seen=0)
        assert (await bo.hear("error"))["reason"] == "already_started"
        await bo.say("read", message=SECRET)
        assert (await bo.hear("error"))["reason"] == "unknown_message"


async def test_typing_and_receipts_are_whispered(site: ScriptedSite) -> None:
    heard: list[tuple[str, dict[str, str]]] = []

    async def listen() -> None:
        async for topic, data in site.log.listen(">"):
            heard.append((topic, json.loads(data)))

    listening = asyncio.create_task(listen())
    try:
        async with await site.customer() as bo:
            started = await bo.start()
            contact = bytes.fromhex(started["contact"])
            mine = (await site.router.seen(1, facts.MessagePosted))[0].message.hex()
            await site.router.join(contact, ANN)
            theirs = (await site.write(contact, ANN, "Dag")).hex()
            await bo.hear("message")
            await bo.say("typing")
            await bo.say("read", message=theirs)
            await site.log.whisper(f"typing.{contact.hex()}", b'{"author":"agent"}')
            assert await bo.hear("typing") == {"type": "typing", "author": "agent"}
            for bad in (b"{", b"{}", b'{"message":"x","state":"read","author":"agent"}'):
                await site.log.whisper(f"receipt.{contact.hex()}", bad)
            await site.log.whisper("receipt.none", b"{}")
            receipt = {"message": mine, "state": "read", "author": "agent"}
            await site.log.whisper(f"receipt.{contact.hex()}", json.dumps(receipt).encode())
            assert await bo.hear("receipt") == {"type": "receipt", "message": mine, "state": "read"}
            own = [(topic.split(".")[0], data) for topic, data in heard if data.get("author") == "customer"]
            assert own == [
                ("receipt", {"message": theirs, "state": "delivered", "author": "customer"}),
                ("typing", {"author": "customer"}),
                ("receipt", {"message": theirs, "state": "read", "author": "customer"}),
            ]
    finally:
        listening.cancel()
        await asyncio.wait([listening])


async def test_hundreds_of_broken_frames_harm_nobody(site: ScriptedSite) -> None:
    frames = list(broken_frames(random.Random(2), 600))
    reasons: set[str] = set()
    async with await site.customer() as good:
        started = await good.start()
        for place in range(0, len(frames), 15):
            async with await site.customer() as bad:
                for frame in frames[place : place + 15]:
                    await bad.socket.send(frame, text=isinstance(frame, str))
                    reasons.add((await bad.hear("error"))["reason"])
        contact = bytes.fromhex(started["contact"])
        await site.router.join(contact, ANN)
        await site.write(contact, ANN, "still here")
        assert (await good.hear("message"))["text"] == "still here"
    assert reasons == {"bad_json", "bad_message", "too_large"}
    assert len(site.router.facts) == 2


async def test_whoever_sends_only_rubbish_is_sent_away(site: ScriptedSite) -> None:
    async with await site.customer() as bad:
        for _ in range(20):
            await bad.socket.send("rubbish")
        assert await bad.closed() == 1008
        assert len(bad.frames) == 20


async def test_too_many_frames_are_refused_then_the_socket_is_closed(site: ScriptedSite) -> None:
    async with await site.customer() as bad:
        await bad.start()
        for _ in range(80):
            await bad.say("typing")
        assert await bad.closed() == 1008
        assert {"rate_limited"} == {frame["reason"] for frame in bad.frames if frame["type"] == "error"}


async def test_a_frame_beyond_the_wires_limit_closes_the_socket(site: ScriptedSite) -> None:
    async with await site.customer() as bad:
        await bad.socket.send("x" * 100_000)
        assert await bad.closed() == 1009


async def test_after_a_restart_the_chat_goes_on(site: ScriptedSite) -> None:
    bo = await site.customer()
    started = await bo.start()
    contact = bytes.fromhex(started["contact"])
    await site.router.join(contact, ANN)
    await bo.hear("agent_joined")
    closing = asyncio.create_task(bo.closed())
    await site.shut()
    assert await closing == 1012
    await site.write(contact, ANN, "while you were away")
    await site.open()
    async with await site.customer() as again:
        await again.say("resume", token=started["token"], seen=1)
        assert (await again.hear("message"))["text"] == "while you were away"
        await again.say("message", client_id="m9", text="there you are")
        while (await again.hear("receipt")).get("ordinal") != 3:
            pass


async def test_after_a_restart_those_who_do_not_come_back_are_abandoned(site: ScriptedSite) -> None:
    async with await site.customer() as bo:
        started = await bo.start()
        await site.shut()
    site.options["grace_s"] = 0.05
    await site.open()
    (left,) = await site.router.seen(1, facts.ContactAbandoned)
    assert left.contact.hex() == started["contact"]


async def test_a_router_far_behind_lets_nobody_new_in_but_keeps_those_who_are(tmp_path: Path) -> None:
    async with chat_site(tmp_path, limits=Limits(backlog_frames=0, verdict_s=5.0)) as site, await site.customer() as bo:
        started = await bo.start()
        site.router.running.clear()
        await bo.say("message", client_id="m1", text="kept")
        while (await bo.hear("receipt")).get("client_id") != "m1":
            pass
        await eventually(lambda: site.feed.backlog.frames > 0, "the feed sees the backlog")
        async with await site.customer() as late:
            await late.say("start", client_id=SECRET[::-1], queue="orders", text="?")
            error = await late.hear("error")
            assert (error["reason"], error["client_id"]) == ("overloaded", SECRET[::-1])
            assert error["retry_after_ms"] > 0
        await bo.say("message", client_id="m2", text="kept too")
        while (await bo.hear("receipt")).get("client_id") != "m2":
            pass
        async with await site.customer() as again:
            assert (await again.start())["contact"] == started["contact"]
        site.router.running.set()
        assert len(await site.router.seen(3, facts.MessagePosted)) == 3


async def test_who_reads_nothing_is_dropped_and_can_resume(tmp_path: Path) -> None:
    async with chat_site(tmp_path, limits=Limits(lag_lines=20, send_s=0.2)) as site:
        bo = await site.customer(max_queue=1)
        started = await bo.start()
        contact = bytes.fromhex(started["contact"])
        await site.router.join(contact, ANN)
        await bo.hear("agent_joined")
        bo.socket.transport.pause_reading()
        text = "x" * 60_000
        for number in range(200):
            await site.write(contact, ANN, f"{number:03}{text}")
        async with await site.customer(max_size=None) as again:
            await again.say("resume", token=started["token"], seen=1)
            got = [(await again.hear("message"))["text"][:3] for _ in range(200)]
            assert got == [f"{number:03}" for number in range(200)]
        bo.vanish()
