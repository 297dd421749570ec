"""The gateway dies between socket and acknowledgement, at every call of vault and log and at every wait. Then it comes back.

What was acknowledged is in the journal once; what was not may be sent again, and is then in the journal once, too.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from cordboard.events import event as words
from cordboard.events.verdict import Accepted
from cordboard.gateway.entrance.entrance import Entrance, File, Letter
from cordboard.gateway.form.form import letter_of as letter_of_form
from cordboard.gateway.webhook.webhook import letter_of as letter_of_webhook
from cordboard.log.memory import MemoryLog
from cordboard.vault import Acceptance, Vault
from cordboard.vault.intake import Intake
from tests.crash import Death, Killed, MortalVault, UntilKilled
from tests.journal import SITE
from tests.letters_over_http import FILLED, PAYLOAD
from tests.written_site import POLICY, WrittenSite, mail, routed

MOMENTS_MAX = 40


def a_mail(number: int) -> Letter:
    """An answer to a mail that is known, with a file."""
    return mail(number, replies_to=("<0@customer.example>",), attachments=(File("photo.png", "image/png", b"1" * 5_000),))


def a_form(number: int) -> Letter:
    return letter_of_form(POLICY.forms[0], POLICY.entry_points[1], "service@shop.example", FILLED, f"key-{number}", "en")


def a_payload(number: int) -> Letter:
    return letter_of_webhook(POLICY.webhooks[0], POLICY.entry_points[2], PAYLOAD | {"n": number}, f"msg_{number}")


KINDS: dict[str, Callable[[int], Letter]] = {"mail": a_mail, "form": a_form, "webhook": a_payload}


class Lives:
    """One gateway, life after life, on the same log and the same vault file."""

    def __init__(self, name: str, log: MemoryLog, file: Path) -> None:
        self._name, self._log, self._url = name, log, f"sqlite+aiosqlite:///{file}"

    @contextlib.asynccontextmanager
    async def life(self, death: Death | None = None) -> AsyncIterator[WrittenSite]:
        async with Vault.open(self._url, bytes(32)) as vault:
            site = WrittenSite(self._log, MortalVault(vault, death) if death is not None else vault, self._name)
            await site.open()
            if death is not None:
                site.intake = Intake(site.vault, functools.partial(_publish, site, death), None, self._name)
                site.entrance.open(site.intake, lambda: site.backlog)
            try:
                yield site
            finally:
                await site.shut()


async def _publish(site: WrittenSite, death: Death, fact: bytes) -> object:
    return await death.round("publish", lambda: site.publisher.publish(fact))


async def settle(lives: Lives, letter: Letter, acknowledged: bool) -> Acceptance:
    """The next life: what is pending goes out; what was not acknowledged is sent again. Then it stands once."""
    async with lives.life() as site:
        await site.intake.sweep_once(0)
        acceptance = await site.entrance.admit(letter)
        assert not (acknowledged and acceptance.fresh)
        assert acceptance.published
        assert await site.vault.pending(0, 10) == []
        await stands_once(site, acceptance)
    return acceptance


async def stands_once(site: WrittenSite, acceptance: Acceptance) -> None:
    await site.record.until(lambda: any(fact.contact == acceptance.contact for fact, _ in site.record.arrivals))
    accepted = [fact for fact, verdict in site.record.arrivals if verdict == Accepted()]
    (mine,) = [fact for fact in accepted if fact.contact == acceptance.contact]
    relayed = [
        event
        for events in site.record.events.values()
        for event in events
        if isinstance(event, words.MessageRelayed) and event.message == mine.message
    ]
    assert len(relayed) == 1
    assert mine.message is not None
    assert (await site.vault.read([mine.message]))[mine.message].text
    assert len({fact.message for fact in accepted}) == len(accepted)


@contextlib.asynccontextmanager
async def beginning(name: str, directory: Path) -> AsyncIterator[Lives]:
    """A site with a policy and one contact."""
    log = MemoryLog(SITE)
    lives = Lives(name, log, directory / "vault.db")
    async with routed(log):
        async with lives.life() as site:
            await site.adopt()
            await site.entrance.admit(KINDS[name](0) if name != "mail" else mail(0))
            await site.decided(1)
        yield lives


@pytest.mark.parametrize("name", KINDS)
async def test_killed_at_every_call(tmp_path: Path, name: str) -> None:
    seen: list[str] = []
    async with beginning(name, tmp_path) as lives:
        for moment in range(1, MOMENTS_MAX):
            letter, death = KINDS[name](moment), Death(moment)
            async with lives.life(death) as site:
                with contextlib.suppress(Killed):
                    await site.entrance.admit(letter)
            await settle(lives, letter, acknowledged=death.struck is None)
            if death.struck is None:
                break
            seen.append(death.struck)
    calls = ["find", "customer", "segment", *(["threads_of"] if name != "form" else []), "accept", "publish", "published"]
    assert seen == [f"{side} {call}" for call in calls for side in ("before", "after")]


@pytest.mark.parametrize("name", KINDS)
async def test_killed_at_every_wait(tmp_path: Path, name: str) -> None:
    """Without a `finally`, and without an answer to what is under way: the vault's and the log's hands work on."""
    waits = 0
    async with beginning(name, tmp_path) as lives:
        for wait in range(1, MOMENTS_MAX):
            letter = KINDS[name](wait)
            async with lives.life() as site:
                try:
                    await asyncio.create_task(_killed_at(site.entrance, letter, wait))
                    acknowledged = True
                except Killed:
                    acknowledged = False
            await settle(lives, letter, acknowledged)
            if acknowledged:
                break
            waits += 1
    assert waits >= 5


async def _killed_at(entrance: Entrance, letter: Letter, wait: int) -> Acceptance:
    return await UntilKilled(entrance.admit(letter), wait)


async def test_killed_at_every_call_of_a_readmission(tmp_path: Path) -> None:
    """What was acknowledged and refused is submitted again until it stands, whenever it dies over that; and once."""
    moments = 0
    async with beginning("mail", tmp_path) as lives:
        for moment in range(1, MOMENTS_MAX):
            contact = await _refuse(lives, mail(100 + moment, text="een factuur"))
            death = Death(moment)
            async with lives.life(death) as site:
                await _until_dead_or_accepted(site, death, contact)
            async with lives.life() as site:
                await site.intake.sweep_once(0)
                await site.queued(contact)
                assert len([1 for fact, verdict in site.record.arrivals if fact.contact == contact and verdict == Accepted()]) == 1
                await site.end(contact)  # a policy cannot drop a queue in which somebody waits
            if death.struck is None:
                break
            moments += 1
    assert moments >= 8


async def _refuse(lives: Lives, letter: Letter) -> bytes:
    """A life ends after it has acknowledged `letter`, whose queue the policy drops before the router comes to it."""
    async with lives.life() as site:
        held: list[bytes] = []

        async def hold(fact: bytes) -> None:
            held.append(fact)

        site.entrance.open(Intake(site.vault, hold, None, "mail"), lambda: site.backlog)
        contact = (await site.entrance.admit(letter)).contact
        site.entrance.close()
        without = [queue for queue in POLICY.queues if queue.name != "invoices"]
        topics = [topic for topic in POLICY.topics if topic.name != "invoice"]
        rules = [rule for rule in POLICY.rules if rule.topic != "invoice"]
        await site.adopt(replace(POLICY, queues=without, topics=topics, rules=rules))
        for task in site._tasks[1:]:
            task.cancel()
        await site.publish(held[0])
        await site.record.until(lambda: any(fact.contact == contact for fact, _ in site.record.arrivals))
        await site.adopt()
    return contact


async def _until_dead_or_accepted(site: WrittenSite, death: Death, contact: bytes) -> None:
    """`site.entrance.run` began with a mortal vault, in a task of its own: wait for one end or the other."""
    accepted = asyncio.create_task(site.queued(contact))
    await asyncio.wait([accepted, site._tasks[-1]], return_when=asyncio.FIRST_COMPLETED)
    if death.struck is not None:
        with contextlib.suppress(Killed):
            site._tasks.pop().result()
        accepted.cancel()
        await asyncio.wait([accepted])
