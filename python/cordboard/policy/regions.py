"""Public holidays by region: the one place that asks the library for them."""

from datetime import date
from functools import cache
from importlib import import_module
from typing import Any


def _library() -> Any:
    """Only for a document that names a region: it takes as long to import as all the rest of a policy to read."""
    return import_module("holidays")


@cache
def regions() -> frozenset[str]:
    """Countries whose holidays are known (ISO 3166, two letters)."""
    return frozenset(_library().list_supported_countries(include_aliases=False))


def parts_of(country: str) -> list[str]:
    """Parts of a country that have holidays of their own, or may have: `BY` of `DE`."""
    return list(_library().list_supported_countries(include_aliases=False).get(country, []))


def public_holidays(region: str, years: range) -> frozenset[date]:
    """Days on which offices of `BE`, `DE-BY` … are closed, moved ones included."""
    country, _, part = region.partition("-")
    return frozenset(_library().country_holidays(country, subdiv=part or None, years=years))
