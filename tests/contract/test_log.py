"""What a site's log promises, on the memory twin and on a real NATS server alike."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from cordboard.codec import decode_frame
from cordboard.errors import (
    InvalidInput,
    JournalCorrupt,
    LogUnavailable,
    NotFound,
    Overloaded,
    SteppedDown,
)
from cordboard.events.bounds import FRAME_FACTS_MAX, FRAME_MAX
from cordboard.log import appender as appender_module
from cordboard.log import publisher as publisher_module
from cordboard.log.appender import QUEUE_MAX, appending
from cordboard.log.faults import Fault, Flaky
from cordboard.log.port import FactPosition, Stored
from cordboard.log.publisher import FACT_MAX, publishing
from cordboard.log.stream import Ack, Conflict, Unanswered
from cordboard.log.subjects import covers
from tests.logs import SILENCE_S, Log, until


async def read(messages: AsyncIterator[list[Stored]], count: int) -> list[Stored]:
    """The first `count` messages that a follower is given."""
    found: list[Stored] = []
    async with aclosing(messages) as lists:  # type: ignore[type-var]
        async for some in lists:
            assert some
            found += some
            if len(found) >= count:
                break
    return found


async def frames(log: Log) -> list[list[bytes]]:
    last = await log.last_inbox_seq()
    return [decode_frame(stored.data) for stored in await read(log.follow_inbox(1), last)] if last else []


async def put_commits(log: Log, count: int, first: int = 1) -> None:
    async with log.appender() as appender:
        await asyncio.gather(*(appender.append(seq, b"commit %d" % seq) for seq in range(first, first + count)))


# --- publishing


async def test_a_fact_alone_is_a_frame_of_its_own(log: Log) -> None:
    async with log.publisher("test") as publisher:
        assert await publisher.publish(b"one") == FactPosition(1, 0)
        assert await publisher.publish(b"two") == FactPosition(2, 0)
    assert await frames(log) == [[b"one"], [b"two"]]


async def test_what_comes_while_a_frame_is_in_flight_is_gathered_in_order(log: Log) -> None:
    flaky = Flaky(log.inbox)
    async with publishing(flaky, "p") as publisher:
        flaky.hold()
        first = asyncio.create_task(publisher.publish(b"first"))
        await until(lambda: flaky.sends >= 1)
        rest = [asyncio.create_task(publisher.publish(b"%d" % n)) for n in range(5)]
        await asyncio.sleep(0)
        assert flaky.sends == 1
        flaky.release()
        assert await first == FactPosition(1, 0)
        assert await asyncio.gather(*rest) == [FactPosition(2, n) for n in range(5)]
    assert await frames(log) == [[b"first"], [b"0", b"1", b"2", b"3", b"4"]]


@pytest.mark.parametrize("size", [0, 2, 255, 256, 20_000])
async def test_frames_keep_both_limits(log: Log, size: int) -> None:
    count = 2 * FRAME_FACTS_MAX if size < 300 else 10
    facts = [n.to_bytes(4, "big").ljust(size, b".")[:size] for n in range(count)]
    async with log.publisher("test") as publisher:
        await asyncio.gather(*(publisher.publish(fact) for fact in facts))
    stored = await read(log.follow_inbox(1), await log.last_inbox_seq())
    assert all(len(message.data) <= FRAME_MAX for message in stored)
    found = [decode_frame(message.data) for message in stored]
    assert all(len(frame) <= FRAME_FACTS_MAX for frame in found)
    assert [fact for frame in found for fact in frame] == facts


async def test_the_largest_fact_fits_and_a_larger_one_is_refused(log: Log) -> None:
    async with log.publisher("test") as publisher:
        assert await publisher.publish(bytes(FACT_MAX)) == FactPosition(1, 0)
        with pytest.raises(InvalidInput):
            await publisher.publish(bytes(FACT_MAX + 1))
    assert await log.last_inbox_seq() == 1


async def test_a_frame_is_read_again_with_the_name_of_who_sent_it(log: Log) -> None:
    async with log.publisher("chat") as publisher:
        await publisher.publish(b"fact")
    await (await log.inbox.send(b"\xc1 no frame"))
    await (await log.inbox.send(b"", message_id="not ours"))
    frame, stranger, empty = [await log.read_frame(seq) for seq in (1, 2, 3)]
    (first, *_) = await read(log.follow_inbox(1), 3)
    assert frame.stored == first and frame.publisher.startswith("chat-")
    assert (stranger.stored.data, stranger.publisher) == (b"\xc1 no frame", "")
    assert (empty.stored.data, empty.publisher) == (b"", "")
    with pytest.raises(NotFound):
        await log.read_frame(4)


async def test_a_full_queue_refuses_and_sends_nothing(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher_module, "QUEUE_FACTS_MAX", 3)
    async with log.publisher("test") as publisher:
        waiting = [asyncio.create_task(publisher.publish(b"%d" % n)) for n in range(5)]
        answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(answer) for answer in answers] == [FactPosition] * 3 + [Overloaded] * 2
    assert await frames(log) == [[b"0", b"1", b"2"]]


@pytest.mark.parametrize("fault", list(Fault))
async def test_a_frame_without_an_answer_is_sent_again_and_stored_once(log: Log, fault: Fault) -> None:
    flaky = Flaky(log.inbox)
    flaky.plan.extend([fault, fault])
    async with publishing(flaky, "p") as publisher:
        assert await publisher.publish(b"fact") == FactPosition(1, 0)
        assert await publisher.publish(b"next") == FactPosition(2, 0)
    assert flaky.sends == 4
    assert await frames(log) == [[b"fact"], [b"next"]]


async def test_silence_counts_as_no_answer(log: Log) -> None:
    flaky = Flaky(log.inbox)
    flaky.hold()
    async with publishing(flaky, "p", ack_wait_s=0.01) as publisher:
        sent = asyncio.create_task(publisher.publish(b"fact"))
        await until(lambda: flaky.sends >= 3)
        flaky.release()
        assert await sent == FactPosition(1, 0)
    assert await frames(log) == [[b"fact"]]


async def test_a_caller_at_its_deadline_learns_nothing_but_the_fact_goes_on_in_its_place(log: Log) -> None:
    flaky = Flaky(log.inbox)
    flaky.hold()
    async with publishing(flaky, "p", deadline_s=0.01) as publisher:
        with pytest.raises(LogUnavailable):
            await publisher.publish(b"first")
        with pytest.raises(LogUnavailable):
            await publisher.publish(b"second")
        flaky.release()
    async with log.publisher("test") as publisher:
        await publisher.publish(b"third")
    assert await frames(log) == [[b"first"], [b"second"], [b"third"]]


async def test_a_caller_who_is_cancelled_leaves_order_and_others_alone(log: Log) -> None:
    async with log.publisher("test") as publisher:
        waiting = [asyncio.create_task(publisher.publish(b"%d" % n)) for n in range(3)]
        await asyncio.sleep(0)
        waiting[1].cancel()
        answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(answer) for answer in answers] == [FactPosition, asyncio.CancelledError, FactPosition]
    assert [fact for frame in await frames(log) for fact in frame] == [b"0", b"1", b"2"]


async def test_leaving_a_publisher_drains_it(log: Log) -> None:
    async with log.publisher("test") as publisher:
        waiting = [asyncio.create_task(publisher.publish(b"%d" % n)) for n in range(10)]
        await asyncio.sleep(0)
    assert all(position.inbox_seq == 1 for position in await asyncio.gather(*waiting))
    with pytest.raises(LogUnavailable):
        await publisher.publish(b"late")


async def test_two_publishers_never_take_each_others_frames_for_repeats(log: Log) -> None:
    async with log.publisher("same") as one, log.publisher("same") as other:
        assert {(await one.publish(b"1")).inbox_seq, (await other.publish(b"2")).inbox_seq} == {1, 2}


# --- the fence


async def test_commits_are_stored_at_their_own_positions(log: Log) -> None:
    await put_commits(log, 2 * QUEUE_MAX)
    assert [stored.data for stored in await read(log.follow_journal(1), 2 * QUEUE_MAX)] == [
        b"commit %d" % n for n in range(1, 2 * QUEUE_MAX + 1)
    ]
    assert await log.last_journal_seq() == 2 * QUEUE_MAX
    assert (await log.read_commit(7)).data == b"commit 7"
    with pytest.raises(NotFound):
        await log.read_commit(2 * QUEUE_MAX + 1)


async def test_an_appender_goes_on_where_another_one_ended(log: Log) -> None:
    await put_commits(log, 3)
    await put_commits(log, 3, first=4)
    assert await log.last_journal_seq() == 6


async def test_commits_must_follow_each_other(log: Log) -> None:
    async with log.appender() as appender:
        await appender.append(1, b"one")
        with pytest.raises(ValueError, match="does not follow"):
            await appender.append(3, b"three")


async def test_the_same_bytes_at_a_taken_position_are_a_success(log: Log) -> None:
    await put_commits(log, 3)
    async with log.appender() as appender:
        for seq in (2, 3, 4):
            await appender.append(seq, b"commit %d" % seq)
    assert await log.last_journal_seq() == 4


async def test_other_bytes_at_a_taken_position_mean_step_down_for_good(log: Log) -> None:
    await put_commits(log, 2)
    async with log.appender() as stale:
        answers = await asyncio.gather(stale.append(2, b"mine"), stale.append(3, b"mine too"), return_exceptions=True)
        assert [type(answer) for answer in answers] == [SteppedDown, SteppedDown]
        with pytest.raises(SteppedDown):
            await stale.append(4, b"still mine")
    assert await log.last_journal_seq() == 2


async def test_of_two_routers_exactly_one_goes_on(log: Log) -> None:
    async with log.appender() as one, log.appender() as other:
        answers = await asyncio.gather(one.append(1, b"one"), other.append(1, b"other"), return_exceptions=True)
    assert sorted(str(type(answer).__name__) for answer in answers) == ["NoneType", "SteppedDown"]
    assert await log.last_journal_seq() == 1


@pytest.mark.parametrize("fault", list(Fault))
@pytest.mark.parametrize("at", [0, 1, 4])
async def test_lost_commits_and_lost_acks_are_settled_in_order(log: Log, fault: Fault, at: int) -> None:
    flaky = Flaky(log.journal)
    flaky.plan.extend([None] * at + [fault, None, fault])
    async with appending(flaky, ack_wait_s=SILENCE_S) as appender:
        await asyncio.gather(*(appender.append(seq, b"commit %d" % seq) for seq in range(1, 9)))
        await appender.append(9, b"commit 9")
    assert [stored.data for stored in await read(log.follow_journal(1), 9)] == [b"commit %d" % n for n in range(1, 10)]


async def test_silence_is_settled_too(log: Log) -> None:
    flaky = Flaky(log.journal)
    flaky.hold()
    async with appending(flaky, ack_wait_s=0.01) as appender:
        appends = [asyncio.create_task(appender.append(seq, b"commit %d" % seq)) for seq in (1, 2, 3)]
        await until(lambda: flaky.sends >= 4)
        flaky.release()
        await asyncio.gather(*appends)
    assert await log.last_journal_seq() == 3


async def test_a_lost_ack_and_then_another_routers_commit_mean_step_down_only_for_what_is_not_there(log: Log) -> None:
    flaky = Flaky(log.journal)
    flaky.plan.extend([Fault.LOSE_ACK] + [Fault.LOSE_MESSAGE] * 1000)
    async with appending(flaky, ack_wait_s=SILENCE_S) as appender, log.appender() as other:
        mine = [asyncio.create_task(appender.append(1, b"mine")), asyncio.create_task(appender.append(2, b"mine too"))]
        await until(lambda: flaky.sends >= 2)
        await other.append(2, b"theirs")
        flaky.plan.clear()
        answers = await asyncio.gather(*mine, return_exceptions=True)
    assert [type(answer) for answer in answers] == [type(None), SteppedDown]
    assert (await log.read_commit(2)).data == b"theirs"
    assert await log.last_journal_seq() == 2


async def test_a_commit_never_lands_behind_another_routers(log: Log) -> None:
    """Had both commits been in flight, the second would have found the end it expects: the other router's."""
    flaky = Flaky(log.journal)
    flaky.plan.append(Fault.LOSE_MESSAGE)
    async with appending(flaky, ack_wait_s=SILENCE_S) as stale, log.appender() as other:
        mine = [asyncio.create_task(stale.append(seq, b"mine %d" % seq)) for seq in (1, 2, 3)]
        await until(lambda: flaky.sends >= 1)
        await other.append(1, b"theirs")
        answers = await asyncio.gather(*mine, return_exceptions=True)
    assert [type(answer) for answer in answers] == [SteppedDown] * 3
    assert await log.last_journal_seq() == 1


async def test_a_journal_that_lost_its_end_is_never_written_to(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(appender_module, "_SHORT_JOURNAL_TRIES", 3)
    await put_commits(log, 2)
    async with log.appender() as appender:
        with pytest.raises(JournalCorrupt):
            await appender.append(5, b"commit 5")
    assert await log.last_journal_seq() == 2


async def test_a_duplicate_ack_on_the_journal_is_fatal(log: Log) -> None:
    class Lying(Flaky):
        async def send(self, data: bytes, *, message_id: str | None = None, after: int | None = None) -> asyncio.Future[Ack]:
            assert message_id is None
            answer: asyncio.Future[Ack] = asyncio.get_running_loop().create_future()
            answer.set_result(Ack(1, duplicate=True))
            return answer

    async with appending(Lying(log.journal)) as appender:
        with pytest.raises(JournalCorrupt):
            await appender.append(1, b"commit")


async def test_closing_an_appender_tells_who_still_waits(log: Log) -> None:
    flaky = Flaky(log.journal)
    flaky.hold()
    async with appending(flaky, ack_wait_s=SILENCE_S) as appender:
        waiting = asyncio.create_task(appender.append(1, b"commit"))
        await until(lambda: flaky.sends >= 1)
    with pytest.raises(LogUnavailable):
        await waiting


# --- the streams themselves


async def test_a_stream_answers_as_the_rules_expect(log: Log) -> None:
    assert await (await log.inbox.send(b"a", message_id="x")) == Ack(1)
    assert await (await log.inbox.send(b"a", message_id="x")) == Ack(1, duplicate=True)
    assert await (await log.journal.send(b"a", after=0)) == Ack(1)
    with pytest.raises(Conflict) as conflict:
        await (await log.journal.send(b"b", after=0))
    assert conflict.value.last == 1
    with pytest.raises(InvalidInput):
        await (await log.inbox.send(bytes(FRAME_MAX + 2000), message_id="y"))
    assert (await log.last_inbox_seq(), await log.last_journal_seq()) == (1, 1)


# --- following


async def test_a_follower_starts_where_it_is_told(log: Log) -> None:
    await put_commits(log, 20)
    for first in (1, 2, 20):
        assert [stored.seq for stored in await read(log.follow_journal(first), 21 - first)] == list(range(first, 21))


async def test_a_follower_sees_what_is_stored_later(log: Log) -> None:
    follower = asyncio.create_task(read(log.follow_journal(1), 10))
    await put_commits(log, 5)
    await put_commits(log, 5, first=6)
    assert [stored.seq for stored in await follower] == list(range(1, 11))


async def test_a_follower_past_the_end_is_told_that_the_log_lost_something(log: Log) -> None:
    await put_commits(log, 2)
    waiting = asyncio.create_task(read(log.follow_journal(3), 1))
    with pytest.raises(JournalCorrupt):
        await read(log.follow_journal(4), 1)
    await put_commits(log, 1, first=3)
    assert [stored.seq for stored in await waiting] == [3]


async def test_the_servers_time_is_what_it_would_stamp(log: Log) -> None:
    before_ms = await log.server_time_ms()
    async with log.publisher("test") as publisher:
        await publisher.publish(b"fact")
    [frame] = await read(log.follow_inbox(1), 1)
    assert before_ms <= frame.stored_ms <= await log.server_time_ms()
    assert len(log.inbox_id) == 16
    assert log.site == "default"


# --- snapshots and whispers


async def test_snapshots(log: Log) -> None:
    assert await log.snapshots.names() == []
    with pytest.raises(NotFound):
        await log.snapshots.get("none")
    large = bytes(range(256)) * 2000
    await log.snapshots.put("b/2", large)
    await log.snapshots.put("a/1", b"")
    assert await log.snapshots.names() == ["a/1", "b/2"]
    assert await log.snapshots.get("b/2") == large
    assert await log.snapshots.get("a/1") == b""
    await log.snapshots.put("b/2", b"other")
    assert await log.snapshots.get("b/2") == b"other"
    await log.snapshots.delete("b/2")
    await log.snapshots.delete("b/2")
    assert await log.snapshots.names() == ["a/1"]
    with pytest.raises(NotFound):
        await log.snapshots.get("b/2")


async def test_whispers_reach_who_listens(log: Log) -> None:
    async def listen(pattern: str, ready: asyncio.Event) -> list[tuple[str, bytes]]:
        heard = []
        async with aclosing(log.listen(pattern)) as whispers:
            async for topic, data in whispers:
                if topic == "end":
                    break
                if topic != "start":
                    heard.append((topic, data))
                ready.set()
        return heard

    ready = [asyncio.Event(), asyncio.Event()]
    listeners = [asyncio.create_task(listen(pattern, event)) for pattern, event in zip((">", "*"), ready, strict=True)]
    while not all(event.is_set() for event in ready):  # a whisper before anybody listens is gone
        await log.whisper("start", b"")
        await asyncio.sleep(0.001)
    await log.whisper("typing.c1", b"customer")
    await log.whisper("typing", b"agent")
    await log.whisper("end", b"")
    everything, one_token = await asyncio.gather(*listeners)
    assert everything == [("typing.c1", b"customer"), ("typing", b"agent")]
    assert one_token == [("typing", b"agent")]


@pytest.mark.parametrize("topic", ["", "a b", "a..b", "a.", "A", "a.*", ">", "a.>", "a\r\nPUB x", "x" * 100])
async def test_a_whisper_goes_to_one_plain_topic(log: Log, topic: str) -> None:
    with pytest.raises(InvalidInput):
        await log.whisper(topic, b"")


# --- the twin's own


@pytest.mark.parametrize(
    ("pattern", "topic", "covered"),
    [
        ("a.b", "a.b", True),
        ("a.*", "a.b", True),
        ("a.*", "a.b.c", False),
        ("a.>", "a.b.c", True),
        ("a.>", "a", False),
        (">", "a", True),
        ("*", "a.b", False),
        ("*.b", "a.b", True),
    ],
)
def test_the_twin_matches_topics_as_the_server_does(pattern: str, topic: str, covered: bool) -> None:
    assert covers(pattern, topic) is covered


async def test_unanswered_is_what_a_lost_message_looks_like(log: Log) -> None:
    flaky = Flaky(log.inbox)
    flaky.plan.append(Fault.LOSE_MESSAGE)
    with pytest.raises(Unanswered):
        await flaky.send(b"fact")


async def test_an_untrimmed_log_begins_at_1(log: Log) -> None:
    assert (await log.first_journal_seq(), await log.first_inbox_seq()) == (1, 1)
    async with log.publisher("gateway") as publisher, log.appender() as appender:
        await publisher.publish(b"fact")
        await appender.append(1, b"commit")
    assert (await log.first_journal_seq(), await log.first_inbox_seq()) == (1, 1)
