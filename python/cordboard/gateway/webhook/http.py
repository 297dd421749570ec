"""Webhooks over HTTP: the raw body, the signature, then what it says. Bodies are never logged.

Whoever posts without a secret cannot tell which names there are: a post to a name that nobody has is read and refused like
any other.
"""

import asyncio
import base64
import logging
import secrets as chance
from collections.abc import Mapping, Sequence
from typing import Any

from litestar import Request, Response, post
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from cordboard import metrics
from cordboard.errors import CordboardError, NotFound, Overloaded
from cordboard.gateway.entrance.entrance import Entrance
from cordboard.gateway.limits import WEBHOOK_MAX, Limits, TokenBucket, TokenBuckets
from cordboard.gateway.posts import HEADERS, Admitted, body_of, refuse, refuse_http, refuse_with
from cordboard.gateway.webhook.secrets import BYTES_MAX, PREFIX, check_secret
from cordboard.gateway.webhook.webhook import letter_of, payload_of, signed_id
from cordboard.room import Room

logger = logging.getLogger(__name__)

_COMPLAINTS_PER_S = 1 / 60
_SHARE = 4
"""One webhook has this part of the places for bodies at most, and all names that nobody has together as much: bodies that do not
come to one leave room for the others."""


class Webhooks:
    """The webhooks of the policy in force. `secrets`: one or two a webhook, never part of the policy.

    Raises ConfigurationError for a secret that is none.
    """

    def __init__(self, entrance: Entrance, limits: Limits, secrets: Mapping[str, Sequence[str]]) -> None:
        self._entrance = entrance
        self._limits = limits
        self._bodies = Room(limits.bodies)
        self._secrets = secrets
        for name, values in secrets.items():
            for secret in values:
                check_secret(name, secret)
        share = max(1, limits.bodies // _SHARE)
        self._shares = {name: Room(share) for name, values in secrets.items() if values}
        self._strangers = Room(share)
        self._nobodys = (PREFIX + base64.b64encode(chance.token_bytes(BYTES_MAX)).decode(),)
        self._buckets = TokenBuckets(limits.webhooks_per_s, limits.webhooks_burst)
        self._complaints = TokenBucket(_COMPLAINTS_PER_S, 5)

    async def take(self, name: str, request: Request[Any, Any, Any]) -> Response[Any]:
        """2xx only for what is durable; whoever gets anything else sends the same again. Raises HTTPException."""
        try:
            with self._shares.get(name, self._strangers).place(), self._bodies.place():
                body = await body_of(request)
        except Overloaded as error:
            metrics.REFUSED.labels("webhook", "overloaded").inc()
            return refuse(error, self._limits.retry_after_ms)
        message_id = signed_id(body, request.headers, self._secrets.get(name) or self._nobodys)
        if message_id is None:
            return self._not_believed(name)
        if not self._buckets.take(name, asyncio.get_running_loop().time()):
            metrics.REFUSED.labels("webhook", "rate_limited").inc()
            return refuse_with(429, "rate_limited", "too many payloads, slow down", self._limits.retry_after_ms)
        try:
            return Response(await self._admit(name, body, message_id), status_code=202, headers=HEADERS)
        except CordboardError as error:
            return refuse(error, self._limits.retry_after_ms)

    def _not_believed(self, name: str) -> Response[Any]:
        self._complain(name)
        metrics.REFUSED.labels("webhook", "bad_signature").inc()
        return refuse_with(401, "bad_signature", "not signed, not by this source, or too long ago")

    def _complain(self, name: str) -> None:
        """Into the log, if it is about a source that we know; not so often that strangers could fill the log."""
        if name in self._secrets and self._complaints.take(asyncio.get_running_loop().time()):
            logger.warning("a post to the webhook %s was not signed as it must be", name)

    async def _admit(self, name: str, body: bytes, message_id: str) -> Admitted:
        policy = self._entrance.policy
        policy.in_force()
        webhook, door = policy.webhook(name), policy.door(name)
        if webhook is None or door is None:
            raise NotFound("the policy has no such webhook", reason="unknown_webhook")
        letter = letter_of(webhook, door, payload_of(body), message_id)
        return Admitted((await self._entrance.admit(letter)).contact.hex())


def webhook_routes(entrance: Entrance, limits: Limits, secrets: Mapping[str, Sequence[str]]) -> Sequence[HTTPRouteHandler]:
    """`/webhook/<name>`."""
    webhooks = Webhooks(entrance, limits, secrets)

    @post(
        "/webhook/{name:str}",
        status_code=202,
        request_max_body_size=WEBHOOK_MAX,
        exception_handlers={HTTPException: refuse_http},
        summary="Post a payload signed by Standard Webhooks",
    )
    async def webhook_post(name: FromPath[str], request: Request[Any, Any, Any]) -> Response[Any]:
        return await webhooks.take(name, request)

    return [webhook_post]
