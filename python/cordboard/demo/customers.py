"""Chat customers over real WebSockets: patient ones, impatient ones, and some whose connection drops in the middle."""

import asyncio
import contextlib
import random
import uuid
from collections.abc import AsyncIterator
from typing import Any, Literal

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from cordboard.demo.callers import Place
from cordboard.demo.tally import Tally, now_ms
from cordboard.demo.texts import FOLLOW_UPS, LANGUAGE_WEIGHTS, LANGUAGES, QUESTIONS
from cordboard.demo.website import Browser

Temper = Literal["patient", "impatient", "reconnecting"]
TEMPERS: tuple[Temper, ...] = ("patient", "impatient", "reconnecting")
TEMPER_WEIGHTS = (70, 15, 15)
COMES_IN = 0.6
"""Of those who see a busy door; the others turn back."""
KEEPS_PLACE = 0.5
"""Of those who are told that they must wait, where they may hang up and be called."""
ATTEMPTS_MAX = 120
RETRY_S = 0.25
Frame = dict[str, Any]


class Customer:
    """One person with one question. `run` returns when the chat is over for them.

    `door` is the entry point that they come in by, if it shows how it stands. `place`: they may hang up and be called instead.
    """

    def __init__(
        self, url: str, queue: str, browser: Browser, door: str | None, place: Place | None, tally: Tally, dice: random.Random
    ) -> None:
        self._url, self._queue, self._tally, self._dice = url, queue, tally, dice
        self._browser, self._door, self._place = browser, door, place
        self._ticket: str | None = None
        self._temper: Temper = dice.choices(TEMPERS, TEMPER_WEIGHTS)[0]
        self._language = dice.choices(LANGUAGES, LANGUAGE_WEIGHTS)[0]
        self._start_id = uuid.UUID(int=dice.getrandbits(128)).hex
        self._asked = 0.0
        self._contact: str | None = None
        self._token: str | None = None
        self._seen = 0
        self._answered = asyncio.Event()
        self._left = False
        self._drops = 1 if self._temper == "reconnecting" else 0
        self._replies = dice.choice((0, 1, 1, 2))
        self._replied = 0

    async def run(self) -> None:
        """Chat until it ends or patience does. Connection errors are retried: that is what a browser does."""
        if self._door is not None and not await self._comes_in(self._door):
            return
        self._asked = now_ms()
        self._tally.happened[f"customer {self._temper}"] += 1
        for _ in range(ATTEMPTS_MAX):
            try:
                async with self._connected() as socket:
                    if await self._converse(socket):
                        return
                self._tally.happened["reconnected"] += 1
                await asyncio.sleep(self._dice.uniform(0.1, 0.6))
            except (ConnectionClosed, InvalidHandshake, OSError, TimeoutError):
                self._tally.happened["connection lost"] += 1
                await asyncio.sleep(RETRY_S)
        self._tally.happened["gave up"] += 1

    async def _comes_in(self, name: str) -> bool:
        """Look at the door first. False: it is shut, or busy and the customer has something better to do."""
        door = await self._browser.enter(name)
        if door is None or door.state == "open":
            self._ticket = None if door is None else door.ticket
            return True
        self._tally.happened[f"door shown {door.state}"] += 1
        if door.state == "busy" and self._dice.random() < COMES_IN:
            return True
        self._tally.happened["customer turned back at a door"] += 1
        return False

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator[ClientConnection]:
        async with connect(self._url, compression=None, open_timeout=10, close_timeout=1, max_size=1 << 20) as socket:
            if self._token is None:
                await self._say(socket, self._start())
            else:
                await self._say(socket, {"type": "resume", "token": self._token, "seen": self._seen})
            yield socket

    def _start(self) -> Frame:
        frame = {
            "type": "start",
            "client_id": self._start_id,
            "queue": self._queue,
            "entry_point": self._door,
            "ticket": self._ticket,
            "language": self._language,
            "text": self._dice.choice(QUESTIONS[self._language]),
        }
        return {name: value for name, value in frame.items() if value is not None}

    async def _converse(self, socket: ClientConnection) -> bool:
        """True when the chat is over; False when the connection dropped and the customer will come back."""
        if self._temper != "impatient":
            return await self._listen(socket)
        patience = asyncio.create_task(self._lose_patience(socket))
        try:
            return await self._listen(socket)
        finally:
            patience.cancel()
            await asyncio.gather(patience, return_exceptions=True)

    async def _listen(self, socket: ClientConnection) -> bool:
        try:
            async for raw in socket:
                frame: Frame = msgspec.json.decode(raw)
                if frame["type"] == "ended":
                    if self._contact is not None:
                        self._tally.stayed.add(self._contact)
                    return True
                if frame["type"] == "error" and await self._refused(frame):
                    return True
                await self._hear(socket, frame)
                if self._drops and self._answered.is_set():
                    self._drops -= 1
                    socket.transport.abort()
                    return False
        except ConnectionClosed:
            if not self._left:
                raise
        return self._left

    async def _hear(self, socket: ClientConnection, frame: Frame) -> None:
        if frame["type"] == "started":
            self._contact, self._token = frame["contact"], frame["token"]
            if not frame.get("resumed"):
                self._tally.confirm(frame["contact"], self._asked)
        elif frame["type"] == "wait":
            await self._told_to_wait(frame.get("expected_ms"))
        elif frame["type"] == "message":
            assert self._contact is not None
            self._seen = max(self._seen, frame["ordinal"])
            if frame["author"] == "agent":
                self._tally.hear(self._contact, frame["message"])
                self._answered.set()
                await self._say(socket, {"type": "read", "message": frame["message"]})
                if self._replied < self._replies:
                    self._replied += 1
                    await self._reply(socket)

    async def _told_to_wait(self, expected_ms: int | None) -> None:
        """The first time: some would rather be called."""
        if not expected_ms or self._place is None or self._contact is None or self._answered.is_set():
            return
        place, self._place = self._place, None
        if self._dice.random() < KEEPS_PLACE:
            await place.keep(self._contact, self._queue, self._language)

    async def _reply(self, socket: ClientConnection) -> None:
        await self._say(socket, {"type": "typing"})
        await asyncio.sleep(self._dice.uniform(0.1, 0.5))
        await self._say(socket, {"type": "message", "client_id": f"r{self._replied}", "text": self._dice.choice(FOLLOW_UPS)})

    async def _lose_patience(self, socket: ClientConnection) -> None:
        """Leaves properly, or just closes the window: the engine must notice both."""
        try:
            async with asyncio.timeout(self._dice.uniform(0.8, 2.5)):
                await self._answered.wait()
        except TimeoutError:
            self._tally.happened["lost patience"] += 1
            self._left = True
            with contextlib.suppress(ConnectionClosed):
                if self._dice.random() < 0.5:
                    await self._say(socket, {"type": "leave"})
                await socket.close()

    async def _refused(self, frame: Frame) -> bool:
        """True if there is no use in going on."""
        self._tally.happened[f"chat error {frame['reason']}"] += 1
        if frame["reason"] == "overloaded" or frame.get("retry_after_ms"):
            raise TimeoutError("asked to come back later")
        return self._contact is None

    @staticmethod
    async def _say(socket: ClientConnection, frame: Frame) -> None:
        await socket.send(msgspec.json.encode(frame).decode())
