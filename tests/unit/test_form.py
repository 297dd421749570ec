"""Forms: as people fill them in, and as programs post them."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path
from urllib.parse import urlencode

import jsonschema
import pytest
from msgspec.structs import replace

from cordboard.events import event as words
from cordboard.events.policy import Form, FormField
from cordboard.gateway import posts
from cordboard.gateway.form.form import KEY, TRAP, check
from cordboard.gateway.form.words import PHRASES
from cordboard.gateway.limits import FORM_MAX, Limits
from cordboard.gateway.posts import Mistakes
from cordboard.log.faults import Fault
from cordboard.vault.envelope import read_envelopes
from cordboard.vault.refs import content_ref
from tests.letters_over_http import FILLED, HttpSite, http_site
from tests.written_site import POLICY

(FORM,) = POLICY.forms


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[HttpSite]:
    async with http_site(tmp_path) as site:
        yield site


def hidden_key(page: str) -> str:
    (key,) = re.findall(rf'name="{KEY}" value="([^"]+)"', page)
    return str(key)


# -- people


async def test_the_page_works_without_scripts_and_lets_nothing_else_in(site: HttpSite) -> None:
    answer = await site.client.get("/form/contact?lang=nl")
    page = answer.text
    assert answer.status_code == 200
    assert '<html lang="nl">' in page
    assert "<h1>Neem contact op</h1>" in page
    assert "<script" not in page
    policy = answer.headers["content-security-policy"]
    assert "script-src 'none'" in policy
    assert "form-action 'self'" in policy
    assert re.search(r"style-src 'sha256-[^']+'", policy)
    assert answer.headers["cache-control"] == "no-store"
    assert not re.search(r'\s(style|on\w+)="', page)
    for field in FORM.fields:
        assert f'<label for="field-{field.name}">' in page
        assert f'id="field-{field.name}"' in page
    assert (await site.client.get("/form/contact")).text.count('lang="nl"') > 0, "the entry point's language"
    assert "Versturen</button>" in (await site.client.get("/form/contact?lang=xx")).text
    assert "Absenden</button>" in (await site.client.get("/form/contact?lang=de")).text


async def test_the_page_speaks_a_language_that_its_reader_knows(tmp_path: Path) -> None:
    reads = {"accept-language": "fr, nl-BE;q=0.8, en;q=0.5, de;q=0"}
    anywhere = replace(
        POLICY, entry_points=[replace(door, language=None) if door.name == "contact" else door for door in POLICY.entry_points]
    )
    async with http_site(tmp_path / "a", anywhere) as site:
        page = await site.client.get("/form/contact", headers=reads)
        assert '<html lang="nl">' in page.text and "Versturen</button>" in page.text, "the form has no French labels"
        assert page.headers["vary"] == "accept-language"
        assert '<html lang="de">' in (await site.client.get("/form/contact?lang=de-AT", headers=reads)).text
        assert '<html lang="en">' in (await site.client.get("/form/contact", headers={"accept-language": "fr"})).text
        thanked = await site.client.post("/form/contact", data=FILLED | {KEY: "k" * 20}, headers=reads)
        assert (thanked.status_code, "Dank u wel" in thanked.text) == (200, True), "a page of the shop's own posts here, too"
        assert (await site.client.get("/form/contact/schema", headers=reads)).json()["title"] == "Contact us"
    async with http_site(tmp_path / "b", replace(anywhere, forms=[replace(FORM, labels={})])) as site:
        assert "Envoyer</button>" in (await site.client.get("/form/contact", headers=reads)).text
    async with http_site(tmp_path / "c") as site:
        page = await site.client.get("/form/contact", headers={"accept-language": "en"})
        assert '<html lang="nl">' in page.text, "the entry point's goes first"


async def test_a_form_filled_in_becomes_a_contact(site: HttpSite) -> None:
    key = hidden_key((await site.client.get("/form/contact?lang=en")).text)
    filled = FILLED | {
        KEY: key,
        TRAP: "",
        "who": "Bo",
        "reason": "invoice",
        "count": "3,5",
        "urgent": "true",
        "bought": "2026-02-28",
    }
    filled |= {"text": "First line\r\nsecond <b>line</b>", "subject": "Twice", "phone": "", "language": "nl-BE"}
    answer = await site.client.post("/form/contact?lang=en", data=filled)
    assert answer.status_code == 200
    assert "Thank you" in answer.text
    (contact,) = re.findall(r"<code>([0-9a-f]{32})</code>", answer.text)
    ref = bytes.fromhex(contact)
    assert await site.text_of(contact) == "First line\nsecond <b>line</b>"
    ((fact, _),) = site.record.arrivals
    assert (fact.channel, fact.entry_point, fact.queue, fact.topic) == ("form", "contact", "invoices", "invoice")
    assert (fact.rule, fact.language, fact.customer) == ("invoice-form", "nl", await site.vault.customer("email", FILLED["mail"]))
    refs = {kind: content_ref(ref, kind) for kind in ("subject", "customer", "fields")}
    kept = await site.vault.read(list(refs.values()))
    assert kept[refs["subject"]].text == "Twice"
    assert json.loads(kept[refs["customer"]].text) == {"kind": "email", "address": "bo@customer.example", "name": "Bo"}
    fields = json.loads(kept[refs["fields"]].text)
    assert fields == {"reason": "invoice", "count": "3,5", "urgent": "true", "bought": "2026-02-28"}
    assert fact.message is not None
    envelope = (await read_envelopes(site.vault, [fact.message]))[fact.message]
    assert (envelope.transport, envelope.to, envelope.own) == ("mail", "bo@customer.example", "service@shop.example")
    again = await site.client.post("/form/contact?lang=en", data=filled)
    assert contact in again.text
    assert len(site.record.arrivals) == 1
    back = await site.client.post("/form/contact?lang=en", data=filled | {"text": "what I forgot to say"})
    assert back.status_code == 200 and contact not in back.text


async def test_what_is_wrong_is_said_beside_the_field_and_nothing_typed_is_lost(site: HttpSite) -> None:
    filled = {KEY: "k" * 20, "mail": 'no"mail', "text": "</textarea><script>alert(1)</script>", "reason": "none", "count": "three"}
    answer = await site.client.post("/form/contact?lang=de", data=filled)
    page = answer.text
    assert answer.status_code == 422
    assert hidden_key(page) == "k" * 20
    assert "ist keine E-Mail-Adresse" in page
    for field in ("mail", "reason", "count"):
        assert f'aria-invalid="true" aria-describedby="problem-{field}"' in page
        assert f'href="#field-{field}"' in page
    assert "<script" not in page
    assert 'value="no&quot;mail"' in page
    assert "</textarea><script>alert(1)</script>" in unescape(page)
    assert await site.log.last_inbox_seq() == 1  # the policy


async def test_programs_that_fill_in_everything_are_told_not_to(site: HttpSite) -> None:
    answer = await site.client.post("/form/contact", data=FILLED | {KEY: "k" * 20, TRAP: "https://spam.example"})
    assert answer.status_code == 422
    assert FILLED["text"] in unescape(answer.text)
    assert await site.log.last_inbox_seq() == 1


async def test_a_page_without_its_key_is_shown_again_with_one(site: HttpSite) -> None:
    for extra in ({}, {KEY: "short"}, {KEY: ["a" * 20, "b" * 20]}):
        answer = await site.client.post("/form/contact?lang=en", data=FILLED | extra)
        assert answer.status_code == 422
        assert "send the form once more" in answer.text
        done = await site.client.post("/form/contact?lang=en", data=FILLED | {KEY: hidden_key(answer.text)})
        assert done.status_code == 200


# -- programs


async def test_json_is_confirmed_once_it_is_durable_and_a_repeat_is_the_same(site: HttpSite) -> None:
    answer = await site.post_json({**FILLED, "count": 3, "urgent": True, "who": None})
    assert answer.status_code == 202
    contact = answer.json()["contact"]
    assert await site.text_of(contact) == FILLED["text"]
    again = await site.post_json({"urgent": True, **FILLED, "count": 3}, key='"key-00000001"')
    assert again.json() == {"contact": contact}, "quoted, as the header's draft has it"
    other = (await site.post_json(FILLED | {"text": "other"})).json()["contact"]
    assert await site.text_of(other) == "other", "a key that is used again loses nothing"
    assert (await site.post_json(FILLED, key="key-00000002")).json() != {"contact": contact}
    kept = await site.vault.read([content_ref(bytes.fromhex(contact), "fields")])
    assert [json.loads(content.text) for content in kept.values()] == [{"count": "3", "urgent": "true"}]


@pytest.mark.parametrize(
    ("changed", "codes"),
    [
        ({"mail": None}, {"mail": "required_field"}),
        ({"mail": "bo@customer"}, {"mail": "not_an_email"}),
        ({"mail": "x" * 250 + "@customer.example"}, {"mail": "too_long"}),
        ({"mail": "bo@customer.example\nbcc: all@customer.example"}, {"mail": "bad_characters"}),
        ({"text": "x" * 2_001, "who": "\x07"}, {"text": "too_long", "who": "bad_characters"}),
        ({"text": ["a"], "who": {"a": 1}}, {"text": "repeated", "who": "not_text"}),
        ({"nothing": "1", "_key": "x"}, {"nothing": "unknown_field", "_key": "unknown_field"}),
        ({"count": "1e9"}, {"count": "not_a_number"}),
        ({"phone": "call me"}, {"phone": "not_a_phone"}),
        ({"phone": "1 2 3"}, {"phone": "not_a_phone"}),
        ({"bought": "2026-02-30"}, {"bought": "not_a_date"}),
        ({"bought": "2026-W01-1"}, {"bought": "not_a_date"}),
        ({"reason": "Invoice"}, {"reason": "not_a_choice"}),
        ({"urgent": "perhaps"}, {"urgent": "not_yes_or_no"}),
        ({"language": "klingon"}, {"language": "not_a_language"}),
    ],
)
async def test_mistakes_are_named_one_by_one(site: HttpSite, changed: dict[str, object], codes: dict[str, str]) -> None:
    answer = await site.post_json(FILLED | changed)
    assert answer.status_code == 422
    problem = answer.json()
    assert problem["reason"] == "invalid_input"
    assert {each["field"]: each["code"] for each in problem["problems"]} == codes
    assert all(each["message"] for each in problem["problems"])
    assert await site.log.last_inbox_seq() == 1


async def test_all_values_together_have_a_bound() -> None:
    form = Form(name="wide", fields=[FormField(name=f"f{number}", max_length=16_000) for number in range(4)])
    assert check(form, {"f0": "é" * 16_000}, "en")
    with pytest.raises(Mistakes) as mistakes:
        check(form, {f"f{number}": "é" * 16_000 for number in range(4)}, "en")
    assert [problem.code for problem in mistakes.value.problems] == ["too_much"]


async def test_a_form_without_a_text_is_told_field_by_field(tmp_path: Path) -> None:
    fields = [
        FormField(name="box", kind="choice", choices={"a": {"en": "The red one"}}, labels={"en": "Which"}),
        FormField(name="who"),
    ]
    policy = replace(POLICY, forms=[Form(name="contact", fields=fields)])
    async with http_site(tmp_path, policy) as site:
        contact = (await site.post_json({"box": "a", "who": "Bo"}, path="/form/contact?lang=en")).json()["contact"]
        assert await site.text_of(contact) == "Which: The red one\nwho: Bo"


async def test_the_schema_describes_what_is_taken(site: HttpSite) -> None:
    schema = (await site.client.get("/form/contact/schema?lang=en")).json()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(FILLED | {"urgent": True, "reason": "order", "count": 4}, schema)
    for wrong in ({}, FILLED | {"other": 1}, FILLED | {"reason": "none"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)
    assert schema["title"] == "Contact us"
    assert schema["properties"]["who"]["title"] == "Your name"


# -- at the edge of HTTP


async def test_what_is_not_a_form_is_refused_with_its_status(site: HttpSite) -> None:
    assert (await site.client.get("/form/nowhere")).status_code == 404
    assert (await site.client.get("/form/nowhere/schema")).status_code == 404
    assert (await site.post_json(FILLED, path="/form/nowhere")).json()["reason"] == "unknown_form"
    assert (await site.client.post("/form/contact", files={"mail": b"x"})).status_code == 415
    assert (await site.client.post("/form/contact", content=b"x" * (FORM_MAX + 1))).status_code == 415
    large = {"content-type": "application/json", "idempotency-key": "key-00000001"}
    answer = await site.client.post("/form/contact", content=b"x" * (FORM_MAX + 1), headers=large)
    assert (answer.status_code, answer.json()["reason"]) == (413, "too_large")

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(FORM_MAX // 1024 + 2):
            yield b"x" * 1024

    assert (await site.client.post("/form/contact", content=endless(), headers=large)).status_code == 413
    for body in (b"", b"{", b"[]", b'"x"', b"\xff", b"[" * 100_000, b'{"mail":' * 50_000):
        answer = await site.post_json(body)
        assert (answer.status_code, answer.json()["reason"]) == (422, "bad_json")
    assert (await site.post_json(FILLED, key="")).json()["problems"][0]["field"] == "Idempotency-Key"
    for content in (b"mail=%ff", b"\xff=1", b"&".join(b"a=1" for _ in range(1_000)), urlencode({"mail": "\x00"}).encode()):
        headers = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
        assert (await site.client.post("/form/contact", content=content, headers=headers)).status_code == 422
    assert await site.log.last_inbox_seq() == 1


async def test_a_body_that_does_not_come_is_not_waited_for(site: HttpSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posts, "BODY_S", 0.05)
    reader, writer = await asyncio.open_connection(site.client.base_url.host, site.client.base_url.port)
    head = "POST /form/contact HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    writer.write(head.encode())
    assert (await reader.readline()).startswith(b"HTTP/1.1 408")
    writer.close()


async def test_without_a_policy_it_is_too_early(tmp_path: Path) -> None:
    async with http_site(tmp_path, policy=None) as site:
        answer = await site.post_json(FILLED)
        assert (answer.status_code, answer.json()["reason"]) == (503, "no_policy")
        assert int(answer.headers["retry-after"]) >= 1


async def test_while_the_log_is_away_nothing_is_confirmed_and_the_same_key_can_be_sent_again(tmp_path: Path) -> None:
    async with http_site(tmp_path) as site:
        site.log._deadline_s = 0.05
        await site.shut()
        await site.open()
        site.log.inbox.plan.extend([Fault.LOSE_MESSAGE] * 8)
        answer = await site.client.post("/form/contact?lang=en", data=FILLED | {KEY: "k" * 20})
        assert answer.status_code == 503
        assert "retry-after" in answer.headers
        assert "nothing you typed is lost" in answer.text
        assert hidden_key(answer.text) == "k" * 20
        site.log.inbox.plan.clear()
        while (answer := await site.client.post("/form/contact?lang=en", data=FILLED | {KEY: "k" * 20})).status_code == 503:
            pass
        (contact,) = re.findall(r"<code>([0-9a-f]{32})</code>", answer.text)
        await site.text_of(contact)
        assert len(site.record.of(bytes.fromhex(contact), words.ContactQueued)) == 1
        assert len(site.record.events) == 1


async def test_one_address_cannot_post_for_ever(tmp_path: Path) -> None:
    limits = Limits(posts_per_s=0.001, posts_burst=3)
    async with http_site(tmp_path, limits=limits, behind_proxy=True) as site:
        for client, statuses in (("2001:db8::1", [202, 202, 202, 429]), ("2001:db8::2", [429]), ("198.51.100.7", [202])):
            for status in statuses:
                site.client.headers["x-forwarded-for"] = f"203.0.113.9, {client}"
                assert (await site.post_json(FILLED)).status_code == status


def test_every_language_has_every_phrase() -> None:
    for language, phrases in PHRASES.items():
        assert set(phrases) == set(PHRASES["en"]), language
        for phrase, text in phrases.items():
            assert re.findall(r"\{\w+\}", text) == re.findall(r"\{\w+\}", PHRASES["en"][phrase])
