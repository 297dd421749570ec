"""Searching files for what must not be in them, in the forms that texts take on their way through mails, webs and databases."""

from __future__ import annotations

import base64
import contextlib
import json
import quopri
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote


def forms(secret: str) -> dict[str, bytes]:
    """The bytes that would give `secret` away, by the name of the encoding."""
    utf8 = secret.encode()
    found = {
        "UTF-8": utf8,
        "UTF-16LE": secret.encode("utf-16-le"),
        "UTF-16BE": secret.encode("utf-16-be"),
        "JSON": json.dumps(secret)[1:-1].encode(),
        "URL": quote(secret).encode(),
        "hexadecimal": utf8.hex().encode(),
        "quoted-printable": quopri.encodestring(utf8, quotetabs=False),
        "quoted-printable header": quopri.encodestring(utf8, header=True),
    }
    with contextlib.suppress(UnicodeEncodeError):
        found["Latin-1"] = secret.encode("latin-1")
    for name in ("UTF-8", "UTF-16LE", "UTF-16BE"):
        for offset in range(3):
            found[f"base64 of {name} at {offset}"] = _inside_base64(found[name], offset)
    return found


def _inside_base64(data: bytes, offset: int) -> bytes:
    """What stays the same in base64 of anything that holds `data` at this offset (modulo 3), whatever stands around it."""
    encoded = base64.b64encode(b"\0" * offset + data)
    begin = -(-offset * 8 // 6)
    return encoded[begin : (offset + len(data)) * 8 // 6]


def traces(directory: Path, secrets: Iterable[str]) -> list[str]:
    """Where in the files under `directory` a secret stands, in whatever form and case; and secrets in the names of files."""
    secrets = list(secrets)
    plain: defaultdict[bytes, set[tuple[str, str]]] = defaultdict(set)
    encoded: defaultdict[bytes, set[tuple[str, str]]] = defaultdict(set)
    for secret in secrets:
        for spelling in (secret, secret.lower(), secret.upper(), secret.title()):
            for form, data in forms(spelling).items():
                if form.startswith("base64"):
                    encoded[data].add((secret, form))
                else:
                    plain[data.lower()].add((secret, form))
    # What is base64 stands in a stretch of nothing else: there are many patterns, and few such stretches.
    stretches = re.compile(rb"[A-Za-z0-9+/]{%d,}" % min(map(len, encoded), default=1))
    found = []
    for path in _files(directory):
        data, where = path.read_bytes(), path.relative_to(directory)
        lower, letters = data.lower(), b" ".join(stretches.findall(data))
        for within, wanted in ((lower, plain), (letters, encoded)):
            names = [name for given, alike in wanted.items() if given in within for name in sorted(alike)]
            found += [f"{secret!r} in {where} as {form}" for secret, form in names]
        found += [f"{secret!r} in the name of {where}" for secret in secrets if secret.lower() in str(where).lower()]
    return found


def _files(directory: Path) -> Iterator[Path]:
    for path in sorted(directory.rglob("*")):
        if path.is_file():
            yield path
