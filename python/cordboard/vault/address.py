"""One spelling an address, whatever gateway it came through: two that mean the same person must have the same hash."""

import re
from unicodedata import digit, normalize

from cordboard.vault.words import ADDRESS_MAX, check_text, check_word

EMAIL, PHONE = "email", "phone"
_SAME_KIND = {"mail": EMAIL, "e-mail": EMAIL, "tel": PHONE, "telephone": PHONE}
_TRUNK_ZERO = re.compile(r"\(\s*0\s*\)")


def spelled(kind: str, address: str) -> tuple[str, str]:
    """(kind, address) as the vault spells them.

    - email: domain in lower-case ASCII (IDNA), local part case-folded. RFC 5321 lets a server tell `Jan@` from `jan@`; none that
      people use does, and an erasure that misses half of somebody's mails is worse than two mailboxes taken for one.
    - phone: `+` and digits if it begins with `+` (E.164), else its digits.
    - anything else: as it is, but for surrounding blanks and Unicode's several forms of one character.

    Raises InvalidInput for what cannot be an address: nothing, too much, what cannot be stored.
    """
    check_word(kind, "kind of address")
    kind = _SAME_KIND.get(kind, kind)
    given = normalize("NFC", address.strip())
    check_text(given, "address", ADDRESS_MAX)
    if kind == EMAIL:
        given = _email(given)
    elif kind == PHONE:
        given = _phone(given)
    check_text(given, "address", ADDRESS_MAX)
    return kind, given


def _email(address: str) -> str:
    local, at, domain = address.rpartition("@")
    if not at:
        return normalize("NFC", address.casefold())
    return f"{normalize('NFC', local.strip().casefold())}@{_domain(domain.strip().rstrip('.'))}"


def _domain(domain: str) -> str:
    try:
        return domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return normalize("NFC", domain.casefold())  # no host name, but perhaps what a broken mail says: still one spelling


def _phone(number: str) -> str:
    international = number.startswith(("+", "\N{FULLWIDTH PLUS SIGN}"))
    if international:
        number = _TRUNK_ZERO.sub("", number)
    digits = "".join(str(digit(char)) for char in number if digit(char, -1) >= 0)
    if not digits:
        return number
    return f"+{digits}" if international else digits
