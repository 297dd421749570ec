"""The links by which customers look after promises: two who use one at once, calendars that keep it, and how often it is used."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from icalendar import Calendar

from cordboard.errors import ConfigurationError
from cordboard.gateway.callbacks.booking import Bookings
from cordboard.settings import Settings
from cordboard.vault import Content
from tests.browser import Page
from tests.letters_over_http import HttpSite
from tests.unit.test_callbacks_http import PLENTY, book, callback_site, free, post


async def test_of_two_moves_at_once_one_is_made_and_the_other_is_told_that_the_promise_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both, read = asyncio.Barrier(2), Bookings._said_of

    async def together(self: Bookings, contact: bytes, successor: bytes) -> tuple[Content, ...]:
        await both.wait()
        return await read(self, contact, successor)

    async with callback_site(tmp_path) as site:
        first, second, third, *_ = await free(site)
        promise = (await book(site, first)).json()
        monkeypatch.setattr(Bookings, "_said_of", together)
        slots = {"move-0000001": second, "move-0000002": third}
        answers = await asyncio.gather(
            *(post(site, promise["manage"], key, action="move", begin_ms=begin_ms) for key, begin_ms in slots.items())
        )
        won, lost = sorted(answers, key=lambda answer: answer.status_code)
        assert (won.status_code, lost.status_code, lost.json()["reason"]) == (200, 409, "promise_ended")
        assert (await site.client.get(promise["manage"])).json() == won.json(), "the link leads to what was promised instead"
        key = next(key for key, begin_ms in slots.items() if begin_ms != won.json()["due_ms"])
        again = await post(site, promise["manage"], key, action="move", begin_ms=slots[key])
        assert (again.status_code, again.json()) == (409, lost.json()), "the same wish, the same answer"


async def test_the_page_shows_how_a_promise_stands_that_cannot_be_changed_any_more(tmp_path: Path) -> None:
    async with callback_site(tmp_path) as site:
        first, second, *_ = await free(site)
        promise = (await book(site, first)).json()
        async with Page(site.client.base_url.netloc.decode()) as page:
            page.run("const form = new Element('form'), slots = new Element('[data-slots]')")
            page.run("form.append(slots); document.append(form)")
            page.run(f"form.dataset.manage = '{promise['manage']}'; form.given = {{ slot: '{second}' }}")
            page.run("location.reload = () => { globalThis.reloaded = true; }")
            await page.open(promise["manage"])
            await page.settle()
            assert page.run("slots.children.length") > 0, "it offers what is free by the link alone"
            await post(site, promise["manage"], "gone-0000001", action="cancel")
            page.run("form.requestSubmit()")
            await page.until("globalThis.reloaded === true")
            assert page.run("named.said.children.length") == 0


async def test_a_calendar_keeps_the_link(tmp_path: Path) -> None:
    async with callback_site(tmp_path, behind_proxy=True) as site:
        first, second, *_ = await free(site)
        promise = (await book(site, first)).json()
        named = {"host": "contact.shop.example", "x-forwarded-proto": "https"}
        url = "https://contact.shop.example" + promise["manage"]
        (entry,) = await _entries(site, promise, named)
        assert (entry["url"], entry["description"].partition("\n")[2]) == (url, f"Verplaatsen of annuleren: {url}")
        moved = (await post(site, promise["manage"], "move-0000001", action="move", begin_ms=second)).json()
        (entry,) = await _entries(site, promise, named)
        assert entry["url"] == "https://contact.shop.example" + moved["manage"]
        for wrong in ({"host": "x" * 256}, {"x-forwarded-proto": "javascript"}):
            (entry,) = await _entries(site, promise, named | wrong)
            assert "url" not in entry and "\n" not in entry["description"], wrong
        await post(site, moved["manage"], action="cancel")
        (entry,) = await _entries(site, promise, named)
        assert "url" not in entry
    async with callback_site(tmp_path / "3", public_url="https://shop.example") as site:
        promise = (await book(site)).json()
        (entry,) = await _entries(site, promise, {"host": "10.0.0.7"})
        assert entry["url"] == "https://shop.example" + promise["manage"], "whoever asks says nothing about that"
    async with callback_site(tmp_path / "2") as site:
        promise = (await book(site)).json()
        (entry,) = await _entries(site, promise, {"x-forwarded-proto": "https"})
        assert entry["url"] == f"{str(site.client.base_url).rstrip('/')}{promise['manage']}", (
            "nobody in front says how it is reached"
        )


def test_how_customers_reach_the_gateway_is_scheme_and_host() -> None:
    for said in ("https://shop.example", "https://shop.example/", "http://10.0.0.7:7480", "https://[2001:db8::1]:8443"):
        assert Settings(public_url=said).public_base() == said.rstrip("/")
    assert Settings().public_base() is None and Settings(public_url="").public_base() is None
    for wrong in ("shop.example", "ftp://shop.example", "https://", "https://shop.example/contact", "https://me@shop.example"):
        with pytest.raises(ConfigurationError, match="--public-url is scheme and host"):
            Settings(public_url=wrong).public_base()


async def _entries(site: HttpSite, promise: dict[str, Any], headers: dict[str, str]) -> list[Any]:
    return list(Calendar.from_ical((await site.client.get(promise["calendar"], headers=headers)).content).events)


async def test_who_books_too_often_is_told_when_there_is_room_for_another(tmp_path: Path) -> None:
    limits = replace(PLENTY, bookings_per_s=0.02, bookings_burst=1, looks_per_s=2.0, looks_burst=1)
    async with callback_site(tmp_path, limits) as site:
        assert (await book(site)).status_code == 201
        late = await book(site, key="key-00000002", number="+32 2 555 00 00")
        assert (late.status_code, late.headers["retry-after"]) == (429, "50")
        looks = [await site.client.get("/callbacks/phone/slots") for _ in range(2)]
        assert (looks[1].status_code, looks[1].headers["retry-after"]) == (429, "1")
