"""Typing and delivery receipts between customer and agent: told over the log's whispers, stored nowhere, lost without harm."""

import asyncio
import contextlib
import logging
from typing import Literal

import msgspec

from cordboard.errors import CordboardError
from cordboard.gateway.chat.chat import Chat
from cordboard.gateway.chat.protocol import AgentTyping, Author, HexId, Receipt
from cordboard.gateway.chat.session import Session
from cordboard.log.port import SiteLog

logger = logging.getLogger(__name__)


class TypingWhisper(msgspec.Struct, frozen=True):
    """Topic `typing.<contact>`: `author` is typing."""

    author: Author


class ReceiptWhisper(msgspec.Struct, frozen=True):
    """Topic `receipt.<contact>`: the other side's `message` has reached `author`, or was read by them."""

    message: HexId
    state: Literal["delivered", "read"]
    author: Author


_encoder = msgspec.json.Encoder()
_typing = msgspec.json.Decoder(TypingWhisper)
_receipt = msgspec.json.Decoder(ReceiptWhisper)


class Whispers:
    """The sessions' way to the agents' side, and back by `run`."""

    def __init__(self, log: SiteLog, chat: Chat) -> None:
        self._log = log
        self._chat = chat

    async def typing(self, contact: bytes) -> None:
        await self._whisper(f"typing.{contact.hex()}", TypingWhisper("customer"))

    async def received(self, contact: bytes, message: bytes, state: Literal["delivered", "read"]) -> None:
        await self._whisper(f"receipt.{contact.hex()}", ReceiptWhisper(message.hex(), state, "customer"))

    async def run(self) -> None:
        """Listens for the agents' side, for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen("typing.>"))
            group.create_task(self._listen("receipt.>"))

    async def _listen(self, topic: str) -> None:
        async with contextlib.aclosing(self._log.listen(topic)) as whispers:
            async for heard, data in whispers:
                try:
                    self._hear(heard, data)
                except (msgspec.DecodeError, ValueError):
                    logger.warning("not a whisper, on a topic under %s", topic)

    def _hear(self, topic: str, data: bytes) -> None:
        kind, _, contact = topic.partition(".")
        session = self._chat.socket(bytes.fromhex(contact))
        if not isinstance(session, Session):
            return
        if kind == "typing":
            if _typing.decode(data).author == "agent":
                session.hint(AgentTyping())
            return
        receipt = _receipt.decode(data)
        line = session.conversation.messages.get(bytes.fromhex(receipt.message)) if session.conversation is not None else None
        if receipt.author == "agent" and line is not None and line.author == "customer":
            session.hint(Receipt(message=receipt.message, state=receipt.state))

    async def _whisper(self, topic: str, whisper: msgspec.Struct) -> None:
        try:
            await self._log.whisper(topic, _encoder.encode(whisper))
        except CordboardError as error:
            logger.info("a whisper was not told: %s", error.reason)
