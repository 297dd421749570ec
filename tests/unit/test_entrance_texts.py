"""Texts of strangers, made fit to be kept."""

from hypothesis import given
from hypothesis import strategies as st

from cordboard.gateway.entrance.texts import clean, cut, one_line, storable

ANY = st.text(st.characters(codec=None), max_size=300)


def test_control_characters_are_shown_to_have_been_there() -> None:
    assert clean("a\x00b\x1b[31m\ud800c\td\r\ne\rf\u2028g") == "a\ufffdb\ufffd[31m\ufffdc\td\ne\nf\ng"


def test_what_is_cut_says_so() -> None:
    assert cut("short", 100) == "short"
    text = cut("é" * 1_000, 500)
    assert text.endswith("é\n\n[… 782 characters more]")


@given(ANY)
def test_whatever_it_was_it_can_be_stored(text: str) -> None:
    cleaned = clean(text)
    assert clean(cleaned) == cleaned
    assert len(cut(cleaned, 200).encode()) <= 200
    line = one_line(text, 40)
    assert len(line) <= 40
    assert not set(line) & set("\r\n\t\x00")
    assert storable(line, 40) or not line or any(ord(char) < 160 for char in line)


def test_keys_are_taken_as_they_are_or_not_at_all() -> None:
    assert storable("<abc@customer.example>", 200)
    for text in ("", "x" * 201, "a\x00", "a\n", "\ud800"):
        assert not storable(text, 200)
