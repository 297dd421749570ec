"""Which telephone numbers the public may have called. Anybody can type anybody's number, and calls cost money."""

import re

from cordboard.errors import ConfigurationError, InvalidInput
from cordboard.vault.address import PHONE, spelled

DIGITS_MIN, DIGITS_MAX = 8, 15
_PREFIX = re.compile(r"(!?)(\+[1-9][0-9]{0,14})")
_COUNTRY = re.compile(r"\+(?:[17]|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|[2-9][0-9]{2})")
"""Country codes of E.164: of one, two, or else of three digits."""
_ZERO_STAYS = frozenset(("+39", "+378", "+379"))
"""In Italy the zero in front belongs to the number."""


class CallableNumbers:
    """`written`: prefixes of numbers that may be called, `+32,+31,!+3290`: the longest one that fits decides, `!` forbids. A number
    without a country's prefix is one of the first country's. Nothing written: nobody may be called. Raises ConfigurationError."""

    def __init__(self, written: str) -> None:
        self._rules: dict[str, bool] = {}
        for part in filter(None, (each.strip() for each in written.split(","))):
            found = _PREFIX.fullmatch(part)
            if found is None:
                raise ConfigurationError(f"{part} is no prefix of telephone numbers: write them as +32,+31,!+3290")
            self._rules[found[2]] = not found[1]
        first = next((prefix for prefix, allowed in self._rules.items() if allowed), "")
        country = _COUNTRY.match(first)
        # Not the prefix: behind +3247, which is Belgian, 0470… would become somebody else's number.
        self._home = None if country is None else country[0]

    def __bool__(self) -> bool:
        return any(self._rules.values())

    def number(self, given: str) -> str | None:
        """The number as it is dialled, `+3225551234`; None if it is none, or must not be called."""
        try:
            kind, number = spelled(PHONE, given)
        except InvalidInput:
            return None
        if number.startswith("00"):
            number = f"+{number[2:]}"
        elif number.startswith("0") and self._home is not None:
            number = self._home + (number if self._home in _ZERO_STAYS else number[1:])
        if kind != PHONE or not re.fullmatch(rf"\+[0-9]{{{DIGITS_MIN},{DIGITS_MAX}}}", number, re.ASCII):
            return None
        prefix = max((prefix for prefix in self._rules if number.startswith(prefix)), key=len, default=None)
        return number if prefix is not None and self._rules[prefix] else None
