"""The other side of mail and webhooks: a real SMTP server that takes the engine's answers, and an HTTP receiver for signed ones."""

import asyncio
import base64
import contextlib
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from email import message_from_bytes
from email import policy as email_policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import msgspec
from aiosmtpd.smtp import SMTP, Envelope, Session
from litestar import Litestar, Request, Response, post
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from cordboard.demo.correspondence import Answer
from cordboard.demo.tally import Tally
from cordboard.events.policy import Policy
from cordboard.gateway.serve import bind, serving

HOST = "127.0.0.1"
GREYLIST_ONE_IN = 40
"""Every so many-th answer is turned away once: a relay that is always willing would prove little."""


Secrets = dict[str, str]
"""What each webhook is signed with, both ways."""


def make_secrets(policy: Policy) -> Secrets:
    """A new one for each webhook of the policy."""
    return {webhook.name: f"whsec_{base64.b64encode(os.urandom(32)).decode()}" for webhook in policy.webhooks}


def write_secrets(secrets: Secrets, file: Path) -> Path:
    """As `cordboard up --webhook-secrets` wants it: a file that nobody else may read."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    file.write_text("".join(f"{name}: [{secret}]\n" for name, secret in secrets.items()))
    return file


@dataclass(frozen=True, slots=True)
class FarSide:
    """Where the engine sends answers to."""

    relay: str
    receiver: str


class Postmaster:
    """The relay: takes mail for every customer, now and then only at the second attempt."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._turned_away: set[str] = set()
        self._mails = 0

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  aiosmtpd's name
        content = envelope.content
        assert isinstance(content, bytes)
        mail = message_from_bytes(content, policy=email_policy.default)
        assert isinstance(mail, EmailMessage)
        answer = read_answer(mail, envelope.mail_from or "")
        self._mails += 1
        if self._mails % GREYLIST_ONE_IN == 0 and answer.number not in self._turned_away:
            self._turned_away.add(answer.number)
            self._tally.happened["answer turned away once"] += 1
            return "451 4.7.1 Greylisted, try again"
        for recipient in envelope.rcpt_tos:
            self._tally.post.receive(recipient.lower(), answer)
        return "250 2.0.0 OK"


def read_answer(mail: EmailMessage, return_path: str) -> Answer:
    """What a customer's mail program would make of it."""
    body = mail.get_body(("plain",))
    return Answer(
        number=str(mail["Message-ID"] or "").strip(),
        text=body.get_content() if body is not None else "",
        subject=str(mail["Subject"] or ""),
        in_reply_to=str(mail["In-Reply-To"] or "").strip(),
        references=tuple(str(mail["References"] or "").split()),
        return_path=return_path,
    )


def make_receiver(tally: Tally, secrets: Secrets) -> Litestar:
    """An application that takes signed answers, and answers 503 to some at first."""
    signatures, refused = [Webhook(secret) for secret in secrets.values()], set[str]()

    def signed(body: bytes, headers: dict[str, str]) -> bool:
        for signature in signatures:
            with contextlib.suppress(WebhookVerificationError):
                signature.verify(body, headers)
                return True
        return False

    @post("/answers", status_code=204)
    async def answers(request: Request[Any, Any, Any]) -> Response[None]:
        body = await request.body()
        if not signed(body, dict(request.headers)):
            tally.happened["answer with a wrong signature"] += 1
            return Response(None, status_code=401)
        number = request.headers["webhook-id"]
        if int(number[:4] or "0", 16) % GREYLIST_ONE_IN == 0 and number not in refused:
            refused.add(number)
            tally.happened["answer turned away once"] += 1
            return Response(None, status_code=503, headers={"retry-after": "1"})
        said = msgspec.json.decode(body)
        tally.post.receive(said.get("thread") or "", Answer(number, said["text"]))
        return Response(None, status_code=204)

    return Litestar([answers], openapi_config=None, logging_config=None)


@contextlib.asynccontextmanager
async def far_side(tally: Tally, secrets: Secrets) -> AsyncIterator[FarSide]:
    """Both servers on free ports, for the length of the context."""
    loop = asyncio.get_running_loop()
    postmaster = Postmaster(tally)
    relay = await loop.create_server(
        lambda: SMTP(postmaster, loop=loop, hostname="relay.example", ident="demo", enable_SMTPUTF8=True), HOST, 0
    )
    with contextlib.closing(bind(HOST, 0, insecure_listen=False)) as listener:
        port = listener.getsockname()[1]
        async with serving(make_receiver(tally, secrets), listener):
            try:
                yield FarSide(
                    relay=f"smtp://{HOST}:{relay.sockets[0].getsockname()[1]}?tls=never",
                    receiver=f"http://{HOST}:{port}/answers",
                )
            finally:
                relay.close()
