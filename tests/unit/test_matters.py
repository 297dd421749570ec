"""Who goes on with a case: its customer, whichever gateway hears of it, and no stranger who names its Message-IDs."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cordboard.events import event as words
from cordboard.gateway.entrance.cases import Cases
from cordboard.gateway.entrance.entrance import RELATED, Entrance, Sender
from cordboard.gateway.limits import Limits
from cordboard.vault.clock import now_ms
from cordboard.vault.refs import content_ref
from tests.written_site import DAY_MS, WrittenSite, mail, written_site

EVE = Sender("email", "eve@elsewhere.example", "Eve")
FIRST = "<1@customer.example>"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[WrittenSite]:
    async with written_site(tmp_path) as site:
        yield site


def authors(site: WrittenSite, contact: bytes) -> list[str]:
    return [event.author for event in site.record.of(contact, words.MessageRelayed)]


async def test_a_stranger_who_answers_a_mail_of_the_case_begins_a_case_of_their_own(site: WrittenSite) -> None:
    bos = await site.entrance.admit(mail(1))
    eves = await site.entrance.admit(mail(2, sender=EVE, replies_to=(FIRST,), text="And what was his address again?"))
    assert (await site.queued(eves.contact)).case is None
    ref = content_ref(eves.contact, "fields")
    assert json.loads((await site.vault.read([ref]))[ref].text) == {RELATED: bos.contact.hex()}
    # Both go on with what is theirs, whatever else they name.
    for number, sender in ((3, EVE), (4, Sender("email", "BO@customer.example"))):
        await site.entrance.admit(mail(number, sender=sender, replies_to=(FIRST, "<2@customer.example>")))
    await site.decided(4)
    assert [authors(site, contact) for contact in (bos.contact, eves.contact)] == [["customer"] * 2] * 2


async def test_who_is_merged_with_the_customer_is_no_stranger(site: WrittenSite) -> None:
    bos = await site.entrance.admit(mail(1))
    bo, eve = [await site.vault.customer("email", address) for address in ("bo@customer.example", EVE.address)]
    await site.vault.customers.merge(eve, bo, "sanne")
    await site.entrance.admit(mail(2, sender=EVE, replies_to=(FIRST,)))
    await site.decided(2)
    assert authors(site, bos.contact) == ["customer"] * 2


@pytest.mark.parametrize("sender", [EVE, None])
async def test_a_strangers_automatic_reply_is_attached_and_says_nothing_for_the_customer(
    site: WrittenSite, sender: Sender | None
) -> None:
    bos = await site.entrance.admit(mail(1))
    await site.entrance.admit(mail(2, sender=sender, replies_to=(FIRST,), automatic=True, no_action=True))
    await site.decided(2)
    assert authors(site, bos.contact) == ["customer", "system"]


async def test_nobody_at_all_does_not_go_on_with_a_case(site: WrittenSite) -> None:
    await site.entrance.admit(mail(1))
    nobodys = await site.entrance.admit(mail(2, sender=None, replies_to=(FIRST,)))
    assert (await site.queued(nobodys.contact)).case is None


@pytest.mark.parametrize(("days", "joins"), [(0, True), (8, False)])
async def test_an_answer_that_comes_before_the_journal_tells_of_its_case(site: WrittenSite, days: int, joins: bool) -> None:
    """Another gateway took the first letter, or the router has not come to it yet."""
    bos = await site.entrance.admit(mail(1))
    await site.decided(1)
    other = Entrance("mail", site.vault, site.policy, Cases(lambda: now_ms() + days * DAY_MS), Limits())
    other.open(site.intake, lambda: site.backlog)
    await other.admit(mail(2, replies_to=(FIRST,)))
    await site.decided(2)
    assert len(authors(site, bos.contact)) == (2 if joins else 1)


async def test_thanks_do_not_make_an_old_case_young(site: WrittenSite) -> None:
    bos = await site.entrance.admit(mail(1))
    await site.queued(bos.contact)
    await site.end(bos.contact)
    site.later_ms = 30 * DAY_MS
    await site.entrance.admit(mail(2, replies_to=(FIRST,), no_action=True))
    later = await site.entrance.admit(mail(3, replies_to=("<2@customer.example>", FIRST)))
    assert (await site.queued(later.contact)).case is None
