"""One customer who gives something away in every place there is, some of it in ways that are refused; and the agent at the desk.

Every word of WORDS stands in one place only, so that whatever a search finds says where it leaked from.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import httpx
import pytest
from msgspec.structs import replace
from standardwebhooks.webhooks import Webhook as Signature
from websockets.asyncio.client import connect

from cordboard import codec
from cordboard.client import AgentDeclaration, Client, ClientError, Customer, DeskSnapshot, Offer
from cordboard.demo.engine import Engine
from cordboard.events.policy import Policy
from cordboard.v1.types_pb2 import AgentChannel, Membership, Skill
from tests.api_site import DeskReader
from tests.effects_site import Mailbox, Receiver
from tests.integration.live_site import hear, policy, say
from tests.postgres import eventually

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SHOP, BILLING = "klantenservice@webshop.example", "billing@webshop.example"
ADDRESS = "w.kwartelkoning@privacy.example"
ELSEWHERE = "graspieper@elders.example"
AGENT = "anna"

HELD = {
    "address": "kwartelkoning",
    "name": "Roerdompstra",
    "reply to": "graspieper",
    "subject": "Onderwerpwulp",
    "text": "berichtscholekster",
    "html": "opmaakzilvermeeuw",
    "quoted": "citaatputtertje",
    "file": "bijlagekemphaan",
    "attachment": "inhoudboomklever",
    "message id": "kenmerkveldleeuwerik",
    "in reply to": "eerderwaterhoen",
    "8 bits": "Gröttensperling",
    "broken": "kapotgeelgors",
    "automatic": "afwezigtapuit",
    "thanks": "bedanktfazant",
    "answer": "Antwoordzwartkop",
    "refused answer": "weigernachtegaal",
    "waiting answer": "wachtstaartkneu",
    "park note": "parkeerkoekoek",
    "note": "notitiegoudvink",
    "bounce": "teruggekeerdepatrijs",
    "form": "formulierappelvink",
    "form field": "bestelfitis",
    "review": "recensiesperwer",
    "title": "titelbrilduiker",
    "product": "produktoeverloper",
    "thread": "draadtorenvalk",
    "task": "taakrietgors",
    "linked by": "beheerderstaartmees",
}
"""What is held of the customer, and shown to them."""
PASSING = {
    "chat name": "chatnaamoehoe",
    "chat": "chattekstijsvogel",
    "SMTP": "verkeerdwintertaling",
    "recipient": "onbekendwielewaal",
    "size": "tegrootknobbelzwaan",
    "half a mail": "afgebrokenslobeend",
    "refusal": "geweigerdlepelaar",
    "receiver's answer": "ontvangerzeearend",
    "signature": "vervalstsnip",
    "signed nonsense": "onzinsteltkluut",
    "form value": "ongeldigkievit",
    "form field name": "vreemdveldkluut",
    "bad chat": "onzinbuizerd",
    "path": "padfuut",
    "call": "aanroepgrutto",
}
"""What nobody keeps for the customer: said by somebody of whom only a contact is known, or refused."""
WORDS = {**HELD, **PASSING}


def shop(reply_url: str) -> Policy:
    found = policy()
    return replace(found, webhooks=[replace(webhook, reply_url=reply_url) for webhook in found.webhooks])


@asynccontextmanager
async def seated(client: Client, reply_url: str) -> AsyncIterator[DeskReader]:
    """The shop's policy in force, and Anna, who can do everything at once."""
    shops = shop(reply_url)
    await client.ready()
    await client.publish_policy(codec.encode(shops))
    anna = AgentDeclaration(
        person=AGENT,
        name="Anna",
        skills=[Skill(skill=skill, level=9) for skill in shops.skills],
        memberships=[Membership(queue=queue.name) for queue in shops.queues],
        channels=[AgentChannel(channel=channel.name, cost=1, max_concurrent=50) for channel in shops.channels],
    )
    (result,) = await client.declare_agents([anna])
    assert result.code == 0, result
    desk = DeskReader(client, AGENT)
    await desk.until(DeskSnapshot)
    await client.set_presence(AGENT, "ready")
    yield desk
    await desk.close()


class Story:
    """Told once on a running engine; afterwards every word of WORDS has been through it."""

    def __init__(self, engine: Engine, client: Client, desk: DeskReader, relay: Mailbox, receiver: Receiver) -> None:
        self.engine, self.client, self.desk, self.relay, self.receiver = engine, client, desk, relay, receiver
        self.chat = ""
        """The contact of whom nothing but a name is known."""
        self.way_back = ""
        """Where the customer's server sends mails back to."""

    async def tell(self) -> None:
        refusal = f"550 5.7.1 {WORDS['refusal']} for {ADDRESS}"
        self.relay.answer = lambda mail: refusal if HELD["refused answer"] in str(mail) else "250 2.0.0 taken"
        self.relay.refuse_recipient = lambda address: f"550 5.1.1 <{address}> unknown" if address == ELSEWHERE else None
        self.receiver.answer = lambda: (410, {"x-said": WORDS["receiver's answer"]})
        await self.refused_mail()
        await self.refused_posts()
        await self.refused_calls()
        await self.written()
        await self.posted()
        await self.chatted()
        await self.submitted()
        await self.waiting()
        by, source = HELD["linked by"], "teruggebeld"
        await self.client.link_identity(("email", ADDRESS), "phone", "+31612345678", by=by, source=source)

    # What becomes something

    async def written(self) -> None:
        """A thread with every kind of mail, an answer that comes back, one that is refused; parked, returned, ended."""
        contact = await self._served(plain())
        await self.client.send_message(AGENT, contact, HELD["answer"])
        await eventually(lambda: len(self.relay.taken) == 1, "the answer at the relay")
        answer, way_back = self.relay.taken[0], self.relay.senders[0]
        assert HELD["name"] in str(answer.get_body()), "the greeting has the name"
        await self._send(bounce(str(answer["Message-ID"])), sender="", to=way_back)
        await self._send(reply(str(answer["Message-ID"]), away=True))
        await self._messages(contact, 4)
        await self.client.park_contact(AGENT, contact, "customer", for_ms=3_600_000, note=HELD["park note"])
        await self._send(reply(str(answer["Message-ID"]), away=False))
        await self._messages(contact, 5)
        assert await self._served(rich()) != contact
        for mail in (eight_bits(), broken()):
            await self._served(mail)
        await self.client.return_contact(contact)
        await self._accept(await self.desk.until(Offer))
        await self.client.send_message(AGENT, contact, HELD["refused answer"])
        await self._failed(1)
        await self.client.end_engagement(AGENT, contact, "solved", note=HELD["note"])
        # An answer to an address that there is not.
        to_elsewhere = plain(number=2)
        to_elsewhere["Reply-To"] = ELSEWHERE
        other = await self._served(to_elsewhere)
        await self.client.send_message(AGENT, other, "Ja hoor.")
        await self._failed(2)

    async def posted(self) -> None:
        """A form, and a review whose receiver does not want the answer."""
        form = {
            "email": ADDRESS,
            "name": HELD["name"],
            "message": HELD["form"],
            "order_number": HELD["form field"],
            "language": "nl",
        }
        async with httpx.AsyncClient(base_url=f"http://{self.engine.http}") as http:
            done = await http.post("/form/contact", json=form, headers={"idempotency-key": "sleutel-0000000001"})
            assert done.status_code < 300, done.text
            await self._accept(await self.desk.until(Offer))
            review = {
                "review": {"id": HELD["thread"], "title": HELD["title"], "text": HELD["review"], "rating": 1, "language": "nl"},
                "author": {"email": ADDRESS, "name": HELD["name"]},
                "product": {"name": HELD["product"]},
            }
            done = await http.post("/webhook/reviews", content=json.dumps(review), headers=signed(json.dumps(review), SECRET))
            assert done.status_code < 300, done.text
        offer = await self.desk.until(Offer)
        await self._accept(offer)
        await self.client.send_message(AGENT, offer.contact_id, "Dank voor uw oordeel.")
        await self._failed(3)

    async def chatted(self) -> None:
        async with connect(self.engine.chat_url, compression=None) as socket:
            said = {"client_id": "0" * 32, "language": "nl", "name": PASSING["chat name"], "text": PASSING["chat"]}
            await say(socket, type="start", entry_point="chat-shop", **said)
            self.chat = str((await hear(socket, "started"))["contact"])
            await self._accept(await self.desk.until(Offer))
            await self.client.end_engagement(AGENT, self.chat, "solved")
            await hear(socket, "ended")

    async def submitted(self) -> None:
        customer = Customer(kind="mail", address=ADDRESS.upper(), name=HELD["name"])
        await self.client.submit_contact(
            channel="task", queue="orders", subject=HELD["subject"], text=HELD["task"], customer=customer
        )
        await self._accept(await self.desk.until(Offer))

    async def waiting(self) -> None:
        """An answer that cannot leave yet: it must not leave any more once the customer is erased."""
        contact = await self._served(plain(number=6))
        await self.relay.stop()
        self.way_back = self.relay.senders[0]
        await self.client.send_message(AGENT, contact, HELD["waiting answer"])

        async def open_one() -> bool:
            return (await self.client.effect_summary()).open == 1

        await eventually(open_one, "the answer that waits")

    async def afterwards(self, engine: Engine, client: Client) -> None:
        """Once everything is forgotten: the relay is there again, and one more mail comes back late."""
        self.engine, self.client = engine, client
        seen = len(self.relay.seen)
        await self.relay.start()
        await self._failed(4)
        await self._send(bounce("<late@webshop.example>").replace(b"<b1@", b"<b2@"), sender="", to=self.way_back)
        assert len(self.relay.seen) == seen, "nothing is sent of what was erased"
        await self.relay.stop()

    # What is refused

    async def refused_mail(self) -> None:
        """Dialogues that are none, for nobody here, too large, cut off in the middle."""
        host, port = self._smtp
        for sent in (
            f"{WORDS['SMTP']} <{WORDS['SMTP']}@x.example>\r\nMAIL FROM:<{WORDS['SMTP']}\r\nVRFY {WORDS['SMTP']}\r\nEHLO x\r\n"
            f"MAIL FROM:<{WORDS['SMTP']}@x.example> BODY={WORDS['SMTP']}\r\nRCPT TO:{WORDS['SMTP']}\r\nQUIT\r\n",
            f"EHLO x\r\nMAIL FROM:<{ADDRESS}>\r\nRCPT TO:<{WORDS['recipient']}@webshop.example>\r\nQUIT\r\n",
            f"EHLO x\r\nMAIL FROM:<{WORDS['size']}@x.example> SIZE=999999999\r\nQUIT\r\n",
            f"{WORDS['SMTP']} " * 10_000 + "\r\nQUIT\r\n",
        ):
            await converse(host, port, sent)
        whole = f"EHLO x\r\nMAIL FROM:<{ADDRESS}>\r\nRCPT TO:<{SHOP}>\r\nDATA\r\nSubject: {WORDS['half a mail']}\r\n\r\n"
        await converse(host, port, whole + f"{WORDS['half a mail']}\r\n" * 100, hang_up=True)

    async def refused_posts(self) -> None:
        async with httpx.AsyncClient(base_url=f"http://{self.engine.http}") as http:
            review = json.dumps({"review": {"text": WORDS["signature"]}, "author": {"email": ADDRESS}})
            other = "whsec_" + "A" * 32
            assert (await http.post("/webhook/reviews", content=review, headers=signed(review, other))).status_code >= 400
            nonsense = "{" + WORDS["signed nonsense"]
            assert (await http.post("/webhook/reviews", content=nonsense, headers=signed(nonsense, SECRET))).status_code >= 400
            lost = json.dumps({"review": {"text": {WORDS["signed nonsense"]: 1}}})
            assert (await http.post("/webhook/reviews", content=lost, headers=signed(lost, SECRET))).status_code >= 400
            bad = {"email": f"{WORDS['form value']} at x", "message": WORDS["form value"], WORDS["form field name"]: "x"}
            key = {"idempotency-key": f"{WORDS['form value']}-key-00000001"}
            assert (await http.post("/form/contact", json=bad, headers=key)).status_code == 422
            assert (await http.post("/form/contact", data=bad)).status_code >= 400
            for body in (b'{"' + WORDS["form value"].encode(), WORDS["form value"].encode() * 100_000):
                assert (
                    await http.post("/form/contact", content=body, headers={**key, "content-type": "application/json"})
                ).is_error
            for path in ("/", "/form/", "/webhook/", "/chat/", "/form/contact?lang="):
                for method in ("GET", "POST"):
                    await http.request(method, f"{path}{WORDS['path']}?q={WORDS['path']}", headers={"referer": WORDS["path"]})
            async with asyncio.timeout(60):
                await converse(*self._http, f"{WORDS['path']} /{WORDS['path']} HTTP/9.9\r\n{WORDS['path']}\r\n\r\n", hang_up=True)

    async def refused_calls(self) -> None:
        word = WORDS["bad chat"]
        async with connect(self.engine.chat_url, compression=None) as socket:
            for frame in (
                '{"type":"' + word + '"}',
                '{"type":"start","client_id":"' + word + '!","text":"x"}',
                json.dumps({"type": "start", "client_id": "1" * 32, "queue": word, "text": word, "name": word}),
                json.dumps({"type": "start", "client_id": "1" * 32, "entry_point": word, "text": word}),
                json.dumps({"type": "resume", "token": word}),
            ):
                await socket.send(frame)
                await hear_any(socket)
        word = WORDS["call"]
        for call in (
            self.client.submit_contact(channel=word, queue="orders", text=word),
            self.client.submit_contact(channel="task", queue=word, text=word),
            self.client.submit_contact(channel="task", queue="orders", requirements={word: 1}, text=word),
            self.client.transfer_contact("11" * 16, word),
            self.client.reclassify_contact("11" * 16, word),
            self.client.end_engagement(AGENT, "11" * 16, word),
            self.client.end_engagement(AGENT, "11" * 16, word, note=word),
            self.client.finish_wrap_up(AGENT, "11" * 16, word),
            self.client.decline_offer(AGENT, "11" * 16, 1, word),
            self.client.set_presence(AGENT, "not_ready", word),
            self.client.switch_channel(AGENT, word, False),
            self.client.set_segment(("email", ADDRESS), word),
            self.client.submit_contact(channel="task", queue="orders", topic=word, text=word),
            self.client.submit_contact(channel="task", queue="orders", text=word, customer=Customer(kind=word * 9, address=word)),
            self.client.get_customer(("email", f"{word}@x.example")),
            self.client.erase_customer(("email", f"{word}@x.example")),
            self.client.send_message(word, "00" * 16, word),
            self.client.set_presence(word, "ready"),
            self.client.get_contact(word),
        ):
            with pytest.raises(ClientError):
                await call

    # Steps

    @property
    def _smtp(self) -> tuple[str, int]:
        return place_of(self.engine.smtp)

    @property
    def _http(self) -> tuple[str, int]:
        return place_of(self.engine.http)

    async def _send(self, message: EmailMessage | bytes, sender: str = ADDRESS, to: str = SHOP) -> None:
        host, port = self._smtp
        async with aiosmtplib.SMTP(hostname=host, port=port, start_tls=False) as smtp:
            await smtp.sendmail(sender, [to], message if isinstance(message, bytes) else message.as_bytes())

    async def _served(self, message: EmailMessage | bytes) -> str:
        """The contact of a mail, with Anna."""
        await self._send(message)
        offer = await self.desk.until(Offer)
        await self._accept(offer)
        return offer.contact_id

    async def _accept(self, offer: Offer) -> None:
        await self.client.accept_offer(AGENT, offer.contact_id, offer.attempt)
        await self.client.confirm_connected(AGENT, offer.contact_id, offer.attempt)

    async def _messages(self, contact: str, count: int) -> None:
        async def there() -> bool:
            return len(await self.client.messages(contact)) >= count

        await eventually(there, f"{count} messages")

    async def _failed(self, count: int) -> None:
        async def there() -> bool:
            return (await self.client.effect_summary()).failed >= count

        await eventually(there, f"{count} dead letters")


# Mails


def headed(subject: str, number: int) -> EmailMessage:
    message = EmailMessage()
    message["From"] = f'"Wilhelmina {HELD["name"]}" <{ADDRESS}>'
    message["To"] = SHOP
    message["Subject"] = subject
    message["Message-ID"] = f"<{HELD['message id']}.{number}.{ADDRESS}>"
    return message


def plain(number: int = 1) -> EmailMessage:
    message = headed(f"{HELD['subject']} {number}", number)
    message["In-Reply-To"] = f"<{HELD['in reply to']}.{number}@privacy.example>"
    said = f"Beste winkel,\n\nwaar blijft mijn bestelling {HELD['text']}?\n\nOp maandag schreef Jan:\n> {HELD['quoted']}\n> niets\n"
    message.set_content(said)
    return message


def rich() -> EmailMessage:
    message = headed("Foto van de bestelling", 3)
    message.set_content("Zie de opmaak.")
    message.add_alternative(f"<html><body><p>Mijn <b>{HELD['html']}</b> is stuk</p></body></html>", subtype="html")
    content = f"inhoud {HELD['attachment']}".encode()
    message.add_attachment(content, maintype="application", subtype="octet-stream", filename=f"{HELD['file']}.bin")
    message.add_attachment(content.decode(), subtype="plain", filename=f"{HELD['file']}.txt", cte="quoted-printable")
    return message


def eight_bits() -> bytes:
    """Latin-1 without a word about it."""
    head = f"From: {HELD['name']} <{ADDRESS}>\r\nTo: {SHOP}\r\nSubject: bestelling {HELD['8 bits']}\r\n\r\n"
    return (head + f"Waar is mijn pakket {HELD['8 bits']}?\r\n").encode("latin-1")


def broken() -> bytes:
    """No parts, no end, no base64, and a date that is none."""
    head = f"From: {HELD['broken']} <{ADDRESS}>\r\nTo: {SHOP}\r\nDate: {HELD['broken']}\r\nSubject: =?utf-8?b?{HELD['broken']}\r\n"
    kind = f'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="{HELD["broken"]}"\r\n\r\n'
    part = f"--{HELD['broken']}\r\nContent-Type: text/plain; charset={HELD['broken']}\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return (head + kind + part + f"?{HELD['broken']}?\r\n").encode()


def reply(to: str, *, away: bool) -> EmailMessage:
    message = headed("Re: uw antwoord", 4 if away else 5)
    message["In-Reply-To"] = to
    if away:
        message["Auto-Submitted"] = "auto-replied"
    message.set_content(f"Ik ben {HELD['automatic']} en weer terug in juli." if away else f"Dank u wel\n\n-- \n{HELD['thanks']}\n")
    return message


def bounce(of: str) -> bytes:
    said = f"Reporting-MTA: dns; far.example\r\n\r\nFinal-Recipient: rfc822; {ADDRESS}\r\nAction: failed\r\nStatus: 5.1.1\r\n"
    return (
        f"From: MAILER-DAEMON@far.example\r\nTo: {SHOP}\r\nSubject: Undelivered\r\n"
        "Message-ID: <b1@far.example>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="grens"\r\n\r\n'
        f"--grens\r\nContent-Type: text/plain\r\n\r\nMail to {ADDRESS} came back: {HELD['bounce']}\r\n"
        f"--grens\r\nContent-Type: message/delivery-status\r\n\r\n{said}Diagnostic-Code: smtp; 550 {HELD['bounce']}\r\n"
        f"--grens\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {of}\r\nSubject: {HELD['subject']}\r\n--grens--\r\n"
    ).encode()


def signed(body: str, secret: str) -> dict[str, str]:
    at = datetime.now(UTC)
    signature = Signature(secret).sign("msg_0000000001", at, body)
    return {
        "content-type": "application/json",
        "webhook-id": "msg_0000000001",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature,
    }


# Lines


def place_of(address: str | None) -> tuple[str, int]:
    assert address is not None
    host, _, port = address.rpartition(":")
    return host, int(port)


async def converse(host: str, port: int, text: str, *, hang_up: bool = False) -> None:
    """Say it all, line by line, whatever is answered; then listen to the end, or hang up."""
    reader, writer = await asyncio.open_connection(host, port)
    with contextlib.suppress(ConnectionError):
        for line in text.splitlines(keepends=True):
            writer.write(line.encode())
            await writer.drain()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(reader.read(4096), 0.05)
        if not hang_up:
            async with asyncio.timeout(60):
                await reader.read()
    writer.close()


async def hear_any(socket: object) -> None:
    async with asyncio.timeout(60):
        await socket.recv()  # type: ignore[attr-defined]


def write_secrets(path: Path) -> Path:
    path.write_text(f"reviews: [{SECRET}]\n")
    path.chmod(0o600)
    return path


Refusal = Callable[[str], str | None]
