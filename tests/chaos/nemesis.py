"""Carries the faults out, heals them, and writes down when and how long."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from cordboard.log.copies import examine
from cordboard.log.subjects import inbox_stream, journal_stream
from tests.chaos.ballast import fill
from tests.chaos.cluster import Cluster, Server
from tests.chaos.crew import Crew
from tests.chaos.ledger import now_ms
from tests.chaos.plan import ARCHIVE, BEYOND, CLUSTER, Fault
from tests.chaos.postgres import Postgres
from tests.chaos.processes import Kept
from tests.chaos.site import SITE
from tests.chaos.step_down import step_down

_log = logging.getLogger(__name__)
WELL_S = 90.0
LED_S = 20.0
SLOW_S = (0.02, 0.2)

Heal = Callable[[], Awaitable[None]]


@dataclass
class Struck:
    """One fault as it was. Times are Unix ms; `well_ms`: when the cluster was whole again, None if it never was in WELL_S.

    `untried`: why it showed nothing; then it counts as no fault.
    """

    kind: str
    where: str
    began_ms: int
    healed_ms: int = 0
    well_ms: int | None = None
    companion: str | None = None
    untried: str | None = None


class Impossible(Exception):
    """This fault cannot be made here, or (of a heal that has healed) it was none; the text says why."""


class Nemesis:
    """`strike` faults one after the other. `struck` and `skipped` (kind: why) tell what was done, `violations` what was seen."""

    def __init__(self, cluster: Cluster, crew: Crew, postgres: Postgres) -> None:
        self._cluster, self._crew, self._postgres = cluster, crew, postgres
        self.violations: list[str] = []
        self.struck: list[Struck] = []
        self.skipped: dict[str, str] = {}

    async def run(self, plan: Iterable[Fault], until_s: float) -> None:
        """Strike until the loop's clock says `until_s`, or the plan ends; whatever began then is still healed."""
        clock = asyncio.get_running_loop().time
        for fault in plan:
            await asyncio.sleep(min(fault.wait_s, max(0.0, until_s - clock())))
            if clock() >= until_s:
                return
            await self.strike(fault)

    async def strike(self, fault: Fault) -> None:
        """Do it, hold it, heal it, and wait until the cluster is whole again."""
        began_ms = now_ms()
        try:
            where, heal = await self._do(fault)
        except Impossible as reason:
            self.skipped[fault.kind] = str(reason)
            return
        record = Struck(fault.kind, where, began_ms, companion=fault.companion)
        self.struck.append(record)
        _log.info("%s (%s) for %.1f s%s", fault.kind, where, fault.hold_s, f", with: {fault.companion}" if fault.companion else "")
        await asyncio.sleep(fault.hold_s / 2)
        also = None
        if fault.companion is not None:
            try:
                _, also = await self._do(Fault(fault.companion, 0, fault.hold_s / 2, fault.pick))
            except Impossible as reason:
                self.skipped[fault.companion] = str(reason)
                record.companion = None
        await asyncio.sleep(fault.hold_s / 2)
        try:
            await heal()
        except Impossible as reason:
            record.untried = self.skipped[fault.kind] = str(reason)
        if also is not None:
            await also()
        record.healed_ms = now_ms()
        if await self._cluster.until(self._cluster.well, WELL_S):
            record.well_ms = now_ms()

    async def _do(self, fault: Fault) -> tuple[str, Heal]:
        """Where it struck, and how to end it."""
        if fault.kind in CLUSTER + BEYOND:
            return await self._strike_cluster(fault)
        if fault.kind in ARCHIVE:
            return await self._strike_archive(fault.kind)
        return await self._strike_process(fault)

    async def _strike_process(self, fault: Fault) -> tuple[str, Heal]:
        crew = self._crew
        router = crew.routers[int(fault.pick * len(crew.routers)) % len(crew.routers)]
        source = crew.sources[int(fault.pick * len(crew.sources)) % len(crew.sources)]
        victims: dict[str, list[Kept]] = {
            "kill a router": [router],
            "kill all routers": crew.routers,
            "kill a source": [source],
            "kill the desk": [crew.desk],
            "kill the gateway": [crew.gateway],
            "kill the projector": [crew.projector],
            "kill the API": [crew.api],
        }
        if "PostgreSQL" in fault.kind:
            return await self._strike_postgres(fault.kind)
        if fault.kind == "pause a router":
            router.pause()

            async def resume() -> None:
                router.resume()

            return router.name, resume
        for victim in victims[fault.kind]:
            await victim.kill()
        return ", ".join(victim.name for victim in victims[fault.kind]), _nothing

    async def _strike_postgres(self, kind: str) -> tuple[str, Heal]:
        """The vault, which is asked before anything is confirmed, and the history."""
        postgres = self._postgres
        match kind:
            case "kill PostgreSQL":
                await postgres.kill()
                return "postgres", postgres.start
            case "pause PostgreSQL":
                postgres.pause()
                return "postgres", postgres.resume
            case _:
                await postgres.cut()
                return "postgres", postgres.cut

    async def _strike_archive(self, kind: str) -> tuple[str, Heal]:
        disk, archiver = self._crew.archive_disk, self._crew.archiver
        if kind == "kill the archiver":
            await archiver.kill()
            return archiver.name, _nothing
        full = kind == "archive full"
        if full and not disk.small:
            raise Impossible("needs root, to mount a small file system")
        (disk.fill if full else disk.take_away)()

        async def heal() -> None:
            (disk.empty if full else disk.bring_back)()

        return "the archive's disk", heal

    async def _strike_cluster(self, fault: Fault) -> tuple[str, Heal]:
        leader = await self._leader(fault.pick)
        followers = self._cluster.others(leader.name)
        follower = followers[int(fault.pick * 7919) % len(followers)]
        match fault.kind:
            case "kill the leader":
                return await self._kill([leader])
            case "kill a follower":
                return await self._kill([follower])
            case "kill all servers":
                return await self._kill(list(self._cluster.servers.values()))
            case "pause the leader":
                return self._pause(leader)
            case "pause a follower":
                return self._pause(follower)
            case "leader steps down":
                await step_down(self._cluster, self._stream(fault.pick))
                return leader.name, _nothing
            case "disk full":
                return self._fill()
            case "corrupt block":
                return await self._damage(follower, fault)
            case "disk wiped":
                return await self._wipe([follower])
            case "two empty disks, the third away":
                return await self._swap(follower, fault.hold_s)
            case "corrupt blocks on two servers":
                return await self._corrupt(followers, fault)
            case "two disks wiped, the third behind":
                return await self._leave_only(follower, fault.hold_s)
        return self._disturb(fault, leader, follower)

    def _disturb(self, fault: Fault, leader: Server, follower: Server) -> tuple[str, Heal]:
        """What happens to the wires."""
        network, ways = self._cluster.network, self._cluster.ways
        where = leader.name
        match fault.kind:
            case "partition: leader, cut":
                network.cut(ways(leader.name, clients=False))
            case "partition: leader, silent":
                network.stall(ways(leader.name, clients=False))
            case "partition: follower, silent":
                where = follower.name
                network.stall(ways(follower.name, clients=False))
            case "partition: one way":
                network.stall((leader.name, other.name) for other in self._cluster.others(leader.name))
            case "leader unreachable for all":
                network.cut(ways(leader.name, clients=True))
            case "slow links":
                low, high = SLOW_S
                network.slow(ways(leader.name, clients=True), low + fault.pick * (high - low))
            case _:
                raise ValueError(fault.kind)

        async def heal() -> None:
            network.heal()

        return where, heal

    async def _kill(self, servers: list[Server]) -> tuple[str, Heal]:
        await asyncio.gather(*(server.process.kill() for server in servers))

        async def start() -> None:
            await asyncio.gather(*(server.start() for server in servers))

        return ", ".join(server.name for server in servers), start

    def _pause(self, server: Server) -> tuple[str, Heal]:
        server.process.pause()

        async def resume() -> None:
            server.process.resume()

        return server.name, resume

    def _fill(self) -> tuple[str, Heal]:
        """Not a byte is left for one server. Once there is room again it is restarted: it has given JetStream up until then."""
        server = next((server for server in self._cluster.servers.values() if server.small), None)
        if server is None:
            raise Impossible("needs root, to mount a small file system")
        ballast = server.store / "ballast"
        fill(ballast)

        async def heal() -> None:
            ballast.unlink()
            await server.process.kill()
            await server.start()

        return server.name, heal

    async def _corrupt(self, servers: list[Server], fault: Fault) -> tuple[str, Heal]:
        """One bit of one block of a stream, on each of these servers, while they are down."""
        await self._sound()
        if not all(server.blocks() for server in servers):
            raise Impossible("nothing is stored yet that could be corrupt")
        _, start = await self._kill(servers)
        return ", ".join([_flip(server, fault.pick) for server in servers]), start

    async def _damage(self, server: Server, fault: Fault) -> tuple[str, Heal]:
        """The same, and the cure that guarantees.md names: a server that lacks messages ever after gets an empty disk."""
        where, start = await self._corrupt([server], fault)

        async def heal() -> None:
            await start()
            await self._sound()
            missing = (await examine(self._cluster.monitor_urls, SITE)).missing
            if missing:
                _log.info("missing now, so that %s gets an empty disk: %s", server.name, missing)
                _, anew = await self._wipe([server])
                await anew()

        return where, heal

    async def _wipe(self, servers: list[Server]) -> tuple[str, Heal]:
        await self._sound()
        where, start = await self._kill(servers)
        for server in servers:
            server.wipe()
        return where, start

    async def _leave_only(self, behind: Server, ahead_s: float) -> tuple[str, Heal]:
        """What was acknowledged while one server was away is gone with the disks of the two others."""
        await self._sound()
        await behind.process.kill()
        await asyncio.sleep(ahead_s)
        both = self._cluster.others(behind.name)
        where, start = await self._kill(both)
        for server in both:
            server.wipe()

        async def heal() -> None:
            await behind.start()
            await start()

        return where, heal

    async def _swap(self, away: Server, ahead_s: float) -> tuple[str, Heal]:
        """Two servers come up with empty disks, a majority that knows nothing; nobody may begin anew there. Then come the disks.

        What was acknowledged while the third server was away stands on those two disks only.
        """
        await self._sound()
        await away.process.kill()
        await asyncio.sleep(ahead_s)
        both = self._cluster.others(away.name)
        where, start = await self._kill(both)
        for server in both:
            server.take_disk_out()
        await start()
        led = await self._cluster.until(self._cluster.led, LED_S)

        async def heal() -> None:
            silent = []
            for server in both:
                told = await self._cluster.streams_if_told(server)
                if told is None:
                    silent.append(server.name)
                names = {stream["name"] for _, stream in told or []}
                if names & {inbox_stream(SITE), journal_stream(SITE)}:
                    self.violations.append(f"{server.name} had an empty disk, and somebody made the site anew on it")
            await self._kill(both)
            for server in both:
                server.put_disk_back()
            await asyncio.gather(start(), away.start())
            if not led:
                raise Impossible("the empty servers found no leader, so nobody could have made the site anew")
            if silent:
                raise Impossible(f"{', '.join(silent)} did not say whether somebody made the site anew")

        return where, heal

    async def _sound(self) -> None:
        """A copy is destroyed only while all are whole: without that no cluster of three can promise anything."""
        if not await self._cluster.until(self._cluster.well, WELL_S):
            raise Impossible("the other copies were not current")

    def _stream(self, pick: float) -> str:
        return journal_stream(SITE) if pick < 0.5 else inbox_stream(SITE)

    async def _leader(self, pick: float) -> Server:
        """Of one of the two streams. During an election, anybody."""
        for _ in range(50):
            if (leader := await self._cluster.stream_leader(self._stream(pick))) is not None:
                return leader
            await asyncio.sleep(0.2)
        return next(iter(self._cluster.servers.values()))


def _flip(server: Server, pick: float) -> str:
    """Where a bit is another one now."""
    blocks = server.blocks()
    block = blocks[int(pick * len(blocks)) % len(blocks)]
    at = int(pick * 104_729) % block.stat().st_size
    with block.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1 << int(pick * 1_009) % 8]))
    return f"{server.name} {block.parts[-3]}/{block.name}@{at}"


async def _nothing() -> None:
    """It has healed by itself, or its keeper sees to it."""
