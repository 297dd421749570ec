"""Secrets of the chat: derived, recognised, and of no use to anybody else."""

import random

from cordboard.gateway.chat.tokens import ChatKeys

KEYS = ChatKeys(bytes(32), "chat")


def test_a_token_leads_back_to_its_contact_after_a_restart() -> None:
    contact = KEYS.new_contact()
    assert ChatKeys(bytes(32), "chat").contact_of(KEYS.token(contact)) == contact


def test_no_other_token_does() -> None:
    token = KEYS.token(KEYS.new_contact())
    chance = random.Random(1)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    # The last letter carries unused bits, so it is left alone here; every bit that is used matters.
    for place in range(len(token) - 1):
        other = token[:place] + chance.choice(letters.replace(token[place], "")) + token[place + 1 :]
        assert KEYS.contact_of(other) is None
    for strange in ("", "=", "é" * 54, "\n" + token, token + "AAAA", token[:-4], " ", "a" * 128, token[:21]):
        assert KEYS.contact_of(strange) is None
    assert ChatKeys(b"k" * 32, "chat").contact_of(token) is None


def test_a_gateway_knows_its_own_contacts() -> None:
    contact = KEYS.new_contact()
    assert KEYS.owns(contact)
    assert len(contact) == 16
    assert not ChatKeys(bytes(32), "chat-2").owns(contact)
    assert not KEYS.owns(bytes(16))


def test_contacts_and_start_ids_do_not_repeat() -> None:
    assert len({KEYS.new_contact() for _ in range(1_000)}) == 1_000
    assert KEYS.start_id("a") == KEYS.start_id("a") != KEYS.start_id("b")
    assert "secret" not in KEYS.start_id("secret")
