"""The core and the naive router side by side: the same facts at the same times, and the same must come of them."""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from cordboard import codec
from cordboard._core import Router
from cordboard.events import event as e
from cordboard.events import fact as f
from cordboard.events.bounds import AgentChannel, Membership, Skill
from cordboard.events.commit import CAUSE_CONTROL, INPUT_TAG, Entry
from cordboard.events.policy import Policy
from cordboard.events.verdict import Refused
from tests.property.more_sites import START_MS, More, as_it_is
from tests.property.naive_record import CONTACTS_OWN, Line
from tests.property.naive_router import NaiveRouter, Told
from tests.property.sites import CHANNELS

EFFECT_REQUESTED = 40
INBOX = bytes(16)
AGENTS = [bytes([2, number]).ljust(16, b"\0") for number in range(4)]


ALIKE = ([Skill("nl", 5)],) * 3
"""What agents are able to do who differ in nothing."""

Effects = dict[tuple[int, int], tuple[bytes, int]]
"""Where the journal put each; its contact, and which one of that it is."""


class Pair:
    """Both routers, with the policy published and three of the four agents ready."""

    def __init__(self, site: Policy, more: More = as_it_is, talents: Sequence[list[Skill]] = ALIKE) -> None:
        self.more = more
        """What every policy of its histories gets on top."""
        self.router = Router("default")
        self.now, self.facts, self.frames = START_MS, 0, 0
        self.commits = [self.router.take_over(INBOX, self.now)]
        self.naive = NaiveRouter(site, self.now)
        self.naive.adopt_hours()
        self.naive.turn_doors({})
        self.effects: Effects = {}
        self.contacts: list[bytes] = []
        """Everyone who ever came, or tried to."""
        self.turns: list[tuple[list[tuple[int, int, bytes]], int]] = []
        self.commits += self.step([f.PolicyPublished(self.fact_id(), codec.encode(site))], 0)
        for agent, skills in zip(AGENTS[:3], talents, strict=True):
            self.happen(f.AgentDeclared(
                self.fact_id(), agent, skills, [Membership(queue.name) for queue in site.queues],
                [AgentChannel(channel) for channel in CHANNELS],
            ))  # fmt: skip
            self.happen(f.PresenceRequested(self.fact_id(), agent, "ready"))

    def fact_id(self) -> bytes:
        self.facts += 1
        return self.facts.to_bytes(16, "little")

    def step(self, facts: Sequence[f.Fact], late_ms: int) -> list[bytes]:
        frames = []
        if facts:
            self.frames += 1
            frames = [(self.frames, self.now - late_ms, codec.encode_frame([codec.encode(fact) for fact in facts]))]
        self.turns.append((frames, self.now))
        return self.router.step(frames, self.now)

    def happen(self, *facts: f.Fact, late_ms: int = 0) -> None:
        """A turn with one frame of facts, which the log stored `late_ms` ago; none: only time."""
        before = self.router.position().at_ms
        short = self.naive.desk_timers() or any(work.until_ms is not None for work in self.naive.works)
        shifts = bool(short) and self.now - before > 2_000
        commits = self.step(facts, late_ms)
        self.commits += commits
        ours = told_by_core(commits, self.effects)
        self.place_effects()
        told = self.naive.turn([(self.now - late_ms, fact) for fact in facts], self.now, before, self.now - before if shifts else 0)
        compare(grouped(ours), grouped(told))
        self.check()

    def place_effects(self) -> None:
        """Where the journal put them is what names effects; the naive router has no journal."""
        self.naive.places_of_effects = {named: place for place, named in self.effects.items()}

    def check(self) -> None:
        """The invariants hold, and the core asks to be woken at or before every deadline there is."""
        assert self.router.check() == []
        if due := self.naive.wakes():
            asked = self.router.next_deadline()
            assert asked is not None and asked <= min(due)

    def wait(self, wait_ms: int) -> None:
        """Time passes, and the core is woken whenever it asks."""
        until = self.now + wait_ms
        while (due := self.router.next_deadline()) is not None and due < until:
            self.now = due
            self.happen()
        self.now = until
        self.happen()

    def sleep(self, silent_ms: int) -> None:
        """Nobody wakes the core for so long after its last commit."""
        self.now = max(self.now, self.router.position().at_ms + silent_ms)
        self.happen()

    def verify(self) -> None:
        """The whole history folds to the same state and decides again to the same bytes."""
        folded, again = Router("default"), Router("default")
        for commit in self.commits:
            folded.apply(commit)
            assert again.redecide(commit) == commit
        restored = Router.restore(self.router.snapshot())
        assert {folded.state_hash(), again.state_hash(), restored.state_hash()} == {self.router.state_hash()}


def told_by_core(commits: list[bytes], effects: Effects) -> list[Told]:
    """The commits in the naive router's words."""
    told: list[Told] = []
    for data in commits:
        commit = codec.decode_commit(data)
        for index, entry in enumerate(commit.entries):
            if entry.tag == EFFECT_REQUESTED:
                assert entry.contact is not None
                number = 1 + sum(1 for contact, _ in effects.values() if contact == entry.contact)
                effects[commit.seq, index] = entry.contact, number
            if entry.tag == INPUT_TAG:
                verdict = codec.decode_input(entry).verdict
                told.append((verdict.reason if isinstance(verdict, Refused) else type(verdict).__name__.lower(), []))
            elif entry.cause >= 0:
                told[-1][1].append(line(entry, effects))
            elif entry.cause != CAUSE_CONTROL:
                told.append(("timer", [line(entry, effects)]))
    return told


def line(entry: Entry, effects: Effects) -> Line:
    event = codec.decode_event(entry)
    if isinstance(event, e.EffectEnded | e.EffectRetried):
        event = replace(event, effect_seq=effects[event.effect_seq, event.effect_entry][1], effect_entry=0)
    return entry.contact, None if isinstance(event, CONTACTS_OWN) else entry.agent, event


def grouped(told: list[Told]) -> list[Any]:
    """What timers did between two facts is one group; the order inside a group is the core's own business."""
    groups: list[tuple[str, list[str]]] = []
    for verdict, lines in told:
        if verdict != "timer" or not groups or groups[-1][0] != "timer":
            groups.append((verdict, []))
        groups[-1][1].extend(map(repr, lines))
    return [(verdict, sorted(lines)) for verdict, lines in groups if verdict != "timer" or lines]


def compare(core: list[Any], naive: list[Any]) -> None:
    """Say only what differs: the groups are long."""
    verdicts, ours_too = [verdict for verdict, _ in core], [verdict for verdict, _ in naive]
    assert verdicts == ours_too, f"core {core}, naive {naive}"
    for (_, ours), (_, theirs) in zip(core, naive, strict=True):
        only_core, only_naive = sorted(set(ours) - set(theirs)), sorted(set(theirs) - set(ours))
        assert (only_core, only_naive) == ([], []), "\n".join(["core", *only_core, "naive", *only_naive])
        assert ours == theirs
