"""Tokens that the API must refuse: of another kind, request or site, of the future, of what was lost, and forged ones."""

from __future__ import annotations

import random
from collections.abc import Iterator

from google.protobuf.message import Message

from cordboard.api.tokens import Tokens
from cordboard.branch import Position
from tests.integration.live_site import SITE
from tests.integration.malformed_requests import CONTACT, Case, Code, copied, templates

STRANGE = Position(1, b"another journal.")
"""The first commit of a journal that is not this one."""


def wrong_tokens(chance: random.Random) -> Iterator[Case]:
    """Tokens of no kind, of another kind, of another site, of the future, and forged ones that are right to the checksum."""
    ours, theirs = Tokens(SITE), Tokens("elsewhere")
    never, far = Position((1 << 64) - 1, STRANGE.epoch), Position(1 << 63, STRANGE.epoch)
    none = ["!", "AAAA", "é", "=" * 8, "A" * 513, _blob(chance), ours.page(b"", 1)]
    no_consistency, no_resume = [*none, ours.resume(STRANGE), theirs.consistency(STRANGE)], [*none, ours.consistency(STRANGE)]
    for method, template in templates().items():
        for field, tokens, late in (
            (
                "consistency_token",
                no_consistency,
                [*((ours.consistency(at), "token_ahead") for at in (never, far)), (ours.consistency(STRANGE), "token_lost")],
            ),
            (
                "resume_token",
                no_resume,
                [(each, "resume_token_expired") for each in (theirs.resume(STRANGE), ours.resume(never), ours.resume(STRANGE))],
            ),
        ):
            if field not in template.DESCRIPTOR.fields_by_name:
                continue
            for token in tokens:
                yield Case(f"cordboard.v1.{method}", _with(template, field, token), field=field)
            for token, reason in late:
                yield Case(f"cordboard.v1.{method}", _with(template, field, token), Code.OUT_OF_RANGE, reason)
    yield from _wrong_pages(ours, chance)


def _wrong_pages(ours: Tokens, chance: random.Random) -> Iterator[Case]:
    contact = bytes.fromhex(CONTACT)
    far = 1 << 80
    for method, bound_to, cursors in (
        (
            "ContactService/ListContacts",
            b"ListContacts",
            [7, "x", [1], [1, "zz"], [1, "00"], [far, CONTACT], [-far, CONTACT], [1, CONTACT, 3], {"a": 1}, None],
        ),
        ("ContactService/GetTimeline", b"GetTimeline" + contact, [7, [1], [far, 1], [1, far], ["1", 2], [1.5, 1], None]),
        ("ContactService/ListMessages", b"ListMessages" + contact, [7, [1], [far, 1], ["1", 2], None]),
        ("StaffService/ListAgents", b"ListAgents", [7, CONTACT, ["zz"], ["0"], ["é"], [CONTACT.upper()], [7], None]),
        ("EffectService/ListEffects", f"ListEffects0||{CONTACT}".encode(), [7, [1], [far, 1], [-1, 1], ["1", 2], [1, 2, 3], None]),
        ("QuarantineService/ListQuarantined", b"ListQuarantined0", [7, [1], [far, 1], [1, 2, 3], None]),
    ):
        template = templates()[method]
        tokens = [ours.page(bound_to, cursor) for cursor in cursors]
        tokens += ["!", "AAAA", "A" * 513, _blob(chance), ours.consistency(STRANGE), ours.page(b"another filter", [1, CONTACT])]
        for token in tokens:
            yield Case(f"cordboard.v1.{method}", _with(template, "page_token", token), field="page_token")


def _with(template: Message, field: str, value: str) -> Message:
    request = copied(template)
    setattr(request, field, value)
    return request


def _blob(chance: random.Random) -> str:
    return "".join(chance.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", k=chance.randrange(8, 60)))
