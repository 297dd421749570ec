"""What customers see on buttons and on the page of the chat, and what these send: the scripts themselves, at a real gateway."""

import json
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from cordboard.events.door_events import DoorTurned
from cordboard.events.fact import ContactArrived
from cordboard.events.policy import Availability, ChannelProfile, EntryPoint, NextStep, QueuePolicy
from tests.browser import Page, read_page
from tests.chat_site import POLICY, ScriptedSite, chat_site

SHOWN = replace(
    POLICY,
    channels=[*POLICY.channels, ChannelProfile(name="mail", presence="async", klass=3, answered_on="first_message")],
    queues=[QueuePolicy(name="orders"), QueuePolicy(name="invoices")],
    entry_points=[
        EntryPoint(name="widget", channel="chat", queue="orders", availability=Availability()),
        EntryPoint(name="letters", channel="mail", queue="orders", availability=Availability()),
    ],
)
STEPS = [
    NextStep("callback", "orders", "voice", "orders"),
    NextStep("queue", "invoices", None, "invoices"),
    NextStep("voicemail", "mailbox", "task", "orders"),
    NextStep("message"),
]
LEADING_ON = replace(SHOWN, entry_points=[EntryPoint(name="widget", channel="chat", queue="orders", next_steps=STEPS)])
OPEN = DoorTurned(1_000, "widget", "open", None, 0, None, None, 901_000)
BUSY = DoorTurned(2_000, "widget", "busy", "expected_wait", 600_000, None, "phone_line", 602_000)
LISTENING = DoorTurned(3_000, "widget", "listen_only", "unstaffed", None, None, None, 603_000)
CLOSED = DoorTurned(4_000, "widget", "closed", "closed_hours", None, 9_000, None, 0)
ANSWERED = DoorTurned(1_000, "letters", "open", None, 14_400_000, None, None, 0)


async def turn(site: ScriptedSite, event: DoorTurned) -> None:
    await site.router.turn(event)
    assert await site.feed.reached(await site.log.last_journal_seq(), 5.0)


def labels(page: Page) -> list[str]:
    assert page.run("buttons.every((one) => !one.hidden && !one.disabled)"), "whoever is not served should read why"
    return json.loads(page.run("JSON.stringify(buttons.map((one) => one.textContent))"))  # type: ignore[no-any-return]


async def entered(page: Page, at: int) -> dict[str, Any]:
    """What a click tells the site's own script."""
    page.run(f"delete globalThis.told; click({at})")
    await page.until("globalThis.told !== undefined")
    return json.loads(page.run("JSON.stringify(told)"))  # type: ignore[no-any-return]


async def test_buttons_say_how_doors_stand_and_are_never_hidden(tmp_path: Path) -> None:
    async with chat_site(tmp_path, SHOWN) as site, Page(site.address) as page:
        page.run(f"document.currentScript.src = 'http://{site.address}/availability.js'")
        page.run("button('widget', 'Chat', {}); button('widget', 'Talk', { busy: 'Wait {wait}', closed: 'Tomorrow' })")
        page.run("button('letters', 'Mail us', {})")
        page.run("document.addEventListener('cordboard:enter', ({ detail }) => { globalThis.told = detail; })")
        page.run(read_page("availability.js"))
        await page.settle()
        assert labels(page) == ["Chat", "Talk", "Mail us"], "nothing is known yet"
        soon = "Write to us: answer in about 4 h"
        for event, said in (
            (ANSWERED, ["Chat", "Talk", soon]),
            (OPEN, ["Chat with us", "Chat with us", soon]),
            (BUSY, ["Busy: about 10 min", "Wait 10 min", soon]),
            (LISTENING, ["Leave a message", "Leave a message", soon]),
            (CLOSED, ["Closed now", "Tomorrow", soon]),
            (replace(BUSY, expected_wait_ms=None), ["Busy at the moment", "Busy at the moment", soon]),
            (replace(ANSWERED, expected_wait_ms=None), ["Busy at the moment", "Busy at the moment", "Write to us"]),
        ):
            await turn(site, event)
            page.run("pass()")
            await page.settle()
            assert labels(page) == said
        refused = await entered(page, 0)
        assert (refused["ticket"], refused["state"], refused["referral"]) == (None, "busy", "phone_line")
        await turn(site, OPEN)
        given = await entered(page, 1)
        assert (given["entry_point"], len(given["ticket"]), given["holds_ms"]) == ("widget", 54, 120_000)


async def asked(page: Page, question: str) -> None:
    """The customer writes it and starts."""
    page.run(f"named.question.value = {json.dumps(question)}; named.begin.requestSubmit()")
    await page.until("sockets.length === 1")


async def test_the_page_of_the_chat_says_the_wait_and_comes_with_its_ticket(tmp_path: Path) -> None:
    async with chat_site(tmp_path, SHOWN) as site, Page(site.address, "?entry_point=widget") as page:
        await turn(site, BUSY)
        page.open("chat.html")
        await page.settle()
        assert page.run("named.door.textContent") == "It is busy. The wait is about 10 min. Please try phone line meanwhile."
        assert not page.run("named.door.hidden")
        await turn(site, OPEN)
        await asked(page, "Where is my parcel?")
        await page.connect()
        (arrived,) = await site.router.seen(1, ContactArrived)
        assert (arrived.entry_point, arrived.ticket) == ("widget", True)
        while not page.run("named.state.textContent").startswith("Waiting"):
            await page.hear()
        assert page.run("named.state.textContent") == "Waiting for somebody (orders) …"
        page.run("on.wait({ expected_ms: 61000 })")
        assert page.run("named.state.textContent") == "Waiting for somebody, about 2 min …"


async def test_a_place_is_kept_while_the_connection_takes_its_time(tmp_path: Path) -> None:
    async with chat_site(tmp_path, SHOWN) as site, Page(site.address, "?entry_point=widget") as page:
        await turn(site, OPEN)
        page.open("chat.html")
        await asked(page, "Where is my parcel?")
        first = page.run("chat.start.ticket")
        page.run("late = 121000")
        await page.connect()
        assert len(page.frames[0]["ticket"]) == 54 and page.frames[0]["ticket"] != first, "another place, since that one is over"


async def test_a_place_that_is_gone_is_said(tmp_path: Path) -> None:
    async with chat_site(tmp_path, SHOWN) as site, Page(site.address, "?entry_point=widget") as page:
        await turn(site, OPEN)
        page.open("chat.html")
        await asked(page, "Where is my parcel?")
        await turn(site, BUSY)
        page.run("late = 121000")
        await page.connect()
        assert "ticket" not in page.frames[0]
        notes = page.run("named.log.children.filter((one) => one.className === 'note').map((one) => one.textContent).join()")
        assert notes == "We could not keep your place: you wait like everybody else."


async def test_who_is_turned_away_sees_buttons_and_chooses(tmp_path: Path) -> None:
    async with chat_site(tmp_path, LEADING_ON, callback_numbers="+32") as site, Page(site.address, "?entry_point=widget") as page:
        site.router.turns_away = STEPS
        page.run("navigator.language = 'nl-BE'")
        page.open("chat.html")
        await asked(page, "Waar zijn mijn laarzen?")
        await page.connect()
        while not page.run("named.choices.children.length"):
            await page.hear()
        shown = page.run("named.choices.children.map((one) => one.textContent).join()")
        assert shown == "Bel mij terug,Vraag het invoices,Laat een bericht achter,Niets, dank u"
        assert page.run("named.asked.textContent").startswith("Niemand kan u nu helpen") and not page.run("named.steps.hidden")
        press = "named.choices.children[0].dispatchEvent({ type: 'click', preventDefault() {} })"
        page.run(press)
        assert [frame["type"] for frame in page.frames] == ["start"], "first the number is asked for"
        assert not page.run("named.reach.parentElement.hidden")
        page.run(f"named.reach.value = '+32 470 12 34 56'; {press}")
        await page.settle()
        assert page.frames[1] == {"type": "choose", "kind": "callback", "to": "orders", "number": "+32 470 12 34 56"}
        while not page.run("over"):
            await page.hear()
        assert page.run("named.state.textContent").startswith("Wij bellen u op ") and page.run("named.steps.hidden")


async def test_the_page_goes_on_in_another_queue_or_says_why_not(tmp_path: Path) -> None:
    async with chat_site(tmp_path, LEADING_ON) as site, Page(site.address, "?entry_point=widget") as page:
        site.router.turns_away = STEPS
        page.open("chat.html")
        await asked(page, "Where are my boots?")
        await page.connect()
        while not page.run("named.choices.children.length"):
            await page.hear()
        shown = page.run("named.choices.children.map((one) => one.textContent).join()")
        assert shown == "Ask invoices,Leave a message,Nothing, thank you"
        page.run("named.choices.children[0].dispatchEvent({ type: 'click', preventDefault() {} })")
        await page.settle()
        while not page.run("named.state.textContent").startswith("Waiting"):
            await page.hear()
        assert page.run("named.steps.hidden") and page.run("ready")
        site.router.turns_away = [NextStep("message")]
        page.run("on.error({ reason: 'queue_full', message: 'no', next_steps: { steps: [], told: 'Closed until nine.' } })")
        assert (page.run("named.state.textContent"), page.run("over")) == ("Closed until nine.", True)
