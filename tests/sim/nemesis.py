"""Whoever wishes the site ill: everything it does comes from the seed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass

from cordboard.log.memory import MemoryServer
from tests.sim.machine import MachineClock
from tests.sim.network import Weather, Wire
from tests.sim.process import Process

SKEW_MS = 900
"""How far a host's clock is from the server's at most, usually: a router may lead with that."""
FAR_MS = 5_000
STEP_MS = 1_200
"""How far the server's own clock is off at most."""


@dataclass(slots=True)
class Host:
    """A process with its wires (one a life, the newest counts) and its clock."""

    process: Process
    clock: MachineClock
    wire: Wire | None = None
    stop: Callable[[], None] | None = None
    """Tells it to end in good order, if it can."""


class Nemesis:
    """`run` until cancelled or `until_s`; then `heal`."""

    def __init__(
        self,
        dice: random.Random,
        hosts: list[Host],
        server: MemoryServer,
        server_clock: MachineClock,
        weather: Weather,
        say: Callable[[str], None],
    ) -> None:
        self._dice, self._hosts, self._server, self._server_clock = dice, hosts, server, server_clock
        self._weather, self._say = weather, say
        self._calm = Weather(way_s=weather.way_s)
        self._routers = [host for host in hosts if host.process.name.startswith("router")]
        self.faults = 0
        acts = [
            (6, self._kill_at_a_step), (3, self._kill), (5, self._pause_router), (2, self._pause_any), (4, self._cut),
            (3, self._start_router), (4, self._weather_turns), (4, self._snapshots), (2, self._clocks), (1, self._ids_forgotten),
            (3, self._kill_leaders), (3, self._loses_a_few), (7, self._kill_at_a_call), (3, self._stop_router),
        ]  # fmt: skip
        self._acts = [act for weight, act in acts for _ in range(weight)]

    async def run(self, until_s: float) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._dice.expovariate(1.0))
            if loop.time() >= until_s:
                return
            self._dice.choice(self._acts)()
            self.faults += 1

    def heal(self) -> None:
        """Everything works again, for good."""
        self._say("all is well from now on")
        self._settle_weather()
        for host in self._hosts:
            host.process.spare()
            host.process.resume()
            if host.wire is not None:
                host.wire.fates.clear()
                host.wire.mend()
            host.clock.skew_ms = self._server_clock.skew_ms
            host.process.start()

    # -- processes ------------------------------------------------------------------------------------------------------

    def _kill_at_a_step(self) -> None:
        host = self._victim()
        if host is not None:
            steps = int(self._dice.expovariate(0.02))
            self._say(f"{host.process.name} will be killed after {steps} steps")
            host.process.kill_after(steps)
            self._after(self._dice.uniform(0.2, 5.0), host.process.start)

    def _kill_at_a_call(self) -> None:
        gateways = [host for host in self._hosts if host.process.name == "gateway"]
        host = self._dice.choice(gateways if self._dice.random() < 0.5 else self._hosts)
        if host.process.alive:
            steps = self._dice.randrange(1, 60)
            self._say(f"{host.process.name} will be killed {steps} steps after it is called")
            host.process.kill_at_call(steps)
            self._after(self._dice.uniform(3.0, 6.0), host.process.start)

    def _kill(self) -> None:
        host = self._victim()
        if host is not None:
            host.process.kill("at once")
            self._after(self._dice.uniform(0.1, 4.0), host.process.start)

    def _kill_leaders(self) -> None:
        """All routers at once: whoever comes first recovers, from a snapshot if there is one."""
        for host in self._routers:
            if host.process.alive:
                host.process.kill("with all routers")
                self._after(self._dice.uniform(0.1, 2.0), host.process.start)

    def _stop_router(self) -> None:
        """A planned hand-over: it ends its epoch if it leads."""
        host = self._dice.choice(self._routers)
        if host.process.alive and not host.process.paused and host.stop is not None:
            self._say(f"{host.process.name} is told to stop")
            host.stop()

    def _pause_router(self) -> None:
        self._pause(self._dice.choice(self._routers))

    def _pause_any(self) -> None:
        host = self._victim()
        if host is not None:
            self._pause(host)

    def _pause(self, host: Host) -> None:
        if host.process.alive and not host.process.paused:
            host.process.pause()
            self._after(self._dice.choice((0.3, 2.0, 8.0)) * self._dice.uniform(0.5, 1.5), host.process.resume)

    def _start_router(self) -> None:
        for host in self._routers:
            if not host.process.alive:
                host.process.start()
                return

    def _victim(self) -> Host | None:
        alive = [host for host in self._hosts if host.process.alive]
        return self._dice.choice(alive) if alive else None

    # -- the network ----------------------------------------------------------------------------------------------------

    def _cut(self) -> None:
        host = self._victim()
        if host is not None and host.wire is not None and host.wire.connected:
            self._say(f"{host.process.name} loses its connection")
            wire = host.wire
            wire.cut()
            self._after(self._dice.choice((0.1, 1.0, 5.0)) * self._dice.uniform(0.5, 1.5), wire.mend)

    def _weather_turns(self) -> None:
        if self._weather.lost or self._dice.random() < 0.3:
            self._settle_weather()
            return
        weather = self._weather
        weather.lost = self._dice.choice((0.0, 0.05, 0.3))
        weather.late = self._dice.choice((0.0, 0.05, 0.2))
        weather.way_s = self._dice.choice((0.002, 0.02, 0.3))
        weather.vanishing = self._dice.choice((0.0, 0.15))
        weather.again = self._dice.choice((0.0, 0.3))
        self._say(f"weather: {weather}")

    def _loses_a_few(self) -> None:
        """The next messages of a process are lost on the way, or the answers to them."""
        host = self._victim()
        if host is not None and host.wire is not None:
            fates = [self._dice.choice((None, "message", "answer", "answer")) for _ in range(self._dice.randrange(1, 5))]
            self._say(f"of what {host.process.name} sends next is lost: {', '.join(fate or 'nothing' for fate in fates)}")
            host.wire.fates.extend(fates)

    def _settle_weather(self) -> None:
        calm = self._calm
        self._weather.lost, self._weather.late, self._weather.way_s = calm.lost, calm.late, calm.way_s
        self._weather.vanishing, self._weather.again = calm.vanishing, calm.again

    # -- the server -----------------------------------------------------------------------------------------------------

    def _snapshots(self) -> None:
        blobs = self._server.snapshots.blobs
        if not blobs:
            return
        names = sorted(blobs)
        name = names[-1] if self._dice.random() < 0.7 else self._dice.choice(names)
        fate = self._dice.random()
        if fate < 0.35:
            self._say(f"snapshot {name[:16]} is lost")
            del blobs[name]
        elif fate < 0.5:
            self._say(f"snapshot {name[:16]} is torn")
            self._server.snapshots.torn.add(name)
        else:
            self._say(f"snapshot {name[:16]} is damaged")
            data = bytearray(blobs[name])
            data[self._dice.randrange(len(data))] ^= 1 << self._dice.randrange(8)
            blobs[name] = bytes(data)
        if self._dice.random() < 0.6:
            self._kill_leaders()

    def _clocks(self) -> None:
        """Wall clocks jump; what has elapsed does not. Whose clock is too far off may not lead."""
        if self._dice.random() < 0.3:
            self._server_clock.skew_ms = self._dice.randrange(-STEP_MS, STEP_MS)
            self._say(f"the server's clock is {self._server_clock.skew_ms} ms off now")
            return
        host = self._dice.choice(self._hosts)
        most_ms = SKEW_MS if self._dice.random() < 0.8 else FAR_MS
        host.clock.skew_ms = self._server_clock.skew_ms + self._dice.randrange(-most_ms, most_ms)
        self._say(f"the clock of {host.process.name} is {host.clock.skew_ms} ms off now")

    def _ids_forgotten(self) -> None:
        self._say("the inbox forgets the ids of its messages")
        self._server.inbox.forget_ids()

    def _after(self, delay_s: float, then: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_later(delay_s, then)
