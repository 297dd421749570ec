"""The closing report: what the journal says of the run, held against what the crowd saw, and verified."""

from collections import Counter
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import asdict, dataclass, field

import msgspec

from cordboard import codec
from cordboard.demo.correspondence import Balance
from cordboard.demo.promises import TAGS, Calls, Promises, Sla, Turn, rank
from cordboard.demo.shown import Wanted
from cordboard.demo.tally import Tally
from cordboard.events import Commit
from cordboard.events.event import ContactQueued, MessageAttached, MessageRelayed
from cordboard.log.port import SiteLog
from cordboard.projections.boards import Boards
from cordboard.projections.rows import QueueRow
from cordboard.router.verify import VerifyReport, verify


class Percentiles(msgspec.Struct, frozen=True):
    """Of what the crowd measured, in ms (None: nothing measured)."""

    n: int
    p50: float | None
    p99: float | None


class Line(msgspec.Struct, frozen=True):
    """A channel of a queue, or a channel as a whole (`queue` None). Times in ms, shares in percent."""

    channel: str | None
    queue: str | None
    visits: int
    answered: int
    abandoned: int
    service_level: float | None
    asa_ms: int | None
    aht_ms: int | None
    wait_p50_ms: int | None
    wait_p90_ms: int | None
    wait_p99_ms: int | None
    occupancy: float | None


class ChannelLine(Line, frozen=True):
    """A channel, with what went over it: answers of agents that customers were owed and got. `lost` and `doubled` count both
    directions; a thread is broken if an answer refers to the wrong mail, or the matter is not one case."""

    answers_expected: int = 0
    answers_received: int = 0
    lost: int = 0
    doubled: int = 0
    threads_broken: int = 0


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What DEMO_JSON holds. The run is good when lost, violations and divergences are 0, nothing came twice, no thread broke, every
    promise has its end or is due later, no door turned too early, and all was shown that a run like this one must show."""

    seconds: float
    contacts: int
    ended: int
    open: int
    lost: int
    violations: int
    divergences: int
    duplicates: int
    offer_latency_ms: Percentiles
    occupancy: float | None
    commits: int
    events: int
    journal_ms: int
    channels: dict[str, ChannelLine]
    queues: list[Line]
    promises: dict[str, Calls]
    wishes_declined: dict[str, int]
    doors: list[Turn]
    slas: dict[str, Sla]
    ended_by_reason: dict[str, int]
    crowd: dict[str, int]
    not_shown: list[str]
    problems: list[str]

    @property
    def good(self) -> bool:
        whole = not any(line.doubled or line.threads_broken for line in self.channels.values())
        steady = not any(turn.early for turn in self.doors)
        kept = self.lost == self.violations == self.divergences == self.promises["all"].overdue == 0
        return kept and whole and steady and not self.not_shown


@dataclass(slots=True)
class Journal:
    """What the report needs of the journal. Contacts and cases are hex ids; `stored` counts messages from outside by channel."""

    boards: Boards = field(default_factory=Boards)
    arrived: set[str] = field(default_factory=set)
    case_of: dict[str, str] = field(default_factory=dict)
    channel_of: dict[bytes, str] = field(default_factory=dict)
    stored: Counter[str] = field(default_factory=Counter)
    promises: Promises = field(default_factory=Promises)

    def apply(self, seq: int, commit: Commit) -> None:
        self.boards.apply(seq, commit)
        self.promises.tick(commit.at_ms)
        for entry in commit.entries:
            if entry.tag in TAGS:
                self.promises.apply(entry)
                continue
            if entry.contact is None or entry.tag not in (QUEUED_TAG, RELAYED_TAG, ATTACHED_TAG):
                continue
            match codec.decode_event(entry):
                case ContactQueued(case=case):
                    contact = entry.contact.hex()
                    self.arrived.add(contact)
                    self.case_of[contact] = case.hex() if case is not None else contact
                    if entry.channel is not None:
                        self.channel_of[entry.contact] = entry.channel
                case MessageRelayed(author=author) | MessageAttached(author=author) if author != "agent":
                    self.stored[entry.channel or self.channel_of.get(entry.contact, "")] += 1
                case _:
                    pass


async def fold(log: SiteLog) -> Journal:
    """The journal as of its end."""
    journal = Journal()
    last = await log.last_journal_seq()
    if last == 0:
        return journal
    async with aclosing(log.follow_journal(1)) as commits:
        async for batch in commits:
            for stored in batch:
                journal.apply(stored.seq, codec.decode_commit(stored.data))
            if batch[-1].seq >= last:
                break
    return journal


QUEUED_TAG, RELAYED_TAG, ATTACHED_TAG = 10, 21, 28


async def close(log: SiteLog, tally: Tally, seconds: float, wanted: Wanted) -> Report:
    """Read the whole journal and verify it."""
    journal = await fold(log)
    boards = journal.boards
    post = {**tally.post.balance(journal.stored, journal.case_of), "chat": tally.chats()}
    verified: VerifyReport = await verify(log)
    missing, promises = tally.confirmed - journal.arrived, journal.promises
    untrue, calls = forgotten(tally, promises), promises.by_kind()
    not_shown = wanted.missing(calls, promises.turns)
    problems = [f"contact {contact} was confirmed and is not in the journal" for contact in sorted(missing)[:20]]
    problems += [f"promise {contact}: {what}" for contact, what in untrue[:20]]
    problems += [f"{turn.entry_point} turned {turn.state} before its least time was over" for turn in promises.turns if turn.early]
    problems += [line for channel, balance in post.items() for line in _wrong(channel, balance)]
    problems += list(tally.post.flaws())[:20]
    problems += not_shown
    problems += [str(problem) for problem in [*verified.divergences, *verified.violations][:50]]
    site = boards.site()
    # Agents serve several channels at once, so they are busy with a queue or with the site, not with a channel.
    occupancy = {row.queue: row.occupancy_permille for row in boards.queues()}
    return Report(
        seconds=seconds,
        contacts=site.contacts,
        ended=sum(site.ended.values()),
        open=site.open,
        lost=len(missing) + len(untrue) + sum(balance.lost for balance in post.values()) + (verified.lost or 0),
        violations=verified.violation_count,
        divergences=verified.divergence_count,
        duplicates=tally.duplicates + sum(balance.doubled for channel, balance in post.items() if channel != "chat"),
        offer_latency_ms=percentiles(tally.offer_latency_ms),
        occupancy=_percent(site.occupancy_permille),
        commits=verified.commits,
        events=verified.events,
        journal_ms=verified.duration_ms,
        channels={
            row.channel or "": _channel(row, site.occupancy_permille, post.get(row.channel or "", Balance()))
            for row in boards.channels()
        },
        queues=[_line(row, occupancy.get(row.queue)) for row in boards.cells()],
        promises=calls,
        wishes_declined=dict(sorted(promises.declined.items())),
        doors=promises.turns,
        slas=promises.slas(),
        ended_by_reason=dict(sorted(site.ended.items())),
        crowd=dict(sorted(tally.happened.items())),
        not_shown=not_shown,
        problems=problems,
    )


def forgotten(tally: Tally, promises: Promises) -> list[tuple[str, str]]:
    """Promises (by contact) of which customers were told something that the journal does not say."""
    found = [(contact, "was confirmed and is not in the journal") for contact in sorted(tally.promised - promises.calls.keys())]
    for contact in sorted(tally.called_off & promises.calls.keys()):
        if (outcome := promises.calls[contact].outcome) != "cancelled":
            found.append((contact, f"was confirmed to be cancelled, and is {outcome or 'open'}"))
    return found + [(contact, "is over and has no end") for contact in promises.overdue()]


def _wrong(channel: str, balance: Balance) -> Iterator[str]:
    owed, got = balance.answers_expected, balance.answers_received
    if balance.lost:
        yield f"{channel}: {balance.lost} lost between customers and agents ({got} of {owed} answers arrived)"
    if balance.doubled:
        yield f"{channel}: {balance.doubled} came twice"
    if balance.threads_broken:
        yield f"{channel}: {balance.threads_broken} threads do not hang together"


def _channel(row: QueueRow, occupancy_permille: int | None, balance: Balance) -> ChannelLine:
    return ChannelLine(**msgspec.structs.asdict(_line(row, occupancy_permille)), **asdict(balance))


def percentiles(values: list[float]) -> Percentiles:
    """p50 and p99 by nearest rank, rounded to 0.01 ms."""
    if not values:
        return Percentiles(0, None, None)
    ordered = sorted(values)
    return Percentiles(len(ordered), round(rank(ordered, 50), 2), round(rank(ordered, 99), 2))


def _percent(permille: int | None) -> float | None:
    return None if permille is None else permille / 10


def _line(row: QueueRow, occupancy_permille: int | None) -> Line:
    return Line(
        channel=row.channel,
        queue=row.queue,
        visits=row.visits,
        answered=row.answered,
        abandoned=row.abandoned + row.abandoned_after_transfer,
        service_level=_percent(row.service_level_permille),
        asa_ms=row.asa_ms,
        aht_ms=row.aht_ms,
        wait_p50_ms=row.wait_p50_ms,
        wait_p90_ms=row.wait_p90_ms,
        wait_p99_ms=row.wait_p99_ms,
        occupancy=_percent(occupancy_permille),
    )
