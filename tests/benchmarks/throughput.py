"""The durable pipeline: facts → inbox → router → journal → board, beside publishes on the same server.

Every round measures all of them once, so each ratio compares figures of the same minute. Rows by frame size are closed-loop: so
many sources, each waiting for its fact to be durable, make frames of about as many facts. The row with goals is open-loop: 256
sources speak when their time has come, whatever became of what they said before, faster than the engine can follow; frames grow by
themselves.
"""

import asyncio
import secrets
import statistics
import time
from collections.abc import Iterator

from cordboard.errors import Overloaded
from cordboard.events import fact as facts
from tests.benchmarks.engine import PEER_SUBJECT, Engine, arrival, end
from tests.benchmarks.raw_socket import raw_rate
from tests.benchmarks.report import spread
from tests.benchmarks.rows import QUICK, ROUNDS, Row

PEER_MESSAGES = 200 if QUICK else 600
WINDOW_MESSAGES = 1_000 if QUICK else 6_000
PAYLOAD = 64
SOURCES = 256
SHARE = 4 if QUICK else 1
CLOSED = {1: 400 // SHARE, 16: 3_200 // SHARE, 64: 9_600 // SHARE, 256: 25_600 // SHARE}
"""Facts a round by the number of sources."""
OPEN = 25_600 // SHARE
OFFERED = 1.5
"""Facts offered, as a multiple of what the engine took in the closed loop."""
REFUSED_S = 0.02
"""A source that is refused because too many wait says it again after that."""


async def awaited(engine: Engine) -> float:
    """Publishes a second, each awaited before the next."""
    payload = secrets.token_bytes(PAYLOAD)
    begin = time.perf_counter()
    for _ in range(PEER_MESSAGES):
        await engine.peer.publish(PEER_SUBJECT, payload)
    return PEER_MESSAGES / (time.perf_counter() - begin)


async def asynchronous(engine: Engine) -> float:
    """The same by `publish_async`, with as many unanswered as it likes."""
    payload = secrets.token_bytes(PAYLOAD)
    begin = time.perf_counter()
    answers = [await engine.peer.publish_async(PEER_SUBJECT, payload) for _ in range(WINDOW_MESSAGES)]
    await asyncio.gather(*answers)
    return WINDOW_MESSAGES / (time.perf_counter() - begin)


async def raw(engine: Engine) -> float:
    return await raw_rate(engine.url, PEER_SUBJECT, secrets.token_bytes(PAYLOAD), WINDOW_MESSAGES)


async def closed(engine: Engine, sources: int, total: int) -> tuple[float, float]:
    """Facts a second from the first publish to the last board, and facts a frame."""
    frames: set[int] = set()

    async def source() -> None:
        for _ in range(total // sources // 2):
            contact = secrets.token_bytes(16)
            for fact in (arrival(contact), end(contact)):
                frames.add((await engine.publish(fact)).inbox_seq)

    said = total // sources // 2 * 2 * sources
    begin = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(sources):
            group.create_task(source())
    await engine.folded(said)
    return said / (time.perf_counter() - begin), said / len(frames)


def wishes(total: int) -> Iterator[facts.Fact]:
    """What 256 sources say in turn: that a contact came, and 256 facts later that it is over."""
    for _ in range(total // SOURCES // 2):
        contacts = [secrets.token_bytes(16) for _ in range(SOURCES)]
        yield from map(arrival, contacts)
        yield from map(end, contacts)


async def spoken(engine: Engine, total: int, rate: float) -> list[tuple[float, int, int]]:
    """`total` facts of 256 sources at `rate` facts a second, each at its own time whatever becomes of the others.

    Returns of each when it was due (monotonic s), and where it stands in the inbox (frame, place).
    """
    stood: list[tuple[float, int, int]] = []

    async def say(due: float, fact: facts.Fact) -> None:
        while True:
            try:
                position = await engine.publish(fact)
                break
            except Overloaded:
                await asyncio.sleep(REFUSED_S)
        stood.append((due, position.inbox_seq, position.index))

    loop, clock, said = asyncio.get_running_loop(), time.monotonic, list(wishes(total))
    saying: list[asyncio.Task[None]] = []
    begin = clock()
    for number, fact in enumerate(said):
        due = begin + number / rate
        if number % SOURCES == 0:
            await asyncio.sleep(0)
        elif due > (now := clock()):
            await asyncio.sleep(due - now)
        saying.append(loop.create_task(say(due, fact)))
    for task in saying:
        await task
    return stood


async def opened(engine: Engine, rate: float) -> tuple[float, float]:
    """As `closed`, at `rate` facts a second."""
    begin = time.perf_counter()
    stood = await spoken(engine, OPEN, rate)
    await engine.folded(OPEN)
    return OPEN / (time.perf_counter() - begin), OPEN / len({frame for _, frame, _ in stood})


async def rows(engine: Engine) -> tuple[list[Row], float]:
    """And the facts a second that the engine took at most (median)."""
    capacity = (await closed(engine, SOURCES, CLOSED[SOURCES]))[0]
    rates: dict[str, list[float]] = {}
    sizes: dict[str, list[float]] = {}
    ratios: dict[str, list[float]] = {}
    spent: list[dict[str, float]] = []
    for _ in range(ROUNDS):
        peer = await awaited(engine)
        taken = {f"frames_of_{sources}": await closed(engine, sources, total) for sources, total in CLOSED.items()}
        before = engine.cpu()
        taken["pipeline_vs_publish"] = await opened(engine, capacity * OFFERED)
        spent.append({stage: (seconds - before[stage]) / OPEN * 1e6 for stage, seconds in engine.cpu().items()})
        taken |= {"publish_async": (await asynchronous(engine), 1.0), "raw_socket": (await raw(engine), 1.0)}
        rates.setdefault("awaited", []).append(peer)
        for name, (rate, size) in taken.items():
            rates.setdefault(name, []).append(rate)
            sizes.setdefault(name, []).append(size)
            ratios.setdefault(name, []).append(rate / peer)
    said = {name: f"{spread(rates[name])} a second; {statistics.median(sizes[name]):,.0f} facts a frame" for name in ratios}
    stages = ", ".join(f"{stage} {statistics.median(each[stage] for each in spent):.1f}" for stage in spent[0])
    said["pipeline_vs_publish"] += (
        f"; {SOURCES} sources, open loop; awaited {spread(rates['awaited'])}; µs of processor a fact: {stages}"
    )
    found = [Row(name, "durable, on one server", tuple(values), said[name]) for name, values in ratios.items()]
    return found, statistics.median(rates["pipeline_vs_publish"])
