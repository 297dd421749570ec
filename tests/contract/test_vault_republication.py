"""After a lossy restore what came from outside is published again, the same bytes; what is about nobody any more is not."""

import os

import pytest

from cordboard import codec
from cordboard.events import Fact
from cordboard.events.fact import Author, ContactArrived, MessagePosted
from cordboard.sql import open_engine
from cordboard.vault import Draft, Vault, republication
from cordboard.vault.intake import Intake
from cordboard.vault.schema import intake

KEK = bytes(range(32))


def draft(gateway: str, fact: Fact, customer: bytes | None = None) -> Draft:
    contact: bytes = fact.contact  # type: ignore[union-attr]  # every fact drafted here has one
    return Draft(gateway, os.urandom(8).hex(), contact, fact.fact_id, codec.check_fact(fact), customer=customer)


def arrival() -> Fact:
    return ContactArrived(os.urandom(16), os.urandom(16), "mail", "orders")


def message(author: Author) -> Fact:
    agent = os.urandom(16) if author == "agent" else None
    return MessagePosted(os.urandom(16), os.urandom(16), os.urandom(16), author, agent)


async def test_what_came_from_outside_is_published_again(database_url: str) -> None:
    sent: list[bytes] = []

    async def publish(fact: bytes) -> None:
        sent.append(fact)

    async with Vault.open(database_url, KEK) as vault:
        jan, piet = [await vault.customer("email", f"{name}@x.example") for name in ("jan", "piet")]
        early, mail, forgotten = draft("mail", arrival()), draft("mail", arrival(), jan), draft("mail", arrival(), piet)
        chat, answer, waiting = draft("chat", message("customer")), draft("api", message("agent")), draft("form", arrival())
        intakes = [Intake(vault, publish, gateway=gateway) for gateway in ("mail", "chat", "api", "form")]
        for each in (early, mail, forgotten, chat, answer):
            await intakes[0].submit(each)
        await vault.accept(waiting)
        await vault.erase_exactly([piet])
        engine = open_engine(database_url, "write", durable=True, name="test")
        async with engine.begin() as connection:
            await connection.execute(intake.update().values(created_ms=5_000))
            await connection.execute(intake.update().where(intake.c.fact_id == early.fact_id).values(created_ms=4_999))
        await engine.dispose()
        sent.clear()

        assert await vault.publish_again(5_000, dry_run=True) == {"mail": 1, "chat": 1}
        assert {one.fact_id for one in await vault.pending(0, 10)} == {waiting.fact_id}
        assert await vault.publish_again(5_000) == {"mail": 1, "chat": 1}
        assert await vault.publish_again(5_000) == {}, "they wait already"
        for one_gateway in intakes:
            await one_gateway.sweep_once(0)
        assert sorted(sent) == sorted(one.fact for one in (mail, chat, waiting))
        assert await vault.pending(0, 10) == []


async def test_many_are_looked_at_bit_by_bit(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(republication, "CHUNK", 3)
    async with Vault.open(database_url, KEK) as vault:
        drafts = [draft("mail", message("agent") if number % 3 == 0 else arrival()) for number in range(12)]
        for each in drafts:
            await vault.accept(each)
            await vault.published(each.fact_id)
        assert await vault.publish_again(0, dry_run=True) == {"mail": 8}
        assert await vault.publish_again(0) == {"mail": 8}
        assert {one.fact_id for one in await vault.pending(0, 20)} == {
            each.fact_id for number, each in enumerate(drafts) if number % 3
        }
