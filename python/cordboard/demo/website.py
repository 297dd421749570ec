"""The shop's website as its visitors use it, each from an address of their own: tickets, and callbacks booked and changed."""

import asyncio
import random
from dataclasses import dataclass
from typing import Any

import httpx

from cordboard.demo.tally import Tally

ATTEMPTS_MAX = 60
RETRY_S = 0.5
Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Door:
    """How an entry point stood when somebody asked to come in. `ticket`: a place, if it was open."""

    state: str
    ticket: str | None


class Browser:
    """One visitor's. Requests are repeated when the connection fails, or the engine asks for it: that is what pages do."""

    def __init__(self, web: httpx.AsyncClient, tally: Tally, dice: random.Random) -> None:
        self._web, self._tally, self._dice = web, tally, dice
        # 2001:db8::/32 is for examples; as the proxy in front of a site says it.
        self._headers = {"x-forwarded-for": f"2001:db8:{dice.getrandbits(16):x}:{dice.getrandbits(16):x}::1"}

    async def enter(self, door: str) -> Door | None:
        """Ask for a ticket; None if nobody answers, or nothing is shown of that door."""
        response = await self._send("POST", f"/availability/{door}/ticket")
        if response is None or response.status_code not in (201, 409):
            return None
        said: Answer = response.json()
        return Door("open", said["ticket"]) if response.status_code == 201 else Door(said["state"], None)

    async def book(self, door: str, number: str, text: str) -> Answer | None:
        """A callback as soon as possible, or at the nearest time that is offered instead; None if there is none."""
        wish: Answer = {"number": number, "consent": True, "text": text}
        response = await self._post(f"/callbacks/{door}", wish)
        if response is not None and response.status_code == 409 and (others := response.json().get("alternatives")):
            self._tally.happened["callback: took another time"] += 1
            response = await self._post(f"/callbacks/{door}", {**wish, "begin_ms": others[0]["begin_ms"]})
        return self._answer(response, 201)

    async def move(self, promise: Answer, door: str) -> Answer | None:
        """To the last of the times that are free."""
        free = await self._send("GET", f"/callbacks/{door}/slots?hours=1")
        if free is None or free.status_code != 200 or not free.json()["slots"]:
            return None
        change = {"action": "move", "begin_ms": free.json()["slots"][-1]["begin_ms"]}
        return self._answer(await self._post(promise["manage"], change), 200)

    async def cancel(self, promise: Answer) -> Answer | None:
        return self._answer(await self._post(promise["manage"], {"action": "cancel"}), 200)

    def _answer(self, response: httpx.Response | None, status: int) -> Answer | None:
        if response is not None and response.status_code == status:
            said: Answer = response.json()
            return said
        if response is not None:
            self._tally.happened[f"callback: {response.json().get('reason', response.status_code)}"] += 1
        return None

    async def _post(self, path: str, body: Answer) -> httpx.Response | None:
        """With one key, so that it counts once however often it is sent."""
        return await self._send("POST", path, json=body, headers={"idempotency-key": f"{self._dice.getrandbits(128):032x}"})

    async def _send(
        self, method: str, path: str, *, json: Answer | None = None, headers: dict[str, str] | None = None
    ) -> httpx.Response | None:
        for _ in range(ATTEMPTS_MAX):
            try:
                response = await self._web.request(method, path, json=json, headers={**self._headers, **(headers or {})})
            except httpx.HTTPError as error:
                self._tally.happened[f"website: {type(error).__name__}"] += 1
                await asyncio.sleep(RETRY_S)
                continue
            if response.status_code < 500 and response.status_code != 429:
                return response
            self._tally.happened[f"website: {response.status_code}"] += 1
            await asyncio.sleep(float(response.headers.get("retry-after", RETRY_S)))
        return None
