"""Webhooks: signed payloads of other systems, and what is only dressed up as one."""

import base64
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from cordboard.errors import ConfigurationError
from cordboard.events import event as words
from cordboard.gateway.limits import WEBHOOK_MAX, Limits
from cordboard.gateway.webhook.secrets import read_webhook_secrets
from cordboard.gateway.webhook.webhook import look_up, signed_id
from cordboard.log.port import Backlog
from cordboard.vault.envelope import read_envelopes
from cordboard.vault.refs import content_ref
from tests.letters_over_http import PAYLOAD, SECRETS, HttpSite, http_site, signed
from tests.written_site import POLICY


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[HttpSite]:
    async with http_site(tmp_path) as site:
        yield site


def changed(**review: Any) -> dict[str, Any]:
    return PAYLOAD | {"review": PAYLOAD["review"] | review}


async def test_a_signed_payload_becomes_a_contact(site: HttpSite) -> None:
    answer = await site.hook(PAYLOAD)
    assert answer.status_code == 202
    contact = answer.json()["contact"]
    assert await site.text_of(contact) == "It broke after a day"
    ((fact, _),) = site.record.arrivals
    assert (fact.channel, fact.entry_point, fact.queue, fact.language) == ("webhook", "reviews", "orders", "en")
    assert fact.customer == await site.vault.customer("email", "bo@customer.example")
    refs = {kind: content_ref(fact.contact, kind) for kind in ("subject", "fields", "customer")}
    kept = await site.vault.read(list(refs.values()))
    assert kept[refs["subject"]].text == "Broken"
    assert json.loads(kept[refs["fields"]].text) == {"rating": "1", "tags": '["a", "b"]'}
    assert fact.message is not None
    envelope = (await read_envelopes(site.vault, [fact.message]))[fact.message]
    assert (envelope.transport, envelope.to, envelope.thread, envelope.message_id) == ("webhook", "reviews", "7", "msg_1")


async def test_a_repeat_gets_the_same_answer_and_a_thread_the_same_contact(site: HttpSite) -> None:
    first = await site.hook(PAYLOAD)
    assert (await site.hook(PAYLOAD)).json() == first.json()
    assert (await site.hook(changed(text="otherwise"))).json() == first.json()
    await site.hook(changed(text="And the box too"), "msg_2")
    await site.hook(changed(id=8), "msg_3")
    await site.record.until(lambda: len(site.record.arrivals) == 3)
    contact = bytes.fromhex(first.json()["contact"])
    assert len(site.record.of(contact, words.MessageRelayed)) == 2
    assert len(site.record.events) == 2


async def test_both_secrets_hold_and_no_third(site: HttpSite) -> None:
    assert (await site.hook(PAYLOAD, "msg_1", secret=SECRETS[1])).status_code == 202
    assert (await site.hook(PAYLOAD, "msg_2", secret=SECRETS[0])).status_code == 202
    answer = await site.hook(PAYLOAD, "msg_3", secret=SECRETS[2])
    assert (answer.status_code, answer.json()["reason"]) == (401, "bad_signature")


@pytest.mark.parametrize("minutes", [-6, 6, -60 * 24 * 365 * 50])
async def test_old_and_future_posts_are_refused(site: HttpSite, minutes: int) -> None:
    answer = await site.hook(PAYLOAD, at=datetime.now(UTC) + timedelta(minutes=minutes))
    assert answer.status_code == 401
    assert (await site.hook(PAYLOAD, at=datetime.now(UTC) - timedelta(minutes=4))).status_code == 202


@pytest.mark.parametrize(
    "headers",
    [
        {"webhook-id": None},
        {"webhook-signature": None},
        {"webhook-timestamp": None},
        {"webhook-id": "msg_2"},
        {"webhook-id": "x" * 300},
        {"webhook-timestamp": "nan"},
        {"webhook-timestamp": "inf"},
        {"webhook-timestamp": "1e400"},
        {"webhook-timestamp": "999999999999"},
        {"webhook-timestamp": "-1"},
        {"webhook-signature": ""},
        {"webhook-signature": "v1"},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1,a,b"},
        {"webhook-signature": ",,,"},
        {"webhook-signature": "v1,%%%"},
        {"webhook-signature": "v1,abc"},
        {"webhook-signature": "v2,abc v1a,x"},
        {"webhook-signature": "v1," + "A" * 43 + "="},
        {"webhook-signature": "x" * 5_000},
    ],
)
async def test_what_is_not_signed_as_it_must_be_is_refused(site: HttpSite, headers: dict[str, str | None]) -> None:
    body, good = signed(PAYLOAD)
    sent = {name: value for name, value in (good | headers).items() if value is not None}
    answer = await site.client.post("/webhook/reviews", content=body, headers=sent)
    assert (answer.status_code, answer.json()["reason"]) == (401, "bad_signature")
    assert await site.log.last_inbox_seq() == 1


async def test_other_signatures_beside_the_right_one_do_no_harm(site: HttpSite) -> None:
    body, headers = signed(PAYLOAD)
    for number, beside in enumerate(("v1a,abc", "v1", "v1,@@@", "v1," + "A" * 43 + "=")):
        several = headers | {"webhook-signature": f"{beside} {headers['webhook-signature']}"}
        assert (await site.client.post("/webhook/reviews", content=body, headers=several)).status_code == 202, number


async def test_a_changed_body_is_not_what_was_signed(site: HttpSite) -> None:
    body, headers = signed(PAYLOAD)
    for other in (body + b" ", body[:-1], body.replace(b"day", b"dax"), b"\xff" + body, b""):
        assert (await site.client.post("/webhook/reviews", content=other, headers=headers)).status_code == 401


@pytest.mark.parametrize(
    ("payload", "problems"),
    [
        (changed(text=None), [("text", "required_field")]),
        (changed(text="  "), [("text", "required_field")]),
        (changed(text=["a"]), [("text", "not_text")]),
        (changed(text={}, title=[], id={"a": 1}), [("text", "not_text"), ("subject", "not_text"), ("thread", "not_text")]),
        (changed() | {"author": {"email": "x" * 400}}, [("customer", "too_long")]),
        ([], [("text", "required_field")]),
        ("text", [("text", "required_field")]),
        (None, [("text", "required_field")]),
    ],
)
async def test_what_the_policy_cannot_find_is_named(site: HttpSite, payload: Any, problems: list[tuple[str, str]]) -> None:
    answer = await site.hook(payload)
    assert answer.status_code == 422
    assert [(each["field"], each["code"]) for each in answer.json()["problems"]] == problems


async def test_numbers_and_truths_are_text(site: HttpSite) -> None:
    answer = await site.hook(changed(text=42, title=True, id=1.5) | {"author": {"email": 12}})
    assert answer.status_code == 202
    assert await site.text_of(answer.json()["contact"]) == "42"


async def test_at_the_edge_of_http(site: HttpSite, caplog: pytest.LogCaptureFixture) -> None:
    body, headers = signed(PAYLOAD)
    assert (await site.client.post("/webhook/nowhere", content=body, headers=headers)).status_code == 401
    assert (await site.client.get("/webhook/reviews")).status_code == 405
    for rubbish in (b"", b"{", b"NaN", b"[" * 90_000, b'{"review":' * 20_000):
        answer = await site.hook(rubbish)
        assert (answer.status_code, answer.json()["reason"]) == (422, "bad_json")
    large = await site.client.post("/webhook/reviews", content=b"x" * (WEBHOOK_MAX + 1), headers=headers)
    assert (large.status_code, large.json()["reason"]) == (413, "too_large")
    assert "broke" not in caplog.text


async def test_a_webhook_that_only_the_secrets_know_is_nobodys(tmp_path: Path) -> None:
    policy = replace(POLICY, webhooks=[])
    async with http_site(tmp_path, policy) as site:
        answer = await site.hook(PAYLOAD)
        assert (answer.status_code, answer.json()["reason"]) == (404, "unknown_webhook")


async def test_a_stranger_cannot_tell_which_names_there_are(site: HttpSite) -> None:
    _, headers = signed(PAYLOAD, secret=SECRETS[2])
    bodies = (b"", b"{", json.dumps(PAYLOAD).encode(), b"x" * WEBHOOK_MAX, b"x" * (WEBHOOK_MAX + 1))
    for sent in (headers, {}):
        for body in bodies:
            answers = [await site.client.post(f"/webhook/{name}", content=body, headers=sent) for name in ("reviews", "nowhere")]
            told = [(answer.status_code, answer.json(), dict(answer.headers) | {"date": ""}) for answer in answers]
            assert told[0] == told[1], len(body)
            assert answers[0].status_code == (413 if len(body) > WEBHOOK_MAX else 401)


async def test_without_secrets_nothing_is_believed(tmp_path: Path) -> None:
    async with http_site(tmp_path, webhook_secrets=None) as site:
        assert (await site.hook(PAYLOAD)).status_code == 401


async def test_an_eager_source_is_slowed_down(tmp_path: Path) -> None:
    async with http_site(tmp_path, limits=Limits(webhooks_per_s=0.001, webhooks_burst=2)) as site:
        answers = [await site.hook(PAYLOAD, f"msg_{number}") for number in range(3)]
        assert [answer.status_code for answer in answers] == [202, 202, 429]
        assert "retry-after" in answers[2].headers


async def test_when_the_router_is_behind_the_source_shall_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with http_site(tmp_path) as site:
        first = await site.hook(PAYLOAD)
        monkeypatch.setattr(type(site.feed), "backlog", Backlog(1_000_000, 0))
        answer = await site.hook(PAYLOAD, "msg_2")
        assert (answer.status_code, answer.json()["reason"]) == (503, "overloaded")
        assert int(answer.headers["retry-after"]) >= 1
        assert (await site.hook(PAYLOAD)).json() == first.json()


def test_pointers_are_those_of_rfc_6901() -> None:
    document = {"a/b": {"m~n": [10, {"": 1, "0": 2}]}, "0": "zero", "x": None}
    for pointer, found in (("/a~1b/m~0n/0", 10), ("/a~1b/m~0n/1/0", 2), ("/0", "zero"), ("/x", None)):
        assert look_up(document, pointer) == found
    absent = look_up(document, "/nothing")
    for pointer in ("/a~1b/m~0n/2", "/a~1b/m~0n/00", "/a~1b/m~0n/-", "/a~1b/m~0n/-1", "/0/0", "/x/y", "/a~1b/m~0n/999999999999"):
        assert look_up(document, pointer) is absent


def test_no_secret_signs_nothing() -> None:
    body, headers = signed(PAYLOAD)
    assert signed_id(body, headers, SECRETS) == "msg_1"
    assert signed_id(body, headers, ()) is None
    assert signed_id(body, headers, ("whsec_%", "whsec_é")) is None


# -- the file of secrets


def file_of(directory: Path, text: str, mode: int = 0o600) -> Path:
    path = directory / "secrets.yaml"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_secrets_stand_in_a_file_of_their_own(tmp_path: Path) -> None:
    path = file_of(tmp_path, f"reviews: [{SECRETS[0]}, {SECRETS[1]}]\nshop:\n  - {SECRETS[2]}\n")
    assert read_webhook_secrets(path) == {"reviews": SECRETS[:2], "shop": SECRETS[2:]}
    assert read_webhook_secrets(file_of(tmp_path, "")) == {}


@pytest.mark.parametrize(
    "text",
    [
        "reviews: secret",
        "reviews: []",
        f"reviews: [{', '.join(SECRETS)}]",
        "reviews: [whsec_short]",
        "reviews: [whsec_" + base64.b64encode(b"x" * 12).decode() + "]",
        "reviews: [" + base64.b64encode(b"x" * 32).decode() + "]",
        "reviews: [whsec_%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%]",
        "Reviews!: [x]",
        "- reviews",
        "{",
        "&a [*a]",
        "[" * 700,
    ],
)
def test_a_wrong_file_of_secrets_is_refused_and_not_quoted(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read_webhook_secrets(file_of(tmp_path, text))
    assert "whsec_…" in str(refused.value)
    assert not any(secret in str(refused.value) for secret in (*SECRETS, "short"))


def test_a_file_of_secrets_that_others_may_read_is_refused(tmp_path: Path) -> None:
    for mode in (0o644, 0o660):
        with pytest.raises(ConfigurationError):
            read_webhook_secrets(file_of(tmp_path, f"reviews: [{SECRETS[0]}]", mode))
    with pytest.raises(ConfigurationError):
        read_webhook_secrets(tmp_path / "none.yaml")
