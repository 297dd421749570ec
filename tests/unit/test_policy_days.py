"""When the days of a site begin."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cordboard.cli.policy import DAYS_ENOUGH, InForce, _says
from cordboard.policy import PolicyErrors, loads
from cordboard.policy.calendars import with_instants
from cordboard.policy.days import DAYS_AHEAD, days_ms, with_days

ZONE = "timezone: Europe/Amsterdam"
EXAMPLE = (Path(__file__).parents[2] / "examples" / "webshop.yaml").read_text()
TEXT = "".join(line for line in EXAMPLE.splitlines(keepends=True) if not line.startswith(ZONE))
"""Without a zone."""
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def ms(instant: datetime) -> int:
    return round(instant.timestamp()) * 1_000


def test_a_day_begins_at_local_midnight_summer_and_winter() -> None:
    days = days_ms("Europe/Amsterdam", ms(NOON))
    assert days[0] == ms(datetime(2026, 11, 21, 23, tzinfo=UTC))
    assert ms(datetime(2027, 3, 27, 23, tzinfo=UTC)) in days
    assert ms(datetime(2027, 3, 28, 22, tzinfo=UTC)) in days
    assert len(days) == DAYS_AHEAD + 1
    assert days[-1] >= ms(NOON + timedelta(days=399))


def test_a_midnight_that_is_left_out_begins_when_the_clocks_are_changed() -> None:
    # Lebanon goes from 24:00 to 01:00.
    days = days_ms("Asia/Beirut", ms(datetime(2027, 3, 20, tzinfo=UTC)))
    assert ms(datetime(2027, 3, 27, 22, tzinfo=UTC)) in days


def test_a_day_that_a_place_skipped_begins_with_the_next() -> None:
    days = days_ms("Pacific/Apia", ms(datetime(2011, 12, 29, tzinfo=UTC)))
    assert days == sorted(set(days))


def test_the_document_names_the_zone_and_publication_the_days() -> None:
    policy = loads(EXAMPLE).policy
    assert (policy.timezone, policy.days_ms) == ("Europe/Amsterdam", [])
    assert with_days(policy, ms(NOON)).days_ms == days_ms("Europe/Amsterdam", ms(NOON))
    assert with_days(loads(TEXT).policy, ms(NOON)).days_ms == []


@pytest.mark.parametrize("zone", ["Europe/Amsterdm", "CEST"])
def test_an_unknown_zone_is_a_problem(zone: str) -> None:
    with pytest.raises(PolicyErrors, match="is no time zone"):
        loads(f"timezone: {zone}\n{TEXT}")


def test_counting_by_the_day_needs_a_zone() -> None:
    text = TEXT.replace("  orders:\n", "  orders:\n    strategy: fewest_today\n", 1)
    assert text != TEXT
    with pytest.raises(PolicyErrors, match="no day begins without a time zone"):
        loads(text)
    loads(f"{ZONE}\n{text}")


def test_the_same_file_is_published_again_only_when_its_days_run_out() -> None:
    site = loads(EXAMPLE)
    now = InForce(with_instants(site.at_version(3), ms(NOON)), "", ms(NOON))
    assert _says(site, now, ms(NOON)) and _says(site, now, ms(NOON + timedelta(days=DAYS_AHEAD - DAYS_ENOUGH)))
    assert not _says(site, now, ms(NOON + timedelta(days=DAYS_AHEAD - DAYS_ENOUGH + 1)))
    assert not _says(loads(EXAMPLE.replace("max_parked: 50", "max_parked: 49")), now, ms(NOON))
    assert not _says(loads(EXAMPLE.replace(ZONE, "timezone: Asia/Tokyo")), now, ms(NOON))
    plain = loads(TEXT)
    assert _says(plain, InForce(plain.at_version(1), "", ms(NOON)), ms(NOON + timedelta(days=9_000)))
