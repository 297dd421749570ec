"""Customers over the API and on the command line, on the real thing: shown everything, merged, taken apart, forgotten."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio
from typer.testing import CliRunner

from cordboard import codec
from cordboard.client import Client, ClientError, Customer, DeskSnapshot, Offer
from cordboard.events.fact import ContactArrived, CustomerErasureRequested
from cordboard.main import app
from cordboard.vault import Attachment, Content, Draft
from cordboard.vault.envelope import Envelope, envelope_content
from cordboard.vault.erasure import erased_in
from cordboard.vault.intake import Intake
from cordboard.vault.refs import content_ref
from tests.api_site import ApiSite, DeskReader, an_agent, api_site
from tests.postgres import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")
BY = "sanne"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiSite]:
    async with api_site(tmp_path_factory.mktemp("customers")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def client(site: ApiSite) -> AsyncIterator[Client]:
    async with Client(site.target) as connected:
        yield connected


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def desk(site: ApiSite) -> AsyncIterator[DeskReader]:
    """Anna, who serves orders by mail and task."""
    async with Client(site.target) as client:
        (result,) = await client.declare_agents([an_agent("anna", "orders")])
        assert result.code == 0, result
        reader = DeskReader(client, "anna")
        await reader.until(DeskSnapshot)
        await client.set_presence("anna", "ready")
        yield reader
        await reader.close()


async def refusal(call: Any) -> ClientError:
    with pytest.raises(ClientError) as refused:
        await call
    return refused.value


async def a_mail(site: ApiSite, address: str, text: str, *files: tuple[str, bytes], channel: str = "task") -> Draft:
    """What a mail gateway does: vault first, then the log. Anna gets no mail, but tasks."""
    customer = await site.vault.customer("email", address, "mail")
    contact, message, fact_id = os.urandom(16), os.urandom(16), os.urandom(16)
    fact = ContactArrived(fact_id, contact, channel, "orders", customer=customer, message=message)
    draft = Draft(
        "mail",
        f"<{fact_id.hex()}@x.example>",
        contact,
        fact_id,
        codec.check_fact(fact),
        customer,
        contents=(
            Content(message, "message", text),
            Content(content_ref(contact, "subject"), "subject", f"about {text}"),
            envelope_content(message, Envelope("mail", address, name="Jan", subject=f"about {text}")),
        ),
        threads=(f"<{fact_id.hex()}@x.example>",),
        attachments=tuple(Attachment(os.urandom(16), message, name, "text/plain", data) for name, data in files),
    )
    async with site.log.publisher("mail") as publisher:
        await Intake(site.vault, publisher.publish).submit(draft)
    return draft


async def exported(client: Client, whom: str | tuple[str, str]) -> dict[str, Any]:
    parts = [part async for part in client.export_customer(whom)]
    assert all(0 < len(part) <= 65_536 for part in parts)
    found: dict[str, Any] = json.loads(b"".join(parts))
    return found


async def test_a_customer_is_shown_everything_and_then_forgotten(site: ApiSite, client: Client, desk: DeskReader) -> None:
    photo = os.urandom(200_000)
    draft = await a_mail(site, "Jan@Voorbeeld.example", "waar is mijn pakket", ("foto.jpg", photo), ("leeg.txt", b""))
    offer = await desk.until(Offer)
    await client.accept_offer("anna", offer.contact_id, offer.attempt)
    await client.confirm_connected("anna", offer.contact_id, offer.attempt)
    await client.send_message("anna", offer.contact_id, "het komt morgen")
    ended = await client.end_engagement("anna", offer.contact_id, disposition="solved", note="aardige klant")
    jan = Customer(kind="mail", address="jan@voorbeeld.example", name="Jan")
    alone = await client.submit_contact(channel="task", queue="nobody", subject="nog iets", text="een vraag", customer=jan)

    document = await exported(client, ("email", "jan@voorbeeld.example"))
    assert (document["format"], document["version"]) == ("cordboard.customer", 1) and document["notice"]
    (identity,) = document["customer"]["identities"]
    assert (identity["address"], identity["source"]) == ("jan@voorbeeld.example", "mail")
    by_id = {contact["contact_id"]: contact for contact in document["contacts"]}
    mail, task = by_id[draft.contact.hex()], by_id[alone.contact_id]
    assert (mail["channel"], mail["queue"], mail["outcome"], mail["disposition"]) == ("task", "orders", "completed", "solved")
    assert [(said["author"], said["text"]) for said in mail["messages"]] == [
        ("customer", "waar is mijn pakket"),
        ("agent", "het komt morgen"),
    ]
    assert mail["messages"][0]["envelope"]["to"] == "Jan@Voorbeeld.example" and mail["messages"][0]["at_ms"] > 0
    assert {said["kind"]: said["value"] for said in mail["contents"]} == {
        "subject": "about waar is mijn pakket",
        "note": "aardige klant",
    }
    assert {said["kind"] for said in task["contents"]} == {"subject", "text", "customer"}
    files = {file["name"]: file for file in document["attachments"]}
    assert mail["messages"][0]["attachment_ids"] == [file["attachment_id"] for file in document["attachments"]]
    assert base64.b64decode(files["foto.jpg"]["data_base64"], validate=True) == photo and files["leeg.txt"]["data_base64"] == ""
    assert document["other_contents"] == []

    card = await client.get_customer(("email", " JAN@voorbeeld.example"), after=ended.consistency_token)
    request_id = str(uuid.uuid4())
    done = await client.erase_customer(("email", "jan@voorbeeld.example"), request_id=request_id)
    assert list(done.customer_ids) == [card.customer_id] and done.completed
    again = await client.erase_customer(card.customer_id, request_id=request_id)
    assert list(again.customer_ids) == [card.customer_id] and again.completed
    for gone in (card.customer_id, ("email", "jan@voorbeeld.example")):
        for call in (client.get_customer(gone), exported(client, gone)):
            error = await refusal(call)
            assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "unknown_customer")
    assert (await client.get_contact(alone.contact_id)).subject == ""
    assert await site.vault.attachments([draft.contents[0].ref]) == {}
    assert await site.vault.case_of(list(draft.threads)) is None


async def test_merged_customers_are_shown_and_forgotten_as_one(site: ApiSite, client: Client) -> None:
    first, second = await a_mail(site, "piet@x.example", "een"), await a_mail(site, "p.pietersen@werk.example", "twee")
    merged = await client.merge_customers(
        ("email", "piet@x.example"), ("email", "p.pietersen@werk.example"), by=BY, reason="same phone"
    )
    assert merged.changed and merged.customer.customer_id == first.customer.hex()  # type: ignore[union-attr]
    assert merged.absorbed_id == second.customer.hex()  # type: ignore[union-attr]
    assert not (await client.merge_customers(merged.absorbed_id, ("email", "piet@x.example"), by=BY)).changed
    linked = await client.link_identity(merged.absorbed_id, "phone", "+31 6 1234", by=BY, source="called")
    assert linked.changed and {one.address for one in linked.customer.identities} == {
        "piet@x.example", "p.pietersen@werk.example", "+3161234",
    }  # fmt: skip
    assert (await client.set_segment(merged.absorbed_id, "gold")).segment == "gold"
    document = await exported(client, merged.absorbed_id)
    assert {contact["messages"][0]["text"] for contact in document["contacts"]} == {"een", "twee"}
    assert [one["merged_by"] for one in document["customer"]["merges"]] == [BY]

    apart = await client.unmerge_customers(merged.absorbed_id, by=BY)
    assert apart.changed and apart.customer.customer_id == merged.absorbed_id
    assert [contact["messages"][0]["text"] for contact in (await exported(client, merged.absorbed_id))["contacts"]] == ["twee"]
    await client.merge_customers(("phone", "+3161234"), merged.absorbed_id, by=BY)
    before = await site.log.last_journal_seq()
    done = await client.erase_customer(("phone", "+316-1234"))
    assert sorted(done.customer_ids) == sorted([merged.customer.customer_id, merged.absorbed_id]) and done.completed
    said = [
        ref
        for seq in range(before + 1, await site.log.last_journal_seq() + 1)
        for ref in erased_in(codec.decode_commit((await site.log.read_commit(seq)).data))
    ]
    assert sorted(ref.hex() for ref in said) == sorted(done.customer_ids), "the journal names each of them"
    assert await site.vault.read([draft.contents[0].ref for draft in (first, second)]) == {}


async def test_somebody_of_whom_only_a_contact_is_known_is_forgotten_by_that(site: ApiSite, client: Client) -> None:
    done = await client.submit_contact(channel="task", queue="nobody", text="ik ben Bea en wil iets weten")
    erased = await client.erase_customer(done.contact_id)
    assert erased.completed and list(erased.customer_ids) == [done.contact_id]
    assert (await client.get_contact(done.contact_id)).text == ""
    known = await a_mail(site, "kees@x.example", "hoi")
    error = await refusal(client.erase_customer(known.contact.hex()))
    assert error.reason == "unknown_customer", "this contact has a customer: that one is to be named"
    assert (await refusal(client.erase_customer(os.urandom(16).hex()))).reason == "unknown_customer"


async def test_what_an_agent_says_to_someone_who_is_gone_is_not_kept(site: ApiSite, client: Client, desk: DeskReader) -> None:
    draft = await a_mail(site, "weg@x.example", "vergeet mij")
    offer = await desk.until(Offer)
    await client.accept_offer("anna", offer.contact_id, offer.attempt)
    await client.confirm_connected("anna", offer.contact_id, offer.attempt)
    await client.erase_customer(draft.customer.hex())  # type: ignore[union-attr]
    error = await refusal(client.send_message("anna", offer.contact_id, "beste meneer Weg"))
    assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "unknown_customer")
    await client.end_engagement("anna", offer.contact_id)


async def test_what_is_wrong_is_said(site: ApiSite, client: Client) -> None:
    a, b = await a_mail(site, "a@x.example", "a"), await a_mail(site, "b@x.example", "b")
    refs = [draft.customer.hex() for draft in (a, b) if draft.customer is not None]
    for call, field in (
        (client.get_customer("no hex"), "customer.customer_id"),
        (client.get_customer(("Not A Word", "x")), "customer.address.kind"),
        (client.get_customer(("email", " ")), "customer.address.address"),
        (client.merge_customers(refs[0], refs[1], by=""), "by"),
        (client.merge_customers(refs[0], refs[1], by=BY, reason="r" * 501), "reason"),
        (client.link_identity(refs[0], "email", "c@x.example", by="b" * 201), "by"),
        (client.unmerge_customers("zz", by=BY), "customer_id"),
        (client.set_segment(refs[0], "unheard-of"), "segment"),
        (client.erase_customer(refs[0], request_id="none"), "request_id"),
    ):
        error = await refusal(call)
        assert error.code is grpc.StatusCode.INVALID_ARGUMENT and list(error.violations) == [field]
    for refused, code, reason in (
        (client.merge_customers(refs[0], refs[0], by=BY), grpc.StatusCode.INVALID_ARGUMENT, "merge_into_itself"),
        (client.link_identity(refs[0], "email", "b@x.example", by=BY), grpc.StatusCode.FAILED_PRECONDITION, "identity_taken"),
        (client.unlink_identity(refs[0], "email", "a@x.example"), grpc.StatusCode.FAILED_PRECONDITION, "last_identity"),
        (client.unmerge_customers("ab" * 16, by=BY), grpc.StatusCode.NOT_FOUND, "unknown_customer"),
    ):
        error = await refusal(refused)
        assert (error.code, error.reason) == (code, reason)
    assert not (await client.unlink_identity(refs[0], "email", "b@x.example")).changed
    assert not (await client.unmerge_customers(refs[0], by=BY)).changed


async def test_an_erasure_that_was_only_written_down_is_carried_out_at_the_start(site: ApiSite, client: Client) -> None:
    draft = await a_mail(site, "later@x.example", "later")
    await site.stop_api()
    async with site.log.publisher("api") as publisher:
        before = await site.log.last_journal_seq()
        assert draft.customer is not None
        await publisher.publish(codec.check_fact(CustomerErasureRequested(os.urandom(16), draft.customer)))

        async def decided() -> bool:
            return await site.log.last_journal_seq() > before

        await eventually(decided, "the erasure in the journal")
    assert await site.vault.read([draft.contents[0].ref]) != {}
    await site.start_api()
    assert await site.vault.read([draft.contents[0].ref]) == {}, "before it serves"


async def test_on_the_command_line(site: ApiSite, client: Client, tmp_path: Path) -> None:
    draft = await a_mail(site, "cli@x.example", "via de opdrachtregel")
    other = await a_mail(site, "cli2@x.example", "nog een")
    assert draft.customer is not None and other.customer is not None

    async def run(*arguments: str, answer: str | None = None) -> Any:
        command = ["customer", *arguments, "--target", site.target]
        return await asyncio.to_thread(CliRunner().invoke, app, command, answer)

    shown = await run("show", "cli@x.example")
    assert shown.exit_code == 0 and "cli@x.example" in shown.stdout
    assert json.loads((await run("show", draft.customer.hex(), "--json")).stdout)["customer_id"] == draft.customer.hex()
    merged = json.loads((await run("merge", "cli@x.example", "cli2@x.example", "--by", BY, "--json")).stdout)
    assert (merged["changed"], merged["absorbed_id"]) == (True, other.customer.hex())
    assert "taken back" in (await run("unmerge", other.customer.hex())).stdout
    assert "+3112" in (await run("link", "cli@x.example", "+31-12", "--source", "called")).stdout
    assert "+3112" not in (await run("unlink", "cli@x.example", "phone:+3112")).stdout
    assert "gold" in (await run("segment", "cli@x.example", "gold")).stdout
    assert "none" in (await run("segment", "cli@x.example", "none")).stdout

    file = tmp_path / "everything.json"
    assert (await run("export", "cli@x.example", "-o", str(file))).exit_code == 0
    assert file.stat().st_mode & 0o777 == 0o600 and json.loads(file.read_text())["customer"]["customer_id"] == draft.customer.hex()
    assert (await run("export", "cli@x.example", "-o", str(file))).exit_code == 1, "it never writes over another file"
    assert json.loads((await run("export", "cli@x.example", "-o", "-")).stdout)["version"] == 1
    names = await asyncio.to_thread(lambda: [path.name for path in tmp_path.iterdir()])
    assert names == ["everything.json"]

    assert (await run("erase", "cli@x.example", answer="n\n")).exit_code == 1
    assert (await run("show", "cli@x.example")).exit_code == 0
    erased = await run("erase", "cli@x.example", answer="y\n")
    assert erased.exit_code == 0 and "erased" in erased.stdout
    assert "erased" in (await run("erase", draft.customer.hex(), "--yes")).stdout, "done is done"
    assert (await run("erase", "cli@x.example", "--yes")).exit_code == 1
    assert json.loads((await run("erase", "cli2@x.example", "--yes", "--json")).stdout)["completed"]
    assert (await run("show", "neither this nor that")).exit_code == 1
    assert (await run("unmerge", "cli@x.example")).exit_code == 1
