"""Telephone numbers: one spelling of them (E.164), and which of them the public may have called.

Anybody can type anybody's number, and calls cost money. Whoever promises calls for the site may have any number called.
"""

import re
from dataclasses import dataclass

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat, PhoneNumberType

from cordboard.errors import ConfigurationError

GIVEN_MAX = 60
"""Characters that a number may be written in."""
_RULE = re.compile(r"(?P<not>!?)(?:(?P<prefix>\+[1-9][0-9]{0,14})|(?P<region>[A-Z]{2}))")
_COUNTRY_DIGITS_MAX = 3
_DEAR = frozenset(
    (PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST, PhoneNumberType.PERSONAL_NUMBER, PhoneNumberType.PAGER)
)


@dataclass(frozen=True, slots=True)
class _Rule:
    allows: bool
    prefix: str = ""
    region: str = ""

    def weight(self, number: PhoneNumber, dialled: str) -> float:
        """Of those that fit, the heaviest decides: the longest prefix, and a region before its country's code. 0: none that
        fits."""
        if self.region:
            of_it = phonenumbers.region_code_for_number(number) == self.region
            return len(f"+{number.country_code}") + 0.5 if of_it else 0
        return len(self.prefix) if dialled.startswith(self.prefix) else 0


class CallableNumbers:
    """`written`: regions and prefixes of numbers that may be called, `BE,+31,!+3290`; `!` forbids. A number without a country's
    prefix is one of the first one's country. Nothing written: nobody may be called. Raises ConfigurationError."""

    def __init__(self, written: str) -> None:
        self._rules = [_rule(part) for part in filter(None, (each.strip() for each in written.split(",")))]
        self._home = next((_region(rule) for rule in self._rules if rule.allows), None)

    def __bool__(self) -> bool:
        return any(rule.allows for rule in self._rules)

    @property
    def hint(self) -> str:
        """What to add where a number was refused."""
        country = "with its country's prefix" if self._home is None else f"of {self._home} or with its country's prefix"
        return f", {country}: +32 2 555 12 34"

    def spelled(self, given: str) -> str | None:
        """The number as it is dialled, `+3225551234`; None if there cannot be such a number, or nothing says of which country."""
        number = self._parsed(given)
        return None if number is None else phonenumbers.format_number(number, PhoneNumberFormat.E164)

    def number(self, given: str) -> str | None:
        """The same; None also if nobody has such a number, or the public must not have it called."""
        number = self._parsed(given)
        if number is None or not phonenumbers.is_valid_number(number):
            return None
        dialled = phonenumbers.format_number(number, PhoneNumberFormat.E164)
        weight, rule = max(((rule.weight(number, dialled), rule) for rule in self._rules), key=_decides, default=(0, _Rule(False)))
        if not weight or not rule.allows:
            return None
        # Who allows a country did not mean the numbers on which others earn.
        if weight < len(f"+{number.country_code}") + 1 and phonenumbers.number_type(number) in _DEAR:
            return None
        return dialled

    def _parsed(self, given: str) -> PhoneNumber | None:
        if len(given) > GIVEN_MAX:
            return None
        try:
            number = phonenumbers.parse(given, self._home)
        except phonenumbers.NumberParseException:
            return None
        # Of a length that can be dialled from everywhere: numbers within a town (US: 555 1234) are not.
        possible = phonenumbers.is_possible_number_with_reason(number) == phonenumbers.ValidationResult.IS_POSSIBLE
        return number if possible and not number.extension else None


def _decides(weighed: tuple[float, _Rule]) -> tuple[float, bool]:
    """Where two say the opposite, the one that forbids."""
    weight, rule = weighed
    return weight, not rule.allows


def _rule(part: str) -> _Rule:
    found = _RULE.fullmatch(part)
    if found is None or (found["region"] and found["region"] not in phonenumbers.SUPPORTED_REGIONS):
        raise ConfigurationError(f"{part} is neither a region nor a prefix of telephone numbers: write them as BE,+31,!+3290")
    return _Rule(not found["not"], found["prefix"] or "", found["region"] or "")


def _region(rule: _Rule) -> str | None:
    """The region whose numbers are written without a country's prefix; None: there is none such."""
    if rule.region:
        return rule.region
    digits = rule.prefix[1:]
    codes = (int(digits[:length]) for length in range(1, _COUNTRY_DIGITS_MAX + 1) if len(digits) >= length)
    found = next(
        (phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code][0] for code in codes if code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE),
        None,
    )
    return found if found in phonenumbers.SUPPORTED_REGIONS else None
