"""Journals of earlier builds are read for ever: folded whatever their level, decided again where this build still decides it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import msgspec
import pytest

from cordboard import codec, errors
from cordboard._core import FIRST_DECIDED, LEVEL, CoreError, LevelUnsupported, Router, commit_hash
from cordboard.events import Fact
from cordboard.events import commit as commit_words
from cordboard.events import event as words
from cordboard.events import fact as facts
from cordboard.events.bounds import AgentChannel, Membership
from cordboard.events.commit import INPUT_TAG, Commit
from cordboard.events.verdict import Refused
from cordboard.router.ledger import Ledger
from tests.golden.journals import Golden, goldens, told
from tests.scenarios import policy
from tests.scenarios.language import ident
from tests.scenarios.story import INBOX, STORIES

SITE = "default"
GOLDENS = goldens()
INCARNATION = b"this very router"
UNTOLD = {"LevelAdopted", "RouterSteppedDown"}
"""Words that no story can say: the tests below and those of the shell do."""
every = pytest.mark.parametrize("golden", GOLDENS, ids=lambda golden: golden.path.stem)


@every
def test_a_journal_of_an_earlier_build_is_folded_to_a_sound_state(golden: Golden) -> None:
    for story, commits in golden.read().items():
        router, found = Router(SITE), list[tuple[int, str]]()
        ledger = Ledger(1, lambda seq, what: found.append((seq, what)))  # noqa: B023  called within this turn of the loop
        before = None
        for seq, data in enumerate(commits, 1):
            commit = codec.decode_commit(data)
            assert commit.level == golden.level
            router.apply(data)
            ledger.check(seq, commit, before)
            before = commit_hash(data)
        assert (router.check(), found) == ([], []), story
        again = Router.restore(router.snapshot())
        assert (again.state_hash(), again.position().level) == (router.state_hash(), golden.level), story


@every
def test_it_is_decided_again_byte_for_byte_or_only_folded(golden: Golden) -> None:
    for story, commits in golden.read().items():
        router = Router(SITE)
        for data in commits:
            if golden.level >= FIRST_DECIDED:
                assert router.redecide(data) == data, f"{story}: what level {golden.level} decides was changed, see docs/adr/0003"
            else:
                with pytest.raises(LevelUnsupported, match="it can only be folded"):
                    router.redecide(data)
                router.apply(data)


def test_every_word_that_is_said_today_stands_in_a_golden_journal() -> None:
    """Then nobody can change it unnoticed. Record one more when this fails: `python -m tests.golden.journals COMMIT`."""
    said = set()
    for golden in GOLDENS:
        for entry in (
            entry for commits in golden.read().values() for data in commits for entry in codec.decode_commit(data).entries
        ):
            if entry.tag == INPUT_TAG:
                fact = codec.decode_input(entry).fact
                said.add((INPUT_TAG, msgspec.msgpack.decode(fact)[0]) if fact else (INPUT_TAG, 0))
            else:
                said.add((1, entry.tag))
    missing = {word.__name__ for word in words.EVENTS if (1, word.__struct_config__.tag) not in said}
    missing |= {word.__name__ for word in facts.FACTS if (INPUT_TAG, word.__struct_config__.tag) not in said}
    assert missing == UNTOLD


def test_todays_level_has_a_journal_with_a_state_hash() -> None:
    hashes = [codec.decode_commit(data).state_hash for golden in GOLDENS if golden.level == LEVEL for data in _all(golden)]
    assert any(hashes)


class Site:
    """A journal of a story, as a build of that level has recorded it or as this one does, and a router that goes on with it."""

    def __init__(self, level: int, story: str = STORIES[0].stem) -> None:
        if level == LEVEL:
            self.journal = told(next(path for path in STORIES if path.stem == story))
        else:
            self.journal = list([golden for golden in GOLDENS if golden.level == level][-1].read()[story])
        self.router = folded(self.journal)
        self.at_ms = self.router.position().at_ms
        self._frame = self.router.position().inbox_seq

    def take_over(self) -> Any:
        return self._stored([self.router.take_over(INBOX, self.at_ms, INCARNATION)])[0]

    def ask(self, level: int) -> Any:
        """What became of it: LevelAdopted, or the reason of the refusal."""
        told = self.say(lambda fact_id: facts.LevelRequested(fact_id, level))
        return next((each for each in told if isinstance(each, words.LevelAdopted)), told[0])

    def say(self, fact: Callable[[bytes], Fact]) -> list[Any]:
        """The verdict, and what it caused."""
        self._frame += 1
        frame = (self._frame, self.at_ms, codec.encode_frame([codec.encode(fact(self._frame.to_bytes(16, "big")))]))
        return self._stored(self.router.step([frame], self.at_ms))

    def newest(self) -> Commit:
        return codec.decode_commit(self.journal[-1])

    def _stored(self, commits: list[bytes]) -> list[Any]:
        self.journal += commits
        told: list[Any] = []
        for entry in (entry for data in commits for entry in codec.decode_commit(data).entries):
            if entry.tag != INPUT_TAG:
                told.append(codec.decode_event(entry))
            elif isinstance(verdict := codec.decode_input(entry).verdict, Refused):
                told.append(verdict.reason)
            else:
                told.append("accepted")
        return told


def folded(journal: list[bytes]) -> Router:
    router = Router(SITE)
    for data in journal:
        router.apply(data)
    return router


def _all(golden: Golden) -> Iterator[bytes]:
    return (data for commits in golden.read().values() for data in commits)


def test_a_site_of_an_older_level_is_led_at_it_until_a_newer_one_is_adopted() -> None:
    site = Site(FIRST_DECIDED)
    taken = site.take_over()
    assert (taken.incarnation, taken.level_max, site.newest().level) == (INCARNATION, LEVEL, FIRST_DECIDED)
    assert [site.ask(1), site.ask(FIRST_DECIDED), site.ask(LEVEL + 1)] == ["level_in_force", "level_in_force", "level_unknown"]
    assert site.ask(LEVEL).level == LEVEL
    assert site.newest().level == FIRST_DECIDED, "decided before it was in force"
    assert (site.ask(LEVEL), site.newest().level) == ("level_in_force", LEVEL)
    site.take_over()
    assert site.newest().level == LEVEL
    assert site.router.check() == []
    # Whoever folds it, starts from a snapshot, or decides it again comes to the same.
    assert folded(site.journal).state_hash() == site.router.state_hash() == Router.restore(site.router.snapshot()).state_hash()
    again = Router(SITE)
    assert [again.redecide(data) for data in site.journal] == site.journal
    found: list[tuple[int, str]] = []
    ledger = Ledger(1, lambda seq, what: found.append((seq, what)))
    for seq, data in enumerate(site.journal, 1):
        ledger.check(seq, codec.decode_commit(data), None)
    assert found == []


def test_a_dial_that_level_3_left_open_can_be_discarded_at_level_4() -> None:
    site = Site(3, "callbacks_kept")
    (seq, entry) = next(
        (seq, index)
        for seq, data in enumerate(site.journal, 1)
        for index, entry in enumerate(codec.decode_commit(data).entries)
        if entry.tag == words.EffectRequested.__struct_config__.tag
    )
    site.take_over()
    assert site.say(lambda fact_id: facts.EffectDiscardRequested(fact_id, seq, entry)) == ["effect_open"]
    site.ask(4)
    verdict, ended = site.say(lambda fact_id: facts.EffectDiscardRequested(fact_id, seq, entry))
    assert (verdict, ended.outcome) == ("accepted", "discarded")


def test_next_steps_are_offered_from_level_4_on() -> None:
    document, changes = policy.standard(), (
        "queue orders max_waiting=1",
        "entry_point widget channel=chat queue=orders",
        "next_step widget queue:invoices:-:invoices",
        "next_step widget message",
    )  # fmt: skip
    for change in changes:
        policy.change(document, change)
    site = Site(3, "callbacks_kept")

    def publish(version: int, *more: str) -> Any:
        newer = deepcopy(document) | {"version": version}
        for change in more:
            policy.change(newer, change)
        return site.say(lambda fact_id: codec.decode_fact(policy.published(newer, fact_id)))[0]

    def arrive(name: str) -> list[Any]:
        return site.say(lambda fact_id: facts.ContactArrived(fact_id, ident(name), "chat", "orders", entry_point="widget"))

    site.take_over()
    threshold = "threshold orders name=long wait_ms=20s action=next_steps"
    # Nobody looks at what an entry point has beside its channel; who waits cannot be asked what else they wish.
    assert [publish(1_000), publish(1_001, threshold)] == ["accepted", "policy_invalid"]
    arrive("first")
    assert arrive("second") == ["queue_full"]
    site.ask(4)
    accepted, offered = arrive("second")
    assert (accepted, [step.kind for step in offered.choices]) == ("accepted", ["queue", "message"])
    assert publish(1_001, threshold) == "accepted"
    assert publish(1_002, "next_step widget callback:orders:voice:orders") == "policy_invalid", "a message is the last one"


def test_what_wait_is_expected_is_asked_from_level_4_on() -> None:
    site = Site(3, "callbacks_kept")

    def publish(version: int, *changes: str) -> Any:
        document = policy.standard() | {"version": version}
        for change in ("queue lone max_expected_wait_ms=500ms", *changes):
            policy.change(document, change)
        return site.say(lambda fact_id: codec.decode_fact(policy.published(document, fact_id)))[0]

    def arrive(name: str) -> list[str]:
        told = site.say(lambda fact_id: facts.ContactArrived(fact_id, ident(name), "voice", "lone"))
        return [each if isinstance(each, str) else type(each).__name__ for each in told]

    site.take_over()
    expected, both = (f"threshold lone name=long expected_wait_ms=20s {wait}" for wait in ("", "wait_ms=30s"))
    assert [publish(1_000, expected), publish(1_001, both)] == ["policy_invalid", "accepted"]
    agent, ranks, channels = ident("agent"), [Membership("lone", 0)], [AgentChannel("voice")]
    site.say(lambda fact_id: facts.AgentDeclared(fact_id, agent, [], ranks, channels, None))
    site.say(lambda fact_id: facts.PresenceRequested(fact_id, agent, "ready"))
    assert arrive("offered") == ["accepted", "ContactQueued", "OfferMade"]
    assert arrive("waits") == ["accepted", "ContactQueued"]
    site.at_ms += 1_000
    assert arrive("waits, too") == ["accepted", "ContactQueued"], "there is no limit yet"
    site.ask(4)
    assert arrive("comes in") == ["accepted", "ContactQueued"], "nobody was done with anybody yet: it is not known"
    served = ident("offered")
    site.say(lambda fact_id: facts.OfferAnswered(fact_id, served, 1, agent, True))
    site.say(lambda fact_id: facts.ContactConnected(fact_id, served, 1, agent))
    site.at_ms += 1_000
    site.say(lambda fact_id: facts.EngagementEndRequested(fact_id, served, agent))
    site.say(lambda fact_id: facts.WrapUpEndRequested(fact_id, served, agent))
    assert arrive("goes away") == ["queue_expected_wait"]
    assert [publish(1_002, both), publish(1_003, expected)] == ["policy_invalid", "accepted"]
    for router in (folded(site.journal), Router.restore(site.router.snapshot())):
        assert (router.state_hash(), router.next_deadline()) == (site.router.state_hash(), site.router.next_deadline())
    again = Router(SITE)
    assert [again.redecide(data) for data in site.journal] == site.journal


def test_two_routers_that_take_over_in_the_same_millisecond_make_two_commits() -> None:
    site = Site(LEVEL)
    other = folded(site.journal)
    one, two = site.router.take_over(INBOX, site.at_ms, b"a" * 16), other.take_over(INBOX, site.at_ms, b"b" * 16)
    assert one != two
    assert (site.router.state_hash(), site.router.position().epoch) == (other.state_hash(), other.position().epoch)
    with pytest.raises(CoreError, match="does not follow"):
        other.apply(_next(site, other))


def _next(site: Site, other: Router) -> bytes:
    """What follows behind the first one's take-over, told to the second."""
    assert site.router.position().seq == other.position().seq
    return site.router.step_down(site.at_ms)


@pytest.mark.parametrize("level", range(1, FIRST_DECIDED))
def test_a_level_that_is_only_folded_is_not_led(level: int) -> None:
    site = Site(level)
    with pytest.raises(LevelUnsupported, match=f"is of level {level}, and this engine decides levels {FIRST_DECIDED} to {LEVEL}"):
        site.take_over()
    assert folded(site.journal).state_hash() == site.router.state_hash(), "nothing was changed"


@pytest.mark.parametrize("after", [0, 1])
def test_a_level_that_is_not_known_is_not_even_folded(after: int) -> None:
    """Whether its commits come, or the word that adopts it: the router stops there, and skips nothing."""
    site = Site(LEVEL)
    site.take_over()
    entries = [codec.decode_commit(site.journal[-1]).entries[0]]
    if after:
        adopted = codec.encode(words.LevelAdopted(site.at_ms, LEVEL + 1))
        entries = [msgspec.structs.replace(entries[0], tag=70, body=adopted)]
    newest = site.newest()
    level = LEVEL if after else LEVEL + 1
    strange = msgspec.structs.replace(
        newest, seq=newest.seq + 1, level=level, prev_hash=commit_hash(site.journal[-1]), entries=entries
    )
    before = site.router.state_hash()
    with pytest.raises(LevelUnsupported, match=f"is of level {LEVEL + 1}, and this engine knows levels 1 to {LEVEL}"):
        site.router.apply(codec.encode(strange))
    assert site.router.state_hash() == before


def test_no_commit_is_of_another_level_than_the_one_in_force() -> None:
    site = Site(LEVEL)
    site.take_over()
    newest = site.newest()
    found: list[tuple[int, str]] = []
    ledger = Ledger(newest.seq, lambda seq, what: found.append((seq, what)))
    ledger.check(newest.seq, newest, None)
    older = msgspec.structs.replace(newest, seq=newest.seq + 1, level=LEVEL - 1, prev_hash=commit_hash(site.journal[-1]))
    with pytest.raises(CoreError, match=f"is of level {LEVEL - 1} where {LEVEL} is in force"):
        site.router.apply(codec.encode(older))
    ledger.check(older.seq, older, None)
    assert (older.seq, f"it is of level {LEVEL - 1} where {LEVEL} is in force") in found


def test_who_reads_a_journal_knows_the_levels_of_the_core_and_stops_at_the_next() -> None:
    assert commit_words.LEVEL == LEVEL
    newer = codec.encode(msgspec.structs.replace(codec.decode_commit(next(_all(GOLDENS[-1]))), level=LEVEL + 1))
    with pytest.raises(errors.LevelUnsupported, match=f"level {LEVEL + 1}, this build reads levels up to {LEVEL}"):
        codec.decode_commit(newer)
