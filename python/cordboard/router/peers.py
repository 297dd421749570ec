"""Who else of this site's routers lives, by their beats; and our own beat. Nothing here decides who leads: the journal does.

A beat is a whisper on core NATS, lost as easily as any: that one is missing proves nothing, and the fence settles what two
routers make of it. So the clock of silence runs only while somebody could have been heard.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec

from cordboard import metrics
from cordboard.log.port import SiteLog
from cordboard.log.subjects import BEATS

logger = logging.getLogger(__name__)

DEAF_S = 0.5
"""Whoever looks at the clock so seldom was not listening either (stopped, suspended, starved)."""

STANDBYS_MAX = 32
"""More are not counted: a place in the queue behind so many, which anybody can make up, would be too long a wait."""

Count = Annotated[int, msgspec.Meta(ge=0)]


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds: between beats; of silence before a standby takes over; more for each that stands before it."""

    beat_s: float = 0.25
    silence_s: float = 1.5
    rank_s: float = 0.3

    @property
    def fresh_s(self) -> float:
        """A router that was heard so lately counts as living."""
        return 4 * self.beat_s


TIMING = Timing()


class Beat(msgspec.Struct, frozen=True, array_like=True):
    """What a router says of itself: it leads epoch `epoch`, or has folded the journal as far as that."""

    incarnation: Annotated[bytes, msgspec.Meta(min_length=16, max_length=16)]
    standing: Literal["leading", "standby"]
    epoch: Count
    snapshot_seq: Count = 0
    """The newest snapshot that it knows to be stored: a reason to ask the store."""


class Peers:
    """`run` listens and beats. Until then, and without it, a router is alone: nobody is heard, nothing is said."""

    def __init__(self, log: SiteLog, incarnation: bytes, timing: Timing = TIMING) -> None:
        """`incarnation`: 16 bytes of this life of the process. Within a running event loop."""
        self.timing = timing
        self.snapshot_seq = 0
        """The newest snapshot that is known to be stored."""
        self.rumoured_seq = 0
        """The newest that somebody says is stored. It may be false."""
        self._log = log
        self.incarnation = incarnation
        self._clock = asyncio.get_running_loop().time
        self._said: tuple[Literal["leading", "standby"], int] | None = None
        self._standbys: dict[bytes, float] = {}
        self._epoch = 0
        """As far as the journal is known to go: what beats claim is not believed."""
        self._claimed = 0
        self._connection = log.connection
        self.heard_at = self._looked_at = self._clock()
        """Since when nobody has been heard to lead (the loop's seconds)."""
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Listen and beat, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen(), name="hear beats")
            group.create_task(self._beat(), name="beat")

    async def lead(self, epoch: int) -> None:
        """Say from now on that we lead, and say it at once."""
        self._epoch = max(self._epoch, epoch)
        await self._say("leading", epoch)

    async def stand_by(self, epoch: int) -> None:
        """Say from now on that we stand by, having folded as far as `epoch`."""
        if self._said is None or self._said[0] != "standby":
            await self._say("standby", epoch)
        else:
            self._said = ("standby", epoch)

    def stored(self, snapshot_seq: int) -> None:
        """A snapshot at that position is known to be stored."""
        if snapshot_seq > self.snapshot_seq:
            self.snapshot_seq = snapshot_seq
            metrics.SNAPSHOT.set(snapshot_seq)
            metrics.SNAPSHOT_AT.set_to_current_time()

    def fall_silent(self) -> None:
        """Say nothing from now on."""
        self._said = None

    def sign(self, epoch: int) -> None:
        """A commit of `epoch` came: somebody leads, and nobody who leads an older epoch does."""
        self._epoch = max(self._epoch, epoch)
        self.listen_anew()

    def listen_anew(self) -> None:
        """The silence so far says nothing."""
        self.heard_at = self._clock()

    def silence_s(self) -> float:
        """So long nobody has been heard to lead, although we could have heard it. To be asked several times a second."""
        now, connection = self._clock(), self._log.connection
        if connection is None or connection != self._connection or now - self._looked_at > DEAF_S:
            self._connection = connection
            self.listen_anew()
        self._looked_at = now
        return now - self.heard_at

    def rank(self) -> int:
        """Our place among those who stand by: 0 is the first to take over."""
        return sum(incarnation < self.incarnation for incarnation in self._near())

    def has_standby(self) -> bool:
        """Does another router stand by?"""
        return bool(self._near())

    async def claimed(self, epoch: int) -> int:
        """Wait until somebody says that they lead a later epoch than `epoch`, and return that. It may be false; whoever says it
        again is heard again."""
        while self._claimed <= epoch:
            self._changed.clear()
            await self._changed.wait()
        claim, self._claimed = self._claimed, 0
        return claim

    def _near(self) -> list[bytes]:
        now = self._clock()
        self._standbys = {peer: at for peer, at in self._standbys.items() if now - at <= self.timing.fresh_s}
        return list(self._standbys)

    async def _listen(self) -> None:
        async with contextlib.aclosing(self._log.listen(BEATS)) as whispers:
            async for _, data in whispers:
                try:
                    beat = _beats.decode(data)
                except msgspec.DecodeError as error:
                    logger.warning("a beat cannot be read: %s", error)
                    continue
                if beat.incarnation != self.incarnation:
                    self._hear(beat)

    def _hear(self, beat: Beat) -> None:
        self.rumoured_seq = max(self.rumoured_seq, beat.snapshot_seq)
        if beat.standing == "standby":
            if beat.incarnation in self._standbys or len(self._near()) < STANDBYS_MAX:
                self._standbys[beat.incarnation] = self._clock()
            return
        self._standbys.pop(beat.incarnation, None)
        if beat.epoch > self._epoch:
            # Only a commit makes that true. Whoever stands by is about to fold it, and asks the journal before taking over.
            self._claimed = max(self._claimed, beat.epoch)
            self._changed.set()
        elif beat.epoch == self._epoch:
            # Who leads an epoch that is over was paused, and will learn it from the fence.
            self.listen_anew()

    async def _beat(self) -> None:
        while True:
            await self._speak()
            await asyncio.sleep(self.timing.beat_s)

    async def _say(self, standing: Literal["leading", "standby"], epoch: int) -> None:
        self._said = (standing, epoch)
        await self._speak()

    async def _speak(self) -> None:
        if self._said is not None:
            beat = Beat(self.incarnation, *self._said, self.snapshot_seq)
            await self._log.whisper(BEATS, msgspec.msgpack.encode(beat))


_beats = msgspec.msgpack.Decoder(Beat)
