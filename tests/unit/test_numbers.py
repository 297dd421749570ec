"""Telephone numbers in one spelling, and which of them the public may have called."""

import pytest

from cordboard.errors import ConfigurationError
from cordboard.numbers import CallableNumbers


def test_numbers_that_may_be_called() -> None:
    for written in ("+32, +31, !+3290", "BE, NL", "BE,+31"):
        numbers = CallableNumbers(written)
        spelled = {
            "02 555 12 34": "+3225551234",
            "+32 (0)2 555.12.34": "+3225551234",
            "0032 2 555 12 34": "+3225551234",
            "\N{FULLWIDTH DIGIT ZERO}2 555 12 34": "+3225551234",
            "tel:+32-470-12-34-56": "+32470123456",
            "+31 20 123 45 67": "+31201234567",
        }
        assert {given: numbers.number(given) for given in spelled} == spelled
        for given in (
            "0900 12 345",
            "112",
            "+1 212 555 1234",
            "+32 2 555 12",
            "02 555 12 34 ext. 7",
            "",
            "x",
            "+32" + "1" * 14,
            "0" * 10_000,
        ):
            assert numbers.number(given) is None, given


@pytest.mark.parametrize(
    ("written", "given", "dialled"),
    [
        ("+3247", "0470 12 34 56", "+32470123456"),  # behind +3247, which is Belgian, 0470… is not somebody else's number
        ("+3247", "02 555 12 34", None),
        ("+39", "06 1234 5678", "+390612345678"),  # in Italy the zero in front belongs to the number
        ("IT", "06 1234 5678", "+390612345678"),
        ("+3", "0470 12 34 56", None),  # no country's
        ("+3", "+32 470 12 34 56", "+32470123456"),
        ("+44", "+44 1481 712345", "+441481712345"),  # Guernsey has Britain's code
        ("GB", "+44 1481 712345", None),
        ("+44,!GG", "+44 1481 712345", None),
        ("GB,GG", "01481 712345", "+441481712345"),
        ("US", "212 555 1234", "+12125551234"),
        ("US,!+1212", "212 555 1234", None),
        ("BE,+3290", "0900 12 345", "+3290012345"),  # whoever allows them by name means them
        ("BE,!BE", "02 555 12 34", None),
        ("!BE", "02 555 12 34", None),
    ],
)
def test_the_closest_rule_decides(written: str, given: str, dialled: str | None) -> None:
    assert CallableNumbers(written).number(given) == dialled


@pytest.mark.parametrize(
    ("written", "given", "dialled"),
    [
        ("BE", "0900 12 345", "+3290012345"),  # the public must not have it called; who promises calls for the site may
        ("BE", "+1 212 555 1234", "+12125551234"),
        ("", "+32 (0)470/12.34.56", "+32470123456"),
        ("", "0470 12 34 56", None),  # of which country?
        ("BE", "112", None),
        ("BE", "+32 470", None),
        ("BE", "0470 12 34 56 ext. 7", None),
        ("BE", "x", None),
    ],
)
def test_a_number_is_spelled_as_it_is_dialled(written: str, given: str, dialled: str | None) -> None:
    assert CallableNumbers(written).spelled(given) == dialled


def test_without_rules_nobody_is_called() -> None:
    assert CallableNumbers("").number("+32 470 12 34 56") is None


@pytest.mark.parametrize("wrong", ["32", "+0", "++32", "+32;+31", "be", "XX", "BEL", "!", "+1234567890123456"])
def test_what_is_no_rule_for_numbers_is_refused(wrong: str) -> None:
    with pytest.raises(ConfigurationError, match="prefix"):
        CallableNumbers(wrong)
