"""Whatever is posted to a form or a webhook: a typed refusal or a contact, never a failure of ours."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cordboard.errors import InvalidInput
from cordboard.events.bounds import Requirement
from cordboard.events.policy import FormField
from cordboard.gateway.entrance.papers import contents_of, files_of
from cordboard.gateway.entrance.sorting import signals_of
from cordboard.gateway.form.form import KEY, TRAP, check, letter_of, object_of, pairs_of
from cordboard.gateway.form.page import FormPage
from cordboard.gateway.posts import Mistakes, Refused
from cordboard.gateway.webhook.webhook import letter_of as letter_of_payload
from cordboard.gateway.webhook.webhook import payload_of, signed_id
from cordboard.policy.classify import Classifier
from cordboard.vault import Draft
from cordboard.vault.words import check_draft
from tests.letters_over_http import FILLED, PAYLOAD, SECRETS, HttpSite, http_site, signed
from tests.written_site import POLICY

(FORM,) = POLICY.forms
(WEBHOOK,) = POLICY.webhooks
(_, FORM_DOOR, WEBHOOK_DOOR) = POLICY.entry_points
CLASSIFIER = Classifier(POLICY)
PAGE = FormPage()
NAMES = st.sampled_from([field.name for field in FORM.fields]) | st.text(max_size=6)
ODD = st.sampled_from(
    [
        "",
        "\x00",
        "\ud800",
        "\u202e",
        "\r\n",
        "a@b.c",
        "on",
        "true",
        "2026-02-29",
        "+31 (0)20-1",
        "-",
        "1,5",
        "nl",
        "9" * 400,
        "é" * 3_000,
    ]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | ODD
TREES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=8)
BODY = json.dumps(PAYLOAD).encode()
QUICK = settings(max_examples=250, deadline=None, derandomize=True)


@given(st.binary() | st.text().map(lambda text: text.encode("utf-8", "surrogatepass")))
@QUICK
def test_any_body_of_a_form(body: bytes) -> None:
    for parse in (pairs_of, object_of):
        try:
            filled = parse(body)
        except InvalidInput:
            continue
        _fill(filled)


@given(st.dictionaries(NAMES, TREES, max_size=8), st.sampled_from(["en", "nl", "xx"]))
@QUICK
def test_any_values_of_a_form(filled: dict[str, Any], language: str) -> None:
    _fill(filled, language)
    _fill(FILLED | filled, language)


@given(
    st.lists(
        st.builds(
            FormField,
            name=st.sampled_from(["a", "b", "c"]),
            kind=st.sampled_from(["text", "long_text", "email", "phone", "number", "date", "choice", "checkbox"]),
            required=st.booleans(),
            choices=st.sampled_from([{}, {"a": {"en": "<A>"}}, {"true": {}}]),
            role=st.sampled_from([None, "subject", "text", "email", "name", "language"]),
        ),
        min_size=1,
        max_size=3,
        unique_by=lambda field: field.name,
    ),
    st.dictionaries(st.sampled_from(["a", "b", "c"]), SCALARS),
)
@QUICK
def test_any_form(fields: list[FormField], filled: dict[str, Any]) -> None:
    form = msgspec.structs.replace(FORM, fields=fields)
    page = PAGE.blank(form, "en", "k" * 20, filled)
    assert page.count("<label") == len(fields) + 1
    try:
        letter = letter_of(form, FORM_DOOR, "", check(form, filled, "en"), "k" * 20, "en")
    except Mistakes as mistakes:
        assert {problem.field for problem in mistakes.problems} <= {field.name for field in fields} | set(filled)
    else:
        _storable(letter)


@given(TREES | st.builds(lambda review, author: PAYLOAD | {"review": review, "author": author}, TREES, TREES))
@QUICK
def test_any_payload_of_a_webhook(payload: Any) -> None:
    try:
        body = json.dumps(payload, allow_nan=False).encode("utf-8", "surrogatepass")
    except ValueError:
        return
    _read(body)


@given(st.binary(max_size=200) | st.builds(lambda at, put: BODY[:at] + put + BODY[at:], st.integers(0, 60), st.binary(max_size=4)))
@QUICK
def test_any_body_of_a_webhook(body: bytes) -> None:
    _read(body)
    assert signed_id(body, signed(PAYLOAD)[1], SECRETS[:2]) == ("msg_1" if body == BODY else None)


HEADER = st.text(max_size=30) | st.sampled_from(["v1,", "v1,a,b", "1e400", "nan", "inf", "-inf", "v1 v1", "\x00", "é", "٣"])


@given(st.dictionaries(st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature"]), HEADER), st.binary(max_size=20))
@QUICK
def test_any_signature(headers: dict[str, str], body: bytes) -> None:
    assert signed_id(body, headers, SECRETS) is None
    good = signed(PAYLOAD)[1]
    assert signed_id(BODY, good | headers, SECRETS) == (None if good | headers != good else "msg_1")


# -- the same over real sockets


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[HttpSite]:
    async with http_site(tmp_path) as site:
        yield site


CONTENT_TYPES = st.sampled_from(
    ["application/json", "application/x-www-form-urlencoded", "text/plain", "multipart/form-data", "", ";", "a"]
)
REQUESTS = st.tuples(
    st.sampled_from(
        ["/form/contact", "/form/contact?lang=%00", "/form/%ff", "/form/x/schema", "/webhook/reviews", "/webhook/", "/form/"]
    ),
    CONTENT_TYPES,
    st.binary(max_size=60) | TREES.map(lambda tree: json.dumps(tree).encode()) | st.just(json.dumps(FILLED).encode()),
    st.booleans(),
)


def some_requests() -> list[tuple[str, str, bytes, bool]]:
    """Drawn by hypothesis, sent by a loop that it knows nothing of."""
    drawn: list[tuple[str, str, bytes, bool]] = []

    @given(st.lists(REQUESTS, min_size=25, max_size=25))
    @settings(max_examples=12, deadline=None, derandomize=True, database=None)
    def draw(requests: list[tuple[str, str, bytes, bool]]) -> None:
        drawn.extend(requests)

    draw()
    return drawn


async def test_any_request(site: HttpSite) -> None:
    answers = [await _ask(site, *request) for request in some_requests()]
    assert len(answers) >= 300
    assert {answer.status_code for answer in answers} <= {200, 202, 400, 401, 404, 405, 413, 415, 422}
    assert {202, 401, 404, 415, 422} <= {answer.status_code for answer in answers}
    for answer in answers:
        if answer.status_code in (401, 415) or (answer.status_code == 422 and "json" in answer.headers["content-type"]):
            assert msgspec.json.decode(answer.content, type=Refused).reason
    taken = [answer.json()["contact"] for answer in answers if answer.status_code == 202]
    async with asyncio.timeout(60):
        for contact in set(taken):
            await site.text_of(contact)


async def _ask(site: HttpSite, path: str, content_type: str, body: bytes, sign: bool) -> httpx.Response:
    headers = {"content-type": content_type, "idempotency-key": f"key-{len(body):08}"}
    if sign and path.startswith("/webhook"):
        with contextlib.suppress(UnicodeDecodeError):
            headers |= signed(body, f"msg_{len(body)}")[1]
    return await site.client.post(path, content=body, headers=headers)


def _fill(filled: dict[str, Any], language: str = "en") -> None:
    page = PAGE.blank(FORM, language, "k" * 20, filled)
    assert page.encode("utf-8", "surrogatepass")
    filled = {name: value for name, value in filled.items() if name not in (KEY, TRAP)}
    try:
        letter = letter_of(FORM, FORM_DOOR, "", check(FORM, filled, language), "k" * 20, language)
    except Mistakes as mistakes:
        assert mistakes.problems
        PAGE.blank(FORM, language, "k" * 20, filled, mistakes.problems)
    else:
        _storable(letter)


def _read(body: bytes) -> None:
    try:
        letter = letter_of_payload(WEBHOOK, WEBHOOK_DOOR, payload_of(body), "msg_1")
    except InvalidInput:
        return
    _storable(letter)


def _storable(letter: Any) -> None:
    """The vault would take it."""
    contact, message = bytes(16), bytes(range(16))
    contents = contents_of(letter, contact, message)
    check_draft(Draft("form", letter.external_id, contact, message, b"x", None, contents, attachments=files_of(letter, message)))
    found = CLASSIFIER.classify(signals_of(letter, None))
    assert all(isinstance(requirement, Requirement) for requirement in found.requirements)
