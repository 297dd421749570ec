"""Names of effects: the same for every attempt, and nobody else can make a return address."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from cordboard.vault.tokens import (
    LOCAL_MAX,
    bounce_address,
    bounce_token,
    effect_id,
    message_id,
    read_bounce_token,
    split_bounce_address,
)

KEY, OTHER = bytes(32), b"o" * 32
INBOX, RESTORED = b"i" * 16, b"r" * 16
COUNT = st.integers(0, (1 << 53) - 1)


@given(COUNT, COUNT)
def test_a_token_leads_back_to_its_effect(seq: int, entry: int) -> None:
    token = bounce_token(KEY, INBOX, seq, entry)
    assert token.isalnum() and token == token.lower()
    assert read_bounce_token(KEY, token) == read_bounce_token(KEY, token.upper()) == (INBOX[:3], seq, entry)
    assert read_bounce_token(OTHER, token) is None


@given(st.text(max_size=60))
def test_what_is_no_token_is_none(text: str) -> None:
    assert read_bounce_token(KEY, text) is None


def test_a_changed_token_is_none() -> None:
    token = bounce_token(KEY, INBOX, 1_000, 3)
    for index, letter in enumerate(token[:-1]):
        changed = token[:index] + ("a" if letter != "a" else "b") + token[index + 1 :]
        assert read_bounce_token(KEY, changed) is None


def test_a_bounce_address_keeps_its_own_address() -> None:
    token = bounce_token(KEY, INBOX, 12, 0)
    address = bounce_address("Support@Shop.example", token)
    assert address == f"Support+b.{token}@Shop.example"
    assert split_bounce_address(address) == ("Support@Shop.example", token)
    assert split_bounce_address(address.upper()) == ("SUPPORT@SHOP.EXAMPLE", token)
    assert bounce_address(f"{'x' * LOCAL_MAX}@shop.example", token) is None
    for other in ("support@shop.example", "support+b.@shop.example", "+b.abc@shop.example", "", "b.x"):
        assert split_bounce_address(other) is None


def test_ids_differ_by_site_commit_and_place() -> None:
    named = list(product((KEY, OTHER), ("a", "b"), (INBOX, RESTORED), (1, 11), (1, 11)))
    assert len({effect_id(*name) for name in named}) == len(named) == 32
    one = effect_id(KEY, "a", INBOX, 1, 1)
    assert message_id(one, "shop.example") == f"<{one.hex()}@shop.example>"
