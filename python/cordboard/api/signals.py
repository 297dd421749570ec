"""Whispers on their way to desks: a customer types, a message was delivered or read."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Literal

import msgspec

from cordboard.errors import CordboardError
from cordboard.log.port import SiteLog
from cordboard.projections.desks import Desks

logger = logging.getLogger(__name__)
PAUSE_S = 1.0
_TOPICS = ("typing.*", "receipt.*")


class Heard(msgspec.Struct, frozen=True):
    """A whisper by the customer of `contact`; `message` is what was delivered or read."""

    contact: bytes
    kind: Literal["typing", "delivered", "read"]
    message: bytes | None


class _Typing(msgspec.Struct):
    author: Literal["customer", "agent"]


class _Receipt(msgspec.Struct):
    author: Literal["customer", "agent"]
    message: str
    state: Literal["delivered", "read"]


Sink = Callable[[Heard], None]


class Signals:
    """One listener a process; each whisper goes to the desks of those engaged with the contact. Losing one is no loss."""

    def __init__(self, log: SiteLog, desks: Desks) -> None:
        self._log = log
        self._desks = desks
        self._sinks: dict[bytes, list[Sink]] = {}

    def subscribe(self, agent: bytes, sink: Sink) -> Callable[[], None]:
        """`sink` must only note and return; call what is returned to end it."""
        sinks = self._sinks.setdefault(agent, [])
        sinks.append(sink)

        def unsubscribe() -> None:
            sinks.remove(sink)
            if not sinks and self._sinks.get(agent) is sinks:
                del self._sinks[agent]

        return unsubscribe

    async def run(self) -> None:
        """Listen until cancelled."""
        async with asyncio.TaskGroup() as group:
            for topic in _TOPICS:
                group.create_task(self._listen(topic))

    async def _listen(self, topic: str) -> None:
        while True:
            try:
                async with contextlib.aclosing(self._log.listen(topic)) as whispers:
                    async for heard_topic, data in whispers:
                        self.hear(heard_topic, data)
            except CordboardError as error:
                logger.warning("whispers cannot be heard: %s", error.reason)
            await asyncio.sleep(PAUSE_S)

    def hear(self, topic: str, data: bytes) -> None:
        """Pass one whisper on. What is malformed, or about a contact with nobody engaged, is dropped."""
        heard = _read(topic, data)
        if heard is None:
            return
        for agent in {agent for agent, work in self._desks.in_hand(heard.contact) if work.state == "engaged"}:
            for sink in tuple(self._sinks.get(agent, ())):
                sink(heard)


def _read(topic: str, data: bytes) -> Heard | None:
    kind, _, contact = topic.partition(".")
    try:
        if kind == "typing":
            typing = msgspec.json.decode(data, type=_Typing)
            return Heard(bytes.fromhex(contact), "typing", None) if typing.author == "customer" else None
        receipt = msgspec.json.decode(data, type=_Receipt)
        if receipt.author != "customer":
            return None
        return Heard(bytes.fromhex(contact), receipt.state, bytes.fromhex(receipt.message))
    except (msgspec.DecodeError, ValueError):
        return None
