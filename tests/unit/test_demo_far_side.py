"""The demo's other side, spoken to as the engine does: real SMTP, real HTTP."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from random import Random

import httpx
import msgspec
import pytest
from aiosmtplib import SMTP
from aiosmtplib.errors import SMTPResponseException
from standardwebhooks.webhooks import Webhook as Signature

from cordboard.demo.far_side import GREYLIST_ONE_IN, FarSide, far_side, make_secrets, write_secrets
from cordboard.demo.letters import MATTERS
from cordboard.demo.mailers import REPORT, compose
from cordboard.demo.sources import Door, Source, Visitor
from cordboard.demo.tally import Tally
from cordboard.effects.relay import Relay
from cordboard.gateway.form.form import check
from cordboard.gateway.mail.bounces import read_bounce
from cordboard.gateway.mail.parse import parse
from cordboard.gateway.webhook.secrets import read_webhook_secrets
from cordboard.gateway.webhook.webhook import letter_of, payload_of
from cordboard.policy import load

POLICY = load(Path(__file__).parent.parent.parent / "examples" / "webshop.yaml").policy
SECRETS = make_secrets(POLICY)
TOKEN = "0123456789ab"


@pytest.fixture
def tally() -> Tally:
    return Tally()


@pytest.fixture
async def outside(tally: Tally) -> AsyncIterator[FarSide]:
    async with far_side(tally, SECRETS) as running:
        yield running


async def send(outside: FarSide, number: str, to: str) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Message-ID"] = "service@shop.example", to, number
    mail["In-Reply-To"] = mail["References"] = "<question@clients.example>"
    mail.set_content(f"Geregeld. [{TOKEN}]\n\n> é [ffffffffffff]")
    relay = Relay.from_url(outside.relay)
    async with SMTP(hostname=relay.host, port=relay.port, start_tls=False) as client:
        await client.sendmail("service+b.x@shop.example", [to], mail.as_bytes())


async def test_a_mail_reaches_its_thread(tally: Tally, outside: FarSide) -> None:
    thread = tally.post.begin("mail", "anna@clients.example")
    thread.sent.append("<question@clients.example>")
    tally.post.say(TOKEN, "mail", "c1")
    await send(outside, "<a@shop.example>", "Anna@clients.example")
    (answer,) = thread.answers
    assert answer.number == "<a@shop.example>"
    assert answer.return_path == "service+b.x@shop.example"
    assert not thread.broken


async def test_the_relay_turns_some_away_once(tally: Tally, outside: FarSide) -> None:
    for number in range(1, GREYLIST_ONE_IN):
        await send(outside, f"<{number}@shop.example>", "anna@clients.example")
    with pytest.raises(SMTPResponseException, match="Greylisted"):
        await send(outside, "<patient@shop.example>", "anna@clients.example")
    await send(outside, "<patient@shop.example>", "anna@clients.example")


async def test_only_signed_answers_are_taken(tally: Tally, outside: FarSide) -> None:
    thread = tally.post.begin("webhook", "review-1")
    tally.post.say(TOKEN, "webhook", "c1")
    body, number, at = msgspec.json.encode({"thread": "review-1", "text": f"[{TOKEN}]"}).decode(), "1" * 32, datetime.now(UTC)
    stamp = {"webhook-id": number, "webhook-timestamp": str(int(at.timestamp()))}
    async with httpx.AsyncClient(trust_env=False) as client:
        forged = await client.post(outside.receiver, content=body, headers={**stamp, "webhook-signature": "v1,AAAA"})
        assert forged.status_code == 401
        assert not thread.answers
        (secret,) = SECRETS.values()
        signed = {**stamp, "webhook-signature": Signature(secret).sign(number, at, body)}
        assert (await client.post(outside.receiver, content=body, headers=signed)).status_code == 204
    assert [answer.number for answer in thread.answers] == [number]


def test_the_secrets_are_a_file_that_the_engine_takes(tmp_path: Path) -> None:
    read = read_webhook_secrets(write_secrets(SECRETS, tmp_path / "webhooks.yaml"))
    assert read == {name: (secret,) for name, secret in SECRETS.items()}


def test_a_visitor_fills_in_what_the_form_asks_for(tally: Tally) -> None:
    (form,) = POLICY.forms
    door = Door(httpx.AsyncClient(), "http://127.0.0.1:1/form/contact", "form", tally)
    for seed in range(50):
        visitor = Visitor(door, form, None, "service@shop.example", tally, Random(seed))  # type: ignore[arg-type]  # sends no mail
        given = visitor.values(MATTERS["de"][0])
        assert check(form, given, "de")


def test_a_source_says_what_the_webhook_looks_for(tally: Tally) -> None:
    (webhook,) = POLICY.webhooks
    (entry,) = (entry for entry in POLICY.entry_points if entry.name == webhook.name)
    door = Door(httpx.AsyncClient(), "http://127.0.0.1:1/webhook/reviews", "webhook", tally)
    source = Source(door, webhook, SECRETS[webhook.name], tally, Random(1))
    matter = MATTERS["fr"][0]
    letter = letter_of(webhook, entry, payload_of(msgspec.json.encode(source.payload(matter))), "msg_1")
    assert letter.text == matter.text
    assert letter.envelope is not None and letter.envelope.thread in tally.post.threads


def test_a_bounce_is_read_as_one() -> None:
    report = REPORT.format(number="ab12", to="service+b.x@shop.example", customer="anna@clients.example", answer="<a@shop.example>")
    bounce = read_bounce(parse(report.replace("\n", "\r\n").encode()), "", True)
    assert bounce is not None
    assert (bounce.action, bounce.status, bounce.original_id) == ("failed", "5.2.2", "<a@shop.example>")


def test_mails_are_of_their_writers_and_none_is_the_same() -> None:
    dice = Random(3)
    mails = [
        compose("Chloé Schäfer", "c@clients.example", "service@shop.example", "Où ?", "Où est-elle ?", dice) for _ in range(50)
    ]
    assert len({mail["Message-ID"] for mail in mails}) == 50
    assert all("Où est-elle ?" in parse(mail.as_bytes()).text for mail in mails), "plain, HTML, or with a file"
    assert len({mail.get_content_type() for mail in mails}) == 4
    sender = parse(mails[0].as_bytes()).sender
    assert sender is not None and (sender.address, sender.name) == ("c@clients.example", "Chloé Schäfer")


@pytest.mark.parametrize("seed", range(40))
def test_a_mail_can_quote_what_its_charset_does_not_have(seed: int) -> None:
    mail = compose(
        "Jan",
        "jan@clients.example",
        "service@shop.example",
        "Re: Offerte",
        "Dank!\n\n> Mehmet Kovařík schreef: 1 € < 2",
        Random(seed),
    )
    letter = parse(mail.as_bytes())
    assert "Mehmet Kovařík schreef: 1 € < 2" in letter.text
