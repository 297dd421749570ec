"""What customers see on buttons and on the page of the chat, and what these send: the scripts themselves, at a real gateway."""

import html
import json
import re
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from cordboard.events.door_events import DoorTurned
from cordboard.events.fact import ContactArrived, MessagePosted
from cordboard.events.next_steps import NextStepChosen
from cordboard.events.policy import Availability, ChannelProfile, EntryPoint, Form, FormField, NextStep, QueuePolicy
from cordboard.gateway.callbacks import words as callback_words
from cordboard.gateway.chat import words as chat_words
from tests.browser import Page, read_page
from tests.chat_site import POLICY, ScriptedSite, chat_site

VOICE = ChannelProfile(name="voice", presence="live", klass=1, answered_on="connected")
SHOWN = replace(
    POLICY,
    channels=[*POLICY.channels, ChannelProfile(name="mail", presence="async", klass=3, answered_on="first_message"), VOICE],
    queues=[QueuePolicy(name="orders"), QueuePolicy(name="invoices")],
    entry_points=[
        EntryPoint(name="widget", channel="chat", queue="orders", availability=Availability()),
        EntryPoint(name="letters", channel="mail", queue="orders", availability=Availability()),
        EntryPoint(name="phone_line", channel="voice", queue="orders", availability=Availability()),
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


def shown_on(page: Page) -> list[str]:
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
        assert shown_on(page) == ["Chat", "Talk", "Mail us"], "nothing is known yet"
        soon = "Write to us: answer in about 4 h"
        for event, said in (
            (ANSWERED, ["Chat", "Talk", soon]),
            (OPEN, ["Chat with us", "Chat with us", soon]),
            (BUSY, ["Busy: about 10 min – try phone line", "Wait 10 min", soon]),
            (LISTENING, ["Leave a message", "Leave a message", soon]),
            (CLOSED, ["Closed now", "Tomorrow", soon]),
            (
                replace(BUSY, expected_wait_ms=None),
                ["Busy at the moment – try phone line", "Busy at the moment – try phone line", soon],
            ),
            (
                replace(ANSWERED, expected_wait_ms=None),
                ["Busy at the moment – try phone line", "Busy at the moment – try phone line", "Write to us"],
            ),
        ):
            await turn(site, event)
            page.run("pass()")
            await page.settle()
            assert shown_on(page) == said
        await turn(site, DoorTurned(5_000, "phone_line", "open", None, 0, None, None, 0))
        soon_ms = round(time.time() * 1_000) + 86_400_000
        await turn(site, replace(CLOSED, until_ms=soon_ms))
        page.run("button('phone_line', 'Phone', {}); button('widget', 'Chat', { closed: 'Back {until}: {referral}' })")
        page.run("pass()")
        await page.settle()
        clock = f"{datetime.fromtimestamp(soon_ms / 1_000):%H:%M}"
        closed, *_, call, own = shown_on(page)
        assert closed.startswith("Closed until ") and closed.endswith(clock) and call == "Call us"
        assert own == closed, "a label that says what is not known is not used"
        gone = await entered(page, 0)
        assert (gone["state"], gone["until_ms"], gone["next_steps"]) == ("closed", soon_ms, [])
        await turn(site, BUSY)
        refused = await entered(page, 0)
        assert (refused["ticket"], refused["state"], refused["referral"]) == (None, "busy", "phone_line")
        await turn(site, OPEN)
        given = await entered(page, 1)
        assert (given["entry_point"], len(given["ticket"]), given["holds_ms"]) == ("widget", 54, 120_000)


@pytest.mark.parametrize(
    ("referral", "language", "called"),
    [
        ("letters", "nl", "service@shop.example"),
        ("contact", "nl", "Neem contact op"),
        ("contact", "de", "Contact us"),
        ("phone_line", "en", "phone line"),
        ("advice", "nl", "Bel ons"),
    ],
)
async def test_where_to_go_meanwhile_is_said_in_words_for_customers(
    tmp_path: Path, referral: str, language: str, called: str
) -> None:
    labels = {"en": "Contact us", "nl": "Neem contact op"}
    widget, letters, phone = SHOWN.entry_points
    doors = [
        widget,
        replace(letters, address="service@shop.example"),
        phone,
        EntryPoint(name="contact", channel="mail", queue="orders"),
        EntryPoint(name="advice", channel="chat", queue="orders", labels={"en": "Call us", "nl": "Bel ons"}),
    ]
    forms = [Form(name="contact", fields=[FormField(name="text")], labels=labels)]
    async with (
        chat_site(tmp_path, replace(SHOWN, entry_points=doors, forms=forms)) as site,
        Page(site.address, f"?entry_point=widget&lang={language}") as page,
    ):
        await turn(site, replace(BUSY, referral=referral))
        page.run(f"document.currentScript.src = 'http://{site.address}/availability.js'; button('widget', 'Chat', {{}})")
        await page.open("/chat")
        page.run(read_page("availability.js"))
        await page.settle()
        assert shown_on(page)[0].endswith(f" {called}")
        assert called in page.run("named.door.textContent")


async def asked(page: Page, question: str) -> None:
    """The customer writes it and starts."""
    page.run(f"named.question.value = {json.dumps(question)}; named.begin.requestSubmit()")
    await page.until("sockets.length === 1")


async def test_the_page_of_the_chat_says_the_wait_and_comes_with_its_ticket(tmp_path: Path) -> None:
    async with chat_site(tmp_path, SHOWN) as site, Page(site.address, "?entry_point=widget") as page:
        await turn(site, BUSY)
        await page.open("/chat")
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
        await page.open("/chat")
        await asked(page, "Where is my parcel?")
        first = page.run("chat.start.ticket")
        page.run("late = 121000")
        await page.connect()
        assert len(page.frames[0]["ticket"]) == 54 and page.frames[0]["ticket"] != first, "another place, since that one is over"


async def test_a_place_that_is_gone_is_said(tmp_path: Path) -> None:
    async with chat_site(tmp_path, SHOWN) as site, Page(site.address, "?entry_point=widget") as page:
        await turn(site, OPEN)
        await page.open("/chat")
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
        await page.open("/chat", "nl-BE,en;q=0.5")
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
        links = json.loads(
            page.run("JSON.stringify(named.log.children.slice(-1)[0].children.map((one) => [one.textContent, one.href]))")
        )
        assert [text for text, _ in links] == ["Het gesprek verplaatsen of annuleren", "Zet het in uw agenda"]
        assert re.fullmatch(r"\./callbacks/manage/[\w-]{80}\?lang=nl", links[0][1])
        assert links[1][1] == links[0][1].removesuffix("?lang=nl") + "/callback.ics"


async def test_who_leaves_a_voicemail_is_asked_for_a_recording(tmp_path: Path) -> None:
    async with chat_site(tmp_path, LEADING_ON) as site, Page(site.address, "?entry_point=widget") as page:
        site.router.turns_away = STEPS
        await page.open("/chat")
        await asked(page, "Where are my boots?")
        await page.connect()
        while not page.run("named.choices.children.length"):
            await page.hear()
        assert page.run("named.recording.parentElement.hidden = true")
        page.run("named.choices.children[1].dispatchEvent({ type: 'click', preventDefault() {} })")
        await page.settle()
        while not page.run("over"):
            await page.hear()
        assert not page.run("named.recording.parentElement.hidden")
        notes = "named.log.children.filter((one) => one.className === 'note').map((one) => one.textContent).join('|')"
        for begins, told in (("No such", "That could not be taken."), ("OggS", "Thank you, we have your recording.")):
            page.run(f"named.recording.files = [{{ type: 'audio/ogg', text: '{begins} …' }}]")
            page.run("named.recording.dispatchEvent({ type: 'change' })")
            await page.until(f"{notes}.includes('{told}')")
        assert page.run("named.recording.parentElement.hidden")
        (step,) = await site.router.seen(1, NextStepChosen)
        (message,) = [one.message for one in await site.router.seen(2, MessagePosted) if one.contact == step.successor]
        (info,) = (await site.vault.attachments([message]))[message]
        assert (info.name, info.size) == ("recording.ogg", len("OggS …".encode()))


async def test_the_page_goes_on_in_another_queue_or_says_why_not(tmp_path: Path) -> None:
    async with chat_site(tmp_path, LEADING_ON) as site, Page(site.address, "?entry_point=widget") as page:
        site.router.turns_away = STEPS
        await page.open("/chat")
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


async def test_the_page_of_the_chat_speaks_the_customers_language(tmp_path: Path) -> None:
    german = replace(SHOWN, entry_points=[EntryPoint(name="widget", channel="chat", queue="orders", language="de")])
    async with chat_site(tmp_path, german) as site, httpx.AsyncClient(base_url=f"http://{site.address}") as web:
        for path, languages, spoken in (
            ("/chat", "", "en"),
            ("/chat", "xx, tlh;q=0.9", "en"),
            ("/chat", "fr-BE, nl;q=0.8", "fr"),
            ("/chat", "fr;q=0.2, nl;q=0.8, de;q=0", "nl"),
            ("/chat?entry_point=widget", "fr", "de"),
            ("/chat?entry_point=nowhere", "fr", "fr"),
            ("/chat?entry_point=widget&lang=nl", "fr", "nl"),
            ("/chat?lang=NL-be", "fr", "nl"),
            ("/chat?lang=xx", "de", "de"),
        ):
            page = await web.get(path, headers={"accept-language": languages})
            assert f'<html lang="{spoken}">' in page.text, (path, languages)
            assert page.headers["vary"] == "accept-language"
            shown = html.unescape(page.text.partition("<script>")[0])
            assert all(words in shown for words in chat_words.PHRASES[spoken].values())
            assert not re.search(r"\[[a-z]+\]", re.sub(r"<style>.*</style>", "", shown, flags=re.DOTALL)), "all is filled in"


@pytest.mark.parametrize(("phrases", "page"), [(chat_words.PHRASES, "chat.html"), (callback_words.PHRASES, "callback.html")])
def test_every_language_says_everything(phrases: Mapping[str, Mapping[str, str]], page: str) -> None:
    assert set(phrases) == {"en", "nl", "fr", "de"}
    holes = {name: sorted(re.findall(r"\{\w+\}", words)) for name, words in phrases["en"].items()}
    for say in phrases.values():
        assert {name: sorted(re.findall(r"\{\w+\}", words)) for name, words in say.items()} == holes
        assert all(say.values())
    script = read_page(page).partition("<script>")[2]
    used = {*re.findall(r"words\.(\w+)", script), *re.findall(r"say\(\"(\w+)\"[,)]", script)}
    assert used and used <= set(holes)
    begun = re.findall(r"(?:words\[|say\()\"(\w+_)\" \+", script)
    assert all(any(name.startswith(one) for name in holes) for one in begun)


async def test_what_the_page_says_by_itself_is_in_its_language(tmp_path: Path) -> None:
    async with chat_site(tmp_path, SHOWN) as site, Page(site.address, "?entry_point=widget") as page:
        await turn(site, BUSY)
        await page.open("/chat", "fr")
        await page.settle()
        assert page.run("named.door.textContent") == (
            "Nous sommes occupés. L'attente est d'environ 10 min. Essayez phone line en attendant."
        )
        await turn(site, OPEN)
        await asked(page, "Où est mon colis ?")
        await page.connect()
        while not page.run("named.state.textContent").startswith("En attente de quelqu'un"):
            await page.hear()
        page.run("on.agent_joined({ name: 'Anna' })")
        assert page.run("named.state.textContent") == "Anna est là."
        page.run("on.message({ ordinal: 9, message: 'x', author: 'agent', text: null })")
        page.run("on.error({ reason: 'rate_limited', message: 'too many messages on their way' })")
        page.run("on.error({ reason: 'of_another_release', message: 'whatever' })")
        told = page.run("named.log.children.map((one) => one.textContent || one.children[0].textContent).join('|')")
        said = ["Où est mon colis ?", "Anna a rejoint le chat.", "(effacé)", "C'était trop à la fois. Attendez un instant."]
        assert told.split("|") == [*said, "Cela n'a pas marché. Réessayez plus tard."]
        page.run("on.ended({ reason: 'system' })")
        assert page.run("named.state.textContent") == "Ce chat est terminé."
