"""Tokens: what was made is read, everything else is refused by name."""

import base64

import pytest

from cordboard.api.status import BadRequest, TokenExpired
from cordboard.api.tokens import HexId, Ordinal, Tokens
from cordboard.branch import NOWHERE, Position

TOKENS = Tokens("default")
PLACE = Position(17, b"i" * 16)


@pytest.mark.parametrize("seq", [0, 1, 255, 2**53 - 1])
def test_positions_come_back(seq: int) -> None:
    at = Position(seq, bytes(range(16)))
    assert TOKENS.position(TOKENS.consistency(at)) == at
    assert TOKENS.resumed(TOKENS.resume(at)) == at


def test_no_consistency_token_asks_for_nothing() -> None:
    assert TOKENS.position("") == Position(0, NOWHERE.inbox)


def test_cursors_come_back_to_the_same_request_only() -> None:
    token = TOKENS.page(b"filter", (17, "ab"))
    assert TOKENS.cursor(b"filter", token, tuple[int, str]) == (17, "ab")
    assert TOKENS.cursor(b"filter", "", tuple[int, str]) is None
    with pytest.raises(BadRequest, match="another filter"):
        TOKENS.cursor(b"other", token, tuple[int, str])
    with pytest.raises(BadRequest, match="this method"):
        TOKENS.cursor(b"filter", token, tuple[int, int, int])


@pytest.mark.parametrize(
    "cursor", [(-1, "0" * 32), (1 << 63, "0" * 32), (1, "zz"), (1, "00"), (1, "0" * 32 + "\n"), (1,), 7, None, {}]
)
def test_a_forged_cursor_is_refused(cursor: object) -> None:
    with pytest.raises(BadRequest, match="this method"):
        TOKENS.cursor(b"filter", TOKENS.page(b"filter", cursor), tuple[Ordinal, HexId])


def spoiled() -> list[str]:
    good = TOKENS.consistency(PLACE)
    raw = bytearray(base64.urlsafe_b64decode(good + "=" * (-len(good) % 4)))
    raw[7] ^= 1
    flipped = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    return ["x", "-", "é" * 24, "A" * 24, good[:-1], good + "AA", "A" * 10_000, flipped, TOKENS.resume(PLACE), TOKENS.page(b"", 17)]


@pytest.mark.parametrize("token", spoiled())
def test_anything_else_is_refused_by_field(token: str) -> None:
    with pytest.raises(BadRequest) as refused:
        TOKENS.position(token)
    assert [violation.field for violation in refused.value.violations] == ["consistency_token"]


def test_tokens_of_another_site() -> None:
    other = Tokens("other")
    with pytest.raises(BadRequest, match="another site"):
        TOKENS.position(other.consistency(PLACE))
    with pytest.raises(TokenExpired):
        TOKENS.resumed(other.resume(PLACE))
