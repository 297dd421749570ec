"""The vault's contract, on SQLite and on PostgreSQL."""

import asyncio
import os
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select, text

from cordboard.errors import ConfigurationError, InvalidInput, LogUnavailable, Overloaded, VaultUnavailable
from cordboard.sql import open_engine
from cordboard.vault import Acceptance, Content, Draft, Person, Vault, writer
from cordboard.vault.intake import DOUBTFUL_AFTER_MS, Intake
from cordboard.vault.schema import contents, identities, intake, keys
from cordboard.vault.words import ADDRESS_MAX, CONTENTS_MAX, EXTERNAL_ID_MAX, TEXT_MAX
from tests.postgres import stored_bytes

KEK = bytes(range(32))
SECRET = "Mijn pakket aan de Zwanenlaan 14 is nooit aangekomen"
ADDRESS = "geertruida@voorbeeld.example"


def make_draft(external_id: str = "m-1", **changes: object) -> Draft:
    draft = Draft("chat", external_id, contact=os.urandom(16), fact_id=os.urandom(16), fact=b"\x92\x01" + os.urandom(20))
    return replace(draft, **changes)  # type: ignore[arg-type]


def make_content(words: str = SECRET) -> Content:
    return Content(os.urandom(16), "message", words)


class Inbox:
    """Takes facts, or does not."""

    def __init__(self) -> None:
        self.facts: list[bytes] = []
        self.failure: Exception | None = None

    async def publish(self, fact: bytes) -> None:
        if self.failure is not None:
            raise self.failure
        self.facts.append(fact)


async def test_a_draft_is_pending_until_published(database_url: str) -> None:
    async with Vault.open(database_url, KEK) as vault:
        draft = make_draft(contents=(make_content(),))
        accepted = await vault.accept(draft)
        assert accepted == Acceptance(draft.contact, draft.fact_id, draft.fact, published=False, fresh=True)
        assert await vault.pending(0, 10) == [replace(accepted, fresh=False)]
        assert await vault.pending(60_000, 10) == []
        await vault.published(draft.fact_id)
        assert await vault.pending(0, 10) == []
        assert await vault.find("chat", "m-1") == replace(accepted, published=True, fresh=False)
        assert await vault.find("chat", "m-2") is None
        assert await vault.find("mail", "m-1") is None


async def test_no_vault_is_made_where_one_is_only_looked_at(database_url: str) -> None:
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="no vault"):
            async with Vault.open(database_url, KEK, make=False):
                pass
    async with Vault.open(database_url, KEK):
        pass
    async with Vault.open(database_url, KEK, make=False) as vault:
        assert await vault.pending(0, 10) == []


async def test_a_repeat_returns_the_first_and_writes_nothing(database_url: str) -> None:
    async with Vault.open(database_url, KEK) as vault:
        first = make_draft(contents=(make_content("one"),))
        second = make_draft(contents=(make_content("two"),))
        await vault.accept(first)
        repeated = await vault.accept(second)
        assert repeated == Acceptance(first.contact, first.fact_id, first.fact, published=False, fresh=False)
        assert list(await vault.read([first.contents[0].ref, second.contents[0].ref])) == [first.contents[0].ref]
        assert (await vault.accept(replace(second, gateway="mail"))).fresh


async def test_concurrent_accepts_of_one_external_id_agree(database_url: str) -> None:
    async with Vault.open(database_url, KEK) as vault, Vault.open(database_url, KEK) as other:
        drafts = [make_draft(contents=(make_content(f"text {number}"),)) for number in range(20)]
        accepted = await asyncio.gather(*((vault, other)[number % 2].accept(draft) for number, draft in enumerate(drafts)))
        assert sum(acceptance.fresh for acceptance in accepted) == 1
        assert len({acceptance.contact for acceptance in accepted}) == 1
        assert len(await vault.read([draft.contents[0].ref for draft in drafts])) == 1


async def test_one_bad_draft_does_not_spoil_its_neighbours(database_url: str) -> None:
    async with Vault.open(database_url, KEK) as vault:
        taken = make_draft("taken", contents=(make_content(),))
        await vault.accept(taken)
        drafts = [make_draft(f"m-{number}", contents=(make_content(),)) for number in range(30)]
        drafts[7] = replace(drafts[7], fact_id=taken.fact_id)
        drafts[11] = replace(drafts[11], contents=taken.contents)
        drafts[13] = replace(drafts[13], customer=os.urandom(16))
        outcomes = await asyncio.gather(*(vault.accept(draft) for draft in drafts), return_exceptions=True)
        refused = {number: outcome for number, outcome in enumerate(outcomes) if isinstance(outcome, BaseException)}
        assert {number: error.reason for number, error in refused.items() if isinstance(error, InvalidInput)} == {
            7: "id_in_use",
            11: "id_in_use",
            13: "unknown_customer",
        }
        assert len(await vault.pending(0, 100)) == 1 + 27
        assert await vault.find("chat", "m-11") is None


async def test_what_was_accepted_survives_reopening(database_url: str) -> None:
    draft = make_draft(contents=(make_content(), make_content("second")))
    async with Vault.open(database_url, KEK) as vault:
        await vault.accept(draft)
    async with Vault.open(database_url, KEK) as vault:
        assert [acceptance.fact for acceptance in await vault.pending(0, 10)] == [draft.fact]
        assert await vault.read([content.ref for content in draft.contents]) == {content.ref: content for content in draft.contents}


async def test_writes_waiting_when_the_vault_closes_are_finished(database_url: str) -> None:
    drafts = [make_draft(f"m-{number}") for number in range(50)]
    async with Vault.open(database_url, KEK) as vault:
        tasks = [asyncio.create_task(vault.accept(draft)) for draft in drafts]
        await asyncio.sleep(0)
        await asyncio.gather(*tasks)
    async with Vault.open(database_url, KEK) as vault:
        assert len(await vault.pending(0, 100)) == 50


async def test_a_caller_that_gives_up_harms_nobody(database_url: str) -> None:
    async with Vault.open(database_url, KEK) as vault:
        tasks = [asyncio.create_task(vault.accept(make_draft(f"m-{number}"))) for number in range(20)]
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert [isinstance(outcome, Acceptance) for outcome in outcomes[1::2]] == [True] * 10
        assert (await vault.accept(make_draft("after"))).fresh


async def test_limits_are_told_before_anything_is_written(database_url: str) -> None:
    bad = [
        make_draft(""),
        make_draft("x" * (EXTERNAL_ID_MAX + 1)),
        make_draft("nul\0"),
        make_draft(gateway=""),
        make_draft(gateway="g" * 49),
        make_draft(contact=b"short"),
        make_draft(fact_id=b""),
        make_draft(fact=b""),
        make_draft(fact=bytes(70_000)),
        make_draft(customer=b"1"),
        make_draft(contents=(make_content("x" * (TEXT_MAX + 1)),)),
        make_draft(contents=(make_content("\ud800"),)),
        make_draft(contents=(Content(b"1", "message", "x"),)),
        make_draft(contents=tuple(make_content("x") for _ in range(CONTENTS_MAX + 1))),
    ]
    async with Vault.open(database_url, KEK) as vault:
        for draft in bad:
            with pytest.raises(InvalidInput):
                await vault.accept(draft)
        for address in ("", "  ", "a" * (ADDRESS_MAX + 1), "nul\0@x"):
            with pytest.raises(InvalidInput):
                await vault.customer("email", address)
        with pytest.raises(InvalidInput):
            await vault.agent_ref("")
        with pytest.raises(InvalidInput):
            await vault.agent_ref("p" * 201)
        assert await vault.pending(0, 10) == []
        longest = make_draft(contents=(make_content("é" * (TEXT_MAX // 2)),))
        await vault.accept(longest)
        assert (await vault.read([longest.contents[0].ref]))[longest.contents[0].ref].text == "é" * (TEXT_MAX // 2)


async def test_customers_are_found_again_by_address(database_url: str) -> None:
    async with Vault.open(database_url, KEK) as vault, Vault.open(database_url, KEK) as other:
        refs = await asyncio.gather(*((vault, other)[number % 2].customer("email", ADDRESS) for number in range(10)))
        assert len(set(refs)) == 1
        assert await vault.customer("email", f" {ADDRESS}\n") == refs[0]
        assert await vault.customer("account", ADDRESS) != refs[0]
        assert await vault.customer("email", "x" + ADDRESS) != refs[0]
        assert await vault.address(refs[0]) == ("email", ADDRESS)
        assert await vault.address(os.urandom(16)) is None


async def test_an_erased_customer_is_gone_and_the_others_stay(database_url: str) -> None:
    async with Vault.open(database_url, KEK) as vault, Vault.open(database_url, KEK) as other:
        gone, stays = await vault.customer("email", ADDRESS), await vault.customer("email", "b@b.example")
        drafts = [
            make_draft("1", customer=gone, contents=(make_content(),)),
            make_draft("2", customer=stays, contents=(make_content(),)),
        ]
        anonymous = make_draft("3", contents=(make_content(),))
        for draft in (*drafts, anonymous):
            await vault.accept(draft)
            await other.read([draft.contents[0].ref])
        refs = [draft.contents[0].ref for draft in (*drafts, anonymous)]
        await other.accept(make_draft("4", customer=gone, contents=(make_content(),)))  # now `other` remembers the key
        assert await vault.erase_customer(gone)
        assert not await vault.erase_customer(gone)
        assert set(await vault.read(refs)) == set(await other.read(refs)) == set(refs[1:])
        assert await vault.address(gone) is None
        for each in (vault, other):
            with pytest.raises(InvalidInput) as refusal:
                await each.accept(make_draft(f"5-{id(each)}", customer=gone, contents=(make_content(),)))
            assert refusal.value.reason == "unknown_customer"
        assert await vault.customer("email", ADDRESS) != gone
        assert await vault.find("chat", "1") is not None, "that the fact was counted is no personal data"
        assert await vault.erase_contact(anonymous.contact)
        assert set(await vault.read(refs)) == {refs[1]}


async def test_a_key_made_anew_is_not_mixed_up_with_the_one_before(database_url: str) -> None:
    async with Vault.open(database_url, KEK) as vault, Vault.open(database_url, KEK) as other:
        first = make_draft("1", contents=(make_content("one"),))
        await other.accept(first)  # `other` remembers this key
        assert await vault.erase_contact(first.contact)
        drafts = [make_draft(f"{number}", contact=first.contact, contents=(make_content("two"),)) for number in (2, 3)]
        await vault.accept(drafts[0])
        await other.accept(drafts[1])
        assert len(await vault.read([draft.contents[0].ref for draft in drafts])) == 2


async def test_many_are_marked_as_published_at_once(database_url: str) -> None:
    inbox = Inbox()
    async with Vault.open(database_url, KEK) as vault:
        front = Intake(vault, inbox.publish)
        done = await asyncio.gather(*(front.submit(make_draft(f"m-{number}")) for number in range(200)))
        assert all(acceptance.published and acceptance.fresh for acceptance in done)
        assert await vault.pending(0, 10) == []
        given_up = asyncio.create_task(vault.published(os.urandom(16)))
        await asyncio.sleep(0)
        given_up.cancel()
    assert len(inbox.facts) == 200


async def test_no_plaintext_reaches_the_disk(database_url: str, request: pytest.FixtureRequest) -> None:
    async with Vault.open(database_url, KEK) as vault:
        customer = await vault.customer("email", ADDRESS)
        await vault.accept(make_draft("<message-id-17@voorbeeld.example>", customer=customer, contents=(make_content(),)))
        await vault.accept(make_draft("2", contents=(make_content(),)))
        await vault.agent_ref("sanne.devries", "Sanne de Vries")
        stored = stored_bytes(database_url, lambda: request.getfixturevalue("postgres"))
        assert b"vault_contents" in stored
        for secret in (SECRET, ADDRESS, "voorbeeld", "message-id-17", "sanne", "Sanne", "Zwanenlaan"):
            assert secret.encode() not in stored, secret


async def test_an_erasure_leaves_no_key_in_the_files(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    # SQLite only: PostgreSQL keeps dead rows until its vacuum and its log until that is recycled (docs/vault.md).
    url = f"sqlite+aiosqlite:///{tmp_path / 'vault.db'}"
    async with Vault.open(url, KEK) as vault:
        customer = await vault.customer("email", ADDRESS)
        for number in range(20):
            await vault.accept(make_draft(f"m-{number}", customer=customer, contents=(make_content(SECRET * 100),)))
        engine = open_engine(url, "read", durable=True, name="test")
        async with engine.connect() as connection:
            query = select(keys.c.wrapped, identities.c.sealed, contents.c.sealed).select_from(keys)
            query = query.join(identities, identities.c.customer == keys.c.owner).join(contents)
            erased = [bytes(value) for row in await connection.execute(query) for value in row]
        await engine.dispose()
        assert len(erased) == 60
        before = stored_bytes(url, lambda: request.getfixturevalue("postgres"))
        assert all(value[:40] in before for value in erased)
        await vault.erase_customer(customer)
        after = stored_bytes(url, lambda: request.getfixturevalue("postgres"))
        assert not any(value[offset : offset + 40] in after for value in erased for offset in range(0, len(value) - 39, 40))
        assert not (tmp_path / "vault.db").stat().st_mode & 0o077


async def test_the_wrong_key_opens_nothing(database_url: str) -> None:
    async with Vault.open(database_url, KEK) as vault:
        await vault.accept(make_draft())
    for wrong in (bytes(32), b"short"):
        with pytest.raises(ConfigurationError):
            async with Vault.open(database_url, wrong):
                pass
    async with Vault.open(database_url, KEK) as vault:
        assert len(await vault.pending(0, 10)) == 1


async def test_rows_cannot_be_swapped(database_url: str) -> None:
    async with Vault.open(database_url, KEK) as vault:
        one, two = make_draft("1", contents=(make_content("one"),)), make_draft("2", contents=(make_content("two"),))
        two = replace(two, contact=one.contact)
        await vault.accept(one)
        await vault.accept(two)
        engine = open_engine(database_url, "write", durable=True, name="test")
        async with engine.begin() as connection:
            first = select(contents.c.sealed).where(contents.c.ref == one.contents[0].ref).scalar_subquery()
            await connection.execute(contents.update().where(contents.c.ref == two.contents[0].ref).values(sealed=first))
        await engine.dispose()
        assert len(await vault.read([one.contents[0].ref])) == 1
        with pytest.raises(Exception, match="cannot be opened"):
            await vault.read([two.contents[0].ref])


async def test_agents_have_opaque_references(database_url: str) -> None:
    async with Vault.open(database_url, KEK) as vault:
        assert await vault.find_agent("sanne") is None
        sanne = await vault.agent_ref("sanne", "Sanne de Vries")
        tom = await vault.agent_ref("tom")
        assert len(sanne) == 16 and sanne != tom
        assert await vault.agent_ref("sanne") == sanne == await vault.find_agent("sanne")
        assert await vault.agents([sanne, tom, bytes(16)]) == {sanne: Person("sanne", "Sanne de Vries"), tom: Person("tom", "tom")}
        assert await vault.agent_ref("sanne", "Sanne Jansen") == sanne
    async with Vault.open(database_url, KEK) as vault:
        assert await vault.agent_ref("sanne") == sanne
        assert (await vault.agents([sanne]))[sanne].name == "Sanne Jansen"


async def test_first_opening_by_several_processes_makes_one_period(database_url: str) -> None:
    async def ref() -> bytes:
        async with Vault.open(database_url, KEK) as vault:
            return await vault.agent_ref("sanne", "Sanne")

    assert len(set(await asyncio.gather(*(ref() for _ in range(6))))) == 1


async def test_submit_confirms_only_after_the_log(database_url: str) -> None:
    inbox = Inbox()
    async with Vault.open(database_url, KEK) as vault:
        front = Intake(vault, inbox.publish)
        draft = make_draft(contents=(make_content(),))
        for failure in (LogUnavailable("away"), Overloaded("full")):
            inbox.failure = failure
            with pytest.raises(type(failure)):
                await front.submit(draft)
            assert [acceptance.fact for acceptance in await vault.pending(0, 10)] == [draft.fact]
        inbox.failure = None
        done = await front.submit(replace(draft, fact=b"\x92\x01another", fact_id=os.urandom(16)))
        assert (done.published, done.fresh, done.fact, inbox.facts) == (True, False, draft.fact, [draft.fact])
        assert (await front.submit(draft)).published
        assert inbox.facts == [draft.fact], "what the log has is not sent again"


async def test_the_sweep_sends_identical_bytes_after_a_crash(database_url: str) -> None:
    drafts = [make_draft(f"m-{number}") for number in range(5)]
    async with Vault.open(database_url, KEK) as vault:
        for draft in drafts:
            await vault.accept(draft)  # and here the gateway dies
    inbox = Inbox()
    async with Vault.open(database_url, KEK) as vault:
        front = Intake(vault, inbox.publish)
        assert await front.sweep_once(60_000) == 0, "what is on its way is left alone"
        inbox.failure = LogUnavailable("away")
        assert await front.sweep_once(0) == 0
        inbox.failure = None
        assert await front.sweep_once(0) == 5
        assert sorted(inbox.facts) == sorted(draft.fact for draft in drafts)
        assert await vault.pending(0, 10) == []


async def test_the_sweep_runs_until_cancelled(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cordboard.vault.intake.SWEEP_AFTER_MS", 0)
    monkeypatch.setattr("cordboard.vault.intake.SWEEP_EVERY_S", 0.01)
    sent = asyncio.Event()

    async def publish(_fact: bytes) -> None:
        sent.set()

    async with Vault.open(database_url, KEK) as vault:
        await vault.accept(make_draft())
        sweep = asyncio.create_task(Intake(vault, publish).sweep())
        await asyncio.wait_for(sent.wait(), 60)
        sweep.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sweep


async def test_a_backlog_goes_out_in_one_go_and_what_fails_holds_up_nothing_behind_it(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cordboard.vault.intake.SWEEP_MAX", 3)
    sent: list[bytes] = []
    stuck: set[bytes] = set()

    async def publish(fact: bytes) -> None:
        if fact in stuck:
            raise LogUnavailable("not this one")
        sent.append(fact)

    async with Vault.open(database_url, KEK) as vault:
        for number in range(10):
            await vault.accept(make_draft(str(number), fact=b"\x92\x01fact%d" % number))
        old = await vault.pending(0, 10)
        stuck = {acceptance.fact for acceptance in old[:4]}
        front = Intake(vault, publish)
        rounds = [await front.sweep_once(0) for _ in range(5)]
        assert (rounds, len(sent)) == ([0, 2, 3, 1, 0], 6)
        stuck.clear()
        monkeypatch.setattr("cordboard.vault.intake.SWEEP_AFTER_MS", 0)
        monkeypatch.setattr("cordboard.vault.intake.SWEEP_EVERY_S", 1_000.0)
        sweep = asyncio.create_task(Intake(vault, publish).sweep())
        async with asyncio.timeout(60):
            while len(sent) < 10:  # noqa: ASYNC110 - the publisher is told by nobody
                await asyncio.sleep(0.01)
        sweep.cancel()


async def test_what_the_journal_has_is_not_sent_after_the_routers_memory(database_url: str) -> None:
    inbox, asked = Inbox(), []

    async def decided(acceptance: Acceptance) -> bool:
        asked.append(acceptance.fact_id)
        return acceptance.fact_id == old.fact_id

    async with Vault.open(database_url, KEK) as vault:
        old, lost, new = make_draft("old"), make_draft("lost"), make_draft("new")
        for draft in (old, lost, new):
            await vault.accept(draft)
        engine = open_engine(database_url, "write", durable=True, name="test")
        async with engine.begin() as connection:
            earlier = intake.update().where(intake.c.fact_id.in_([old.fact_id, lost.fact_id]))
            await connection.execute(earlier.values(created_ms=intake.c.created_ms - DOUBTFUL_AFTER_MS))
        await engine.dispose()
        await Intake(vault, inbox.publish, decided).sweep_once(0)
        assert sorted(asked) == sorted([old.fact_id, lost.fact_id])
        assert sorted(inbox.facts) == sorted([lost.fact, new.fact])
        assert await vault.pending(0, 10) == []


async def test_what_is_pending_does_not_wait_for_a_clock_that_was_set_back(database_url: str) -> None:
    """Nor is it known then how old it is: the journal is asked, as after the router's memory."""
    inbox, asked = Inbox(), []

    async def decided(acceptance: Acceptance) -> bool:
        asked.append(acceptance.fact_id)
        return False

    async with Vault.open(database_url, KEK) as vault:
        ahead, under_way = make_draft("ahead"), make_draft("under way")
        for draft in (ahead, under_way):
            await vault.accept(draft)
        engine = open_engine(database_url, "write", durable=True, name="test")
        async with engine.begin() as connection:
            row = intake.update().where(intake.c.fact_id == ahead.fact_id)
            await connection.execute(row.values(created_ms=intake.c.created_ms + 3_600_000))
        await engine.dispose()
        assert await Intake(vault, inbox.publish, decided).sweep_once(600_000) == 1
        assert (asked, inbox.facts) == ([ahead.fact_id], [ahead.fact])


async def test_a_full_queue_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "WAITING_MAX", 4)
    async with Vault.open(f"sqlite+aiosqlite:///{tmp_path / 'vault.db'}", KEK) as vault:
        outcomes = await asyncio.gather(*(vault.accept(make_draft(f"{number}")) for number in range(20)), return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {Acceptance, Overloaded}
        assert (await vault.accept(make_draft("later"))).fresh


async def test_a_full_disk_confirms_nothing(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'vault.db'}"
    async with Vault.open(url, KEK) as vault:
        await vault.accept(make_draft("before"))
        engine = vault._writer._engine  # type: ignore[attr-defined]
        with engine.connect() as connection:
            pages = connection.execute(text("PRAGMA page_count")).scalar_one()
            connection.execute(text(f"PRAGMA max_page_count={pages + 4}"))
        drafts = [make_draft(f"m-{number}", contents=(make_content("x" * 3000),)) for number in range(30)]
        outcomes = await asyncio.gather(*(vault.accept(draft) for draft in drafts), return_exceptions=True)
        confirmed = {draft.fact_id for draft, outcome in zip(drafts, outcomes, strict=True) if isinstance(outcome, Acceptance)}
        assert any(isinstance(outcome, VaultUnavailable) for outcome in outcomes)
        with engine.connect() as connection:
            connection.execute(text("PRAGMA max_page_count=100000"))
        stored = {acceptance.fact_id for acceptance in await vault.pending(0, 100)}
        assert confirmed <= stored
        for draft in drafts:
            assert (await vault.accept(draft)).fact == draft.fact
