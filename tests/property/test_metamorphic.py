"""What must make no difference: the same day told in another way gives the same decisions, whatever the rules are.

Random days of every kind are lived once beside the naive router; here only the core lives them again, a little changed.
"""

import random
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from cordboard import codec
from cordboard._core import Router, render
from cordboard.events import event as e
from cordboard.events import fact as f
from cordboard.events.bounds import ID_BYTES, AgentChannel, Skill
from cordboard.events.commit import INPUT_TAG, Commit
from tests.property.all_happenings import KINDS
from tests.property.happenings import Choices, Dice
from tests.property.pair import AGENTS, INBOX, START_MS
from tests.property.sites import CHANNELS, QUEUES, SKILLS, TOPICS
from tests.property.test_histories import Day

Frame = tuple[int, int, bytes]
Turns = list[tuple[list[Frame], int]]
TURNS = 120
LIVED = [(kind, 5_000 + seed) for kind in KINDS for seed in range(8 if kind == "plain" else 3)]
REMEMBERED_MS = 900_000
"""So long a fact id counts once."""
IDLER = bytes([2, 200]).ljust(ID_BYTES, b"\0")
"""An agent whom nobody needs."""


@pytest.fixture(scope="module", params=LIVED, ids=str)
def day(request: pytest.FixtureRequest) -> Day:
    kind, seed = request.param
    lived = Day(seed, kind)
    lived.go(turns=TURNS)
    return lived


@pytest.fixture
def choices(day: Day) -> Choices:
    return Dice(random.Random(len(day.pair.commits)))


def live(turns: Turns, successor: Callable[[Router], Router] | None = None, places: frozenset[int] = frozenset()) -> list[bytes]:
    """The commits of a router that goes through it; at some places it, or a successor, takes over anew."""
    router = Router("default")
    commits = [router.take_over(INBOX, START_MS)]
    for place, (frames, at_ms) in enumerate(turns):
        if place in places:
            if place % 2:
                commits.append(router.step_down(at_ms))  # told to end; the others are killed
            router = router if successor is None else successor(router)
            commits.append(router.take_over(INBOX, at_ms))
        commits += router.step(frames, at_ms)
        assert router.check() == []
    return commits


def facts_of(frame: Frame) -> list[f.Fact]:
    return [codec.decode_fact(fact) for fact in codec.decode_frame(frame[2])]


def numbered(turns: Iterator[tuple[list[tuple[int, list[f.Fact]]], int]]) -> Turns:
    """Turns of frames of facts, as the log would have them."""
    found: Turns = []
    seq = 0
    for frames, at_ms in turns:
        logged = []
        for stored_ms, facts in frames:
            seq += 1
            logged.append((seq, stored_ms, codec.encode_frame([codec.encode(fact) for fact in facts])))
        found.append((logged, at_ms))
    return found


def told(commits: list[bytes]) -> list[str]:
    return [line for commit in commits for line in render(commit).splitlines() if not line.startswith("commit ")]


# Where frames begin and end


def test_frames_may_be_cut_anywhere(day: Day, choices: Choices) -> None:
    """n facts in one frame are the same as these facts in several frames, at the same time."""

    def cut(frame: Frame) -> list[tuple[int, list[f.Fact]]]:
        pieces: list[tuple[int, list[f.Fact]]] = []
        for fact in facts_of(frame):
            if not pieces or choices.chance(60):
                pieces.append((frame[1], []))
            pieces[-1][1].append(fact)
        return pieces

    turns = numbered(([piece for frame in frames for piece in cut(frame)], at_ms) for frames, at_ms in day.pair.turns)
    assert told(live(turns)) == told(day.pair.commits)


# Where the router comes from


def test_a_snapshot_may_be_taken_anywhere(day: Day, choices: Choices) -> None:
    places = frozenset(place for place in range(len(day.pair.turns)) if choices.chance(25))
    restored = live(day.pair.turns, lambda router: Router.restore(router.snapshot()), places)
    assert restored == live(day.pair.turns, None, places)


def test_a_follower_decides_alike_anywhere(day: Day, choices: Choices) -> None:
    """Who only folds the commits, now and then restored from a snapshot, would have decided the same."""
    follower = Router("default")
    for commit in day.pair.commits:
        if choices.chance(25):
            follower = Router.restore(follower.snapshot())
        if choices.chance(50):
            assert follower.redecide(commit) == commit
        else:
            follower.apply(commit)
    assert follower.state_hash() == day.pair.router.state_hash()


# Who repeats


def test_a_repeat_changes_nothing(day: Day, choices: Choices) -> None:
    """Gateways send again what they are not sure of, while it is remembered."""
    said: list[tuple[int, f.Fact]] = []

    def again(frame: Frame, now_ms: int) -> list[f.Fact]:
        facts = facts_of(frame)
        said.extend((now_ms, fact) for fact in facts)
        remembered = [fact for at_ms, fact in said[-20:] if now_ms - at_ms < REMEMBERED_MS]
        return [*facts, choices.pick(remembered)] if remembered and choices.chance(40) else facts

    turns = numbered(([(frame[1], again(frame, at_ms)) for frame in frames], at_ms) for frames, at_ms in day.pair.turns)
    assert events(live(turns)) == events(day.pair.commits)


def events(commits: list[bytes], renamed: Callable[[Any], Any] = lambda value: value) -> list[Any]:
    """What happened, whatever the facts were that caused it."""
    found = []
    for commit in map(codec.decode_commit, commits):
        for entry in commit.entries:
            if entry.tag != INPUT_TAG:
                event = codec.decode_event(entry)
                event = msgspec.structs.replace(event, policy=b"", digest=b"") if isinstance(event, e.PolicyAdopted) else event
                found.append(renamed((entry.contact, entry.agent, entry.channel, event)))
    return found


# Who is there without need


def test_a_useless_agent_makes_no_difference(day: Day, choices: Choices) -> None:
    """Ready, skilled, on every channel, but a member of nothing; or a member who never comes."""
    number = 0

    def fact_id() -> bytes:
        nonlocal number
        number += 1
        return number.to_bytes(8, "big").rjust(ID_BYTES, b"\xff")

    def idle() -> f.Fact:
        comes = choices.chance(50)
        if choices.chance(60):
            skills, channels = [Skill(skill, 10) for skill in SKILLS], [AgentChannel(channel) for channel in CHANNELS]
            return f.AgentDeclared(fact_id(), IDLER, skills, [], channels)
        return f.PresenceRequested(fact_id(), IDLER, "ready" if comes else "offline")

    def joined(frame: Frame) -> list[f.Fact]:
        return [*facts_of(frame), *(idle() for _ in range(choices.pick([0, 0, 1, 2])))]

    turns = numbered(([(frame[1], joined(frame)) for frame in frames], at_ms) for frames, at_ms in day.pair.turns)
    others = [line for line in events(live(turns)) if line[1] != IDLER]
    assert others == events(day.pair.commits)


# What things are called


def test_names_make_no_difference(day: Day, choices: Choices) -> None:
    """Other ids and words in the same order: the same day, under other names. The order of references matters to nobody."""
    new = renaming(day, choices)

    def renamed(value: Any) -> Any:
        if isinstance(value, f.PolicyPublished):
            site = new(codec.decode_policy(value.policy))
            return f.PolicyPublished(new(value.fact_id), codec.encode(site))
        return new(value)

    turns = numbered(
        ([(frame[1], [renamed(fact) for fact in facts_of(frame)]) for frame in frames], at_ms) for frames, at_ms in day.pair.turns
    )
    assert events(live(turns)) == events(day.pair.commits, new)


def renaming(day: Day, choices: Choices) -> Callable[[Any], Any]:
    """Agents, contacts and words keep their order; all else (facts, customers, messages) is called anything."""
    ordered = sorted({*AGENTS, *day.pair.contacts})
    seen = sorted({each for commit in map(codec.decode_commit, day.pair.commits) for each in ids_in(commit)} - {*ordered})
    names = [
        choices.pick(range(1 << 30)).to_bytes(4, "big") + place.to_bytes(12, "big") for place in range(len(ordered) + len(seen))
    ]
    ids = dict(zip(ordered, sorted(names[: len(ordered)]), strict=True)) | dict(zip(seen, names[len(ordered) :], strict=True))
    words = {word: f"q.{word}" for word in (*QUEUES, *SKILLS, *TOPICS)}
    return lambda value: deep(value, lambda each: ids.get(each, each) if isinstance(each, bytes) else words.get(each, each))


def ids_in(commit: Commit) -> list[bytes]:
    found: list[Any] = []

    def keep(value: Any) -> Any:
        found.append(value)
        return value

    for entry in commit.entries:
        word = codec.decode_fact(codec.decode_input(entry).fact) if entry.tag == INPUT_TAG else codec.decode_event(entry)
        deep((entry.contact, entry.agent, word), keep)
    return [each for each in found if isinstance(each, bytes) and len(each) == ID_BYTES and each != INBOX]


def deep(value: Any, new: Callable[[Any], Any]) -> Any:
    """The same value with every id and word of it called anew."""
    if isinstance(value, msgspec.Struct):
        return type(value)(**{name: deep(getattr(value, name), new) for name in value.__struct_fields__})
    if isinstance(value, list | tuple):
        return type(value)(deep(each, new) for each in value)
    if isinstance(value, dict):
        return {new(key): deep(each, new) for key, each in value.items()}
    return new(value) if isinstance(value, bytes | str) else value
