"""Forms: what the policy says of their fields, held against what somebody filled in. No HTTP here (form_http.py, form_page.py)."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from cordboard.errors import InvalidInput
from cordboard.events.policy import FORM_FIELDS_MAX, EntryPoint, Form, FormField
from cordboard.gateway.entrance.letter import Letter, Sender
from cordboard.gateway.entrance.papers import SUBJECT_MAX
from cordboard.gateway.form.words import label, say
from cordboard.gateway.posts import Mistakes, Problem
from cordboard.policy.language import base_language
from cordboard.vault.envelope import Envelope

Given = Mapping[str, Any]
"""Values as they came: text from a page, text, numbers and booleans from JSON."""

KEY = "_key"
"""The hidden field of the page that makes sending twice harmless. No field of a policy begins with an underscore."""
TRAP = "_website"
"""A field that people do not see; programs that fill in everything give themselves away."""
VALUES_MAX = 56 * 1024
"""Bytes of all values together, as JSON."""
_KEY_SHAPE = re.compile(r"[\x21-\x7e]{8,150}")
_EMAIL = re.compile(r"""[^\s@<>(),;:"\[\]\\]{1,64}@[^\s@<>(),;:"\[\]\\.]+(\.[^\s@<>(),;:"\[\]\\.]+)+""")
_EMAIL_MAX = 254
_PHONE = re.compile(r"\+?[0-9 ()./-]{5,30}")
_NUMBER = re.compile(r"[+-]?[0-9]{1,15}([.,][0-9]{1,6})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def pairs_of(body: bytes) -> dict[str, str | list[str]]:
    """The fields of an urlencoded body; several values of one field as a list. Raises InvalidInput."""
    try:
        pairs = parse_qsl(
            body.decode(), keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=4 * FORM_FIELDS_MAX
        )
    except ValueError as error:  # UnicodeDecodeError is one
        raise InvalidInput("the body is not an urlencoded form in UTF-8", reason="bad_form") from error
    found: dict[str, str | list[str]] = {}
    for name, value in pairs:
        known = found.get(name)
        found[name] = value if known is None else [*known, value] if isinstance(known, list) else [known, value]
    return found


def object_of(body: bytes) -> dict[str, Any]:
    """The members of a JSON object. Raises InvalidInput."""
    try:
        found = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput("the body is not a JSON object", reason="bad_json") from error
    return found


def check_key(key: str | None, field: str, otherwise: str) -> str:
    """An idempotency key: 8 to 150 visible ASCII characters. Raises Mistakes, which say `otherwise`."""
    bare = (key or "").strip().strip('"')
    if not _KEY_SHAPE.fullmatch(bare):
        raise Mistakes([Problem(field, "bad_key", otherwise)])
    return bare


def check(form: Form, given: Given, language: str) -> dict[str, str]:
    """What was filled in, as text, without what was left empty. Raises Mistakes, with everything that is wrong."""
    fields = {field.name: field for field in form.fields}
    problems: list[Problem] = []
    values: dict[str, str] = {}

    def wrong(name: str, code: str, **with_values: object) -> None:
        problems.append(Problem(name[:48], code, say(language, code, **with_values)))

    for name in given:
        if name not in fields:
            wrong(name, "unknown_field")
    for name, field in fields.items():
        value = _text(given.get(name))
        if value is None:
            wrong(name, "repeated" if isinstance(given[name], list) else "not_text")
        elif value == "" or (field.kind == "checkbox" and value == "false"):
            if field.required:
                wrong(name, "required_field")
            elif value:
                values[name] = value
        elif (code := _mistake(field, value)) is not None:
            wrong(name, code, most=field.max_length)
        else:
            values[name] = _CHECKBOX.get(value, value) if field.kind == "checkbox" else value
    if not problems and len(json.dumps(values, ensure_ascii=False).encode()) > VALUES_MAX:
        wrong(form.fields[0].name, "too_much")
    if problems:
        raise Mistakes(problems)
    return values


def letter_of(form: Form, door: EntryPoint, own: str, values: Mapping[str, str], key: str, language: str) -> Letter:
    """`values` as `check` returns them; `own` is the mail address that answers come from, `language` the page's."""
    roles = {field.role: values[field.name] for field in form.fields if field.role is not None and field.name in values}
    rest = {field.name: values[field.name] for field in form.fields if field.name in values and field.role is None}
    email, name = roles.get("email"), roles.get("name", "")
    if name and email is None:
        rest |= {field.name: name for field in form.fields if field.role == "name"}
    written = base_language(roles["language"]) if "language" in roles else None
    title = label(form.labels, language, form.name)
    subject = roles.get("subject", "") or title
    return Letter(
        channel=door.channel,
        entry_point=door.name,
        external_id=f"{form.name}:{key}:{_digest(values)}",
        sender=Sender("email", email.lower(), name) if email is not None else None,
        subject=subject,
        text=roles.get("text", "") or _listed(form, rest, language),
        language=written,
        fields=rest,
        envelope=None
        if email is None
        else Envelope(transport="mail", to=email, name=name, own=own, subject=subject[:SUBJECT_MAX], language=written),
    )


def _digest(values: Mapping[str, str]) -> str:
    """Belongs to the key: who goes back in the browser, corrects something and sends again, sends the same key with other words."""
    return hashlib.blake2b(json.dumps(values, sort_keys=True).encode(), digest_size=16).hexdigest()


def schema_of(form: Form, language: str) -> dict[str, Any]:
    """JSON Schema of what a program posts."""
    shapes: dict[str, dict[str, Any]] = {
        "email": {"type": "string", "format": "email"},
        "number": {"type": ["number", "string"], "pattern": f"^{_NUMBER.pattern}$"},
        "date": {"type": "string", "format": "date"},
        "checkbox": {"type": "boolean"},
    }
    properties = {}
    for field in form.fields:
        shape = {"title": label(field.labels, language, field.name), **shapes.get(field.kind, {"type": "string"})}
        if field.kind == "choice":
            shape["enum"] = list(field.choices)
        elif field.kind in ("text", "long_text"):
            shape["maxLength"] = field.max_length
        properties[field.name] = shape
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": label(form.labels, language, form.name),
        "type": "object",
        "properties": properties,
        "required": [field.name for field in form.fields if field.required],
        "additionalProperties": False,
    }


def _text(value: object) -> str | None:
    """None for what is neither text, number nor truth. Line ends are \\n, surrounding blanks are gone."""
    match value:
        case None:
            return ""
        case str():
            return re.sub(r"\r\n?", "\n", value).strip()
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
    return None


_CHECKBOX = {"on": "true", "1": "true", "yes": "true"}


def _mistake(field: FormField, value: str) -> str | None:
    """The code of what is wrong with a value that is not empty."""
    if len(value) > field.max_length and field.kind not in ("choice", "checkbox"):
        return "too_long"
    if _CONTROL.search(value) or (field.kind != "long_text" and re.search(r"[\n\t\u2028\u2029]", value)):
        return "bad_characters"
    if field.role == "email" and field.kind != "email" and not is_email(value):
        return "not_an_email"
    if field.role == "language" and base_language(value) is None:
        return "not_a_language"
    if field.kind == "choice":
        return None if value in field.choices else "not_a_choice"
    right, code = _KINDS.get(field.kind, (None, ""))
    return None if right is None or right(value) else code


def is_email(value: str) -> bool:
    return len(value) <= _EMAIL_MAX and _EMAIL.fullmatch(value) is not None


def _is_phone(value: str) -> bool:
    return _PHONE.fullmatch(value) is not None and 5 <= sum(char.isdigit() for char in value) <= 15


def _is_date(value: str) -> bool:
    try:
        return _DATE.fullmatch(value) is not None and date.fromisoformat(value) is not None
    except ValueError:
        return False


_KINDS: Mapping[str, tuple[Callable[[str], bool], str]] = {
    "email": (is_email, "not_an_email"),
    "phone": (_is_phone, "not_a_phone"),
    "number": (lambda value: _NUMBER.fullmatch(value) is not None, "not_a_number"),
    "date": (_is_date, "not_a_date"),
    "checkbox": (lambda value: value in ("true", *_CHECKBOX), "not_yes_or_no"),
}


def _listed(form: Form, values: Mapping[str, str], language: str) -> str:
    """For a form without a text of its own: every field in a line."""
    lines = []
    for field in form.fields:
        if (value := values.get(field.name)) is not None:
            shown = label(field.choices[value], language, value) if field.kind == "choice" else value
            lines.append(f"{label(field.labels, language, field.name)}: {shown}")
    return "\n".join(lines)
