"""Periods of boards: a date without a time is when that day begins by the clock that the board goes by."""

from datetime import datetime
from zoneinfo import ZoneInfo

import typer

from cordboard.cli.instants import parse_instant
from cordboard.cli.policy import policy_in_force
from cordboard.client import Client


class Period:
    """`begin` and `until` as they were given, empty for none; `zone`: an IANA zone, else the site's. Raises BadParameter."""

    def __init__(self, begin: str, until: str, zone: str) -> None:
        self._given = (begin, until)
        self._zone = _zone(zone) if zone else None
        for text in self._given:
            if text:
                parse_instant(text)

    async def instants(self, client: Client) -> tuple[int, int]:
        """Both in Unix ms; 0 for none. Raises ClientError."""
        zone = self._zone
        if zone is None and any(text and datetime.fromisoformat(text).tzinfo is None for text in self._given):
            known = await policy_in_force(client)
            zone = ZoneInfo(known.policy.timezone) if known is not None and known.policy.timezone else None
        begin, until = (parse_instant(text, zone or ZoneInfo("UTC")) if text else 0 for text in self._given)
        return begin, until


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError) as error:
        raise typer.BadParameter(f"{name!r} is no IANA time zone: write Europe/Brussels", param_hint="--zone") from error
