"""Webhooks: is a payload really from its source, and what does it say. No HTTP here (webhook_http.py).

Signatures are those of Standard Webhooks (HMAC-SHA256 over id, time and body); the policy says where in the payload things stand.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from standardwebhooks.webhooks import EmptyWebhookSecretError, WebhookVerificationError
from standardwebhooks.webhooks import Webhook as Signature

from cordboard.errors import InvalidInput
from cordboard.events.policy import EntryPoint, Webhook
from cordboard.gateway.entrance.letter import Letter, Sender
from cordboard.gateway.entrance.papers import NAME_MAX, SUBJECT_MAX
from cordboard.gateway.entrance.texts import clean, cut, one_line
from cordboard.gateway.posts import Mistakes, Problem
from cordboard.policy.language import base_language
from cordboard.vault.envelope import Envelope
from cordboard.vault.words import ADDRESS_MAX

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
_ID = re.compile(r"[\x21-\x7e]{1,256}")
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_SIGNATURE = re.compile(r"[\x21-\x7e]{1,256}( [\x21-\x7e]{1,256}){0,15}")
_V1 = re.compile(r"v1,[A-Za-z0-9+/]{43}=")
_FIELD_MAX = 4_000
_THREAD_MAX = 500
_ABSENT = object()


def signed_id(body: bytes, headers: Mapping[str, str], secrets: Sequence[str]) -> str | None:
    """The message's id if one of `secrets` has signed body, id and time, within 5 minutes of now; None on any doubt.

    Takes as long whichever secret it was, and for a wrong signature as for a right one of the second secret.
    """
    given = {name: headers.get(name, "") for name in (ID, TIMESTAMP, SIGNATURE)}
    shapes = ((ID, _ID), (TIMESTAMP, _TIMESTAMP), (SIGNATURE, _SIGNATURE))
    if not all(shape.fullmatch(given[name]) for name, shape in shapes):
        return None
    # Signatures of other versions may stand beside ours; the library takes only well-formed ones without complaint.
    given[SIGNATURE] = " ".join(signature for signature in given[SIGNATURE].split(" ") if _V1.fullmatch(signature))
    held = [_holds(secret, body, given) for secret in secrets]
    return given[ID] if any(held) else None


def payload_of(body: bytes) -> Any:
    """Any JSON. Raises InvalidInput."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput("the payload is not JSON", reason="bad_json") from error


def letter_of(webhook: Webhook, door: EntryPoint, payload: Any, message_id: str) -> Letter:
    """What the policy's pointers find. Raises Mistakes: there is no text, or something is neither text, number nor truth."""
    found = _Found(payload)
    text = found.text("text", webhook.text)
    if not text and not found.problems:
        found.problems.append(Problem("text", "required_field", f"nothing stands at {webhook.text}"))
    subject = found.text("subject", webhook.subject)
    customer = one_line(found.text("customer", webhook.customer), ADDRESS_MAX + 1)
    name = one_line(found.text("customer_name", webhook.customer_name), NAME_MAX)
    language = base_language(found.text("language", webhook.language))
    thread = found.text("thread", webhook.thread)[:_THREAD_MAX]
    if len(customer) > ADDRESS_MAX:
        found.problems.append(Problem("customer", "too_long", f"has more than {ADDRESS_MAX} characters"))
    if found.problems:
        raise Mistakes(found.problems)
    keys = (f"webhook:{webhook.name}:{thread}",) if thread else ()
    if customer and webhook.customer_kind == "email":
        customer = customer.lower()
    return Letter(
        channel=door.channel,
        entry_point=door.name,
        external_id=f"{webhook.name}:{message_id}",
        sender=Sender(webhook.customer_kind, customer, name) if customer else None,
        subject=subject,
        text=text,
        language=language,
        fields={name: value for name, pointer in webhook.fields.items() if (value := found.anything(pointer))},
        envelope=Envelope(
            transport="webhook",
            to=webhook.name,
            name=name,
            own=webhook.name,
            subject=one_line(subject, SUBJECT_MAX),
            message_id=message_id,
            language=language,
            thread=clean(thread) or None,
        ),
        threads=keys,
        replies_to=keys,
        vouched=True,
    )


def look_up(document: Any, pointer: str) -> Any:
    """What an RFC 6901 pointer finds; `_ABSENT` if nothing."""
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        if isinstance(document, dict):
            document = document.get(name, _ABSENT)
        elif isinstance(document, list) and re.fullmatch("0|[1-9][0-9]{0,8}", name) and int(name) < len(document):
            document = document[int(name)]
        else:
            return _ABSENT
    return document


class _Found:
    """Looks things up, and keeps account of what is of the wrong kind."""

    def __init__(self, payload: Any) -> None:
        self._payload = payload
        self.problems: list[Problem] = []

    def text(self, field: str, pointer: str | None) -> str:
        """Empty if there is nothing."""
        value = _ABSENT if pointer is None else look_up(self._payload, pointer)
        match value:
            case str():
                return value.strip()
            case bool():
                return "true" if value else "false"
            case int() | float():
                return str(value)
            case dict() | list():
                self.problems.append(Problem(field, "not_text", f"what stands at {pointer} is neither text nor a number"))
        return ""

    def anything(self, pointer: str) -> str:
        """A field is shown, whatever it is: what is no text, as JSON."""
        value = look_up(self._payload, pointer)
        if isinstance(value, dict | list):
            return cut(json.dumps(value, ensure_ascii=False), _FIELD_MAX)
        return cut(clean(self.text("", pointer)), _FIELD_MAX)


def _holds(secret: str, body: bytes, headers: dict[str, str]) -> bool:
    try:
        Signature(secret).verify(body, headers, json_parse=False)
    except (WebhookVerificationError, EmptyWebhookSecretError, ValueError, OverflowError):  # ValueError: no UTF-8, no such time
        return False
    return True
