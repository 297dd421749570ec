"""Erasure: what the journal says is carried out, once and for all, whatever crashes or is restored."""

import asyncio
import os
import shutil
import sqlite3
import time
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec.structs import replace as replace_entry
from sqlalchemy import func, select

from cordboard import codec
from cordboard.branch import Branch
from cordboard.errors import InvalidInput, JournalCorrupt, VaultUnavailable
from cordboard.events import Commit, Event
from cordboard.events.commit import INPUT_TAG, Entry, Input
from cordboard.events.event import CustomerErased
from cordboard.events.next_steps import NextStepChosen
from cordboard.events.promises import CallbackDeclined, CallbackRequested, CallbackRescheduled
from cordboard.events.verdict import Accepted, Refused, Verdict
from cordboard.log.memory import MemoryLog
from cordboard.sql import open_engine
from cordboard.vault import Attachment, Content, Draft, Vault, erasure, schema
from cordboard.vault.erasure import Erasure, catch_up
from cordboard.vault.refs import content_ref
from tests.journal import SITE, about, an_id, commit, from_inbox
from tests.postgres import eventually, stored_bytes

KEK = bytes(range(32))
PATIENCE_S = 60.0
INBOX = an_id("inbox")
PERSONAL = ("contents", "attachments", "chunks", "customers", "identities", "merges", "threads")


def make_draft(external_id: str, **changes: object) -> Draft:
    draft = Draft("mail", external_id, contact=os.urandom(16), fact_id=os.urandom(16), fact=b"\x92\x01" + os.urandom(20))
    return replace(draft, **changes)  # type: ignore[arg-type]


def a_mail(external_id: str, customer: bytes | None) -> Draft:
    message = os.urandom(16)
    return make_draft(
        external_id,
        customer=customer,
        contents=(Content(message, "message", "hallo"), Content(os.urandom(16), "subject", "vraag")),
        attachments=(Attachment(os.urandom(16), message, "brief.txt", "text/plain", b"lieve mensen"),),
        threads=(f"<{external_id}>",),
    )


def erasing(seq: int, *customers: bytes) -> Commit:
    return commit(seq, 1_000 * seq, *(about(CustomerErased(1_000 * seq, customer)) for customer in customers))


async def rows_left(url: str) -> dict[str, int]:
    """Of the tables that can hold something personal; agents' keys apart."""
    engine = open_engine(url, "read", durable=True, name="test")
    async with engine.connect() as connection:
        counts = {name: select(func.count()).select_from(schema.tables.tables[f"vault_{name}"]) for name in PERSONAL}
        found = {name: (await connection.execute(count)).scalar_one() for name, count in counts.items()}
        owners = select(func.count()).where(schema.keys.c.kind.in_(("customer", "contact")))
        found["keys"] = (await connection.execute(owners)).scalar_one()
    await engine.dispose()
    return {name: count for name, count in found.items() if count}


async def test_everything_of_a_customer_goes_and_nothing_else(database_url: str) -> None:
    async with Vault.open(database_url, KEK) as vault:
        jan, piet = await vault.customer("email", "jan@x.example", "mail"), await vault.customer("email", "piet@x.example", "mail")
        anonymous = os.urandom(16)
        mine, his = a_mail("1@x", jan), a_mail("2@x", piet)
        early = make_draft("early", contact=mine.contact, contents=(Content(os.urandom(16), "message", "zonder naam"),))
        chat = make_draft("chat", contact=anonymous, contents=(Content(os.urandom(16), "message", "hoi"),))
        for draft in (early, mine, his, chat):  # `early` came before anybody knew whose contact it is: it has a key of its own
            await vault.accept(draft)
        await vault.remember_threads(["<answer@us>"], mine.contact)
        bounced = make_draft("bounce", case=mine.contact, contents=(Content(os.urandom(16), "message", "could not reach jan@x"),))
        await vault.accept(bounced)  # nobody's own words, but about this customer
        await vault.set_segment(jan, "gold")

        assert await vault.erase_exactly([jan])
        assert await rows_left(database_url) == {
            "contents": 3, "attachments": 1, "chunks": 1, "customers": 1, "identities": 1, "threads": 1, "keys": 2,
        }  # fmt: skip
        assert await vault.case_of(["<answer@us>", "<1@x>"]) is None
        assert await vault.case_of(["<2@x>"]) == his.contact
        assert await vault.read([early.contents[0].ref, bounced.contents[0].ref]) == {}
        with pytest.raises(InvalidInput) as refused:  # a late answer to somebody who is gone
            await vault.accept(make_draft("late", contact=mine.contact, contents=(Content(os.urandom(16), "message", "!"),)))
        assert refused.value.reason == "unknown_customer"
        assert await vault.find("mail", "1@x") is not None, "that it was counted is no personal data"
        assert await vault.erase_exactly([anonymous]), "a contact of nobody is known by its own id"
        assert not await vault.erase_exactly([jan, anonymous])
        assert await vault.known_as_erased([jan, piet, anonymous]) == {jan, anonymous}
        assert await vault.customer("email", "jan@x.example") != jan


async def test_the_follower_does_what_the_journal_says(database_url: str) -> None:
    async with Vault.open(database_url, KEK) as vault:
        refs = [await vault.customer("email", f"{number}@x.example") for number in range(4)]
        for number, ref in enumerate(refs):
            await vault.accept(a_mail(str(number), ref))
        await vault.customers.merge(refs[2], refs[3], "op")
        follower = Erasure(vault, SITE)
        running = asyncio.create_task(follower.run())
        follower.apply(1, commit(1, 1_000))
        follower.apply(2, erasing(2, refs[0], refs[1]))
        assert await follower.reached(2, PATIENCE_S)
        assert not await follower.reached(3, 0.0)
        follower.apply(3, erasing(3, refs[2]))
        assert await follower.reached(3, PATIENCE_S)
        assert await vault.erased_up_to(SITE) == 3 and await vault.erased_up_to("elsewhere") == 0
        card = await vault.customers.card(refs[3])
        assert (card.ref, len(card.members), card.merges) == (refs[3], 1, ()), "the journal did not name this one"
        running.cancel()


@pytest.mark.parametrize("point", ["erase_exactly", "scrub", "mark_erased_up_to", "none"])
async def test_a_crash_at_any_point_is_mended(database_url: str, monkeypatch: pytest.MonkeyPatch, point: str) -> None:
    async def dies(*_: object) -> None:
        raise RuntimeError("power cut")

    async with Vault.open(database_url, KEK) as vault:
        jan = await vault.customer("email", "jan@x.example")
        await vault.accept(a_mail("1", jan))
        with monkeypatch.context() as patch:
            if point != "none":
                patch.setattr(vault._writer if point == "scrub" else vault, point, dies)
            follower = Erasure(vault, SITE)
            running = asyncio.create_task(follower.run())
            follower.apply(1, erasing(1, jan))
            if point == "none":
                assert await follower.reached(1, PATIENCE_S)
                running.cancel()
            else:
                with pytest.raises(RuntimeError):
                    await running
                assert await vault.erased_up_to(SITE) == 0
    async with Vault.open(database_url, KEK) as vault:
        follower = Erasure(vault, SITE)
        running = asyncio.create_task(follower.run())
        follower.apply(1, erasing(1, jan))
        assert await follower.reached(1, PATIENCE_S)
        running.cancel()
        assert await rows_left(database_url) == {} and await vault.erased_up_to(SITE) == 1


async def test_a_vault_that_is_away_is_waited_for(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasure, "RETRY_S", 0.01)
    async with Vault.open(database_url, KEK) as vault:
        jan = await vault.customer("email", "jan@x.example")
        tries = 0
        erase = vault.erase_exactly

        async def hesitant(refs: list[bytes]) -> bool:
            nonlocal tries
            tries += 1
            if tries < 3:
                raise VaultUnavailable("away")
            return await erase(refs)

        monkeypatch.setattr(vault, "erase_exactly", hesitant)
        follower = Erasure(vault, SITE)
        running = asyncio.create_task(follower.run())
        follower.apply(1, erasing(1, jan))
        assert await follower.reached(1, PATIENCE_S) and tries == 3
        running.cancel()


async def test_a_restored_backup_forgets_again_before_it_serves(tmp_path: Path) -> None:
    file, backup = tmp_path / "vault.db", tmp_path / "backup.db"
    url = f"sqlite+aiosqlite:///{file}"
    log = MemoryLog(SITE)
    async with Vault.open(url, KEK) as vault, log.appender() as journal:
        jan, piet, kees = [await vault.customer("email", f"{name}@x.example", "mail") for name in ("jan", "piet", "kees")]
        for number, customer in enumerate((jan, piet, kees)):
            await vault.accept(a_mail(str(number), customer))
        await vault.customers.merge(jan, kees, "op", "a mistake")
        await journal.append(1, codec.encode(erasing(1, piet)))
        assert await catch_up(vault, log) == 1
        shutil.copy(file, backup)
        for suffix in ("-wal", "-shm"):
            shutil.copy(f"{file}{suffix}", f"{backup}{suffix}")
        await vault.customers.unmerge(kees, "op")
        await journal.append(2, codec.encode(erasing(2, jan)))
        assert await catch_up(vault, log) == 2
        assert await catch_up(vault, log) == 2
    async with Vault.open(f"sqlite+aiosqlite:///{backup}", KEK) as restored:
        assert await restored.customers.find("email", "jan@x.example") == jan
        assert await catch_up(restored, log) == 2
        assert await restored.customers.find("email", "jan@x.example") is None
        card = await restored.customers.card(kees)
        assert [identity.address for identity in card.identities] == ["kees@x.example"], "merged only in the backup, erased nowhere"
        assert [left.execute("SELECT count(*) FROM vault_contents").fetchone() for left in [sqlite3.connect(backup)]] == [(2,)]


async def test_the_checkpoint_moves_without_erasures_too(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasure, "MARK_EVERY", 10)
    async with Vault.open(database_url, KEK) as vault:
        follower = Erasure(vault, SITE)
        running = asyncio.create_task(follower.run())
        for seq in range(1, 26):
            follower.apply(seq, commit(seq, seq))
        assert await follower.reached(25, PATIENCE_S)

        async def marked() -> bool:
            return await vault.erased_up_to(SITE) == 25

        await eventually(marked, "the checkpoint at 25")
        await vault.mark_erased_up_to(SITE, Branch(7, INBOX))
        assert await vault.erased_up_to(SITE) == 25, "it never goes back"
        running.cancel()


async def test_on_a_quiet_site_the_checkpoint_moves_in_time(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasure, "MARK_EVERY_S", 0.05)
    async with Vault.open(database_url, KEK) as vault:
        follower = Erasure(vault, SITE)
        running = asyncio.create_task(follower.run())
        for last in (1, 2):
            follower.apply(last, commit(last, last))

            async def marked(last: int = last) -> bool:
                return await vault.erased_up_to(SITE) == last

            await eventually(marked, f"the checkpoint at {last}")
        running.cancel()


@pytest.mark.parametrize(("inbox", "late_ms"), [("another", 0), ("inbox", 1)])
async def test_a_restored_journal_is_read_again_though_it_has_grown_past_the_checkpoint(
    database_url: str, inbox: str, late_ms: int
) -> None:
    """The commit at the checkpoint is another one, so what stands before it may hold erasures that nobody carried out. The last
    case is no restore: a disk that was behind came back alone, with the inbox that it had."""
    log, restored = MemoryLog(SITE), MemoryLog(SITE)
    async with Vault.open(database_url, KEK) as vault, log.appender() as journal, restored.appender() as another:
        jan, piet = [await vault.customer("email", f"{name}@x.example") for name in ("jan", "piet")]
        for seq, made in enumerate((commit(1, 1), erasing(2, jan), commit(3, 3)), 1):
            await journal.append(seq, codec.encode(made))
        assert await catch_up(vault, log) == 3 and await vault.customers.find("email", "piet@x.example") == piet
        after = (erasing(2, piet), commit(3, 3 + late_ms), commit(4, 4 + late_ms))
        for seq, made in enumerate((commit(1, 1), *(from_inbox(inbox, each) for each in after)), 1):
            await another.append(seq, codec.encode(made))
        assert await catch_up(vault, restored) == 4 and await vault.erased_up_to(SITE) == 4
        assert await vault.customers.find("email", "piet@x.example") is None
        assert await catch_up(vault, restored) == 4


async def test_who_follows_too_late_is_told(database_url: str) -> None:
    async with Vault.open(database_url, KEK) as vault:
        await vault.mark_erased_up_to(SITE, Branch(5, INBOX))
        follower = Erasure(vault, SITE)
        follower.apply(7, commit(7, 7))
        with pytest.raises(JournalCorrupt, match="up to commit 5, and this process began at 7"):
            await follower.run()


async def test_a_journal_that_began_anew_is_read_from_its_beginning(database_url: str) -> None:
    log = MemoryLog(SITE)
    async with Vault.open(database_url, KEK) as vault, log.appender() as journal:
        assert await catch_up(vault, log) == 0
        await vault.mark_erased_up_to(SITE, Branch(100, INBOX))
        first, second = [await vault.customer("email", f"{number}@x.example") for number in range(2)]
        await journal.append(1, codec.encode(erasing(1, first)))
        assert await catch_up(vault, log) == 1
        assert await vault.customers.find("email", "0@x.example") is None
        follower = Erasure(vault, SITE)
        running = asyncio.create_task(follower.run())
        follower.apply(1, erasing(1, first))
        follower.apply(2, erasing(2, second))
        assert await follower.reached(2, PATIENCE_S)
        assert await vault.customers.find("email", "1@x.example") is None
        running.cancel()


async def test_nothing_is_stored_for_someone_who_is_being_erased(database_url: str) -> None:
    """Writers and an erasure at once, from two processes: afterwards no content is left, whoever was first."""
    async with Vault.open(database_url, KEK) as vault, Vault.open(database_url, KEK) as other:
        for turn in range(5):
            jan = await vault.customer("email", "jan@x.example")
            await other.accept(a_mail(f"{turn} first", jan))  # `other` remembers the key
            writes = [(vault, other)[number % 2].accept(a_mail(f"{turn} {number}", jan)) for number in range(12)]
            outcomes = await asyncio.gather(*writes[:6], vault.erase_exactly([jan]), *writes[6:], return_exceptions=True)
            refused = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
            assert all(isinstance(error, InvalidInput) and error.reason == "unknown_customer" for error in refused), refused
            assert await rows_left(database_url) == {}


async def test_an_erasure_leaves_no_file_in_the_database(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    # SQLite only: PostgreSQL keeps dead rows until its vacuum and its log until that is recycled (docs/vault.md).
    url = f"sqlite+aiosqlite:///{tmp_path / 'vault.db'}"
    async with Vault.open(url, KEK) as vault:
        jan, work = await vault.customer("email", "jan@x.example"), await vault.customer("email", "jan@werk.example")
        await vault.customers.merge(jan, work, "op", "one")
        message = os.urandom(16)
        file = Attachment(os.urandom(16), message, "foto.jpg", "image/jpeg", os.urandom(300_000))
        await vault.accept(make_draft("1", customer=work, attachments=(file,)))
        with sqlite3.connect(tmp_path / "vault.db") as connection:
            columns = (
                "SELECT sealed FROM vault_chunks UNION ALL SELECT sealed FROM vault_attachments UNION ALL "
                "SELECT sealed FROM vault_identities UNION ALL SELECT sealed FROM vault_merges UNION ALL "
                "SELECT wrapped FROM vault_keys WHERE kind = 'customer'"
            )
            erased = [row[0] for row in connection.execute(columns)]
        connection.close()
        assert len(erased) == 7
        await vault.erase_customer(jan)
        after = stored_bytes(url, lambda: request.getfixturevalue("postgres"))
        assert not any(value[offset : offset + 40] in after for value in erased for offset in range(0, len(value) - 39, 1_000))


async def test_a_contact_that_never_came_to_be_leaves_nothing_and_takes_nobody_elses(database_url: str) -> None:
    async with Vault.open(database_url, KEK) as vault:
        jan, mia = [await vault.customer("phone", number) for number in ("+3225551234", "+3225554321")]

        def wish(external_id: str, customer: bytes | None) -> Draft:
            draft = make_draft(external_id, customer=customer)
            kinds = ("number", "text")
            return replace(draft, contents=tuple(Content(content_ref(draft.contact, kind), kind, "…") for kind in kinds))

        kept = wish("kept", jan)
        await vault.accept(kept)
        before = await rows_left(database_url)
        declined = [wish("of Jan", jan), wish("of Mia", mia), wish("of nobody", None)]
        for draft in declined:
            await vault.accept(draft)
        for draft in [*declined, declined[0]]:
            await vault.discard(draft.contact, ("number", "text"))
        after = await rows_left(database_url)
        assert after == before | {name: before[name] - 1 for name in ("customers", "identities", "keys")}, "Mia is gone, too"
        assert len(await vault.read([content.ref for content in kept.contents])) == 2
        assert await vault.customer("phone", "+3225551234") == jan
        # Who comes back is known by another reference; a draft that still has the old one is refused, as after an erasure.
        assert await vault.customer("phone", "+3225554321") != mia
        with pytest.raises(InvalidInput) as unknown:
            await vault.accept(wish("late", mia))
        assert unknown.value.reason == "unknown_customer"


async def test_a_message_that_was_not_taken_is_withdrawn_and_its_contact_stays(database_url: str) -> None:
    async with Vault.open(database_url, KEK) as vault:
        jan = await vault.customer("phone", "+3225551234")
        first = make_draft("first", customer=jan)
        said, other = (Content(ref, "message", "…") for ref in (b"s" * 16, b"o" * 16))
        await vault.accept(replace(first, contents=(other,)))
        await vault.accept(replace(make_draft("said"), contact=first.contact, contents=(said,)))
        before = await rows_left(database_url)
        for contact in (b"x" * 16, first.contact, first.contact):
            await vault.withdraw(contact, said.ref)
        assert await rows_left(database_url) == before | {"contents": before["contents"] - 1}
        assert list(await vault.read([said.ref, other.ref])) == [other.ref]
        # So is one that was kept for a contact that never came to be.
        never = replace(make_draft("never", customer=jan), contents=(said,))
        await vault.accept(never)
        await vault.discard(never.contact, (), [said.ref])
        assert await vault.read([said.ref]) == {}


@pytest.mark.parametrize("told", ["segment", "identity", "merge"])
async def test_who_is_known_by_more_than_a_wish_that_was_declined_stays(database_url: str, told: str) -> None:
    async with Vault.open(database_url, KEK) as vault:
        mia = await vault.customer("phone", "+3225554321")
        match told:
            case "segment":
                await vault.set_segment(mia, "gold")
            case "identity":
                await vault.customers.link(mia, "email", "mia@example.org", "said so")
            case _:
                await vault.customers.merge(mia, await vault.customer("email", "mia@example.org"), "sanne")
        draft = make_draft("declined", customer=mia)
        draft = replace(draft, contents=(Content(content_ref(draft.contact, "text"), "text", "…"),))
        await vault.accept(draft)
        await vault.discard(draft.contact, ("text",))
        assert await vault.read([draft.contents[0].ref]) == {}
        assert await vault.customers.find("phone", "+3225554321") == mia


def wishing(contact: bytes, number: str) -> tuple[Draft, CallbackRequested]:
    fact = CallbackRequested(os.urandom(16), contact, "voice", "orders", 900_000, address=content_ref(contact, "number"))
    contents = (Content(content_ref(contact, "number"), "number", number), Content(content_ref(contact, "text"), "text", "why"))
    return make_draft(os.urandom(4).hex(), contact=contact, fact_id=fact.fact_id, fact=codec.encode(fact), contents=contents), fact


def decided(seq: int, fact: CallbackRequested | CallbackRescheduled | NextStepChosen, verdict: Verdict, *events: Event) -> Commit:
    given = Entry(INPUT_TAG, fact.contact, None, "voice", 0, codec.encode(Input(seq, 0, 1_000, codec.encode(fact), verdict)))
    caused = [replace_entry(about(event), contact=fact.contact, cause=0) for event in events]
    return commit(seq, 1_000 * seq, given, *caused)


def declined(seq: int, fact: CallbackRequested | CallbackRescheduled) -> Commit:
    return decided(seq, fact, Accepted(), CallbackDeclined(1_000 * seq, "orders", 900_000, "full", []))


async def numbers_left(vault: Vault, *contacts: bytes) -> list[bool]:
    known = await vault.read([content_ref(contact, "number") for contact in contacts])
    return [content_ref(contact, "number") in known for contact in contacts]


async def test_what_was_said_with_a_wish_goes_when_nothing_came_of_it_though_nobody_heard_it(database_url: str) -> None:
    kept, full, moved, refused, somebodys = (os.urandom(16) for _ in range(5))
    async with Vault.open(database_url, KEK) as vault:
        jan = await vault.customer("phone", "+3225551234")
        facts = []
        for contact in (kept, full, moved, refused, somebodys):
            draft, fact = wishing(contact, "+3225551234")
            if contact == full:
                draft, fact = replace(draft, customer=jan, fact=codec.encode(replace_entry(fact, customer=jan))), fact
            await vault.accept(draft)
            facts.append(fact)
        made = facts[0]
        move = CallbackRescheduled(facts[2].fact_id, kept, moved, 900_000)
        journal = [
            decided(1, made, Accepted()),
            declined(2, facts[1]),
            declined(3, move),
            decided(4, facts[3], Refused("unknown_queue")),
            decided(5, facts[4], Refused("contact_exists")),
        ]
        follower = Erasure(vault, SITE)
        running = asyncio.create_task(follower.run())
        for seq, one in enumerate(journal, 1):
            follower.apply(seq, one)
        assert await follower.reached(5, PATIENCE_S)
        assert await numbers_left(vault, kept, full, moved, refused, somebodys) == [True, False, False, False, True]
        assert await vault.customers.find("phone", "+3225551234") is None, "nothing else is known of them"
        assert await vault.erased_up_to(SITE) == 5
        running.cancel()
        # The same contact may be wished for again: what is said with that is not taken for what was declined.
        again, fact = wishing(full, "+3225551299")
        await vault.accept(again)
        await vault.erased_in_another_journal(SITE, 5)
        follower = Erasure(vault, SITE)
        running = asyncio.create_task(follower.run())
        for seq, one in enumerate(journal, 1):
            follower.apply(seq, one)
        assert await follower.reached(5, PATIENCE_S)
        assert await numbers_left(vault, full) == [True]
        follower.apply(6, declined(6, fact))
        assert await follower.reached(6, PATIENCE_S)
        assert await numbers_left(vault, full) == [False]
        running.cancel()


async def test_a_fact_that_is_refused_long_after_it_was_kept_takes_nothing_from_what_it_came_to(database_url: str) -> None:
    """Sent again after the router has forgotten it, a move is refused, since what it moved has gone on: as what it came to then."""
    kept, moved = os.urandom(16), os.urandom(16)
    async with Vault.open(database_url, KEK) as vault:
        draft, fact = wishing(moved, "+3225551234")
        await vault.accept(draft)
        move = CallbackRescheduled(fact.fact_id, kept, moved, 900_000)
        follower = Erasure(vault, SITE)
        running = asyncio.create_task(follower.run())
        follower.apply(1, decided(1, move, Accepted()))
        follower.apply(2, replace_entry(decided(2, move, Refused("contact_gone")), at_ms=int(time.time() * 1_000) + 16 * 60_000))
        assert await follower.reached(2, PATIENCE_S)
        assert await numbers_left(vault, moved) == [True]
        running.cancel()


async def test_what_was_said_with_a_choice_goes_when_it_was_refused_though_nobody_heard_it(database_url: str) -> None:
    """Of whoever waits the rest stays: they are the same contact, in another queue or not."""
    waits, before = os.urandom(16), Content(os.urandom(16), "message", "My boots!")
    said = {kept: Content(os.urandom(16), "message", kept) for kept in ("stands", "refused", "long ago")}
    now_ms = int(time.time() * 1_000)
    async with Vault.open(database_url, KEK) as vault:
        await vault.accept(make_draft("before", contact=waits, contents=(before,)))
        follower = Erasure(vault, SITE)
        running = asyncio.create_task(follower.run())
        for seq, (kept, content) in enumerate(said.items(), 1):
            fact = NextStepChosen(os.urandom(16), waits, "queue", os.urandom(16), "invoices", content.ref)
            await vault.accept(make_draft(kept, contact=waits, fact_id=fact.fact_id, fact=codec.encode(fact), contents=(content,)))
            verdict = Accepted() if kept == "stands" else Refused("next_step_unavailable")
            at_ms = now_ms + (16 * 60_000 if kept == "long ago" else 0)
            follower.apply(seq, replace_entry(decided(seq, fact, verdict), at_ms=at_ms))
        assert await follower.reached(3, PATIENCE_S)
        known = await vault.read([before.ref, *(content.ref for content in said.values())])
        assert {content.text for content in known.values()} == {"My boots!", "stands", "long ago"}
        running.cancel()


async def test_a_process_that_only_serves_forgets_vain_wishes_before_it_does(database_url: str) -> None:
    log = MemoryLog(SITE)
    async with Vault.open(database_url, KEK) as vault, log.appender() as appender:
        contact = os.urandom(16)
        draft, fact = wishing(contact, "+3225551234")
        await vault.accept(draft)
        await appender.append(1, codec.encode(declined(1, fact)))
        assert await catch_up(vault, log) == 1
        assert await rows_left(database_url) == {}
