"""Customers who came while a door was not open: gathered, and told the journal as one fact a door and state every few seconds."""

import asyncio
import logging
import secrets
from collections import Counter

from cordboard import codec
from cordboard.errors import LogUnavailable, Overloaded
from cordboard.events.bounds import ID_BYTES
from cordboard.events.fact import DemandTurnedAway, DoorState
from cordboard.log.port import Publisher

logger = logging.getLogger(__name__)
COUNT_MAX = 1_000_000


class Demand:
    """Figures, not contacts: what a process has gathered when it is killed is lost."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._gathered: Counter[tuple[str, str, DoorState]] = Counter()

    def count(self, entry_point: str, channel: str, state: DoorState) -> None:
        self._gathered[entry_point, channel, state] += 1

    async def run(self, publisher: Publisher) -> None:
        """For ever; what is gathered when it is cancelled is not told."""
        while True:
            await asyncio.sleep(self._every_s)
            await self.tell(publisher)

    async def tell(self, publisher: Publisher) -> None:
        """What was gathered so far. What the publisher has no room for is told later."""
        gathered, self._gathered = self._gathered, Counter()
        for (entry_point, channel, state), count in gathered.items():
            fact = DemandTurnedAway(secrets.token_bytes(ID_BYTES), entry_point, channel, state, min(count, COUNT_MAX))
            try:
                await publisher.publish(codec.check_fact(fact))
            except Overloaded:
                self._gathered[entry_point, channel, state] += count  # nothing was sent
            except LogUnavailable:
                # The publisher goes on sending it: to count it again would count it twice.
                logger.warning("the log has not confirmed %d customers turned away at %s yet", count, entry_point)
