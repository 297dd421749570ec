"""Answers go out: once if nothing goes wrong, at least once and under one name whatever does."""

import asyncio
import os
import signal
from collections import Counter
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from cordboard.effects import Limits, MailOut, Relay
from cordboard.effects import queue as queue_module
from cordboard.effects import worker as worker_module
from cordboard.effects.attempt import Parcel
from cordboard.effects.mail import MailTransport
from cordboard.errors import InvalidInput, VaultUnavailable
from cordboard.log.jetstream import JetStream
from cordboard.log.stream import Ack, Unanswered
from cordboard.log.wire import open_wire
from cordboard.log.work import WorkSettings, consumer_name
from cordboard.vault.tokens import BOUNCES, read_bounce_token, split_bounce_address
from tests.effects_site import OWN, PATIENCE_S, EffectsSite, effects_site, outside_id
from tests.journal import SITE
from tests.logs import until


def number_of(mail: EmailMessage) -> int:
    """Which question a mail answers."""
    return int(str(mail["Subject"]).rpartition(" ")[2])


async def id_of(site: EffectsSite, place: tuple[int, int]) -> str:
    return f"<{await outside_id(site.log, place)}@shop.example>"


class Dumb:
    """A far side that says yes, whereupon nothing more can be said to the inbox."""

    def __init__(self, inbox: JetStream) -> None:
        self._inbox, self._send = inbox, inbox.send
        self.tried = 0

    def __call__(self, mail: EmailMessage) -> str:
        self._inbox.send = self._lose  # type: ignore[method-assign]
        return "250 taken"

    async def _lose(self, data: bytes, *, message_id: str | None = None, after: int | None = None) -> asyncio.Future[Ack]:
        self.tried += 1
        raise Unanswered("dead")

    def heal(self) -> None:
        self._inbox.send = self._send  # type: ignore[method-assign]


async def settled(site: EffectsSite) -> None:
    """A sweep later: whatever would be sent again is sent by now."""
    await site.shut()
    await site.open()
    await site.router.ended(await site.answer(await site.arrive(999), "The last one."))


async def test_every_answer_arrives_exactly_once_in_its_thread(tmp_path: Path) -> None:
    async with effects_site(tmp_path) as site:
        contacts = [await site.arrive(number) for number in range(20)]
        places = [await site.answer(contact, f"Answer to {number}.") for number, contact in enumerate(contacts)]
        await site.router.ended(*places)
        await settled(site)
        mails = {number_of(mail): mail for mail in site.mailbox.taken}
        assert len(mails) == len(site.mailbox.taken) == 21
        for number, (contact, place) in enumerate(zip(contacts, places, strict=True)):
            mail = mails[number]
            assert str(mail["From"]) == f"The Shop <{OWN}>"
            assert str(mail["To"]) == f"Customer {number} <customer{number}@home.example>"
            assert mail["Subject"] == f"Re: Question {number}"
            assert mail["In-Reply-To"] == f"<question-{number}@home.example>"
            assert mail["References"] == f"<before@home.example> <question-{number}@home.example>"
            assert mail["Message-ID"] == await id_of(site, place)
            assert mail["Auto-Submitted"] is None
            assert mail.get_content().replace("\r\n", "\n") == (
                f"Dear Customer {number},\n\nAnswer to {number}.\n\nRegards,\nAnna\n\n"
                f"Customer {number} wrote:\n> My question is {number}.\n"
            )
            assert await site.vault.case_of([mail["Message-ID"]]) == contact
        tokens = [split_bounce_address(sender) for sender in site.mailbox.senders]
        key = site.vault.derive_key(BOUNCES)
        returned = [read_bounce_token(key, token[1]) for token in tokens if token is not None]
        assert {(each.seq, each.entry) for each in returned if each is not None} > set(places)
        assert Counter(type(fact).__name__ for fact in site.router.facts) == {"EffectDone": 21}


async def test_what_was_asked_for_while_nobody_worked_is_done_later(tmp_path: Path) -> None:
    async with effects_site(tmp_path, opened=False) as site:
        places = [await site.answer(await site.arrive(number), "Late.") for number in range(5)]
        assert not site.mailbox.seen
        await site.open()
        await site.router.ended(*places)
        assert sorted(number_of(mail) for mail in site.mailbox.taken) == [0, 1, 2, 3, 4]


async def test_a_stop_in_the_middle_of_a_dialogue_sends_nothing_twice(tmp_path: Path) -> None:
    async with effects_site(tmp_path) as site:
        site.mailbox.open.clear()
        place = await site.answer(await site.arrive(1), "Once.")
        await until(lambda: site.mailbox.busy == 1)
        stopping = asyncio.create_task(site.shut())
        await asyncio.sleep(0)
        site.mailbox.open.set()
        await stopping
        await site.open()
        await site.router.ended(place)
        await settled(site)
        assert [number_of(mail) for mail in site.mailbox.seen] == [1, 999]


async def test_who_dies_between_the_far_sides_yes_and_the_fact_repeats_under_the_same_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "FINISH_S", 0.0)
    async with effects_site(tmp_path, opened=False) as site:
        site.mailbox.answer = dumb = Dumb(site.log.inbox)
        await site.open()
        place = await site.answer(await site.arrive(1), "Once or twice.")
        await until(lambda: dumb.tried > 0)
        await site.shut()
        dumb.heal()
        site.mailbox.answer = lambda _: "250 taken"
        await site.open()
        await site.router.ended(place)
        assert [mail["Message-ID"] for mail in site.mailbox.taken] == [await id_of(site, place)] * 2
        assert site.mailbox.taken[0].as_bytes() == site.mailbox.taken[1].as_bytes()


async def test_what_is_said_but_not_decided_yet_is_not_begun_anew(tmp_path: Path) -> None:
    async with effects_site(tmp_path) as site:
        first = await site.answer(await site.arrive(1), "One.")
        await site.router.ended(first)
        site.router.running.clear()
        place = await site.answer(await site.arrive(2), "Two.")
        last = await site.log.last_inbox_seq()
        async with asyncio.timeout(PATIENCE_S):
            while await site.log.last_inbox_seq() == last:  # noqa: ASYNC110 - the log tells nobody
                await asyncio.sleep(0.01)
        await site.shut()
        await site.open()
        third = await site.answer(await site.arrive(3), "Three.")
        await until(lambda: len(site.mailbox.taken) == 3)  # work goes on meanwhile
        site.router.running.set()
        await site.router.ended(place, third)
        await settled(site)
        assert sorted(number_of(mail) for mail in site.mailbox.taken) == [1, 2, 3, 999]


async def test_a_process_that_stops_in_the_middle_of_many_loses_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "FINISH_S", 0.0)
    async with effects_site(tmp_path) as site:
        site.mailbox.open.clear()
        places = [await site.answer(await site.arrive(number), "Hold on.") for number in range(12)]
        await until(lambda: site.mailbox.busy > 2)
        await site.shut()
        site.mailbox.open.set()
        await site.open()
        await site.router.ended(*places)
        names = {
            number_of(mail): {each["Message-ID"] for each in site.mailbox.seen if number_of(each) == number_of(mail)}
            for mail in site.mailbox.seen
        }
        assert names == {number: {await id_of(site, place)} for number, place in enumerate(places)}


async def test_nats_may_die_while_a_dialogue_lasts(tmp_path: Path) -> None:
    async with effects_site(tmp_path) as site:
        site.mailbox.open.clear()
        places = [await site.answer(await site.arrive(number), "Through it all.") for number in range(6)]
        await until(lambda: site.mailbox.busy > 0)
        os.kill(site.server.pid, signal.SIGKILL)
        site.mailbox.open.set()
        await site.router.ended(*places)
        assert {number_of(mail) for mail in site.mailbox.taken} == set(range(6))
        assert {mail["Message-ID"] for mail in site.mailbox.taken} == {await id_of(site, place) for place in places}


async def test_a_long_dialogue_is_not_handed_to_a_second_worker(tmp_path: Path) -> None:
    async with effects_site(tmp_path, opened=False) as site:
        await site.open(queues=WorkSettings(ack_wait_s=0.6))
        site.mailbox.open.clear()
        place = await site.answer(await site.arrive(1), "Slowly.")
        await until(lambda: site.mailbox.busy == 1)
        await asyncio.sleep(1.5)
        assert len(site.mailbox.seen) == 1
        site.mailbox.open.set()
        await site.router.ended(place)
        assert len(site.mailbox.seen) == 1


async def test_the_far_side_may_be_busy_or_away(tmp_path: Path) -> None:
    async with effects_site(tmp_path) as site:
        said = iter(["451 4.7.1 later", "421 4.3.2 going down", "250 taken"])
        site.mailbox.answer = lambda _: next(said)
        place = await site.answer(await site.arrive(1), "Third time lucky.")
        await site.router.ended(place)
        assert [mail["Message-ID"] for mail in site.mailbox.seen] == [await id_of(site, place)] * 3
        assert len(site.mailbox.taken) == 1
        await site.mailbox.stop()
        site.mailbox.answer = lambda _: "250 taken"
        away = await site.answer(await site.arrive(2), "Are you there?")
        await asyncio.sleep(0.3)
        await site.mailbox.start()
        await site.router.ended(away)
        assert [number_of(mail) for mail in site.mailbox.taken] == [1, 2]


async def test_a_slow_destination_holds_up_nobody_else(tmp_path: Path) -> None:
    async with effects_site(tmp_path, opened=False) as site:
        await site.open(limits=Limits(concurrent=4, concurrent_each=2, waiting=16, waiting_each=3, crowded_s=0.05))
        site.mailbox.slow = lambda mail: number_of(mail) < 30
        site.mailbox.open.clear()
        slow = [await site.answer(await site.arrive(number), "Mañana.") for number in range(30)]
        await until(lambda: site.mailbox.busy == 2)
        quick = []
        for number in range(100, 110):
            contact = await site.arrive(number, origin=site.origin(number, f"one@quick{number}.example"))
            quick.append(await site.answer(contact, "At once."))
        await site.router.ended(*quick)
        assert site.mailbox.busy == 2 and all(site.router.state(place) == "open" for place in slow)
        site.mailbox.open.set()
        await site.router.ended(*slow)
        assert site.mailbox.most_busy <= 4
        assert len(site.mailbox.taken) == 40


async def test_a_consumer_that_vanishes_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_module, "LOOK_S", 0.1)
    async with effects_site(tmp_path) as site:
        async with open_wire(site.server.url, "nemesis") as wire:
            await wire.call(f"CONSUMER.DELETE.WORK_{SITE}_mail.{consumer_name('mail')}")
            place = await site.answer(await site.arrive(1), "After all.")
            await site.router.ended(place)
            await wire.call(f"STREAM.DELETE.WORK_{SITE}_mail")
            place = await site.answer(await site.arrive(2), "Even now.")
            await site.router.ended(place)
        assert sorted(number_of(mail) for mail in site.mailbox.taken) == [1, 2]


async def test_a_transport_that_stumbles_stops_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with effects_site(tmp_path) as site:
        stumbles = iter([RuntimeError("a mistake of ours"), InvalidInput("another"), VaultUnavailable("away for a moment")])
        prepare = MailTransport.prepare

        async def stumbling(*given: Any) -> Parcel:
            for stumble in stumbles:
                raise stumble
            return await prepare(*given)

        monkeypatch.setattr(MailTransport, "prepare", stumbling)
        monkeypatch.setattr(worker_module, "AWAY_S", 0.05)
        await site.router.ended(await site.answer(await site.arrive(1), "Never mind."))


async def test_tls_and_a_password_are_used_as_told(tmp_path: Path) -> None:
    async with effects_site(tmp_path, opened=False) as site:
        secure = Relay("127.0.0.1", site.mailbox.port, "required", "engine", "secret")
        await site.open(mail=MailOut(secure))
        place = await site.answer(await site.arrive(1), "Not in the clear.")
        await asyncio.sleep(0.5)
        assert site.router.state(place) == "open" and not site.mailbox.seen


async def test_two_processes_share_the_work_and_double_nothing(tmp_path: Path) -> None:
    async with effects_site(tmp_path) as site:
        other = EffectsSite(site.server, site.log, site.vault, site.router, site.mailbox)
        await other.open(sweep_s=0.05)  # and one of them is never sure
        places = [await site.answer(await site.arrive(number), "One of us.") for number in range(60)]
        await site.router.ended(*places)
        await other.shut()
        await settled(site)
        assert Counter(number_of(mail) for mail in site.mailbox.taken) == Counter([*range(60), 999])
