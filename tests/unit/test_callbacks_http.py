"""Callbacks over HTTP with the real router: found, booked, moved, cancelled, in calendars; and what hostile people get."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from icalendar import Calendar

from cordboard import codec, promises
from cordboard.events.commit import INPUT_TAG
from cordboard.events.policy import CallbackPolicy, ChannelProfile, EntryPoint, Policy, QueuePolicy
from cordboard.events.promises import CapacityPlanned, PromiseMade
from cordboard.gateway.answers import Answers
from cordboard.gateway.callbacks.booking import Bookings, TooMany
from cordboard.gateway.callbacks.tokens import Holding, ManageTokens
from cordboard.gateway.callbacks.words import PHRASES
from cordboard.gateway.limits import BOOKING_MAX, Limits
from cordboard.gateway.policy_view import PolicyView
from cordboard.numbers import CallableNumbers
from cordboard.router.clock import SystemClock
from cordboard.vault import Vault
from cordboard.vault.address import PHONE
from cordboard.vault.refs import content_ref
from tests.journal import SITE, Pen
from tests.letters_over_http import HttpSite, http_site

MINUTE = 60_000
NUMBER = "+32 2 555 12 34"
POLICY = Policy(
    version=0,
    site=SITE,
    skills=[],
    timezone="Europe/Brussels",
    channels=[
        ChannelProfile(name="voice", presence="live", klass=1, answered_on="connected", connect_ms=MINUTE),
        ChannelProfile(name="chat", presence="live", klass=1, answered_on="first_message"),
    ],
    queues=[QueuePolicy(name="orders", callbacks=CallbackPolicy(slot_ms=15 * MINUTE, capacity=1)), QueuePolicy(name="silent")],
    entry_points=[
        EntryPoint(name="phone", channel="voice", queue="orders", language="nl"),
        EntryPoint(name="chat", channel="chat", queue="orders"),
        EntryPoint(name="anybody", channel="voice", queue="orders"),
        EntryPoint(name="hotline", channel="voice", queue="silent"),
    ],
)
PLENTY = Limits(bookings_per_s=1_000, bookings_burst=1_000, numbers_per_s=1_000, numbers_burst=1_000, looks_burst=1_000)


@asynccontextmanager
async def callback_site(directory: Path, limits: Limits = PLENTY, **options: Any) -> AsyncIterator[HttpSite]:
    options = {"callback_numbers": "+32,!+3290", "webhook_secrets": {}, "limits": limits} | options
    async with http_site(directory, POLICY, **options) as site:
        yield site


async def free(site: HttpSite, hours: int = 4) -> list[int]:
    found = await site.client.get(f"/callbacks/phone/slots?hours={hours}")
    assert found.status_code == 200, found.text
    return [slot["begin_ms"] for slot in found.json()["slots"]]


async def post(site: HttpSite, path: str, key: str = "key-00000001", **body: Any) -> httpx.Response:
    return await site.client.post(path, json=body, headers={"idempotency-key": key})


async def book(site: HttpSite, begin_ms: int | None = None, key: str = "key-00000001", **body: Any) -> httpx.Response:
    wish = {"number": NUMBER, "consent": True} | ({} if begin_ms is None else {"begin_ms": begin_ms}) | body
    return await post(site, "/callbacks/phone", key, **wish)


async def test_a_customer_books_moves_and_cancels(tmp_path: Path) -> None:
    async with callback_site(tmp_path) as site:
        first, second, third, *_ = await free(site)
        booked = await book(site, second, name="Jan", text="Where is it?")
        promise = booked.json()
        assert (booked.status_code, promise["due_ms"], promise["state"]) == (201, second, "promised")
        assert promise["zone"] == "Europe/Brussels" and promise["local"].endswith(("+01:00", "+02:00"))
        assert booked.headers["cache-control"] == "no-store"
        await _stands_in_the_vault(site, bytes.fromhex(promise["reference"]))
        assert second not in await free(site)
        repeated = await book(site, second, name="Jan", text="Where is it?")
        assert (repeated.status_code, repeated.json()) == (201, promise), "the same wish under the same key"

        taken = await book(site, second, "key-00000002")
        assert (taken.status_code, taken.json()["reason"]) == (409, "callback_full")
        assert {first, third} <= {slot["begin_ms"] for slot in taken.json()["alternatives"]}

        moved = (await post(site, promise["manage"], action="move", begin_ms=third)).json()
        assert (moved["due_ms"], moved["reference"]) == (third, promise["reference"])
        assert second in await free(site)
        again = await post(site, promise["manage"], action="move", begin_ms=third)
        assert (again.status_code, again.json()) == (200, moved), "the old link, the same wish"
        assert (await site.client.get(promise["manage"])).json() == moved, "the old link leads to the new promise"
        await _calendars(site, promise, moved)

        cancelled = await post(site, moved["manage"], "key-00000003", action="cancel")
        assert (cancelled.status_code, cancelled.json()["outcome"]) == (200, "cancelled")
        assert (await post(site, moved["manage"], "key-00000004", action="cancel")).json() == cancelled.json()
        late = await post(site, moved["manage"], "key-00000005", action="move", begin_ms=first)
        assert (late.status_code, late.json()["reason"]) == (409, "promise_ended")
        (entry,) = await _entry(site, moved)
        assert (entry["sequence"], entry["status"]) == (2, "CANCELLED")


async def test_the_first_link_leads_to_the_promise_wherever_it_was_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with callback_site(tmp_path) as site:
        first, second, third, fourth, *_ = await free(site)
        promise = (await book(site, first)).json()
        moved = (await post(site, promise["manage"], "move-0000001", action="move", begin_ms=second)).json()
        monkeypatch.setattr(promises, "LATELY_MS", -1)  # what was moved is forgotten as if it had been days ago
        twice = (await post(site, promise["manage"], "move-0000002", action="move", begin_ms=third)).json()
        assert twice["due_ms"] == third and len({promise["manage"], moved["manage"], twice["manage"]}) == 3
        for link in (promise, moved, twice):
            assert (await site.client.get(link["manage"])).json() == twice
            (entry,) = await _entry(site, link)
            assert (entry["uid"], entry["sequence"]) == (f"{promise['reference']}@{SITE}.cordboard", 2)
            assert round(entry.start.timestamp() * 1_000) == third
        page = await site.client.get(promise["manage"], headers={"accept": "text/html"})
        assert twice["local"][11:16] in page.text and twice["manage"] in page.text
        last = (await post(site, moved["manage"], "move-0000003", action="move", begin_ms=fourth)).json()
        assert last["due_ms"] == fourth and {first, second, third} <= set(await free(site))
        monkeypatch.setattr(promises, "LATELY_MS", 86_400_000)
        cancelled = await post(site, promise["manage"], "cancel-00001", action="cancel")
        assert (cancelled.status_code, cancelled.json()["outcome"]) == (200, "cancelled")
        assert fourth in await free(site), "the first link cancels the last promise"
        for link in (promise, moved, twice, last):
            assert (await site.client.get(link["manage"])).json()["outcome"] == "cancelled"
            (entry,) = await _entry(site, link)
            assert (entry["sequence"], entry["status"]) == (4, "CANCELLED")


async def test_whose_call_was_missed_chooses_another_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elapsed = SystemClock.elapsed_ms
    async with callback_site(tmp_path) as site:
        first, *_ = await free(site)
        promise = (await book(site, first, name="Jan", text="Where is it?")).json()
        monkeypatch.setattr(SystemClock, "elapsed_ms", lambda self: elapsed(self) + 5 * 60 * MINUTE)
        late = (await book(site, key="key-00000002", number="+32 2 555 12 35")).json()  # the router looks at its clock
        await site.record.until(lambda: "PromiseEnded" in kinds_of(site, promise["reference"]))
        monkeypatch.setattr(promises, "LATELY_MS", -1)  # what was kept or cancelled is forgotten, this is not
        missed = (await site.client.get(promise["manage"])).json()
        assert (missed["state"], missed["outcome"]) == ("ended", "missed")
        chosen = missed["alternatives"][0]["begin_ms"]
        assert chosen in [slot["begin_ms"] for slot in missed["alternatives"]] and chosen > late["due_ms"] - 60 * MINUTE
        page = (await site.client.get(promise["manage"], headers={"accept": "text/html"})).text
        assert f'value="{chosen}"' in page and "data-cancel>" not in page and PHRASES["nl"]["missed"] in page
        taken = await post(site, promise["manage"], "again-000001", action="move", begin_ms=late["due_ms"])
        assert (taken.status_code, taken.json()["reason"]) == (409, "callback_full")
        again = await post(site, promise["manage"], "again-000002", action="move", begin_ms=chosen)
        assert again.status_code == 200, again.text
        assert (again.json()["due_ms"], again.json()["state"]) == (chosen, "promised")
        assert (await post(site, promise["manage"], "again-000002", action="move", begin_ms=chosen)).json() == again.json()
        assert (await site.client.get(promise["manage"])).json() == again.json(), "the old link leads to the new promise"
        (made,) = [one for one in promised_calls(site) if one.due_ms == chosen]
        assert (made.case, made.entry_point) == (bytes.fromhex(promise["reference"]), "phone")
        assert made.address is not None
        assert (await site.vault.read([made.address]))[made.address].text == "+3225551234"
        monkeypatch.setattr(promises, "LATELY_MS", 86_400_000)
        cancelled = await post(site, promise["manage"], "again-000003", action="cancel")
        assert cancelled.json()["outcome"] == "cancelled"


def kinds_of(site: HttpSite, contact: str) -> list[str]:
    return [type(event).__name__ for event in site.record.events.get(bytes.fromhex(contact), [])]


def promised_calls(site: HttpSite) -> list[PromiseMade]:
    return [event for events in site.record.events.values() for event in events if isinstance(event, PromiseMade)]


async def _stands_in_the_vault(site: HttpSite, contact: bytes) -> None:
    refs = {kind: content_ref(contact, kind) for kind in ("number", "text", "customer")}
    kept = await site.vault.read(list(refs.values()))
    assert kept[refs["number"]].text == "+3225551234" and kept[refs["text"]].text == "Where is it?"
    customer = await site.vault.customer(PHONE, NUMBER)
    assert await site.vault.erase_customer(customer)
    assert await site.vault.read(list(refs.values())) == {}, "it goes with the customer"


async def _calendars(site: HttpSite, promise: dict[str, Any], moved: dict[str, Any]) -> None:
    (before,), (after,) = await _entry(site, promise), await _entry(site, moved)
    assert before == after, "the old link leads to the new entry"
    assert after["uid"] == f"{promise['reference']}@{SITE}.cordboard"
    assert (after["sequence"], after["status"]) == (1, "CONFIRMED")
    assert round(after.start.timestamp() * 1_000) == moved["due_ms"] and after.start.utcoffset().total_seconds() == 0
    assert (after.end - after.start).total_seconds() == 15 * 60
    assert after["summary"] == PHRASES["nl"]["title"] and "Europe/Brussels" in after["description"]


async def _entry(site: HttpSite, promise: dict[str, Any]) -> list[Any]:
    file = await site.client.get(promise["calendar"])
    calendar = Calendar.from_ical(file.content)
    assert file.headers["content-type"] == f"text/calendar; method={calendar['method']}; charset=utf-8"
    assert calendar["method"] == ("CANCEL" if calendar.events[0]["status"] == "CANCELLED" else "PUBLISH")
    return list(calendar.events)


async def test_slots_are_for_every_cache_and_origin(tmp_path: Path) -> None:
    async with callback_site(tmp_path) as site:
        first = await site.client.get("/callbacks/phone/slots?hours=1", headers={"origin": "https://anywhere.example"})
        assert len(first.json()["slots"]) in (3, 4) and first.json()["slot_ms"] == 15 * MINUTE
        assert first.headers["access-control-allow-origin"] == "*" and "max-age=5" in first.headers["cache-control"]
        etag = {"if-none-match": first.headers["etag"]}
        assert (await site.client.get("/callbacks/phone/slots?hours=1", headers=etag)).status_code in (200, 304)
        begin_ms = first.json()["slots"][1]["begin_ms"]
        later = await site.client.get(f"/callbacks/phone/slots?from={begin_ms}&hours=1")
        assert later.json()["slots"][0]["begin_ms"] == begin_ms
        for wrong in ("from=-1", "hours=0", "hours=2161"):
            assert (await site.client.get(f"/callbacks/phone/slots?{wrong}")).status_code == 422
        for name in ("nowhere", "chat", "hotline"):
            refused = await site.client.get(f"/callbacks/{name}/slots")
            assert (refused.status_code, refused.json()["reason"]) == (404, "unknown_entry_point")


async def test_pages_tell_without_scripts_and_quote_nobody(tmp_path: Path) -> None:
    async with callback_site(tmp_path) as site:
        page = await site.client.get("/callbacks/phone")
        slots = await free(site)
        assert f'value="{slots[0]}"' in page.text and '<html lang="nl">' in page.text
        assert PHRASES["nl"]["noscript"] in page.text
        policy = page.headers["content-security-policy"]
        assert "script-src 'sha256-" in policy and "unsafe" not in policy
        promise = (await book(site, slots[0], name="<b>Jan</b>", text="Secret")).json()
        look = await site.client.get(promise["manage"], headers={"accept": "text/html"})
        assert promise["local"][:10] in look.text and promise["calendar"] in look.text
        assert all(word not in look.text for word in ("Jan", "Secret", "5551234")), "the link reads neither name nor number"
        assert look.headers["referrer-policy"] == "no-referrer" and look.headers["cache-control"] == "no-store"
        for language, words in PHRASES.items():
            other = await site.client.get(f"/callbacks/phone?lang={language}")
            assert words["title"] in other.text.replace("&#x27;", "'")
        for asked, language in (("fr-BE,nl;q=0.8", "fr"), ("xx, de;q=0.5", "de"), ("", "en"), (";;,,-", "en")):
            own = await site.client.get("/callbacks/anybody", headers={"accept-language": asked})
            assert f'<html lang="{language}">' in own.text
        await post(site, promise["manage"], action="cancel")
        gone = await site.client.get(promise["manage"], headers={"accept": "text/html"})
        assert PHRASES["nl"]["cancelled"] in gone.text and "<form" not in gone.text


async def test_the_page_begins_where_there_is_room_and_goes_on(tmp_path: Path) -> None:
    async with callback_site(tmp_path) as site:
        slots = await free(site, 24 * 14)
        page = (await site.client.get("/callbacks/phone")).text
        shown = [begin_ms for begin_ms in slots if f'value="{begin_ms}"' in page]
        assert shown == slots[: len(shown)] and 0 < len(shown) <= 200
        link = f'<a href="?from={slots[len(shown)]}&amp;lang=nl">'
        assert link in page and PHRASES["nl"]["more"] in page
        last = (await site.client.get(f"/callbacks/phone?from={slots[-1]}")).text
        assert f'value="{slots[-1]}"' in last and PHRASES["nl"]["more"] + "</a>" not in last
        assert (await site.client.get("/callbacks/phone?from=-1")).status_code == 422
        # The plan has nobody for four days: the page begins after them.
        slot_ms = 15 * MINUTE
        planned = CapacityPlanned(b"p" * 16, "orders", slots[0] - slots[0] % slot_ms, slot_ms, [0] * 400)
        async with site.log.publisher("test") as publisher:
            await publisher.publish(codec.check_fact(planned))
        while slots[0] in await free(site, 1):
            pass
        page = (await site.client.get("/callbacks/phone")).text
        assert f'value="{slots[0] + 400 * slot_ms}"' in page and f'value="{slots[0]}"' not in page
        promise = (await book(site, slots[0] + 400 * slot_ms)).json()
        look = (await site.client.get(promise["manage"], headers={"accept": "text/html"})).text
        assert f"({promise['local_from'][11:16]} – {promise['local_until'][11:16]})" in look
        planned = CapacityPlanned(b"q" * 16, "orders", slots[0] - slots[0] % slot_ms, slot_ms, [0] * 2_976)
        async with site.log.publisher("test") as publisher:
            await publisher.publish(codec.check_fact(planned))
        while await free(site, 24 * 14):
            pass
        nothing = (await site.client.get("/callbacks/phone")).text
        assert PHRASES["nl"]["none"] in nothing and "<form" not in nothing


WRONG: list[tuple[dict[str, Any], str | None]] = [
    ({"number": "+1 212 555 1234"}, "number"),
    ({"number": "0900 12 345"}, "number"),
    ({"number": "112"}, "number"),
    ({"number": "' OR 1=1"}, "number"),
    ({"consent": False}, "consent"),
    ({"begin_ms": -1}, None),
    ({"name": "x" * 81}, None),
    ({"name": "two\nlines"}, None),
    ({"text": "\0"}, None),
    ({"queue": "silent"}, None),
]


async def test_what_cannot_be_called_or_read_is_refused(tmp_path: Path) -> None:
    async with callback_site(tmp_path) as site:
        before = await site.log.last_journal_seq()
        for body, field in WRONG:
            refused = await book(site, **body)
            assert (refused.status_code, refused.json()["reason"]) == (422, "bad_json" if field is None else "invalid_input"), body
            assert [problem["field"] for problem in refused.json().get("problems", [])] == ([field] if field else [])
        assert await site.log.last_journal_seq() == before, "nothing reached the log"


async def test_hostile_posts(tmp_path: Path) -> None:
    async with callback_site(tmp_path, allowed_origins=("https://shop.example",)) as site:
        client, wish = site.client, {"number": NUMBER, "consent": True}
        keyed = {"idempotency-key": "key-00000001"}
        foreign = await client.post("/callbacks/phone", json=wish, headers=keyed | {"origin": "https://evil.example"})
        assert (foreign.status_code, foreign.json()["reason"]) == (403, "origin_not_allowed")
        assert (await client.options("/callbacks/phone", headers={"origin": "https://evil.example"})).status_code == 403
        asked = await client.options("/callbacks/phone", headers={"origin": "https://shop.example"})
        assert asked.status_code == 204 and "idempotency-key" in asked.headers["access-control-allow-headers"]
        own = await client.post("/callbacks/phone", json=wish, headers=keyed | {"origin": "https://shop.example"})
        assert (own.status_code, own.headers["access-control-allow-origin"]) == (201, "https://shop.example")
        assert (await client.post("/callbacks/phone", json=wish)).json()["problems"][0]["field"] == "Idempotency-Key"
        plain = await client.post("/callbacks/phone", content=b"number=1", headers=keyed)
        assert plain.status_code == 415
        large = await post(site, "/callbacks/phone", number=NUMBER, consent=True, text="x" * BOOKING_MAX)
        assert large.status_code == 413
        token = own.json()["manage"].rpartition("/")[2]
        for forged in (token[:-1] + ("A" if token[-1] != "A" else "B"), token[:20], "x" * 80, "%00", token + "AAAA"):
            for answer in (await client.get(f"/callbacks/manage/{forged}"), await post(site, f"/callbacks/manage/{forged}")):
                assert answer.status_code == 404, forged
        other = ManageTokens(bytes(32), SITE).token(Holding(bytes.fromhex(own.json()["reference"]), bytes(16), 0))
        assert (await client.get(f"/callbacks/manage/{other}")).status_code == 404, "signed by somebody else"


async def test_nobody_takes_all_slots(tmp_path: Path) -> None:
    """One address, one number, all of an entry point: each is metered, and who asks too often learns nothing of the number."""
    by_address = Limits(bookings_per_s=0.001, bookings_burst=2)
    async with callback_site(tmp_path, by_address) as site:
        answers = [await book(site, key=f"key-0000000{n}", number=f"+32255512{n:02}") for n in range(3)]
        assert [answer.status_code for answer in answers] == [201, 201, 429]
        cancelled = await post(site, answers[0].json()["manage"], "key-00000009", action="cancel")
        assert cancelled.status_code == 200, "whoever booked how many from there: a call that nobody wants is cancelled"
    by_number = Limits(bookings_burst=100, numbers_per_s=0.001, numbers_burst=1)
    async with callback_site(tmp_path / "2", by_number) as site:
        assert (await book(site)).status_code == 201
        late = await book(site, key="key-00000002")
        assert (late.status_code, late.json()["reason"], "retry-after" in late.headers) == (429, "rate_limited", True)
        assert (await book(site, key="key-00000002", number="+32 2 555 00 00")).status_code == 201
    by_door = Limits(bookings_burst=100, door_bookings_per_s=0.001, door_bookings_burst=1)
    async with callback_site(tmp_path / "3", by_door) as site:
        codes = [(await book(site, key=f"key-0000000{n}", number=f"+32255512{n:02}")).status_code for n in range(2)]
        assert codes == [201, 429]


async def test_who_is_promised_nothing_leaves_nothing_behind(tmp_path: Path) -> None:
    async with callback_site(tmp_path) as site:
        first, *_ = await free(site)
        assert (await book(site, first)).status_code == 201
        before = await rows_left(tmp_path)
        for number in ("+32 470 12 34 56", NUMBER):
            declined = [
                await book(site, first, key=f"key-{number[-2:]}000001", number=number, name="Mia", text="Now!") for _ in range(2)
            ]
            assert [(one.status_code, one.json()["reason"]) for one in declined] == [(409, "callback_full")] * 2
            assert await rows_left(tmp_path) == before
        assert await site.vault.customers.find(PHONE, "+32 470 12 34 56") is None
        known = await site.vault.customers.find(PHONE, NUMBER)
        assert known is not None and await site.vault.address(known) == (PHONE, "+3225551234"), "who is promised a call stays"


async def rows_left(directory: Path) -> dict[str, int]:
    """Of what can hold something personal."""
    names = ("contents", "contacts", "customers", "identities", "keys")
    with contextlib.closing(sqlite3.connect(directory / "vault.db")) as tables:
        return {name: tables.execute(f"SELECT count(*) FROM vault_{name}").fetchone()[0] for name in names}


async def test_a_number_is_promised_a_few_calls_at_a_time_whoever_asks(tmp_path: Path) -> None:
    async with callback_site(tmp_path, Limits(bookings_burst=100, numbers_burst=100, promises_a_number=2, moves=1)) as site:
        made = [await book(site, key=f"key-0000000{n}") for n in range(3)]
        assert [one.status_code for one in made] == [201, 201, 429]
        assert made[2].json() == (await book(site, key="key-00000009")).json()
        slots = await free(site)
        await post(site, made[0].json()["manage"], "move-0000001", action="move", begin_ms=slots[0])
        often = await post(site, made[0].json()["manage"], "move-0000002", action="move", begin_ms=slots[1])
        assert often.status_code == 429
        await post(site, made[0].json()["manage"], "move-0000003", action="cancel")
        assert (await book(site, key="key-00000010")).status_code == 201


async def test_calls_that_were_booked_elsewhere_count_in_a_chat(tmp_path: Path) -> None:
    async with Vault.open(f"sqlite+aiosqlite:///{tmp_path / 'vault.db'}", bytes(32)) as vault:
        answers = Answers(None)  # type: ignore[arg-type]
        limits = Limits(numbers_burst=100, promises_a_number=2)
        bookings = Bookings("callback", SITE, vault, PolicyView(), CallableNumbers("+32"), answers, limits)
        customer = await vault.customer(PHONE, "+3225551234", source="api")
        pen = Pen(bookings.promises)
        pen.promised(1, "a", "orders", 9_000, customer=customer)
        assert await bookings.check_number("phone", NUMBER) == "+3225551234"
        pen.promised(2, "b", "orders", 9_000, customer=customer)
        with pytest.raises(TooMany):
            await bookings.check_number("phone", NUMBER)
        assert await bookings.check_number("phone", "+32 2 555 12 35") == "+3225551235"
        pen.promise_ended(3, "a", "kept")
        assert await bookings.check_number("phone", NUMBER) == "+3225551234"


async def test_the_same_wish_at_once_and_after_a_restart_is_one_promise(tmp_path: Path) -> None:
    async with callback_site(tmp_path) as site:
        begin_ms = (await free(site))[3]
        both = await asyncio.gather(*(book(site, begin_ms) for _ in range(8)))
        taken = [one.json() for one in both if one.status_code == 201]
        assert taken and all(one == taken[0] for one in taken)
        assert {one.status_code for one in both} <= {201, 503}, "who came in between is told to ask again"
        await site.shut()
        await site.open()
        assert (await book(site, begin_ms)).json() == taken[0]
        full = await book(site, begin_ms, "key-00000002")
        assert full.status_code == 409
        await site.shut()
        await site.open()
        assert (await book(site, begin_ms, "key-00000002")).json() == full.json(), "and so is its refusal"


async def test_a_key_that_comes_back_when_its_promise_is_forgotten_asks_the_router_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(promises, "LATELY_MS", -1)  # what has ended is forgotten with its commit
    asked: list[bytes] = []

    async def decided_at(fact_id: bytes) -> tuple[int, int] | None:
        asked.append(fact_id)
        for seq in range(1, await log.last_journal_seq() + 1):
            for index, entry in enumerate(codec.decode_commit((await log.read_commit(seq)).data).entries):
                if entry.tag == INPUT_TAG and codec.fact_id(codec.decode_input(entry).fact) == fact_id:
                    return seq, index
        return None

    async with callback_site(tmp_path, decided_at=decided_at) as site:
        log = site.log
        begin_ms, *_ = await free(site)
        promise = (await book(site, begin_ms)).json()
        await post(site, promise["manage"], "key-00000002", action="cancel")
        facts = await log.last_inbox_seq()
        again = await book(site, begin_ms)
        assert (again.status_code, again.json()["reason"]) == (409, "promise_ended"), "no second call under the same key"
        assert len(asked) == 1 and await log.last_inbox_seq() == facts, "the router may have forgotten it as well"
        assert begin_ms in await free(site)


async def test_without_numbers_there_is_nothing_to_book(tmp_path: Path) -> None:
    async with callback_site(tmp_path, callback_numbers="") as site:
        assert (await site.client.get("/callbacks/phone/slots")).status_code == 404
        assert (await book(site)).status_code == 404
