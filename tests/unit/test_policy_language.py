"""Which language a text is in: short ones, noise, and saying nothing rather than guessing."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cordboard.policy.language import base_language, detect, known_language, warm

SITE = ("de", "en", "fr", "nl")

SURE = [
    ("nl", "waar blijft mijn pakket"), ("nl", "Mijn bestelling is kapot"), ("nl", "Wanneer krijg ik mijn geld terug?"),
    ("nl", "IK WACHT AL DRIE WEKEN"), ("nl", "Order 20481: graag afleveren bij de buren, zie https://shop.example/orders/20481"),
    ("fr", "où est mon colis ?"), ("fr", "Je voudrais annuler ma commande"), ("fr", "Ma chaise est arrivée cassée"),
    ("de", "wo bleibt mein Paket"), ("de", "Ich möchte die Bestellung stornieren"), ("de", "Rechnung bitte nochmals senden"),
    ("en", "where is my parcel please"), ("en", "I would like to return the headphones"), ("en", "please cancel my order"),
]  # fmt: skip
UNSURE = ["", " ", "ok", "Hi", "hallo", "merci", "DANKE", "garantie", "status", "retour", "iPhone 15 Pro", "12345", "!!!", "🙂🙂🙂",
          "anna@example.com", "https://shop.example/nl/klantenservice", "RMA-2024/0077"]  # fmt: skip


@pytest.mark.parametrize(("language", "text"), SURE)
def test_a_few_words_are_enough(language: str, text: str) -> None:
    assert detect(text, SITE) == language


@pytest.mark.parametrize("text", UNSURE)
def test_too_little_says_nothing(text: str) -> None:
    assert detect(text, SITE) is None


def test_among_only_the_sites_languages() -> None:
    assert detect("wo bleibt mein Paket mit den Schrauben", ("nl", "de-AT")) == "de"
    assert detect("wo bleibt mein Paket mit den Schrauben", ("nl",)) == "nl"
    assert detect("wo bleibt mein Paket mit den Schrauben", ()) is None
    assert detect("wo bleibt mein Paket mit den Schrauben", ("tlh", "??")) is None


def test_the_order_of_the_languages_makes_no_difference() -> None:
    for _, text in SURE:
        assert detect(text, SITE) == detect(text, tuple(reversed(SITE)))


def test_tags() -> None:
    assert [base_language(tag) for tag in ("nl", "fr-BE", "DE_at", "zh-Hant-TW", "", "x", "nederlands", "n1")] == [
        "nl", "fr", "de", "zh", None, None, None, None,
    ]  # fmt: skip
    assert known_language("tlh") is None
    assert known_language("NL-be") == "nl"
    warm(SITE)


@given(st.text(max_size=300))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_any_text(text: str) -> None:
    assert detect(text, SITE) == detect(text, SITE)
