"""Customers who would be called: they name a time on the website or to a service, or keep their place in a line."""

import asyncio
import random

from cordboard.client import Client, ClientError, new_request_id
from cordboard.demo.tally import Tally
from cordboard.demo.texts import LANGUAGE_WEIGHTS, LANGUAGES, QUESTIONS
from cordboard.demo.website import Browser
from cordboard.events.policy import EntryPoint
from cordboard.v1.callback_service_pb2 import Promise
from cordboard.v1.types_pb2 import Requirement
from cordboard.vault.clock import now_ms

MOBILES = {"+3161": 7, "+3247": 7, "+49151": 8}
"""How mobile numbers begin where customers are, and how many digits follow. The telephones are simulated."""
ON_THE_WEB = 0.4
LATER = 0.3
"""Of those who name a time to a service: not as soon as possible, but some minutes ahead."""
CANCELS, MOVES = 0.1, 0.1
ATTEMPTS_MAX = 60
RETRY_S = 0.5


def number(dice: random.Random) -> str:
    """A telephone number that nobody else has."""
    beginning, digits = dice.choice(list(MOBILES.items()))
    return f"{beginning}{dice.randrange(10**digits):0{digits}}"


def speaks(language: str) -> Requirement:
    """Who calls speaks the customer's language."""
    return Requirement(skill=f"{language}.spoken", level=5)


class Caller:
    """Somebody who names a time at an entry point of the channel `voice`."""

    def __init__(self, client: Client, browser: Browser, door: EntryPoint, tally: Tally, dice: random.Random) -> None:
        self._client, self._browser, self._door, self._tally, self._dice = client, browser, door, tally, dice
        self._language = dice.choices(LANGUAGES, LANGUAGE_WEIGHTS)[0]
        self._number, self._text = number(dice), dice.choice(QUESTIONS[self._language])

    async def run(self) -> None:
        await (self._on_the_web() if self._dice.random() < ON_THE_WEB else self._at_a_service())

    async def _on_the_web(self) -> None:
        promise = await self._browser.book(self._door.name, self._number, self._text)
        if promise is None:
            return
        self._tally.promised.add(promise["reference"])
        mind = await self._changes_mind()
        if mind == "cancels" and await self._browser.cancel(promise):
            self._tally.happened["callback cancelled by its link"] += 1
            self._tally.called_off.add(promise["reference"])
        elif mind == "moves" and await self._browser.move(promise, self._door.name):
            self._tally.happened["callback moved by its link"] += 1

    async def _at_a_service(self) -> None:
        minutes = self._dice.randint(1, 4) if self._dice.random() < LATER else 0
        promise = await self._book(now_ms() + minutes * 60_000 if minutes else 0)
        if promise is None:
            return
        mind = await self._changes_mind()
        try:
            if mind == "cancels":
                await self._client.cancel_callback(promise.contact_id)
                self._tally.called_off.add(promise.contact_id)
            elif mind == "moves":
                moved = await self._client.reschedule_callback(promise.contact_id, wish_ms=promise.due_ms + 60_000)
                self._tally.promised.add(moved.promise.contact_id)
        except ClientError as error:
            self._tally.happened[f"callback: {error.reason}"] += 1

    async def _book(self, wish_ms: int, *, exact: bool = False) -> Promise | None:
        """Under one request id, so that it is promised once; who cannot be called then takes the nearest time offered."""
        request_id = new_request_id()
        for _ in range(ATTEMPTS_MAX):
            try:
                done = await self._client.book_callback(
                    queue=self._door.queue or "",
                    entry_point=self._door.name,
                    number=self._number,
                    language=self._language,
                    requirements=[speaks(self._language)],
                    text=self._text,
                    wish_ms=wish_ms,
                    exact=exact,
                    request_id=request_id,
                )
            except ClientError as error:
                self._tally.happened[f"callback: {error.reason or error.code.name}"] += 1
                if error.alternatives_ms and not exact:
                    return await self._book(error.alternatives_ms[0], exact=True)
                if error.reason.startswith("callback_"):
                    return None
                await asyncio.sleep(RETRY_S)
            else:
                self._tally.promised.add(done.promise.contact_id)
                return done.promise
        return None

    async def _changes_mind(self) -> str:
        mind = self._dice.random()
        if mind >= CANCELS + MOVES:
            return ""
        await asyncio.sleep(self._dice.uniform(0.1, 1.5))
        return "cancels" if mind < CANCELS else "moves"


class Place:
    """What a customer who waits in a chat may do instead: hang up, keep the place, and be called when it is reached."""

    def __init__(self, client: Client, tally: Tally, dice: random.Random) -> None:
        self._client, self._tally, self._dice = client, tally, dice

    async def keep(self, contact: str, queue: str, language: str) -> None:
        """If it can be promised the chat ends; else the customer goes on waiting."""
        try:
            done = await self._client.book_callback(
                queue=queue,
                waiting_contact_id=contact,
                hold_place=True,
                number=number(self._dice),
                language=language,
                requirements=[speaks(language)],
            )
        except ClientError as error:
            self._tally.happened[f"place not kept: {error.reason or error.code.name}"] += 1
        else:
            self._tally.promised.add(done.promise.contact_id)
