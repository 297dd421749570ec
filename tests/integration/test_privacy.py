"""Names, addresses, texts and files stand in the vault, encrypted, and nowhere else: not in any byte of any file that the engine
writes. And once a customer is erased, not there either."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from email.message import EmailMessage
from email.utils import make_msgid
from pathlib import Path

import aiosmtplib
import httpx
import pytest
from websockets.asyncio.client import connect

from cordboard import codec
from cordboard.client import AgentDeclaration, Client, ClientError, Customer, DeskSnapshot, Offer
from cordboard.demo import engine as engines
from cordboard.demo.engine import Engine
from cordboard.v1.types_pb2 import AgentChannel, Membership, Skill
from tests.api_site import DeskReader
from tests.effects_site import Mailbox
from tests.integration.live_site import QUEUE, SITE, hear, living, policy, say
from tests.postgres import eventually
from tests.traces import forms, traces

NAME, ADDRESS = "Wilhelmina-Zonderland", "w.zonderland@privacy.example"
SUBJECT, TEXT, CHAT, FORGOTTEN = "subject-kwikstaart", "text-roodborst", "chat-ijsvogel", "late-wielewaal"

SHOP = "klantenservice@webshop.example"
WRITER = "p.grutto@privacy.example"
"""What the customer of the mails gives away, one secret a place."""
MAILED = {
    "address": "p.grutto@privacy",
    "name": "Pélagie Grütto-Vink",
    "subject": "Onderwerp-tureluur ☂",
    "text": "Bericht over de scholekster aan zee",
    "file": "bijlage-kemphaan",
    "attachment": "In de bijlage staat: boomklever",
    "reply": "Nog een vraag over de putter",
    "answer": "Het antwoord gaat over de zwartkop",
    "note": "notitie over de geelgors",
    "form": "Formulier over de appelvink",
    "message id": "veldleeuwerik",
    "linked": "+31612345678",
    "by": "beheerder-staartmees",
}


async def test_no_file_holds_plaintext(tmp_path: Path) -> None:
    async with engines.running(tmp_path, ["--site", SITE, "--verbose"]) as engine:
        async with living(engine.grpc, engine.http, seed=1) as site:
            done = await site.client.submit_contact(
                channel="task", queue=QUEUE, subject=SUBJECT, text=TEXT, customer=Customer(kind="mail", address=ADDRESS)
            )
            site.good.expected.add(done.contact_id)
            async with connect(site.chat_url, compression=None) as socket:
                await say(socket, type="start", client_id="0" * 32, queue=QUEUE, name=NAME, text=CHAT)
                contact = (await hear(socket, "started"))["contact"]
                await hear(socket, "ended")
            await site.settled()
        async with Client(engine.grpc) as client:
            seen = await client.get_contact(done.contact_id)
            assert (seen.subject, seen.text, seen.customer.address) == (SUBJECT, TEXT, ADDRESS)
            # Refused, malformed and late words carry text too.
            async with connect(engine.chat_url, compression=None) as socket:
                await socket.send('{"type":"nonsense","text":"' + FORGOTTEN + '"}')
                await socket.recv()
            with pytest.raises(ClientError):
                await client.send_message("anna", contact, FORGOTTEN)
            with pytest.raises(ClientError):
                await client.submit_contact(channel="task", queue="nowhere", text=FORGOTTEN)
    await asyncio.to_thread(assert_sealed, tmp_path, (NAME, ADDRESS, SUBJECT, TEXT, CHAT, FORGOTTEN))


async def test_an_erased_customer_is_nowhere(tmp_path: Path) -> None:
    far = Mailbox()
    await far.start()
    relay = f"smtp://127.0.0.1:{far.port}?tls=never"
    data = tmp_path / "data"
    async with engines.running(data, ["--site", SITE, "--verbose", "--smtp-relay", relay]) as engine:
        async with Client(engine.grpc) as client, seated(client) as desk:
            await correspond(engine, client, desk, far)
            card = await client.get_customer(("email", WRITER))
            document = b"".join([part async for part in client.export_customer(card.customer_id)]).decode()
            shown = json.dumps(json.loads(document), ensure_ascii=False)
            hidden = [what for what, secret in MAILED.items() if secret not in shown and what not in ("attachment", "message id")]
            assert not hidden, "the access file shows everything"
            sealed = await asyncio.to_thread(sealed_bytes, data)
            assert sealed and await asyncio.to_thread(holds, data, sealed) == len(sealed)
            await asyncio.to_thread(assert_sealed, data, MAILED.values())

            await erase(engine, WRITER)
            with pytest.raises(ClientError, match="unknown_customer"):
                await client.get_customer(card.customer_id)
            contacts = [contact async for contact in client.list_contacts()]
            assert contacts, "that somebody wrote, and how it ended, is still known"
            for contact in contacts:
                assert (contact.subject, contact.text, contact.customer.address, contact.customer.name) == ("", "", "", "")
                assert all(not message.text for message in await client.messages(contact.contact_id))
        assert await asyncio.to_thread(holds, data, sealed) == 0, "nor is what could be opened with the master key"
        await asyncio.to_thread(assert_sealed, data, MAILED.values())
    await asyncio.to_thread(assert_sealed, data, MAILED.values())
    await far.stop()


def test_the_search_finds_what_it_should(tmp_path: Path) -> None:
    secret = MAILED["name"]
    for number, (form, data) in enumerate(forms(secret).items()):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "file").write_bytes(b"\x93" + data + b"\0")
        assert any(found.endswith(f"as {form}") for found in traces(folder, [secret])), form
    message = EmailMessage()
    message["From"] = f"{secret} <{WRITER}>"
    for encoding in ("base64", "quoted-printable"):
        message.set_content(f"regel een\n{secret}\n", cte=encoding)
        (tmp_path / encoding).mkdir()
        (tmp_path / encoding / "mail").write_bytes(message.as_bytes())
        assert traces(tmp_path / encoding, [secret]), encoding


# The story


@asynccontextmanager
async def seated(client: Client) -> AsyncIterator[DeskReader]:
    """The web shop with its policy, and Anna, who writes Dutch and serves what is written."""
    await client.ready()
    await client.publish_policy(codec.encode(policy()))
    anna = AgentDeclaration(
        person="anna",
        name="Anna",
        skills=[Skill(skill="nl.written", level=9)],
        memberships=[Membership(queue=queue.name) for queue in policy().queues],
        channels=[AgentChannel(channel=channel, cost=1, max_concurrent=9) for channel in ("mail", "form")],
    )
    (result,) = await client.declare_agents([anna])
    assert result.code == 0, result
    desk = DeskReader(client, "anna")
    await desk.until(DeskSnapshot)
    await client.set_presence("anna", "ready")
    yield desk
    await desk.close()


async def correspond(engine: Engine, client: Client, desk: DeskReader, far: Mailbox) -> None:
    """A mail with a file, Anna's answer, the reply to it, the bounce of a second answer; a form by the same customer."""
    first = a_mail(MAILED["subject"], MAILED["text"])
    name, content = f"{MAILED['file']}.txt", MAILED["attachment"].encode()
    first.add_attachment(content, maintype="text", subtype="plain", filename=name)
    await send(engine, first)
    offer = await desk.until(Offer)
    await client.accept_offer("anna", offer.contact_id, offer.attempt)
    await client.confirm_connected("anna", offer.contact_id, offer.attempt)
    await client.send_message("anna", offer.contact_id, MAILED["answer"])
    await eventually(lambda: len(far.taken) == 1, "the answer at the customer's server")
    answer = far.taken[0]
    assert MAILED["answer"] in answer.get_body().get_content()  # type: ignore[union-attr]

    reply = a_mail(f"Re: {MAILED['subject']}", MAILED["reply"])
    reply["In-Reply-To"] = str(answer["Message-ID"])
    await send(engine, reply)
    await send(engine, a_bounce(str(answer["Message-ID"])), sender="", to=far.senders[-1])

    async def all_there() -> bool:
        return len(await client.messages(offer.contact_id)) >= 4

    await eventually(all_there, "reply and bounce in the conversation")
    await client.end_engagement("anna", offer.contact_id, "solved", note=MAILED["note"])
    async with httpx.AsyncClient(base_url=f"http://{engine.http}") as http:
        form = {"email": WRITER, "name": MAILED["name"], "message": MAILED["form"], "subject": MAILED["subject"], "language": "nl"}
        posted = await http.post("/form/contact", json=form, headers={"idempotency-key": "key-00000001"})
        assert posted.status_code < 300, posted.text
    await client.link_identity(("email", WRITER), "phone", MAILED["linked"], by=MAILED["by"], source="teruggebeld")


def a_mail(subject: str, text: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = f'"{MAILED["name"]}" <{WRITER}>'
    message["To"] = SHOP
    message["Subject"] = subject
    message["Message-ID"] = make_msgid(MAILED["message id"], "privacy.example")
    message.set_content(f"Beste winkel,\n\n{text}. Waar blijft mijn bestelling?\n")
    return message


def a_bounce(of: str) -> EmailMessage:
    """It quotes the mail that did not arrive, and so its recipient."""
    message = EmailMessage()
    message["From"] = "MAILER-DAEMON@privacy.example"
    message["To"] = SHOP
    message["Subject"] = "Undelivered Mail Returned to Sender"
    message["Auto-Submitted"] = "auto-replied"
    message["Message-ID"] = make_msgid(domain="privacy.example")
    message.set_content(f"Could not deliver to {WRITER}:\n550 5.1.1 User unknown\n\n{MAILED['answer']}\n\nMessage-ID: {of}\n")
    return message


async def send(engine: Engine, message: EmailMessage, sender: str = WRITER, to: str = SHOP) -> None:
    assert engine.smtp is not None
    host, _, port = engine.smtp.rpartition(":")
    await aiosmtplib.send(message, sender=sender, recipients=[to], hostname=host, port=int(port), start_tls=False)


async def erase(engine: Engine, address: str) -> None:
    """By the command that an operator would use."""
    arguments = ("-m", "cordboard.main", "customer", "erase", address, "--yes", "--json", "--target", engine.grpc)
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=asyncio.subprocess.PIPE, env=os.environ)
    stdout, _ = await process.communicate()
    assert process.returncode == 0 and json.loads(stdout)["completed"] is True


# The search


def assert_sealed(directory: Path, secrets: Iterable[str]) -> None:
    """Every file: inbox, journal, work queues, snapshots, views, vault with its log, logs."""
    files = {path.name for path in directory.rglob("*") if path.is_file()}
    assert {"vault.db", "views.db", "up.log"} <= files
    assert any("JOURNAL_" in str(path) for path in directory.rglob("*"))
    found = traces(directory, secrets)
    assert not found, "\n".join(found)


def sealed_bytes(directory: Path) -> list[bytes]:
    """Everything that the vault keeps sealed of customers and contacts, keys included."""
    columns = {
        "vault_contents": "sealed",
        "vault_attachments": "sealed",
        "vault_chunks": "sealed",
        "vault_identities": "sealed",
        "vault_threads": "hash",
    }
    with sqlite3.connect(directory / "vault.db") as connection:
        found = [row[0] for table, column in columns.items() for row in connection.execute(f"SELECT {column} FROM {table}")]
        found += [row[0] for row in connection.execute("SELECT wrapped FROM vault_keys WHERE kind IN ('customer', 'contact')")]
    connection.close()
    return found


def holds(directory: Path, values: list[bytes]) -> int:
    """How many of `values` (their beginnings) stand in the vault's files."""
    data = b"".join(path.read_bytes() for path in directory.glob("vault.db*"))
    return sum(value[:24] in data for value in values)
