"""Which telephone numbers the public may have called. Anybody can type anybody's number, and calls cost money."""

import re

from cordboard.errors import ConfigurationError, InvalidInput
from cordboard.vault.address import PHONE, spelled

DIGITS_MIN, DIGITS_MAX = 8, 15
_PREFIX = re.compile(r"(!?)(\+[1-9][0-9]{0,14})")


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
        self._home = next((prefix for prefix, allowed in self._rules.items() if allowed), None)

    def __bool__(self) -> bool:
        return self._home is not None

    def number(self, given: str) -> str | None:
        """The number as it is dialled, `+3225551234`; None if it is none, or must not be called."""
        if self._home is None:
            return None
        try:
            kind, number = spelled(PHONE, given)
        except InvalidInput:
            return None
        if number.startswith("00"):
            number = f"+{number[2:]}"
        elif number.startswith("0"):
            number = self._home + number[1:]
        if kind != PHONE or not re.fullmatch(rf"\+[0-9]{{{DIGITS_MIN},{DIGITS_MAX}}}", number, re.ASCII):
            return None
        prefix = max((prefix for prefix in self._rules if number.startswith(prefix)), key=len, default=None)
        return number if prefix is not None and self._rules[prefix] else None
