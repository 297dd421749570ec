"""Intake: a fact's way from a gateway to the log, past a crash at any point.

Row `pending` → the log acknowledges the fact → row `published` → only then may the caller confirm to the outside.
What stays pending is published again by the sweep: the same bytes with the same fact id, which the router counts once.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import NoReturn

from cordboard.errors import CordboardError
from cordboard.vault.vault import Vault
from cordboard.vault.words import Acceptance, Draft

SWEEP_EVERY_S = 1.0
SWEEP_AFTER_MS = 5_000
SWEEP_MAX = 64
DOUBTFUL_AFTER_MS = 10 * 60_000
"""The router remembers fact ids for 15 minutes. A row older than this may have been acknowledged and forgotten since."""

logger = logging.getLogger(__name__)


class Intake:
    """`publish` appends a fact to the inbox and returns when it is durable. `decided`, if given, tells for a row too old for the
    router's memory whether the journal holds its fact already (a look-up in the history). `gateway` keeps the sweep to its own
    rows, so that one publisher sends them and their order holds."""

    def __init__(
        self,
        vault: Vault,
        publish: Callable[[bytes], Awaitable[object]],
        decided: Callable[[Acceptance], Awaitable[bool]] | None = None,
        gateway: str | None = None,
    ) -> None:
        self._vault = vault
        self._gateway = gateway
        self._publish = publish
        self._decided = decided
        self._passed = 0
        """Of the oldest, so many did not go through: others have their turn first."""

    async def submit(self, draft: Draft) -> Acceptance:
        """Accept, publish, mark as published. When it returns, the outside may be told.

        Raises InvalidInput (nothing written), or LogUnavailable, Overloaded, VaultUnavailable: then the caller confirms nothing;
        what was accepted stays pending for the sweep, and a repeat of the same draft picks it up.
        """
        acceptance = await self._vault.accept(draft)
        if acceptance.published:
            return acceptance
        # A repeat may come after the router has forgotten the first one.
        return await self._forward(acceptance) if acceptance.fresh else await self._once_more(acceptance)

    async def sweep(self) -> NoReturn:
        """Publish again, for ever, what has been pending for more than 5 s."""
        while True:
            through = 0
            try:
                through = await self.sweep_once(SWEEP_AFTER_MS)
            except CordboardError as error:
                logger.warning("sweep of pending facts: %s", error)
            if through < SWEEP_MAX:  # after an outage there may be thousands
                await asyncio.sleep(SWEEP_EVERY_S)

    async def sweep_once(self, older_than_ms: int) -> int:
        """Publish again up to 64 facts that have been pending for at least `older_than_ms`. Returns how many went through."""
        overdue = await self._vault.overdue(older_than_ms, SWEEP_MAX, self._gateway, self._passed)
        # Handed to the publisher in their old order; together, so that they can share a frame.
        outcomes = await asyncio.gather(
            *(self._again(age_ms, acceptance) for age_ms, acceptance in overdue), return_exceptions=True
        )
        failures = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        self._passed = self._passed + len(failures) if len(overdue) == SWEEP_MAX else 0
        for failure in failures:
            if not isinstance(failure, CordboardError):
                raise failure
        if failures:
            logger.warning("%d of %d pending facts stay pending: %s", len(failures), len(overdue), failures[0])
        return len(overdue) - len(failures)

    async def _again(self, age_ms: int, acceptance: Acceptance) -> None:
        if not 0 <= age_ms < DOUBTFUL_AFTER_MS:
            await self._once_more(acceptance)
        else:
            await self._forward(acceptance)

    async def _once_more(self, acceptance: Acceptance) -> Acceptance:
        """Publish unless the journal has it already."""
        if self._decided is not None and await self._decided(acceptance):
            await self._vault.published(acceptance.fact_id)
            return replace(acceptance, published=True)
        return await self._forward(acceptance)

    async def _forward(self, acceptance: Acceptance) -> Acceptance:
        await self._publish(acceptance.fact)
        await self._vault.published(acceptance.fact_id)
        return replace(acceptance, published=True)
