"""Webhooks out: answers are posted to the URL that the policy names, signed as Standard Webhooks want it, and to no other."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Self
from urllib.parse import urlsplit

import httpx
import msgspec
from standardwebhooks.webhooks import EmptyWebhookSecretError
from standardwebhooks.webhooks import Webhook as Signature

from cordboard.effects.answer import read_answer
from cordboard.effects.attempt import Deferred, Parcel, Undeliverable
from cordboard.effects.fold import Effect
from cordboard.effects.origins import Origin
from cordboard.errors import ConfigurationError
from cordboard.events.policy import Policy, Webhook
from cordboard.vault import Vault
from cordboard.vault.clock import now_ms
from cordboard.vault.tokens import EFFECTS, effect_id

# It logs every URL, and one of a receiver may hold a secret.
logging.getLogger("httpx").setLevel(logging.WARNING)
_PATIENT = frozenset((408, 425, 429))
_CONNECTIONS = 64


@dataclass(frozen=True, slots=True)
class WebhookOut:
    """`secrets`: those of each webhook of the policy, the one that signs first (`whsec_…`, base64)."""

    secrets: Mapping[str, Sequence[str]] = field(repr=False)
    connect_s: float = 5.0
    request_s: float = 30.0
    """All of it: connection, request and the beginning of the answer."""


class Posted(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body that a receiver gets."""

    type: str
    contact: str
    case: str
    message: str
    ordinal: int
    text: str
    agent: str = ""
    thread: str | None = None
    to: str | None = None
    language: str | None = None
    written_at_ms: int


class WebhookTransport:
    """Effects of kind `webhook`. Raises ConfigurationError if a secret is none."""

    def __init__(self, settings: WebhookOut, vault: Vault, site: str) -> None:
        self._settings = settings
        self._vault = vault
        self._site = site
        self._ids = vault.derive_key(EFFECTS)
        self._signatures = {name: _signature(name, secrets) for name, secrets in settings.secrets.items() if secrets}
        self._client: httpx.AsyncClient | None = None

    async def prepare(self, effect: Effect, origin: Origin | None, policy: Policy) -> Parcel:
        answer = await read_answer(self._vault, effect, origin)
        name = (answer.envelope.own if answer.envelope is not None else "") or (origin.entry_point if origin is not None else "")
        webhook = next((webhook for webhook in policy.webhooks if webhook.name == name), None)
        if webhook is None or webhook.reply_url is None:
            raise Undeliverable("no_recipient", "the contact came by no webhook that takes answers")
        host, signature = _host(webhook), self._signatures.get(webhook.name)
        if signature is None:
            raise Undeliverable("not_configured", f"there is no secret for webhook {webhook.name}")
        posted = Posted(
            type="message",
            contact=effect.contact.hex() if effect.contact is not None else "",
            case=(origin.case if origin is not None else effect.contact or b"").hex(),
            message=effect.message.hex(),
            ordinal=effect.ordinal,
            text=answer.text,
            agent=answer.agent,
            thread=answer.envelope.thread if answer.envelope is not None else None,
            to=answer.envelope.to if answer.envelope is not None else None,
            language=origin.language if origin is not None else None,
            written_at_ms=effect.requested_ms,
        )
        body = msgspec.json.encode(posted).decode()
        number = effect_id(self._ids, self._site, effect.commit, *effect.place).hex()
        return Parcel(host, partial(self._post, webhook.reply_url, signature, number, body))

    async def __aenter__(self) -> Self:
        timeout = httpx.Timeout(self._settings.request_s, connect=self._settings.connect_s)
        limits = httpx.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS // 2)
        # No proxy from the environment, no redirects: the policy's URL is the only place that is ever asked.
        self._client = httpx.AsyncClient(timeout=timeout, limits=limits, trust_env=False, follow_redirects=False)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def _post(self, url: str, signature: Signature, number: str, body: str) -> None:
        assert self._client is not None, "posts while entered"
        at = datetime.fromtimestamp(now_ms() // 1_000, UTC)
        headers = {
            "content-type": "application/json",
            "webhook-id": number,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": signature.sign(number, at, body),
        }
        try:
            async with (
                asyncio.timeout(self._settings.request_s),
                # What the receiver says beyond the head of its answer is not read.
                self._client.stream("POST", url, content=body.encode(), headers=headers) as response,
            ):
                _judge(response.status_code, response.headers.get("retry-after"))
        except httpx.InvalidURL as error:
            raise Undeliverable("not_configured", "the policy's reply_url is no URL") from error
        except (httpx.HTTPError, OSError, TimeoutError) as error:
            raise Deferred(f"the receiver cannot be reached: {type(error).__name__}") from error


def _judge(status: int, retry_after: str | None) -> None:
    """Raises unless it is a 2xx."""
    if 200 <= status < 300:
        return
    if status >= 500 or status in _PATIENT:
        raise Deferred(f"the receiver answers {status}", after_s=retry_after_s(retry_after or ""))
    raise Undeliverable("rejected", f"the receiver answers {status}")


def retry_after_s(value: str) -> float:
    """Seconds that a Retry-After asks for; 0 if it says nothing that makes sense."""
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return 0.0
    return max(0.0, at.replace(tzinfo=at.tzinfo or UTC).timestamp() - now_ms() / 1_000)


def _host(webhook: Webhook) -> str:
    host = urlsplit(webhook.reply_url or "").hostname
    if not host:
        raise Undeliverable("not_configured", f"the reply_url of webhook {webhook.name} has no host")
    return host


def _signature(name: str, secrets: Sequence[str]) -> Signature:
    try:
        return Signature(secrets[0])
    except (ValueError, EmptyWebhookSecretError) as error:
        raise ConfigurationError(f"the secret of webhook {name} is not base64") from error
