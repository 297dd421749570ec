"""One spelling an address, whoever wrote it down."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.errors import InvalidInput
from cordboard.vault.address import spelled
from cordboard.vault.words import ADDRESS_MAX


@pytest.mark.parametrize(
    ("kind", "given_as", "meant"),
    [
        ("email", "  Jan.Jansen@Voorbeeld.EXAMPLE \n", "jan.jansen@voorbeeld.example"),
        ("mail", "jan@voorbeeld.example.", "jan@voorbeeld.example"),
        ("email", "jan@bücher.example", "jan@xn--bcher-kva.example"),
        ("email", "JAN@XN--BCHER-KVA.example", "jan@xn--bcher-kva.example"),
        ("email", "jan@B\N{LATIN CAPITAL LETTER U WITH DIAERESIS}cher.example", "jan@xn--bcher-kva.example"),
        ("email", "Jose\N{COMBINING ACUTE ACCENT}@x.example", "jos\N{LATIN SMALL LETTER E WITH ACUTE}@x.example"),
        ("email", '"a@b"@x.example', '"a@b"@x.example'),
        ("email", "jan@[192.0.2.1]", "jan@[192.0.2.1]"),
        ("email", "no-address", "no-address"),
        ("email", "jan@" + "x" * 70 + ".example", "jan@" + "x" * 70 + ".example"),
        ("phone", "+31 (0)20 - 123 45 67", "+31201234567"),
        ("tel", "020-1234567", "0201234567"),
        ("phone", "\N{FULLWIDTH PLUS SIGN}\N{FULLWIDTH DIGIT THREE}1 6", "+316"),
        ("phone", "anonymous", "anonymous"),
        ("account", " Jan ", "Jan"),
        ("account", "JAN", "JAN"),
    ],
)
def test_spelling(kind: str, given_as: str, meant: str) -> None:
    assert spelled(kind, given_as)[1] == meant


def test_kinds_with_two_names_are_one() -> None:
    assert spelled("mail", "a@b.example") == spelled("email", "A@B.example") == spelled("e-mail", "a@b.example")
    assert spelled("tel", "+31 20") == spelled("phone", "+3120")


@pytest.mark.parametrize("address", ["", "  ", "a" * (ADDRESS_MAX + 1), "nul\0@x", "\ud800@x", "a" * 300 + "@" + "ü" * 20])
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(InvalidInput):
        spelled("email", address)


@given(st.sampled_from(["email", "phone", "account"]), st.text(max_size=60))
def test_spelling_twice_changes_nothing(kind: str, address: str) -> None:
    try:
        once = spelled(kind, address)
    except InvalidInput:
        return
    assert spelled(*once) == once
