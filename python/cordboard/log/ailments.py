"""What is wrong with NATS servers, in their own words: one that met a full disk acknowledges nothing more, and lives on."""

from __future__ import annotations

import asyncio
import logging
from typing import NoReturn

from cordboard.log.monitoring import ailment, monitoring_urls

_log = logging.getLogger(__name__)
LOOK_S = 30.0
_SAID_MAX = 300


class Ailments:
    """Asks every server that has a monitoring URL, for ever (`run`); `notice` is what to say of them now."""

    def __init__(self, monitor_url: str | None, look_s: float = LOOK_S) -> None:
        self._urls = monitoring_urls(monitor_url)
        self._look_s = look_s
        self._before: dict[str, str] = {}
        self._said: dict[str, str] = {}

    def notice(self) -> str:
        """Empty: all that answer are well."""
        return "; ".join(f"the NATS server at {url} says: {wrong}" for url, wrong in self._said.items())

    async def run(self) -> NoReturn:
        """What is wrong at two looks is said: a server that has just started, or an election, is not."""
        while True:
            for url, wrong in zip(self._urls, await asyncio.gather(*map(ailment, self._urls)), strict=True):
                self._take_in(url, wrong[:_SAID_MAX])
            await asyncio.sleep(self._look_s)

    def _take_in(self, url: str, wrong: str) -> None:
        if wrong and self._before.get(url):
            if url not in self._said:
                _log.warning("the NATS server at %s says: %s", url, wrong)
            self._said[url] = wrong
        elif not wrong and self._said.pop(url, ""):
            _log.info("the NATS server at %s does not say any more that something is wrong", url)
        self._before[url] = wrong
