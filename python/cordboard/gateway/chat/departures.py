"""Customers who leave: at once by saying so, or by staying away longer than the grace time.

One timer a chat without a socket, on the loop's clock and never the wall's. ContactAbandoned has no content, so it goes to the log
alone, without a row in the vault; its fact id stays the same over all tries.
"""

import asyncio
import logging
import secrets

from cordboard import codec
from cordboard.errors import LogUnavailable, Overloaded
from cordboard.events.bounds import ID_BYTES
from cordboard.events.fact import ContactAbandoned
from cordboard.events.verdict import Refused, Verdict
from cordboard.gateway.chat.verdicts import Verdicts
from cordboard.log.port import Publisher

logger = logging.getLogger(__name__)

_RETRY_S = 1.0


class Departures:
    """`gone` starts the grace time of a chat and `back` ends it; `leave` needs no grace; `over` when the journal says it ended."""

    def __init__(self, grace_s: float, verdicts: Verdicts) -> None:
        self._grace_s = grace_s
        self._verdicts = verdicts
        self._timers: dict[bytes, asyncio.TimerHandle] = {}
        self._leaving: dict[bytes, bytes] = {}
        self._due: asyncio.Queue[bytes] = asyncio.Queue()

    def gone(self, contact: bytes) -> None:
        """No socket serves this chat. A grace time that runs already is not begun anew."""
        if contact not in self._timers and contact not in self._leaving:
            self._timers[contact] = asyncio.get_running_loop().call_later(self._grace_s, self._expire, contact)

    def back(self, contact: bytes) -> None:
        """A socket serves it again."""
        timer = self._timers.pop(contact, None)
        if timer is not None:
            timer.cancel()

    def leave(self, contact: bytes) -> None:
        """The customer is gone for good."""
        self.back(contact)
        if contact not in self._leaving:
            self._leaving[contact] = secrets.token_bytes(ID_BYTES)
            self._due.put_nowait(contact)

    def over(self, contact: bytes) -> None:
        """The contact has ended, for whatever reason."""
        self.back(contact)
        self._leaving.pop(contact, None)

    def close(self) -> None:
        """Stop all timers; the next process starts them anew from the journal."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    async def run(self, publisher: Publisher) -> None:
        """Publishes the abandons, for ever."""
        async with asyncio.TaskGroup() as group:
            while True:
                group.create_task(self._abandon(await self._due.get(), publisher))

    def _expire(self, contact: bytes) -> None:
        del self._timers[contact]
        self.leave(contact)

    async def _abandon(self, contact: bytes, publisher: Publisher) -> None:
        while (fact_id := self._leaving.get(contact)) is not None:
            fact = codec.check_fact(ContactAbandoned(fact_id=fact_id, contact=contact))
            drop = self._verdicts.expect(contact, fact_id, lambda verdict: self._heard(contact, verdict))
            try:
                await publisher.publish(fact)
                return
            except (Overloaded, LogUnavailable) as error:
                drop()
                logger.warning("abandon of %s is not durable yet: %s", contact.hex(), error.reason)
                await asyncio.sleep(_RETRY_S)

    def _heard(self, contact: bytes, verdict: Verdict) -> None:
        if not isinstance(verdict, Refused):
            return
        self._leaving.pop(contact, None)
        if verdict.reason not in ("contact_gone", "unknown_contact"):  # those say that it ended meanwhile, as the fold will show
            logger.error("abandon of %s was refused: %s", contact.hex(), verdict.reason)
