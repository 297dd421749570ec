"""Forms over HTTP: a page for people, JSON for programs. Nothing is confirmed before it is durable.

There is no session and no cookie, so a post from another site can do nothing that its own server could not: no token against that.
"""

import asyncio
import secrets
from collections.abc import Sequence
from typing import Any, Protocol

from litestar import MediaType, Request, Response, get, post
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from cordboard import metrics
from cordboard.errors import CordboardError, NotFound, Overloaded
from cordboard.events.policy import EntryPoint, Form
from cordboard.gateway.entrance.entrance import Entrance, Letter
from cordboard.gateway.form.form import KEY, TRAP, Given, check, check_key, letter_of, object_of, pairs_of, schema_of
from cordboard.gateway.form.page import FormPage
from cordboard.gateway.form.words import PHRASES, say
from cordboard.gateway.limits import FORM_MAX, Limits, TokenBuckets
from cordboard.gateway.page import language_for, read_by
from cordboard.gateway.policy_view import PolicyView
from cordboard.gateway.posts import (
    HEADERS,
    Admitted,
    Mistakes,
    Problem,
    Refused,
    body_of,
    client_of,
    later,
    refuse,
    refuse_http,
    refuse_with,
    status_of,
)
from cordboard.room import Room

_URLENCODED, _JSON = "application/x-www-form-urlencoded", "application/json"


class Filling(Protocol):
    """What is a form to who may choose one instead of waiting, by the secret link that they were shown."""

    async def began(self, token: str) -> str:
        """What their chat began with; empty if there is nothing to choose."""

    async def fill(self, token: str, letter: Letter) -> bytes | None:
        """The contact that follows; None if it cannot be chosen (any more): then the letter is one like any other. Raises
        OutcomeUnknown, and what an intake does."""


class Forms:
    """The forms of the policy in force. `behind_proxy`: clients are told apart by what the proxy in front says."""

    def __init__(self, entrance: Entrance, limits: Limits, filling: Filling, *, behind_proxy: bool) -> None:
        self._entrance, self._filling = entrance, filling
        self._limits = limits
        self._bodies = Room(limits.bodies)
        self._behind_proxy = behind_proxy
        self._page = FormPage()
        self._buckets = TokenBuckets(limits.posts_per_s, limits.posts_burst)

    async def page(self, name: str, wanted: str | None, step: str, request: Request[Any, Any, Any]) -> Response[str]:
        """Raises NotFound, VaultUnavailable."""
        form, door = self._form(name)
        text = await self._filling.began(step) if step else ""
        began = {field.name: text for field in form.fields if text and field.role == "text"}
        language = _language(form, door, wanted, read_by(request))
        return self._html(self._page.blank(form, language, secrets.token_urlsafe(16), began, step=step))

    def schema(self, name: str, wanted: str | None) -> dict[str, Any]:
        """Raises NotFound."""
        form, door = self._form(name)
        return schema_of(form, _language(form, door, wanted))

    async def take(self, name: str, wanted: str | None, step: str, request: Request[Any, Any, Any]) -> Response[Any]:
        """A post. Raises NotFound, Overloaded, and HTTPException for a body too large or too slow."""
        form, door = self._form(name)
        client = client_of(request, behind_proxy=self._behind_proxy)
        if not self._buckets.take(client, asyncio.get_running_loop().time()):
            metrics.REFUSED.labels("form", "rate_limited").inc()
            return refuse_with(429, "rate_limited", "too many forms from one address, slow down", self._limits.retry_after_ms)
        match request.headers.get("content-type", "").partition(";")[0].strip().lower():
            case media_type if media_type == _URLENCODED:
                language = _language(form, door, wanted, read_by(request))
                return await self._from_page(form, door, language, step, await self._body(request))
            case media_type if media_type == _JSON:
                key = request.headers.get("idempotency-key")
                told = language_for(PHRASES, wanted)
                language = _language(form, door, wanted)
                return await self._from_program(form, door, language, told, step, key, await self._body(request))
        return refuse_with(415, "unsupported_media_type", f"a form is posted as {_URLENCODED} or {_JSON}")

    async def _body(self, request: Request[Any, Any, Any]) -> bytes:
        try:
            with self._bodies.place():
                return await body_of(request)
        except Overloaded:
            metrics.REFUSED.labels("form", "overloaded").inc()
            raise

    async def _from_page(self, form: Form, door: EntryPoint, language: str, step: str, body: bytes) -> Response[Any]:
        given: dict[str, Any] = {}
        key = secrets.token_urlsafe(16)
        try:
            given = dict(pairs_of(body))
            sent, trap = given.pop(KEY, None), given.pop(TRAP, "")
            if trap:
                raise Mistakes([Problem(say(language, "empty"), "must_be_empty", say(language, "must_be_empty"))])
            key = check_key(sent if isinstance(sent, str) else None, KEY, say(language, "bad_key"))
            admitted = await self._admit(form, door, language, given, key, language, step)
        except CordboardError as error:
            status = status_of(error)
            problems = error.problems if isinstance(error, Mistakes) else []
            notice = "" if problems else say(language, "later") if status == 503 else str(error)
            page = self._page.blank(form, language, key, given, problems, notice, step)
            return self._html(page, status, later(self._limits.retry_after_ms) if status == 503 else {})
        return self._html(self._page.thanks(form, language, admitted.contact))

    async def _from_program(
        self, form: Form, door: EntryPoint, language: str, told: str, step: str, key: str | None, body: bytes
    ) -> Response[Any]:
        """`told`: the language of what is said about mistakes."""
        try:
            key = check_key(key, "Idempotency-Key", say(told, "bad_header"))
            admitted = await self._admit(form, door, language, object_of(body), key, told, step)
        except CordboardError as error:
            return refuse(error, self._limits.retry_after_ms)
        return Response(admitted, status_code=202, headers=HEADERS)

    async def _admit(self, form: Form, door: EntryPoint, language: str, given: Given, key: str, told: str, step: str) -> Admitted:
        values = check(form, given, told)
        letter = letter_of(form, door, _answers_from(self._entrance.policy, door), values, key, language)
        follows = await self._filling.fill(step, letter) if step else None
        return Admitted((follows or (await self._entrance.admit(letter)).contact).hex())

    def _form(self, name: str) -> tuple[Form, EntryPoint]:
        policy = self._entrance.policy
        policy.in_force()
        form, door = policy.form(name), policy.door(name)
        if form is None or door is None:
            raise NotFound("there is no such form", reason="unknown_form")
        return form, door

    def _html(self, page: str, status: int = 200, headers: dict[str, str] | None = None) -> Response[str]:
        return Response(page, status_code=status, media_type=MediaType.HTML, headers={**(headers or {}), **self._page.headers})


def form_routes(entrance: Entrance, limits: Limits, filling: Filling, *, behind_proxy: bool) -> Sequence[HTTPRouteHandler]:
    """`/form/<name>` and `/form/<name>/schema`. `step`: the secret of who may choose the form instead of waiting."""
    forms = Forms(entrance, limits, filling, behind_proxy=behind_proxy)

    def unknown(_request: Request[Any, Any, Any], error: CordboardError) -> Response[Refused]:
        return refuse(error, limits.retry_after_ms)

    caught: Any = {CordboardError: unknown, HTTPException: refuse_http}

    @get("/form/{name:str}", media_type=MediaType.HTML, exception_handlers=caught, summary="A form's page")
    async def form_page(
        name: FromPath[str], request: Request[Any, Any, Any], lang: FromQuery[str | None] = None, step: FromQuery[str] = ""
    ) -> Response[str]:
        return await forms.page(name, lang, step, request)

    @get("/form/{name:str}/schema", sync_to_thread=False, exception_handlers=caught, summary="JSON Schema of a form's post")
    def form_schema(name: FromPath[str], lang: FromQuery[str | None] = None) -> dict[str, Any]:
        return forms.schema(name, lang)

    @post(
        "/form/{name:str}",
        status_code=202,
        request_max_body_size=FORM_MAX,
        exception_handlers=caught,
        summary="Send a form: urlencoded from its page, or JSON with an Idempotency-Key",
    )
    async def form_post(
        name: FromPath[str], request: Request[Any, Any, Any], lang: FromQuery[str | None] = None, step: FromQuery[str] = ""
    ) -> Response[Any]:
        return await forms.take(name, lang, step, request)

    return [form_page, form_schema, form_post]


def _language(form: Form, door: EntryPoint, wanted: str | None, reads: Sequence[str] = ()) -> str:
    """The page's: as asked for, the entry point's, the best that somebody `reads` and the form has labels in, the form's first."""
    own = [tag for tag in reads if not form.labels or language_for(form.labels, tag, otherwise="")]
    return language_for({**form.labels, **PHRASES}, wanted, door.language, *own, *form.labels)


def _answers_from(policy: PolicyView, door: EntryPoint) -> str:
    """The mail address that answers to a form come from: of the mail door that leads where the form does, else of the first one."""
    doors = [other for other in policy.in_force().entry_points if other.address]
    alike = [other for other in doors if (other.queue, other.topic) == (door.queue, door.topic)]
    return next((other.address for other in (*alike, *doors) if other.address), "")
