"""Written work over the API: classified, parked, brought back, read with its files. On the real thing, over sockets."""

import secrets
import time
from collections.abc import AsyncIterator, Awaitable
from typing import TypeVar

import grpc
import pytest
import pytest_asyncio

from cordboard import codec
from cordboard.client import (
    Client,
    ClientError,
    ContactFilter,
    Customer,
    DeskSnapshot,
    EngagementEnd,
    EngagementStart,
    Offer,
    ParkedContact,
    ParkEnd,
    PresenceReport,
    Reclassification,
)  # fmt: skip
from cordboard.client import Message as Said
from cordboard.events.fact import ContactArrived
from cordboard.v1 import types_pb2
from cordboard.vault import Attachment, Content, Draft
from cordboard.vault.refs import content_ref
from tests.api_site import ApiSite, DeskReader, an_agent, api_site

pytestmark = pytest.mark.asyncio(loop_scope="module")
HOUR_MS = 3_600_000
T = TypeVar("T")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiSite]:
    async with api_site(tmp_path_factory.mktemp("written")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def client(site: ApiSite) -> AsyncIterator[Client]:
    async with Client(site.target) as connected:
        yield connected


async def ready(client: Client, person: str, *queues: str) -> DeskReader:
    (result,) = await client.declare_agents([an_agent(person, *queues, skills=[("garden", 5)])])
    assert result.code == 0, result
    desk = DeskReader(client, person)
    await desk.until(DeskSnapshot)
    await client.set_presence(person, "ready")
    await desk.until(PresenceReport)
    return desk


async def engage(client: Client, desk: DeskReader, person: str) -> Offer:
    """The next offer, accepted and connected."""
    offer = await desk.until(Offer)
    await client.accept_offer(person, offer.contact_id, offer.attempt)
    await client.confirm_connected(person, offer.contact_id, offer.attempt)
    await desk.until(EngagementStart)
    return offer


async def leave(client: Client, desk: DeskReader, person: str) -> None:
    await client.set_presence(person, "offline")
    await desk.close()


async def refusal(call: Awaitable[T]) -> ClientError:
    with pytest.raises(ClientError) as refused:
        await call
    return refused.value


class Letters:
    """Puts letters into the vault and the log as a gateway does, files and all."""

    def __init__(self, site: ApiSite) -> None:
        self._site = site

    async def send(
        self, text: str, *, case: bytes | None = None, files: tuple[tuple[str, bytes], ...] = (), reopens: bool = True
    ) -> bytes:
        """The contact it arrives as."""
        contact, message, fact_id = (secrets.token_bytes(16) for _ in range(3))
        fact = ContactArrived(
            fact_id, contact, "mail", "orders", entry_point="service", topic="delivery", case=case, message=message,
            reopens=reopens, rule="other", language="en",
        )  # fmt: skip
        contents = (
            Content(message, "message", text),
            Content(content_ref(contact, "subject"), "subject", "Broken"),
            Content(content_ref(contact, "fields"), "fields", '{"order_number": "4711"}'),
        )
        attachments = tuple(Attachment(secrets.token_bytes(16), message, name, "image/png", data) for name, data in files)
        draft = Draft(
            "test", fact_id.hex(), contact, fact_id, codec.check_fact(fact), contents=contents, case=case, attachments=attachments
        )
        await self._site.vault.accept(draft)
        async with self._site.log.publisher("test") as publisher:
            await publisher.publish(draft.fact)
        await self._site.vault.published(fact_id)
        return contact


# Classification


async def test_without_a_queue_the_rules_say_where_it_goes(client: Client) -> None:
    by_word = await client.submit_contact(channel="task", text="I want a REFUND, please")
    assert (by_word.queue, by_word.topic, by_word.rule) == ("invoices", "billing", "refund")
    contact = await client.get_contact(by_word.contact_id, after=by_word.consistency_token)
    assert (contact.rule, contact.topic, contact.topic_first, contact.priority) == ("refund", "billing", "billing", 4)
    needs = [(requirement.skill, requirement.level) for requirement in contact.requirements]
    assert (needs, contact.language) == ([("garden", 2), ("nl.written", 5)], "nl"), "the site serves one language only"
    by_field = await client.submit_contact(channel="task", text="Hello", fields={"reason": "late"}, language="en-GB")
    assert (by_field.queue, by_field.rule) == ("orders", "form")
    shown = await client.get_contact(by_field.contact_id, after=by_field.consistency_token)
    assert (dict(shown.fields), shown.language) == ({"reason": "late"}, "en")
    by_default = await client.submit_contact(channel="task", text="Hello")
    assert (by_default.queue, by_default.topic, by_default.rule) == ("nobody", "silence", "other")
    for done in (by_word, by_field, by_default):
        await client.end_contact(done.contact_id)


async def test_what_the_request_says_itself_stands(client: Client) -> None:
    done = await client.submit_contact(
        channel="task", text="refund", topic="pages", priority=1, requirements={"garden": 7, "nl.written": 3}
    )
    assert (done.queue, done.topic, done.rule) == ("invoices", "pages", "refund")
    contact = await client.get_contact(done.contact_id, after=done.consistency_token)
    assert contact.priority == 1
    assert sorted((requirement.skill, requirement.level) for requirement in contact.requirements) == [
        ("garden", 7), ("nl.written", 3),
    ]  # fmt: skip
    placed = await client.submit_contact(channel="task", queue="nobody", text="refund")
    assert (placed.queue, placed.topic, placed.rule) == ("nobody", "", "")
    for each in (done, placed):
        await client.end_contact(each.contact_id)


async def test_the_customers_segment_counts(site: ApiSite, client: Client) -> None:
    who = Customer(kind="email", address="gold@example.org")
    await site.vault.set_segment(await site.vault.customer(who.kind, who.address), "gold")
    done = await client.submit_contact(channel="task", text="Hello", customer=who)
    assert (done.rule, done.topic) == ("known", "billing")
    contact = await client.get_contact(done.contact_id, after=done.consistency_token)
    wanted = ContactFilter(customer_id=contact.customer_id)
    found = [one.contact_id async for one in client.list_contacts(wanted, after=done.consistency_token)]
    assert found == [done.contact_id]
    await client.end_contact(done.contact_id)


async def test_words_that_the_policy_lacks_are_named_before_anything_is_stored(client: Client) -> None:
    error = await refusal(client.submit_contact(channel="task", queue="nobody", topic="atlantis", entry_point="nowhere"))
    assert error.code is grpc.StatusCode.INVALID_ARGUMENT
    assert error.violations == {
        "entry_point": "the policy has none here: leave it empty",
        "topic": "the policy has no 'atlantis' here; it has billing, delivery, pages, silence",
    }
    error = await refusal(client.submit_contact(channel="chat", queue="nobody", entry_point="service"))
    assert error.violations == {"entry_point": "the policy has no 'service' here; it has order_form"}
    error = await refusal(client.submit_contact(channel="task", language="not a tag", fields={"No Name": "x" * 1_001}))
    assert set(error.violations) == {"language", "fields"}


async def test_a_repeat_is_the_first_contact_whatever_the_rules_say(client: Client) -> None:
    request_id = "0b5b2a1e-5f0c-4a0e-8d6c-2f5b9a7c1d11"
    first = await client.submit_contact(channel="task", text="refund", request_id=request_id)
    again = await client.submit_contact(channel="task", text="nothing", topic="atlantis", request_id=request_id)
    assert (again.contact_id, again.rule, again.repeated_request) == (first.contact_id, "refund", True)
    await client.end_contact(first.contact_id)


# Parking


async def test_a_contact_is_parked_and_comes_back_to_its_owner(client: Client) -> None:
    desk = await ready(client, "anna", "orders")
    made = await client.submit_contact(channel="mail", queue="orders", subject="Parcel", text="Where?", topic="delivery")
    offer = await engage(client, desk, "anna")
    assert (offer.contact_id, offer.case_id, offer.owner) == (made.contact_id, made.contact_id, "")
    done = await client.park_contact("anna", offer.contact_id, "third_party", for_ms=HOUR_MS, note="Asked the carrier.")
    assert (await desk.until(EngagementEnd)).by == "parked"
    parked = await desk.until(ParkedContact)
    assert (parked.contact_id, parked.kind, parked.until_ms) == (
        made.contact_id, types_pb2.PARK_KIND_THIRD_PARTY, done.until_ms,
    )  # fmt: skip
    assert (parked.note, parked.topic, parked.subject, parked.text) == ("Asked the carrier.", "delivery", "Parcel", "Where?")

    again = DeskReader(client, "anna")
    snapshot = await again.until(DeskSnapshot)
    assert [(pile.contact_id, pile.note) for pile in snapshot.parked] == [(made.contact_id, "Asked the carrier.")]
    assert not snapshot.work
    await again.close()

    contact = await client.get_contact(made.contact_id, after=done.consistency_token)
    assert (contact.state, contact.agent, contact.owner) == (types_pb2.CONTACT_STATE_PARKED, "anna", "anna")
    assert (contact.park.until_ms, contact.park.note) == (done.until_ms, "Asked the carrier.")
    boards = await client.get_boards(after=done.consistency_token)
    (row,) = [row for row in boards.queues if (row.queue, row.channel) == ("orders", "mail")]
    assert (row.waiting, row.engaged, row.parked, boards.site.parked) == (0, 0, 1, 1)
    assert [row.parked for row in boards.agents if row.person == "anna"] == [1]
    wanted = ContactFilter(state=types_pb2.CONTACT_STATE_PARKED)
    listed = [one async for one in client.list_contacts(wanted, after=done.consistency_token)]
    assert [(one.contact_id, one.owner, one.park.kind) for one in listed] == [
        (made.contact_id, "anna", types_pb2.PARK_KIND_THIRD_PARTY)
    ]

    assert (await refusal(client.return_contact(made.contact_id, agent="nobody-known"))).reason == "unknown_agent"
    back = await client.return_contact(made.contact_id, agent="anna")
    assert back.visit == 2
    assert (await desk.until(ParkEnd)).by == "agent"
    offer = await engage(client, desk, "anna")
    assert (offer.contact_id, offer.owner) == (made.contact_id, "anna")
    assert (await refusal(client.return_contact(made.contact_id))).reason == "not_parked"
    await client.end_engagement("anna", made.contact_id, "solved")
    await leave(client, desk, "anna")


async def test_parking_has_its_bounds(client: Client) -> None:
    desk = await ready(client, "bert", "invoices")
    for count in range(3):
        await client.submit_contact(channel="mail", queue="invoices", text=str(count))
        offer = await engage(client, desk, "bert")
        if count < 2:
            later = int(time.time() * 1_000) + HOUR_MS
            parked = await client.park_contact("bert", offer.contact_id, "snooze", until_ms=later)
            assert later - 60_000 < parked.until_ms < later + 60_000
    error = await refusal(client.park_contact("bert", offer.contact_id, "snooze", for_ms=HOUR_MS))
    assert (error.code, error.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "park_limit")
    for wrong in ({"for_ms": 0}, {"for_ms": 400 * 24 * HOUR_MS}, {"until_ms": 1}):
        error = await refusal(client.park_contact("bert", offer.contact_id, "snooze", **wrong))
        assert tuple(error.violations) == tuple(wrong)
    await client.end_engagement("bert", offer.contact_id)
    chat = await client.submit_contact(channel="chat", queue="invoices", text="Hi")
    await engage(client, desk, "bert")
    error = await refusal(client.park_contact("bert", chat.contact_id, "customer", for_ms=HOUR_MS))
    assert (error.code, error.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "no_parking")
    await client.end_engagement("bert", chat.contact_id)
    done = await client.finish_wrap_up("bert", chat.contact_id)
    mine = ContactFilter(agent="bert", state=types_pb2.CONTACT_STATE_PARKED)
    for contact in [one async for one in client.list_contacts(mine, after=done.consistency_token)]:
        ended = await client.end_contact(contact.contact_id, "completed")
        assert (await client.get_contact(contact.contact_id, after=ended.consistency_token)).end_reason == "completed"
    await leave(client, desk, "bert")


# Topics


async def test_topics_change_and_are_reported(client: Client) -> None:
    desk = await ready(client, "carla", "invoices")
    began = 0
    for number in range(2):
        made = await client.submit_contact(channel="task", queue="invoices", topic="pages", text=str(number))
        began = began or (await client.get_contact(made.contact_id, after=made.consistency_token)).arrived_at_ms
        await engage(client, desk, "carla")
        if number:
            changed = await client.reclassify_contact(made.contact_id, "billing", agent="carla")
            assert changed.previous == "pages"
            told = await desk.until(Reclassification)
            assert (told.contact_id, told.topic, told.previous) == (made.contact_id, "billing", "pages")
            assert (await client.reclassify_contact(made.contact_id, "delivery")).previous == "billing"
            assert (await desk.until(Reclassification)).topic == "delivery", "whoever said so"
        done = await client.end_engagement("carla", made.contact_id, "solved")
    contact = await client.get_contact(made.contact_id, after=done.consistency_token)
    assert (contact.topic, contact.topic_first, contact.disposition) == ("delivery", "pages", "solved")
    wanted = ContactFilter(topic="delivery", queue="invoices")
    listed = [one.contact_id async for one in client.list_contacts(wanted, after=done.consistency_token)]
    assert listed == [made.contact_id]
    report = await client.topic_report(began, after=done.consistency_token)
    (total,) = [row for row in report.topics if row.topic == "pages"]
    assert (total.contacts, total.changed, total.changed_permille) == (2, 1, 500)
    (outcome,) = [row for row in report.outcomes if row.topic == "pages"]
    assert (outcome.disposition, outcome.contacts, outcome.changed) == ("solved", 2, 1)
    assert report.total.contacts >= 2 and not (await client.topic_report(1, 2)).outcomes
    assert (await refusal(client.reclassify_contact(made.contact_id, "billing"))).reason == "contact_gone"
    await leave(client, desk, "carla")


# Conversations, files, cases


async def test_a_letter_is_read_with_its_files(site: ApiSite, client: Client) -> None:
    desk = await ready(client, "dora", "orders")
    picture = secrets.token_bytes(200_000)
    contact = await Letters(site).send("It is broken.", files=(("crack.png", picture), ("empty.png", b"")))
    offer = await engage(client, desk, "dora")
    assert (offer.contact_id, offer.subject, offer.text, offer.language) == (contact.hex(), "Broken", "It is broken.", "en")
    assert dict(offer.fields) == {"order_number": "4711"}
    sent = await client.send_message("dora", offer.contact_id, "We send another.")
    said = await client.messages(offer.contact_id, page_size=1, after=sent.consistency_token)
    assert [(one.ordinal, one.author, one.text, one.agent) for one in said] == [
        (1, types_pb2.AUTHOR_CUSTOMER, "It is broken.", ""),
        (2, types_pb2.AUTHOR_AGENT, "We send another.", "dora"),
    ]
    files = said[0].attachments
    assert [(file.name, file.media_type, file.size) for file in files] == [
        ("crack.png", "image/png", 200_000), ("empty.png", "image/png", 0),
    ]  # fmt: skip
    about, data = await client.get_attachment(files[0].attachment_id)
    assert (about, data) == (files[0], picture)
    assert await client.get_attachment(files[1].attachment_id) == (files[1], b"")
    error = await refusal(client.get_attachment("ab" * 16))
    assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "unknown_attachment")
    assert (await refusal(client.messages("ab" * 16))).reason == "unknown_contact"

    await client.park_contact("dora", offer.contact_id, "customer", for_ms=HOUR_MS)
    await desk.until(ParkedContact)
    await Letters(site).send("Thanks", case=contact, reopens=False)
    thanks = await desk.until(Said)
    assert (thanks.contact_id, thanks.ordinal, thanks.text) == (contact.hex(), 0, "Thanks")
    joined = await Letters(site).send("Still broken!", case=contact, files=(("again.png", b"png"),))
    assert (await desk.until(Said)).attachments[0].name == "again.png"
    assert (await desk.until(ParkEnd)).by == "customer"
    offer = await desk.until(Offer)
    assert (offer.contact_id, offer.text, offer.owner) == (contact.hex(), "Still broken!", "dora")
    assert (await refusal(client.get_contact(joined.hex()))).reason == "unknown_contact"
    await client.accept_offer("dora", offer.contact_id, offer.attempt)
    await client.confirm_connected("dora", offer.contact_id, offer.attempt)
    started = await desk.until(EngagementStart)
    assert [message.text for message in started.messages] == ["It is broken.", "We send another.", "Thanks", "Still broken!"]
    done = await client.end_engagement("dora", offer.contact_id, "solved")

    await Letters(site).send("And now?", case=contact)
    follow_up = await engage(client, desk, "dora")
    assert (follow_up.case_id, follow_up.contact_id != contact.hex()) == (contact.hex(), True)
    seen = await client.get_contact(follow_up.contact_id, after=done.consistency_token)
    ended = await client.end_engagement("dora", follow_up.contact_id)
    case = await client.get_case(contact.hex(), after=ended.consistency_token)
    assert [one.contact_id for one in case] == [follow_up.contact_id, contact.hex()]
    assert seen.case_id == contact.hex()
    error = await refusal(client.get_case("ab" * 16))
    assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "unknown_case")
    timeline = await client.timeline(contact.hex(), after=ended.consistency_token)
    assert [entry.event for entry in timeline].count("ContactArrived") == 3, "what joined it is told on it"
    await leave(client, desk, "dora")
