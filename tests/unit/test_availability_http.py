"""Availability over HTTP: what caches and visitors are told, who gets a ticket, and what becomes of it."""

from pathlib import Path

import httpx
from msgspec.structs import replace

from cordboard.events.door_events import DoorTurned
from cordboard.events.fact import ContactArrived, DemandTurnedAway
from cordboard.events.policy import Availability, ChannelProfile, EntryPoint, Form, FormField, NextStep, QueuePolicy
from cordboard.gateway.limits import Limits
from tests.chat_site import POLICY, ScriptedSite, chat_site

SHOWN = replace(
    POLICY,
    queues=[QueuePolicy(name="orders", max_waiting=10), QueuePolicy(name="invoices")],
    entry_points=[
        EntryPoint(name="widget", channel="chat", queue="orders", availability=Availability(keep_free_percent=20)),
        EntryPoint(name="silent", channel="chat", queue="orders"),
    ],
)
OPEN = DoorTurned(1_000, "widget", "open", None, 0, None, None, 901_000)
BUSY = DoorTurned(2_000, "widget", "busy", "expected_wait", 600_000, None, "phone", 602_000)


def client(site: ScriptedSite, **headers: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=f"http://{site.address}", headers=headers)


async def came(web: httpx.AsyncClient, whence: int = 1, door: str = "widget") -> httpx.Response:
    """Somebody at this address asks for a ticket."""
    return await web.post(f"/availability/{door}/ticket", headers={"x-forwarded-for": f"198.51.100.{whence}"})


async def turn(site: ScriptedSite, event: DoorTurned) -> None:
    await site.router.turn(event)
    assert await site.feed.reached(await site.log.last_journal_seq(), 5.0)


async def test_everybody_may_ask_and_caches_may_keep_it(tmp_path: Path) -> None:
    async with chat_site(tmp_path, SHOWN) as site, client(site, origin="https://shop.example") as web:
        assert (await web.get("/availability/widget")).json() == {
            "entry_point": "widget", "channel": "chat", "state": "unknown",
        }  # fmt: skip
        await turn(site, OPEN)
        first = await web.get("/availability/widget")
        assert first.json() == {
            "entry_point": "widget", "channel": "chat", "state": "open", "expected_wait_ms": 0, "since_ms": 1_000,
        }  # fmt: skip
        assert first.headers["access-control-allow-origin"] == "*"
        assert first.headers["cache-control"] == "public, max-age=5, stale-while-revalidate=10"
        again = await web.get("/availability/widget", headers={"if-none-match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        await turn(site, BUSY)
        changed = await web.get("/availability/widget", headers={"if-none-match": first.headers["etag"]})
        assert (changed.status_code, changed.json()["expected_wait_ms"], changed.json()["referral"]) == (200, 600_000, "phone")
        assert [door["entry_point"] for door in (await web.get("/availability")).json()] == ["widget"]
        unknown = await web.get("/availability/silent")
        assert (unknown.status_code, unknown.json()["reason"]) == (404, "unknown_entry_point")


async def test_a_door_that_is_not_open_says_what_can_be_done_instead(tmp_path: Path) -> None:
    steps = [NextStep("callback", "orders", "voice", "orders"), NextStep("message")]
    leading_on = replace(SHOWN, entry_points=[replace(SHOWN.entry_points[0], next_steps=steps), *SHOWN.entry_points[1:]])
    async with chat_site(tmp_path, leading_on) as site, client(site) as web:
        await turn(site, OPEN)
        assert "next_steps" not in (await web.get("/availability/widget")).json()
        await turn(site, BUSY)
        shown = [{"kind": "callback", "to": "orders"}, {"kind": "message"}]
        assert (await web.get("/availability/widget")).json()["next_steps"] == shown
        refused = await web.post("/availability/widget/ticket")
        assert (refused.status_code, refused.json()["next_steps"]) == (409, shown)


async def test_a_referral_is_named_as_customers_know_it(tmp_path: Path) -> None:
    """Mail by its address, others by their labels; without one customers are told the entry point's name."""
    labels = {"en": "Contact us", "nl": "Neem contact op"}
    policy = replace(
        SHOWN,
        channels=[
            *SHOWN.channels,
            *(ChannelProfile(name=name, presence="async", klass=3, answered_on="connected") for name in ("mail", "form")),
        ],
        entry_points=[
            *SHOWN.entry_points,
            EntryPoint(name="service-en", channel="mail", queue="orders", address="service@shop.example"),
            EntryPoint(name="contact", channel="form", queue="orders"),
            EntryPoint(name="hotline", channel="chat", queue="orders", labels={"en": "our shop"}),
        ],
        forms=[Form(name="contact", fields=[FormField(name="text")], labels=labels)],
    )
    async with chat_site(tmp_path, policy) as site, client(site) as web:
        for referral, named in (
            ("service-en", {"referral_address": "service@shop.example"}),
            ("contact", {"referral_labels": labels}),
            ("hotline", {"referral_labels": {"en": "our shop"}}),
            ("silent", {}),
            ("gone", {}),
        ):
            await turn(site, replace(BUSY, referral=referral))
            shown = (await web.get("/availability/widget")).json()
            assert {key: said for key, said in shown.items() if key.startswith("referral")} == {"referral": referral} | named
        await turn(site, OPEN)
        assert not [key for key in (await web.get("/availability/widget")).json() if key.startswith("referral")]


async def test_an_open_door_gives_tickets_for_the_room_it_keeps(tmp_path: Path) -> None:
    async with chat_site(tmp_path, SHOWN, behind_proxy=True) as site, client(site) as web:
        await turn(site, OPEN)
        given = await came(web, 1)
        assert (given.status_code, given.headers["cache-control"]) == (201, "no-store")
        ticket = given.json()["ticket"]
        assert given.json()["holds_ms"] == 120_000, "for pages whose clock is wrong"
        assert (await came(web, 2)).status_code == 201
        third = await came(web, 3)
        assert (third.status_code, third.json()["state"]) == (409, "busy"), "two are on their way, and more room is not kept"
        assert "expected_wait_ms" not in third.json(), "that of the open door is not the wait of who gets no place"
        async with (
            await site.customer() as dan,
            await site.customer() as ann,
            await site.customer() as bob,
            await site.customer() as eve,
        ):
            await dan.start("dan" * 11, queue="invoices", entry_point="widget", ticket=ticket)
            await ann.start(queue=None, entry_point="widget", ticket=ticket)
            assert (await came(web, 3)).status_code == 201, "one of them came in"
            await bob.start("bob" * 11, entry_point="widget", ticket=ticket)
            await eve.start("eve" * 11, entry_point="silent", ticket="no-ticket-at-all")
        arrived = await site.router.seen(4, ContactArrived)
        assert [(fact.queue, fact.entry_point, fact.ticket) for fact in arrived] == [
            ("invoices", "widget", False),  # the place is in the other queue
            ("orders", "widget", True),
            ("orders", "widget", False),
            ("orders", "silent", False),
        ]


async def test_doors_of_one_queue_share_its_room(tmp_path: Path) -> None:
    beside = EntryPoint(name="button", channel="chat", queue="orders", availability=Availability(keep_free_percent=20))
    other = EntryPoint(name="bills", channel="chat", queue="invoices", availability=Availability())
    policy = replace(SHOWN, entry_points=[*SHOWN.entry_points, beside, other])
    async with chat_site(tmp_path, policy, behind_proxy=True) as site, client(site) as web:
        for name in ("widget", "button", "bills"):
            await turn(site, replace(OPEN, entry_point=name))
        asked = [(await came(web, *who)).status_code for who in ((1, "widget"), (2, "button"), (3, "button"), (4, "widget"))]
        assert asked == [201, 201, 409, 409], "two places are kept free, not two for each"
        assert (await came(web, 5, "bills")).status_code == 201, "another queue has room of its own"


async def test_one_address_does_not_take_the_room_from_all_others(tmp_path: Path) -> None:
    """Of nine places it may hold two, by whichever door; what it asks for beyond is no demand."""
    beside = EntryPoint(name="button", channel="chat", queue="orders", availability=Availability(keep_free_percent=90))
    doors = [
        replace(beside, name="widget"),
        beside,
        EntryPoint(name="bills", channel="chat", queue="invoices", availability=Availability()),
    ]
    limits = Limits(demand_every_s=0.01)
    async with chat_site(tmp_path, replace(SHOWN, entry_points=doors), limits, behind_proxy=True) as site, client(site) as web:
        for door in doors:
            await turn(site, replace(OPEN, entry_point=door.name))
        greedy = [await came(web, 1, name) for name in ("widget", "button", "widget", "widget")]
        assert [answer.status_code for answer in greedy] == [201, 201, 409, 409]
        assert (greedy[2].json()["state"], "expected_wait_ms" in greedy[2].json()) == ("busy", False)
        assert (await web.get("/availability/widget")).json()["state"] == "open"
        assert [(await came(web, whence)).status_code for whence in (2, 2, 3, 3, 4, 4, 5)] == [201] * 7, "the others have theirs"
        assert [(await came(web, 1, "bills")).status_code for _ in range(3)] == [201] * 3, "a queue that takes on all"
        async with await site.customer() as ann:
            await ann.start(queue=None, entry_point="widget", ticket=greedy[0].json()["ticket"])
        assert (await came(web, 1)).status_code == 201, "one of its customers came in"
        assert (await came(web, 6, "button")).status_code == 409, "nine are on their way"
        counted = await site.router.seen(1, DemandTurnedAway)
        assert [(fact.entry_point, fact.state, fact.count) for fact in counted] == [("button", "busy", 1)]


async def test_who_comes_to_a_door_that_is_not_open_is_counted(tmp_path: Path) -> None:
    async with chat_site(tmp_path, SHOWN, Limits(demand_every_s=0.01)) as site, client(site) as web:
        await turn(site, BUSY)
        refused = await web.post("/availability/widget/ticket")
        assert (refused.status_code, refused.json()["state"], refused.json()["expected_wait_ms"]) == (409, "busy", 600_000)
        counted = await site.router.seen(1, DemandTurnedAway)
        assert [(fact.entry_point, fact.channel, fact.state, fact.count) for fact in counted] == [("widget", "chat", "busy", 1)]


async def test_tickets_are_for_the_pages_of_the_site_and_not_without_end(tmp_path: Path) -> None:
    limits = Limits(posts_burst=2, posts_per_s=0.001, looks_burst=3, looks_per_s=0.001)
    async with chat_site(tmp_path, SHOWN, limits, allowed_origins=("https://shop.example",)) as site, client(site) as web:
        await turn(site, OPEN)
        foreign = await web.post("/availability/widget/ticket", headers={"origin": "https://evil.example"})
        assert (foreign.status_code, foreign.json()["reason"]) == (403, "origin_not_allowed")
        own = await web.post("/availability/widget/ticket", headers={"origin": "https://shop.example"})
        assert (own.status_code, own.headers["access-control-allow-origin"]) == (201, "https://shop.example")
        assert (await web.post("/availability/nowhere/ticket")).status_code == 404
        late = await web.post("/availability/widget/ticket")
        assert (late.status_code, late.json()["reason"], "retry-after" in late.headers) == (429, "rate_limited", True)
        looks = [(await web.get("/availability/widget")).status_code for _ in range(4)]
        assert looks == [200, 200, 200, 429]


async def test_the_script_is_for_every_site(tmp_path: Path) -> None:
    async with chat_site(tmp_path, SHOWN) as site, client(site) as web:
        script = await web.get("/availability.js")
        assert script.headers["content-type"] == "text/javascript; charset=utf-8"
        assert script.headers["access-control-allow-origin"] == "*"
        assert "hidden" not in script.text.split("*/")[-1].replace("never hidden", ""), "buttons are relabelled, never hidden"
        again = await web.get("/availability.js", headers={"if-none-match": script.headers["etag"]})
        assert again.status_code == 304
