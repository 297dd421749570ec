"""Who customers are, on SQLite and on PostgreSQL: identities with provenance, merges that can be taken back, segments."""

import asyncio
import os
from dataclasses import replace

import pytest

from cordboard.errors import Conflict, InvalidInput, NotFound
from cordboard.vault import Content, Draft, Vault, customers, family
from cordboard.vault.card import Change
from tests.postgres import stored_bytes

KEK = bytes(range(32))
JAN, WORK = "jan@voorbeeld.example", "j.jansen@werk.example"


def make_draft(external_id: str, **changes: object) -> Draft:
    draft = Draft("mail", external_id, contact=os.urandom(16), fact_id=os.urandom(16), fact=b"\x92\x01" + os.urandom(20))
    return replace(draft, **changes)  # type: ignore[arg-type]


def words(text: str = "waar blijft mijn pakket") -> tuple[Content, ...]:
    return (Content(os.urandom(16), "message", text),)


async def test_an_address_is_found_however_it_is_written(database_url: str) -> None:
    async with Vault.open(database_url, KEK) as vault:
        jan = await vault.customer("email", f" {JAN.upper()} ", "mail")
        assert await vault.customer("mail", JAN, "form") == jan == await vault.customers.find("email", JAN)
        assert await vault.customers.find("email", WORK) is None
        card = await vault.customers.card(jan)
        (identity,) = card.identities
        assert (identity.kind, identity.address, identity.source, identity.by) == ("email", JAN, "mail", "")
        assert (card.ref, [member.ref for member in card.members], card.merges, card.segment) == (jan, [jan], (), None)


async def test_identities_are_linked_with_their_provenance(database_url: str) -> None:
    async with Vault.open(database_url, KEK) as vault:
        jan = await vault.customer("email", JAN, "mail")
        assert await vault.customers.link(jan, "phone", "+31 20 1234567", "called back", "sanne")
        assert not await vault.customers.link(jan, "phone", "+31201234567", "again", "tom")
        assert await vault.customer("phone", "+31 (0)20 1234567") == jan
        phone = (await vault.customers.card(jan)).identities[1]
        assert (phone.address, phone.source, phone.by) == ("+31201234567", "called back", "sanne")
        assert await vault.address(jan) == ("email", JAN) and await vault.address(jan, "phone") == ("phone", "+31201234567")
        assert await vault.address(jan, "account") is None
        other = await vault.customer("email", WORK)
        with pytest.raises(Conflict) as taken:
            await vault.customers.link(other, "email", JAN, "mail")
        assert taken.value.reason == "identity_taken"
        assert not await vault.customers.unlink(other, "email", JAN)
        assert await vault.customers.unlink(jan, "email", JAN)
        with pytest.raises(Conflict) as last:
            await vault.customers.unlink(jan, "phone", "+31201234567")
        assert last.value.reason == "last_identity"
        assert await vault.customer("email", JAN) not in (jan, other)
        for call in (vault.customers.link(os.urandom(16), "email", "x@x.example", ""), vault.customers.card(os.urandom(16))):
            with pytest.raises(NotFound):
                await call


async def test_a_merge_is_one_customer_and_its_undoing_two_again(database_url: str) -> None:
    async with Vault.open(database_url, KEK) as vault:
        jan, work = await vault.customer("email", JAN, "mail"), await vault.customer("email", WORK, "form")
        before = await vault.customers.card(jan), await vault.customers.card(work)
        assert await vault.customers.merge(jan, work, "sanne", "same person") == Change(jan, work, changed=True)
        assert await vault.customers.merge(jan, work, "tom") == Change(jan, jan, changed=False)
        assert await vault.customers.merge(work, jan, "tom") == Change(jan, jan, changed=False), "one already, whatever the order"
        assert await vault.customer("email", WORK) == jan == await vault.customers.find("email", JAN)
        card = await vault.customers.card(work)
        assert [member.ref for member in card.members] == [jan, work]
        assert {identity.address: identity.customer for identity in card.identities} == {JAN: jan, WORK: work}
        (merge,) = card.merges
        assert (merge.into, merge.absorbed, merge.by, merge.reason, merge.undone_ms) == (jan, work, "sanne", "same person", None)

        assert await vault.customers.unmerge(jan, "tom") == Change(jan, jan, changed=False), "the root stands where it stood"
        assert await vault.customers.unmerge(work, "tom") == Change(jan, work, changed=True)
        assert await vault.customers.unmerge(work, "tom") == Change(work, work, changed=False)
        after = await vault.customers.card(jan), await vault.customers.card(work)
        assert [replace(card, merges=()) for card in after] == list(before)
        (undone,) = after[1].merges
        assert undone.undone_by == "tom" and undone.undone_ms is not None and after[0].merges == after[1].merges
        assert await vault.customer("email", WORK) == work


async def test_chains_come_apart_where_they_are_cut(database_url: str) -> None:
    async with Vault.open(database_url, KEK) as vault:
        a, b, c, d = [await vault.customer("email", f"{name}@x.example") for name in "abcd"]
        await vault.customers.merge(b, c, "op")
        await vault.customers.merge(a, c, "op")  # names a part of b's: b as a whole
        await vault.customers.merge(d, a, "op")
        assert {await vault.customer("email", f"{name}@x.example") for name in "abcd"} == {d}
        assert await vault.customers.unmerge(b, "op") == Change(a, b, changed=True)
        assert await vault.customer("email", "c@x.example") == b
        assert await vault.customer("email", "a@x.example") == d
        assert [member.ref for member in (await vault.customers.card(c)).members] == [b, c]
        with pytest.raises(InvalidInput) as itself:
            await vault.customers.merge(a, a, "op")
        assert itself.value.reason == "merge_into_itself"
        with pytest.raises(NotFound):
            await vault.customers.merge(a, os.urandom(16), "op")
        with pytest.raises(NotFound):
            await vault.customers.unmerge(os.urandom(16), "op")
        with pytest.raises(InvalidInput):
            await vault.customers.merge(a, b, "")


async def test_merging_at_once_from_both_sides_makes_no_circle(database_url: str) -> None:
    async with Vault.open(database_url, KEK) as vault, Vault.open(database_url, KEK) as other:
        refs = [await vault.customer("email", f"{number}@x.example") for number in range(6)]
        pairs = [(into, absorbed) for into in refs for absorbed in refs if into != absorbed]
        await asyncio.gather(*((vault, other)[number % 2].customers.merge(*pair, "op") for number, pair in enumerate(pairs)))
        roots = {(await vault.customers.card(ref)).ref for ref in refs}
        (root,) = roots
        card = await vault.customers.card(root)
        assert sorted(member.ref for member in card.members) == sorted(refs)
        assert sum(member.parent is None for member in card.members) == 1 and len(card.merges) == len(refs) - 1


async def test_limits_of_a_family(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(family, "MEMBERS_MAX", 2)
    monkeypatch.setattr(customers, "IDENTITIES_MAX", 2)
    async with Vault.open(database_url, KEK) as vault:
        a, b, c = [await vault.customer("email", f"{name}@x.example") for name in "abc"]
        await vault.customers.merge(a, b, "op")
        with pytest.raises(Conflict) as members:
            await vault.customers.merge(a, c, "op")
        with pytest.raises(Conflict) as identities:
            await vault.customers.link(b, "email", "d@x.example", "")
        assert (members.value.reason, identities.value.reason) == ("too_many_members", "too_many_identities")
        assert await vault.customers.find("email", "d@x.example") is None


async def test_the_segment_is_the_roots_or_else_the_first_merged_ones(database_url: str) -> None:
    async with Vault.open(database_url, KEK) as vault:
        a, b, c = [await vault.customer("email", f"{name}@x.example") for name in "abc"]
        assert await vault.segment(a) is None is await vault.segment(os.urandom(16))
        await vault.set_segment(c, "gold")
        await vault.set_segment(b, "silver")
        await vault.customers.merge(a, c, "op")
        await vault.customers.merge(a, b, "op")
        assert [await vault.segment(ref) for ref in (a, b, c)] == ["gold"] * 3
        await vault.set_segment(b, "basic")  # any reference means the whole
        assert await vault.segment(c) == "basic"
        await vault.set_segment(a, None)
        assert await vault.segment(a) is None
        await vault.customers.unmerge(c, "op")
        assert (await vault.segment(c), (await vault.customers.card(c)).segment) == ("gold", "gold")
        with pytest.raises(NotFound):
            await vault.set_segment(os.urandom(16), "gold")
        with pytest.raises(InvalidInput):
            await vault.set_segment(a, "s" * 49)


async def test_contents_are_found_under_whoever_they_were_sealed_for(database_url: str) -> None:
    async with Vault.open(database_url, KEK) as vault:
        jan, work = await vault.customer("email", JAN), await vault.customer("email", WORK)
        old = make_draft("1", customer=work, contents=words("before"))
        await vault.accept(old)
        await vault.customers.merge(jan, work, "op")
        # An agent's answer, from a process that no longer knows whose contact it is; and one that names the part.
        answers = [
            make_draft("2", contact=old.contact, contents=words("answer")),
            make_draft("3", customer=work, contents=words("late")),
        ]
        for draft in answers:
            await vault.accept(draft)
        await vault.customers.unmerge(work, "op")
        refs = [draft.contents[0].ref for draft in (old, *answers)]
        await vault.erase_customer(jan)
        assert len(await vault.read(refs)) == 3
        await vault.erase_customer(work)
        assert await vault.read(refs) == {}


async def test_who_is_about_to_be_erased_belongs_to_nobody_new(database_url: str) -> None:
    async with Vault.open(database_url, KEK) as vault:
        a, b, c = [await vault.customer("email", f"{name}@x.example") for name in "abc"]
        await vault.customers.merge(a, b, "op")
        assert await vault.customers.close(b) == [a, b]
        assert await vault.customers.close(a) == [a, b], "asking again is asking the same"
        assert (await vault.customers.card(a)).closed_ms is not None
        for call in (
            vault.customers.merge(a, c, "op"),
            vault.customers.merge(c, b, "op"),
            vault.customers.unmerge(b, "op"),
            vault.customers.link(a, "email", "d@x.example", ""),
            vault.customers.unlink(a, "email", "b@x.example"),
        ):
            with pytest.raises(Conflict) as refused:
                await call
            assert refused.value.reason == "erasure_pending"
        with pytest.raises(NotFound):
            await vault.customers.close(os.urandom(16))


async def test_nothing_said_of_a_customer_reaches_the_disk(database_url: str, request: pytest.FixtureRequest) -> None:
    async with Vault.open(database_url, KEK) as vault:
        jan, work = await vault.customer("email", JAN, "bron-mees"), await vault.customer("email", WORK)
        await vault.customers.link(jan, "phone", "+31201234567", "bron-koolmees", "sanne.vink")
        await vault.customers.merge(jan, work, "sanne.vink", "reden-specht")
        await vault.customers.unmerge(work, "tom.spreeuw")
        await vault.set_segment(jan, "zilverplevier")
        stored = stored_bytes(database_url, lambda: request.getfixturevalue("postgres"))
        for secret in (JAN, WORK, "201234567", "mees", "vink", "specht", "spreeuw", "plevier"):
            assert secret.encode() not in stored, secret
