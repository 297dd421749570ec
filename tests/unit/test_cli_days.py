"""Periods of boards on the command line: a date is a day by the clock that the board goes by."""

from datetime import datetime
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import grpc
import pytest
import typer

from cordboard import codec
from cordboard.cli.days import Period
from cordboard.client import ClientError
from cordboard.policy import loads

BRUSSELS, MIDNIGHT = ZoneInfo("Europe/Brussels"), "2026-03-29"

POLICY = "channels: {task: {presence: async, class: 3, answered_on: first_message}}\nqueues: {orders: }\n"


class Site:
    """Answers with the policy in force."""

    def __init__(self, timezone: str | None) -> None:
        self.timezone = timezone
        self.asked = 0

    async def get_policy(self) -> Any:
        self.asked += 1
        if self.timezone is None:
            raise ClientError(grpc.StatusCode.FAILED_PRECONDITION, "no_policy", "the site has no policy yet")
        zone = f"timezone: {self.timezone}\n" if self.timezone else ""
        policy = loads(f"site: shop\n{zone}{POLICY}").policy
        return SimpleNamespace(compiled=codec.encode(policy), digest="", adopted_at_ms=0)


def instant(text: str, zone: ZoneInfo) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1_000)


async def at(site: Site, begin: str, until: str = "", zone: str = "") -> tuple[int, int]:
    whole: Any = site
    return await Period(begin, until, zone).instants(whole)


async def test_a_date_is_the_sites_day_and_the_day_of_the_zone_that_is_given() -> None:
    here = Site("Europe/Brussels")
    assert await at(here, MIDNIGHT, "2026-03-30") == (instant(MIDNIGHT, BRUSSELS), instant("2026-03-30", BRUSSELS))
    tokyo = ZoneInfo("Asia/Tokyo")
    assert await at(here, MIDNIGHT, zone="Asia/Tokyo") == (instant(MIDNIGHT, tokyo), 0)
    assert here.asked == 1


@pytest.mark.parametrize("timezone", ["", None])
async def test_without_a_zone_of_its_own_the_site_goes_by_utc(timezone: str | None) -> None:
    assert await at(Site(timezone), MIDNIGHT) == (instant(MIDNIGHT, ZoneInfo("UTC")), 0)


async def test_an_instant_that_says_its_zone_is_that_instant() -> None:
    here = Site("Europe/Brussels")
    assert await at(here, "2026-03-29T00:00+09:00") == (instant(MIDNIGHT, ZoneInfo("Asia/Tokyo")), 0)
    assert await at(here, "") == (0, 0) and here.asked == 0


@pytest.mark.parametrize(("begin", "zone"), [("yesterday", ""), (MIDNIGHT, "Europe/Brusels"), (MIDNIGHT, "../etc/passwd")])
def test_what_is_no_day_or_zone_is_said_before_anybody_is_asked(begin: str, zone: str) -> None:
    with pytest.raises(typer.BadParameter):
        Period(begin, "", zone)
