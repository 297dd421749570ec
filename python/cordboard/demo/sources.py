"""Forms that customers fill in, and machines that post signed payloads: real HTTP, some of it sent twice."""

import asyncio
import random
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
from standardwebhooks.webhooks import Webhook as Signature

from cordboard.demo.correspondence import Thread
from cordboard.demo.letters import DOMAINS, FOLLOW_UPS, MATTERS, NAMES, SURNAMES, Matter
from cordboard.demo.mailers import ATTEMPTS_MAX, PATIENCE_S, RETRY_S, Post, react
from cordboard.demo.tally import Tally, now_ms
from cordboard.demo.texts import LANGUAGE_WEIGHTS, LANGUAGES
from cordboard.events.policy import Form, FormField, Webhook

TWICE = 0.15
MORE = 0.3
"""Sources that have something to add once they were answered."""
REACTS = 0.4
"""People who write back by mail to the answer to a form."""


class Door:
    """One URL that takes letters. `headers` of a request are made anew for each attempt."""

    def __init__(self, client: httpx.AsyncClient, url: str, channel: str, tally: Tally) -> None:
        self._client, self._url, self._channel, self._tally = client, url, channel, tally

    async def post(self, body: bytes, headers: dict[str, str], *, begins: bool) -> str | None:
        """Until it is taken; the contact's id, or None if it was refused for good. `begins`: it makes a contact of its own."""
        asked = now_ms()
        for _ in range(ATTEMPTS_MAX):
            try:
                response = await self._client.post(self._url, content=body, headers=headers)
            except httpx.HTTPError as error:
                self._tally.happened[f"{self._channel}: {type(error).__name__}"] += 1
                await asyncio.sleep(RETRY_S)
                continue
            if response.status_code < 300:
                contact: str = response.json()["contact"]
                if begins:
                    self._tally.confirm(contact, asked)
                return contact
            self._tally.happened[f"{self._channel}: {response.status_code}"] += 1
            if response.status_code < 500 and response.status_code != 429:
                return None
            await asyncio.sleep(float(response.headers.get("retry-after", RETRY_S)))
        self._tally.post.doubtful[self._channel] += 1
        return None

    async def post_some_twice(self, body: bytes, headers: dict[str, str], dice: random.Random, *, begins: bool) -> bool:
        """The same again must be answered the same, and count once."""
        contact = await self.post(body, headers, begins=begins)
        if contact is None:
            return False
        self._tally.post.taken[self._channel] += 1
        if dice.random() < TWICE:
            self._tally.happened[f"{self._channel} sent twice"] += 1
            again = await self.post(body, headers, begins=False)
            if again not in (contact, None):
                self._tally.duplicates += 1
        return True


class Visitor:
    """Somebody who fills in a form, and is answered by mail."""

    def __init__(self, door: Door, form: Form, post: Post, address: str, tally: Tally, dice: random.Random) -> None:
        self._door, self._form, self._post, self._address, self._tally, self._dice = door, form, post, address, tally, dice
        self._language = dice.choices(LANGUAGES, LANGUAGE_WEIGHTS)[0]
        self._name = f"{dice.choice(NAMES)} {dice.choice(SURNAMES)}"
        self._thread = tally.post.begin("form", f"visitor.{dice.getrandbits(40):010x}@{dice.choice(DOMAINS)}")

    async def run(self) -> None:
        matter = self._dice.choice(MATTERS[self._language])
        body = msgspec.json.encode(self.values(matter))
        headers = {"content-type": "application/json", "idempotency-key": f"{self._dice.getrandbits(128):032x}"}
        if not await self._door.post_some_twice(body, headers, self._dice, begins=True):
            return
        answer = await self._thread.answered(PATIENCE_S)
        if answer is not None and self._dice.random() < REACTS:
            await react(self._post, self._thread, answer, self._address, self._name, self._language, self._tally, self._dice)

    def values(self, matter: Matter) -> dict[str, Any]:
        """The form, filled in."""
        values = {field.name: self._value(field, matter) for field in self._form.fields}
        return {name: value for name, value in values.items() if value is not None}

    def _value(self, field: FormField, matter: Matter) -> Any:
        """What a person would put there; None leaves it empty."""
        said = {
            "subject": matter.subject,
            "text": matter.text,
            "email": self._thread.address,
            "name": self._name,
            "language": self._language,
        }
        if field.role is not None:
            return said[field.role][: field.max_length]
        if not field.required and self._dice.random() < 0.3:
            return None
        match field.kind:
            case "choice":
                return self._dice.choice(list(field.choices))
            case "checkbox":
                return True
            case "number":
                return self._dice.randint(1_000, 9_999)
            case "date":
                return datetime.now(UTC).date().isoformat()
            case "phone":
                return "+31 20 555 01 00"
            case "email":
                return self._thread.address
            case _:
                return f"{self._dice.randint(10_000, 99_999)}"[: field.max_length]


class Source:
    """A machine that passes on what people wrote elsewhere, in signed payloads. Answers go back to it, under its own thread id."""

    def __init__(self, door: Door, webhook: Webhook, secret: str, tally: Tally, dice: random.Random) -> None:
        self._door, self._webhook, self._tally, self._dice = door, webhook, tally, dice
        self._signature = Signature(secret)
        self._language = dice.choices(LANGUAGES, LANGUAGE_WEIGHTS)[0]
        self._name = f"{dice.choice(NAMES)} {dice.choice(SURNAMES)}"
        self._customer = f"author.{dice.getrandbits(40):010x}@{dice.choice(DOMAINS)}"
        self._thread: Thread = tally.post.begin("webhook", f"review-{dice.getrandbits(48):012x}")

    async def run(self) -> None:
        if not await self._post(self._dice.choice(MATTERS[self._language]), begins=True):
            return
        if await self._thread.answered(PATIENCE_S) is not None and self._dice.random() < MORE:
            await asyncio.sleep(self._dice.uniform(0.2, 1.5))
            await self._post(Matter("", FOLLOW_UPS[self._language]), begins=False)

    async def _post(self, matter: Matter, *, begins: bool) -> bool:
        body = msgspec.json.encode(self.payload(matter)).decode()
        number, at = f"msg_{self._dice.getrandbits(96):024x}", datetime.now(UTC)
        headers = {
            "content-type": "application/json",
            "webhook-id": number,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": self._signature.sign(number, at, body),
        }
        return await self._door.post_some_twice(body.encode(), headers, self._dice, begins=begins)

    def payload(self, matter: Matter) -> dict[str, Any]:
        """A body in which the policy's pointers find what they look for."""
        webhook = self._webhook
        payload: dict[str, Any] = {}
        for pointer, value in (
            (webhook.text, matter.text),
            (webhook.subject, matter.subject),
            (webhook.customer, self._customer),
            (webhook.customer_name, self._name),
            (webhook.language, self._language),
            (webhook.thread, self._thread.address),
            *((pointer, f"{self._dice.randint(1, 5)}") for pointer in webhook.fields.values()),
        ):
            if pointer is not None:
                _put(payload, pointer, value)
        return payload


def _put(payload: dict[str, Any], pointer: str, value: Any) -> None:
    """Put `value` where a JSON Pointer (RFC 6901, objects only) will find it."""
    *way, last = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
    for step in way:
        payload = payload.setdefault(step, {})
    payload[last] = value
