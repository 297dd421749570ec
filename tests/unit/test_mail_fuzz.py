"""No bytes at all break the reading of mails, and whatever comes out can be stored."""

from __future__ import annotations

# ruff: noqa: E501
import random

from hypothesis import example, given, settings
from hypothesis import strategies as st

from cordboard.gateway.mail.charset import clean, decode, one_line
from cordboard.gateway.mail.courtesy import without_courtesy
from cordboard.gateway.mail.headers import decode_words, read_addresses
from cordboard.gateway.mail.html import html_text
from cordboard.gateway.mail.quotes import without_quotes
from tests.mail_fuzz import TOKENS, exercise, mutate

QUICK = settings(max_examples=150, deadline=None)
PIECES = st.lists(st.one_of(st.binary(max_size=30), st.sampled_from(TOKENS)), max_size=60).map(b"".join)


@QUICK
@given(raw=PIECES, mail_from=st.sampled_from(["", None, "a@b.example"]), returned=st.booleans())
@example(raw=b"", mail_from="", returned=True)
def test_any_bytes(raw: bytes, mail_from: str | None, returned: bool) -> None:
    exercise(raw, mail_from, returned)


@QUICK
@given(seed=st.integers(min_value=0))
def test_mutated_mails(seed: int) -> None:
    exercise(mutate(random.Random(seed)))


@QUICK
@given(data=st.binary(), declared=st.one_of(st.none(), st.text(max_size=20), st.sampled_from(["utf-16", "utf-7", "hz", "zlib"])))
def test_any_bytes_in_any_charset(data: bytes, declared: str | None) -> None:
    clean(decode(data, declared)).encode()
    clean(decode(data, declared, whole=False)).encode()


@QUICK
@given(text=st.text())
def test_any_text(text: str) -> None:
    one_line(decode_words(text), 100).encode()
    assert all(found.address.count("@") == 1 for found in read_addresses(text))
    without_courtesy(without_quotes(text))


@QUICK
@given(pieces=st.lists(st.one_of(st.text(max_size=10), st.sampled_from(["<b>", "</b>", "<table>", "<td>", "<pre>", "<blockquote>", "</p>", "<svg>", "<template>", "<!--", "&#0;"]))))  # fmt: skip
def test_any_html(pieces: list[str]) -> None:
    clean(html_text("".join(pieces))).encode()
