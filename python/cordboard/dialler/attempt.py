"""One attempt: the number from the vault, the claim, the ring, and what is said of it."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_args

from cordboard import codec, metrics
from cordboard.dialler.dials import Dial, fact_id
from cordboard.dialler.gateway import hang_up
from cordboard.dialler.voice import Answered, Call, NotReached, Unreached, Voice, VoiceUnavailable
from cordboard.errors import LogUnavailable, Overloaded, VaultUnavailable
from cordboard.events import Fact
from cordboard.events.fact import ConnectionFailed, ContactConnected, EffectFailed, EffectFailure
from cordboard.events.promises import AttemptOutcome, AttemptReported
from cordboard.log.claims import Claims
from cordboard.log.port import Publisher
from cordboard.vault import Vault

logger = logging.getLogger(__name__)
REPORT_S = 1.0
"""Of an attempt's time so much is kept for saying what became of it: the router gives up by itself at its end."""
RING_MIN_S = 1.0
"""Who could not be rung for so long is not rung."""
STOP_S = 5.0
"""So long a stop waits for the log to take what became of the calls that it broke off."""
WITHDRAW_S = 0.25
"""A gateway is told to stop ringing, and has so long for it before its call counts as one that it has lost sight of."""
STRAY_S = 300.0
"""So long such a ring is waited for: whoever answers it yet is hung up on."""
_AGAIN_S = 0.5
_UNREACHED: tuple[str, ...] = get_args(Unreached)


class _NotRung(Exception):
    """Nobody was rung; the contact goes back to its line, and is offered and dialled again."""


class _NotUnderstood(Exception):
    """The gateway says what its port has no word for: somebody may have been rung."""


class _NoNumber(Exception):
    def __init__(self, failure: EffectFailure) -> None:
        super().__init__(failure)
        self.failure = failure


@dataclass(frozen=True, slots=True)
class Bench:
    """What all attempts of a process share. `room`: how many ring at once. `clock`: Unix ms."""

    site: str
    vault: Vault
    voice: Voice
    claims: Claims
    publisher: Publisher
    room: asyncio.Semaphore
    clock: Callable[[], int]

    async def say(self, fact: Fact) -> None:
        """Returns when it is durable, however long that takes."""
        data = codec.check_fact(fact)
        while True:
            try:
                await self.publisher.publish(data)
                return
            except (LogUnavailable, Overloaded) as error:
                logger.warning("what became of a call is not durable yet: %s", error)
                await asyncio.sleep(_AGAIN_S)


class Attempt:
    """One dial. `ended` comes when the journal says how the attempt ended (True: connected)."""

    def __init__(self, bench: Bench, dial: Dial, ended: asyncio.Future[bool]) -> None:
        self._bench = bench
        self._dial = dial
        self._ended = ended
        self._owed: list[Fact] = []
        """What must be said of it, because it is ours."""
        self._stray: asyncio.Task[Answered | NotReached] | None = None
        """A ring of which nobody knows whether somebody is connected by it, or will be."""

    async def see_through(self) -> None:
        """Until the ring is over, and the journal knows how it ended. Cancelled while it rings, it hangs up and says so."""
        try:
            await self._see_through()
        except asyncio.CancelledError:
            try:
                async with asyncio.timeout(STOP_S):
                    await self._pay()
            except TimeoutError:
                logger.warning("stopping without a word of dial %s: the log does not answer", self._dial.name)
            raise

    async def _see_through(self) -> None:
        try:
            heard = await self._ring_in_turn()
        except _NotRung as why:
            logger.warning("dial %s: %s", self._dial.name, why)
            self._owe("platform", self._failed())
        except _NotUnderstood as why:
            logger.warning("dial %s: %s", self._dial.name, why)
            self._owe("unknown", self._reported("unknown", 0))
        except _NoNumber as why:
            logger.warning("dial %s cannot be made: %s", self._dial.name, why.failure)
            metrics.DIALS.labels("no_number").inc()
            # In this order: with the attempt an effect that is still open would end, too, and nobody would see the dead letter.
            failed = EffectFailed(self._fact_id(why.failure), *self._dial.place, why.failure)
            self._owed = [failed, self._reported("unknown", 0)]
        else:
            if isinstance(heard, Answered):
                await self._connect()
            elif heard is not None:
                self._owe(heard.outcome, self._reported(heard.outcome, heard.ring_ms))
        await self._pay()
        if self._stray is not None:
            await asyncio.wait([self._stray], timeout=STRAY_S)
            await hang_up(self._bench.voice, self._dial.name)

    async def _ring_in_turn(self) -> Answered | NotReached | None:
        """As `_ring`, once there is room. Who finds none in time says so, if nobody else has claimed it: then it goes back to its
        line, and is not taken for an attempt of which nobody knows what became of it."""
        room = self._bench.room
        try:
            async with asyncio.timeout(max(0.0, self._left_s() - RING_MIN_S)):
                await room.acquire()
        except TimeoutError:
            if self._ended.done() or not await self._claim():
                return None
            raise _NotRung("there is no room to ring") from None
        try:
            return await self._ring()
        finally:
            room.release()

    async def _ring(self) -> Answered | NotReached | None:
        """What became of it; None: it is not ours, or was over before anybody answered. Raises _NotRung, _NoNumber."""
        if self._ended.done() or not await self._claim():
            return None
        self._owed = [self._failed()]
        number = await self._number()
        if self._ended.done():
            self._withdraw()
            return None
        if self._left_s() < RING_MIN_S:
            raise _NotRung("there is no time left to ring")
        with metrics.RINGING.track_inprogress():
            return await self._call(Call(self._dial.name, number, self._left_s()))

    async def _claim(self) -> bool:
        """Is it for us to ring?"""
        if self._left_s() <= 0:
            return False
        try:
            return await self._bench.claims.take(self._dial.name, self._left_s())
        except LogUnavailable as error:
            # Somebody may ring: in a moment the router says that nobody knows.
            logger.warning("dial %s is not claimed: %s", self._dial.name, error)
            return False

    async def _call(self, call: Call) -> Answered | NotReached | None:
        ring = asyncio.create_task(self._bench.voice.dial(call), name="ring")
        try:
            # A gateway that does not keep to the time is not waited for.
            late_s = call.ring_s + REPORT_S / 2
            both: set[asyncio.Future[Any]] = {ring, self._ended}
            await asyncio.wait(both, timeout=late_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not ring.done():
                ring.cancel()
                await asyncio.wait([ring], timeout=WITHDRAW_S)
        if not ring.done() or ring.cancelled():
            self._stray = None if ring.done() else ring
            if self._ended.done():
                self._withdraw()
                return None
            raise _NotUnderstood("the telephone gateway did not say in time what became of it")
        return self._heard(ring)

    def _heard(self, ring: "asyncio.Task[Answered | NotReached]") -> Answered | NotReached:
        """What the gateway says. Raises _NotRung, _NotUnderstood."""
        match ring.exception():
            case None:
                heard: Any = ring.result()
                if isinstance(heard, Answered) or (isinstance(heard, NotReached) and heard.outcome in _UNREACHED):
                    return heard
                self._stray = ring
                raise _NotUnderstood("the telephone gateway has no word for what became of it that we know")
            case VoiceUnavailable() as error:
                raise _NotRung(f"the telephone gateway does not ring: {error}")
            case error:
                self._stray = ring
                # Not in what words: those may be somebody's number.
                raise _NotUnderstood(f"the telephone gateway failed unexpectedly: {type(error).__name__}")

    async def _number(self) -> str:
        """From the vault, at this moment: who was erased a second ago is not called. Raises _NoNumber, _NotRung."""
        address = self._dial.address
        while True:
            try:
                known = await self._bench.vault.read([address])
                break
            except (VaultUnavailable, Overloaded) as error:
                if self._ended.done() or self._left_s() < RING_MIN_S:
                    raise _NotRung(f"the vault is away: {error}") from error
                await asyncio.sleep(_AGAIN_S)
            except Exception as error:
                raise _NotRung(f"the number cannot be read: {type(error).__name__}") from error
        if address in known:
            return known[address].text
        # Without an address of its own a promise names its contact.
        raise _NoNumber("no_recipient" if address == self._dial.contact else "content_gone")

    async def _connect(self) -> None:
        """Somebody answered: the connection lasts as long as the contact, or goes at once if it came too late for its attempt."""
        dial = self._dial
        metrics.DIALS.labels("answered").inc()
        self._owed = [ContactConnected(self._fact_id("connected"), dial.contact, dial.attempt, dial.agent)]
        await self._pay()
        connected = await self._ended
        if not connected:
            await hang_up(self._bench.voice, dial.name)

    def _withdraw(self) -> None:
        """Its promise or its agent was gone before anybody answered."""
        metrics.DIALS.labels("withdrawn").inc()
        self._owed = []

    def _left_s(self) -> float:
        """How long it may ring from now on; behind its window not at all."""
        now_ms = self._bench.clock()
        return (self._dial.connect_by_ms - now_ms) / 1_000 - REPORT_S if now_ms < self._dial.until_ms else 0.0

    def _owe(self, outcome: str, fact: Fact) -> None:
        metrics.DIALS.labels(outcome).inc()
        self._owed = [fact]

    async def _pay(self) -> None:
        """Say what is owed; each goes once it is durable. To say it again is harmless."""
        while self._owed:
            await self._bench.say(self._owed[0])
            del self._owed[0]

    def _reported(self, outcome: AttemptOutcome, ring_ms: int) -> AttemptReported:
        dial = self._dial
        # Whatever a gateway says: it cannot have rung for longer than the attempt lasts.
        rang_ms = max(0, min(ring_ms, dial.connect_by_ms - dial.begun_ms)) if type(ring_ms) is int else 0
        return AttemptReported(self._fact_id(outcome), dial.contact, dial.attempt, dial.agent, outcome, rang_ms)

    def _failed(self) -> ConnectionFailed:
        dial = self._dial
        return ConnectionFailed(self._fact_id("platform"), dial.contact, dial.attempt, dial.agent, "platform")

    def _fact_id(self, word: str) -> bytes:
        return fact_id(self._bench.site, self._dial, word)
