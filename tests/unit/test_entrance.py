"""Letters on their way in: to the right place, onto the right case, once."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from cordboard import codec
from cordboard.errors import InvalidInput, NotFound, Overloaded
from cordboard.events import event as words
from cordboard.events import fact as facts
from cordboard.events.bounds import Requirement
from cordboard.events.policy import QueuePolicy, Rule
from cordboard.events.verdict import Accepted, Refused
from cordboard.gateway.entrance.entrance import RELATED, File, Sender
from cordboard.gateway.entrance.papers import FIELDS
from cordboard.log.port import Backlog
from cordboard.policy.classify import Classifier
from cordboard.vault.envelope import Envelope, read_envelopes
from cordboard.vault.refs import content_ref
from tests.postgres import eventually
from tests.written_site import DAY_MS, POLICY, WrittenSite, mail, written_site


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[WrittenSite]:
    async with written_site(tmp_path) as site:
        yield site


def relayed(site: WrittenSite, contact: bytes) -> list[bytes]:
    return [event.message for event in site.record.of(contact, words.MessageRelayed)]


async def test_a_letter_becomes_a_contact_in_its_place(site: WrittenSite) -> None:
    envelope = Envelope(transport="mail", to="bo@customer.example", own="service@shop.example", message_id="<1@customer.example>")
    files = (File("photo.png", "image/png", b"\x89PNG"), File("", "", b""))
    letter = mail(1, text="Ik heb geen factuur gekregen", language="nl", envelope=envelope, attachments=files)
    acceptance = await site.entrance.admit(letter)
    assert acceptance.published
    queued = await site.queued(acceptance.contact)
    assert (queued.queue, queued.topic, queued.rule, queued.priority) == ("invoices", "invoice", "invoices", 3)
    assert (queued.entry_point, queued.language, queued.case) == ("service", "nl", None)
    assert Requirement("nl.written", 5, True) in queued.requirements
    (message,) = relayed(site, acceptance.contact)
    texts = await site.vault.read([message, *(content_ref(acceptance.contact, kind) for kind in ("subject", "customer"))])
    assert texts[message].text == "Ik heb geen factuur gekregen"
    assert texts[content_ref(acceptance.contact, "subject")].text == "Mijn bestelling"
    shown = json.loads(texts[content_ref(acceptance.contact, "customer")].text)
    assert shown == {"kind": "email", "address": "bo@customer.example", "name": "Bo"}
    assert await read_envelopes(site.vault, [message]) == {message: envelope}
    kept = (await site.vault.attachments([message]))[message]
    assert [(file.name, file.media_type, file.size) for file in kept] == [
        ("photo.png", "image/png", 4),
        ("file", "application/octet-stream", 0),
    ]
    assert queued.customer == await site.vault.customer("email", "bo@customer.example")


async def test_the_same_letter_is_one_contact_whatever_the_policy_says_by_then(site: WrittenSite) -> None:
    first = await site.entrance.admit(mail(1))
    again = await site.entrance.admit(mail(1, text="changed on its way"))
    assert (again.contact, again.fact_id, again.fresh) == (first.contact, first.fact_id, False)
    await site.adopt(replace(POLICY, entry_points=[], forms=[], webhooks=[]))
    assert (await site.entrance.admit(mail(1))).contact == first.contact
    with pytest.raises(NotFound) as refused:
        await site.entrance.admit(mail(2))
    assert refused.value.reason == "unknown_entry_point"
    assert len(site.published) == 1


async def test_an_answer_joins_the_contact_that_lives(site: WrittenSite) -> None:
    first = await site.entrance.admit(mail(1))
    await site.entrance.admit(mail(2, replies_to=("<unknown@shop.example>", "<1@customer.example>")))
    third = await site.entrance.admit(mail(3, replies_to=("<2@customer.example>",)))
    await site.decided(3)
    assert len(relayed(site, first.contact)) == 3
    assert third.contact not in site.record.events


async def test_an_answer_within_the_time_goes_on_with_the_case_and_its_owner(site: WrittenSite) -> None:
    ann, _ = await site.agent("ann"), await site.agent("bea")
    first = await site.entrance.admit(mail(1))
    owner = await site.engage(first.contact)
    await site.end(first.contact)
    second = await site.entrance.admit(mail(2, replies_to=("<1@customer.example>",)))
    queued = await site.queued(second.contact)
    assert (queued.case, queued.preferred) == (first.contact, [owner])
    assert owner == ann
    await site.engage(second.contact)
    await site.end(second.contact)
    third = await site.entrance.admit(mail(3, replies_to=("<2@customer.example>",)))
    assert (await site.queued(third.contact)).case == first.contact


async def test_a_late_answer_begins_a_case_of_its_own(site: WrittenSite) -> None:
    first = await site.entrance.admit(mail(1))
    await site.queued(first.contact)
    await site.end(first.contact)
    site.later_ms = 8 * DAY_MS
    second = await site.entrance.admit(mail(2, replies_to=("<1@customer.example>",)))
    assert (await site.queued(second.contact)).case is None
    third = await site.entrance.admit(mail(3, replies_to=("<2@customer.example>", "<1@customer.example>")))
    await site.decided(3)
    assert len(relayed(site, second.contact)) == 2
    assert third.contact not in site.record.events


async def test_thanks_open_nothing(site: WrittenSite) -> None:
    first = await site.entrance.admit(mail(1))
    await site.queued(first.contact)
    await site.end(first.contact)
    for number, later_ms in ((2, 0), (3, 30 * DAY_MS)):
        site.later_ms = later_ms
        thanks = await site.entrance.admit(mail(number, replies_to=("<1@customer.example>",), text="Dank u", no_action=True))
        await site.decided(number)
        assert thanks.contact not in site.record.events
    attached = site.record.of(first.contact, words.MessageAttached)
    texts = await site.vault.read([event.message for event in attached])
    assert [content.text for content in texts.values()] == ["Dank u", "Dank u"]


async def test_thanks_for_nothing_known_are_a_contact_as_any_other(site: WrittenSite) -> None:
    thanks = await site.entrance.admit(mail(1, text="Dank u", replies_to=("<lost@shop.example>",), no_action=True))
    assert (await site.queued(thanks.contact)).case is None


async def test_a_rule_can_begin_a_case(site: WrittenSite) -> None:
    await site.entrance.admit(mail(1))
    alarm = await site.entrance.admit(mail(2, replies_to=("<1@customer.example>",), text="alarm! het brandt"))
    queued = await site.queued(alarm.contact)
    assert (queued.rule, queued.case) == ("alarm", None)
    await site.entrance.admit(mail(3, replies_to=("<2@customer.example>",)))
    await site.decided(3)
    assert len(relayed(site, alarm.contact)) == 2


async def test_a_reference_says_the_case_by_any_of_its_contacts(site: WrittenSite) -> None:
    first = await site.entrance.admit(mail(1))
    await site.queued(first.contact)
    await site.end(first.contact)
    second = await site.entrance.admit(mail(2, replies_to=("<1@customer.example>",)))
    await site.queued(second.contact)
    for number, reference in ((3, first.contact), (4, second.contact)):
        await site.entrance.admit(mail(number, sender=None, author="system", text="undeliverable", reference=reference))
    await site.decided(4)
    authors = [event.author for event in site.record.of(second.contact, words.MessageRelayed)]
    assert authors == ["customer", "system", "system"]


async def test_what_comes_back_late_is_kept_as_the_customers_all_the_same(site: WrittenSite) -> None:
    first = await site.entrance.admit(mail(1))
    await site.queued(first.contact)
    await site.end(first.contact)
    site.later_ms = 8 * DAY_MS
    by_address = mail(2, sender=None, author="system", text="undeliverable", reference=first.contact)
    by_thread = mail(3, sender=None, author="system", text="undeliverable", replies_to=("<1@customer.example>",))
    refs = []
    for number, letter in ((2, by_address), (3, by_thread)):
        acceptance = await site.entrance.admit(letter)
        assert (await site.queued(acceptance.contact)).case is None, f"letter {number} is too late for the case"
        refs.append(content_ref(acceptance.contact, FIELDS))
    assert [json.loads((await site.vault.read([ref]))[ref].text)[RELATED] for ref in refs] == [first.contact.hex()] * 2
    arrived = site.record.of(first.contact, words.ContactQueued)[0]
    assert arrived.customer is not None
    await site.vault.erase_exactly([arrived.customer])
    assert await site.vault.read(refs) == {}
    with pytest.raises(InvalidInput) as refused:
        await site.entrance.admit(mail(4, sender=None, author="system", text="undeliverable", reference=first.contact))
    assert refused.value.reason == "unknown_customer"


async def test_letters_of_one_matter_that_come_at_once_are_one_contact(site: WrittenSite) -> None:
    """A source that calls its matter by the same key every time."""
    letters = [mail(number, threads=("matter:7",), replies_to=("matter:7",)) for number in range(5)]
    acceptances = await asyncio.gather(*(site.entrance.admit(letter) for letter in letters))
    await site.decided(5)
    (contact,) = {acceptance.contact for acceptance in acceptances} & set(site.record.events)
    assert len(relayed(site, contact)) == 5


async def test_a_matter_goes_on_under_its_key_in_each_new_case(site: WrittenSite) -> None:
    contacts = []
    for number in range(6):
        letter = mail(number, threads=("matter:7",), replies_to=("matter:7",))
        acceptance = await site.entrance.admit(letter)
        await site.decided(number + 1)
        if acceptance.contact in site.record.events:
            contacts.append(acceptance.contact)
        if number % 2:
            await site.end(contacts[-1])
            site.later_ms += 8 * DAY_MS
    assert len(contacts) == 3
    assert [(await site.queued(contact)).case for contact in contacts] == [None, None, None]
    assert [len(relayed(site, contact)) for contact in contacts] == [2, 2, 2]


async def test_a_segment_counts(site: WrittenSite) -> None:
    await site.vault.set_segment(await site.vault.customer("email", "bo@customer.example"), "gold")
    acceptance = await site.entrance.admit(mail(1))
    queued = await site.queued(acceptance.contact)
    assert (queued.rule, queued.priority) == ("gold", 9)


async def test_no_failing_rule_loses_a_letter(
    site: WrittenSite, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("about Bo's secret")

    monkeypatch.setattr(Classifier, "classify", fail)
    acceptance = await site.entrance.admit(mail(1, text="factuur"))
    queued = await site.queued(acceptance.contact)
    assert (queued.queue, queued.rule) == ("orders", "default")
    assert "RuntimeError" in caplog.text
    assert "secret" not in caplog.text


async def test_strange_and_endless_texts_are_kept_as_far_as_they_can_be(site: WrittenSite) -> None:
    acceptance = await site.entrance.admit(
        mail(
            1,
            external_id="<" + "é\ud800\n" * 400,
            threads=("<" + "x" * 2_000 + ">", "a\x00b"),
            subject="s" * 5_000 + "\r\n\x00",
            text="\x00\ud800 wörter " + "é" * 100_000,
            sender=Sender("email", "bo@customer.example", "B\x07o" * 500),
            fields={f"f{number}": '"' * 20_000 for number in range(20)},
            attachments=(File("x" * 1_000 + "\x00.txt", "y" * 900, b"1"),),
            envelope=Envelope(transport="mail", to="bo@customer.example", references=["<" + "r" * 900 + ">"] * 300),
        )
    )
    await site.queued(acceptance.contact)
    (message,) = relayed(site, acceptance.contact)
    text = (await site.vault.read([message]))[message].text
    assert text.startswith("\ufffd\ufffd wörter é")
    assert text.endswith("characters more]")
    reply = await site.entrance.admit(mail(2, replies_to=("a\x00b",)))
    await site.decided(2)
    assert reply.contact not in site.record.events


async def test_what_cannot_be_an_address_is_the_callers_mistake(site: WrittenSite) -> None:
    with pytest.raises(InvalidInput):
        await site.entrance.admit(mail(1, sender=Sender("email", "x" * 400)))
    assert await site.vault.pending(0, 10) == []


async def test_overload_refuses_the_new_and_never_a_repeat(site: WrittenSite) -> None:
    first = await site.entrance.admit(mail(1))
    site.backlog = Backlog(10_000, 0)
    assert (await site.entrance.admit(mail(1))).contact == first.contact
    with pytest.raises(Overloaded):
        await site.entrance.admit(mail(2))
    site.backlog = Backlog(0, 60_000)
    with pytest.raises(Overloaded):
        await site.entrance.admit(mail(2))
    site.backlog = Backlog(0, 0)
    await site.entrance.admit(mail(2))


async def test_nothing_is_taken_before_it_is_open_or_after(site: WrittenSite) -> None:
    site.entrance.close()
    with pytest.raises(Overloaded) as refused:
        await site.entrance.admit(mail(1))
    assert refused.value.reason == "not_ready"


async def test_an_erased_customer_who_writes_again_is_a_new_one(site: WrittenSite, monkeypatch: pytest.MonkeyPatch) -> None:
    customer = site.vault.customer
    asked = 0

    async def erased_meanwhile(kind: str, address: str, source: str = "") -> bytes:
        nonlocal asked
        asked += 1
        ref = await customer(kind, address, source)
        if asked == 1:
            await site.vault.erase_customer(ref)
        return ref

    monkeypatch.setattr(site.vault, "customer", erased_meanwhile)
    acceptance = await site.entrance.admit(mail(1))
    assert asked == 2
    assert (await site.queued(acceptance.contact)).customer == await customer("email", "bo@customer.example")


# -- what the router refuses after all


async def test_a_refused_arrival_is_submitted_again_as_the_new_policy_has_it(site: WrittenSite) -> None:
    acceptance = await _refused(site, replace(POLICY, queues=[QueuePolicy(name="invoices")], **_only_invoices()))
    (first, refused), (second, accepted) = (await site.decided(2))[:2]
    assert (refused, accepted) == (Refused("unknown_queue"), Accepted())
    assert (first.contact, second.contact) == (acceptance.contact, acceptance.contact)
    assert first.fact_id != second.fact_id
    assert first.message == second.message
    queued = await site.queued(acceptance.contact)
    assert (queued.queue, queued.rule, queued.topic) == ("invoices", "house", "invoice")
    assert len(relayed(site, acceptance.contact)) == 1


async def test_a_refused_arrival_is_found_again_after_a_restart(site: WrittenSite) -> None:
    fact = await _ghost(site)
    await site.open()
    queued = await site.queued(fact.contact)
    assert queued.rule == "invoices"
    assert [verdict for _, verdict in site.record.arrivals] == [Refused("unknown_queue"), Accepted()]
    await site.shut()
    await site.open()
    assert len(site.record.arrivals) == 2


async def test_what_no_policy_can_place_waits_for_the_next_one(site: WrittenSite, caplog: pytest.LogCaptureFixture) -> None:
    channels = [profile for profile in POLICY.channels if profile.name != "mail"]
    doors = [door for door in POLICY.entry_points if door.channel != "mail"]
    acceptance = await _refused(site, replace(POLICY, channels=channels, entry_points=doors))
    await site.decided(3)
    await eventually(lambda: "kept for the next policy" in caplog.text, "it is given up for now")
    await site.shut()
    await site.open()
    await site.adopt()
    queued = await site.queued(acceptance.contact)
    assert queued.queue == "orders"
    assert [type(verdict) for _, verdict in site.record.arrivals] == [Refused, Refused, Refused, Accepted]


async def test_what_was_erased_meanwhile_is_not_submitted_again(site: WrittenSite) -> None:
    fact = await _ghost(site)
    assert fact.customer is not None
    await site.vault.erase_customer(fact.customer)
    await site.open()
    after = await site.entrance.admit(mail(9))
    await site.queued(after.contact)
    assert fact.contact not in site.record.events


def _only_invoices() -> dict[str, object]:
    doors = [replace(door, queue=None) for door in POLICY.entry_points]
    topics = [replace(topic, queue="invoices") for topic in POLICY.topics]
    return {"entry_points": doors, "topics": topics, "rules": [Rule(name="house", topic="invoice")]}


async def _refused(site: WrittenSite, policy: object) -> object:
    """A letter is acknowledged while `policy`, which does not let it in as it is, was on its way to the router before it."""
    held: list[bytes] = []

    async def hold(fact: bytes) -> object:
        held.append(fact)
        return None

    site.entrance.open(type(site.intake)(site.vault, hold, None, site.name), lambda: site.backlog)
    acceptance = await site.entrance.admit(mail(1))
    await site.adopt(policy)  # type: ignore[arg-type]
    for fact in held:
        await site.publish(fact)
    return acceptance


async def _ghost(site: WrittenSite) -> facts.ContactArrived:
    """Acknowledged and refused in an earlier life: in the vault, and in the journal with its refusal."""
    kept: list[bytes] = []

    async def keep(fact: bytes) -> object:
        kept.append(fact)
        return None

    site.entrance.open(type(site.intake)(site.vault, keep, None, site.name), lambda: site.backlog)
    await site.entrance.admit(mail(1, text="een factuur"))
    fact = codec.decode_fact(kept[0])
    assert isinstance(fact, facts.ContactArrived)
    for task in site._tasks[1:]:
        task.cancel()  # it dies before it hears the verdict
    await site.say(replace(fact, queue="gone"))
    await site.decided(1)
    await site.shut()
    return fact
