"""Customers who write mails, over SMTP. They ask, reply within the thread, say thank you, are away, or cannot be reached."""

import asyncio
import random
from collections.abc import Sequence
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, localtime
from html import escape

from aiosmtplib import SMTP
from aiosmtplib.errors import SMTPException, SMTPResponseException

from cordboard.demo.correspondence import Answer, Thread
from cordboard.demo.letters import AWAY, DOMAINS, FOLLOW_UPS, MATTERS, NAMES, SURNAMES, THANKS, WROTE, Matter
from cordboard.demo.tally import Tally
from cordboard.demo.texts import LANGUAGE_WEIGHTS, LANGUAGES

ATTEMPTS_MAX = 40
RETRY_S = 0.5
TWICE = 0.10
"""Mails that are delivered a second time, as servers do that missed the 250."""
AT_ONCE = 8
HTML_BESIDE, HTML_ALONE, WITH_FILE = 0.4, 0.1, 0.1
PATIENCE_S = 15.0
REACTIONS = ("question", "thanks", "away", "bounce", "silence")
REACTION_WEIGHTS = (35, 20, 8, 5, 32)


class Post:
    """The way to the engine's SMTP port, for all customers together."""

    def __init__(self, address: str, tally: Tally) -> None:
        host, _, port = address.rpartition(":")
        self._host, self._port = host, int(port)
        self._tally = tally
        self._room = asyncio.Semaphore(AT_ONCE)

    async def send(self, data: bytes, sender: str, recipient: str) -> bool:
        """Until it is taken; the same bytes each time. True if it was."""
        for _ in range(ATTEMPTS_MAX):
            try:
                await self._dialogue(data, sender, recipient)
            except SMTPResponseException as error:
                self._tally.happened[f"mail: {error.code}"] += 1
                if error.code >= 500:
                    return False
            except (SMTPException, OSError, TimeoutError) as error:
                self._tally.happened[f"mail: {type(error).__name__}"] += 1
            else:
                return True
            await asyncio.sleep(RETRY_S)
        self._tally.post.doubtful["mail"] += 1
        return False

    async def _dialogue(self, data: bytes, sender: str, recipient: str) -> None:
        async with self._room, SMTP(hostname=self._host, port=self._port, start_tls=False, timeout=30) as client:
            await client.sendmail(sender, [recipient], data)


class Correspondent:
    """One customer with one matter, and a mail address that nobody else has."""

    def __init__(self, post: Post, doors: Sequence[str], tally: Tally, dice: random.Random) -> None:
        self._post, self._door, self._tally, self._dice = post, dice.choice(doors), tally, dice
        self._language = dice.choices(LANGUAGES, LANGUAGE_WEIGHTS)[0]
        self._name = f"{dice.choice(NAMES)} {dice.choice(SURNAMES)}"
        self._address = f"customer.{dice.getrandbits(40):010x}@{dice.choice(DOMAINS)}"
        self._thread = tally.post.begin("mail", self._address)

    async def run(self) -> None:
        """Write, wait for the answer, react to it."""
        if not await self._write(self._dice.choice(MATTERS[self._language])):
            return
        answer = await self._thread.answered(PATIENCE_S)
        if answer is None:
            self._tally.happened["mail customer saw no answer in time"] += 1
            return
        await react(self._post, self._thread, answer, self._door, self._name, self._language, self._tally, self._dice)

    async def _write(self, matter: Matter) -> bool:
        mail = compose(self._name, self._address, self._door, matter.subject, matter.text, self._dice)
        return await deliver(self._post, mail, self._thread, self._door, self._tally, self._dice)


async def react(
    post: Post, thread: Thread, answer: Answer, door: str, name: str, language: str, tally: Tally, dice: random.Random
) -> None:
    """What people and their machines do with an answer."""
    reaction = dice.choices(REACTIONS, REACTION_WEIGHTS)[0]
    tally.happened[f"answer met with {reaction}"] += 1
    await asyncio.sleep(dice.uniform(0.2, 1.5))
    subject = answer.subject if answer.subject.lower().startswith("re:") else f"Re: {answer.subject}"
    match reaction:
        case "question":
            quoted = "\n".join(f"> {line}" for line in answer.text.splitlines())
            text = f"{FOLLOW_UPS[language]}\n\n{WROTE[language]}\n{quoted}"
            mail = compose(name, thread.address, door, subject, text, dice, answers=answer)
        case "thanks":
            mail = compose(name, thread.address, door, subject, THANKS[language], dice, answers=answer)
        case "away":
            mail = compose(name, thread.address, door, AWAY[language].subject, AWAY[language].text, dice, answers=answer)
            mail["Auto-Submitted"] = "auto-replied"
        case "bounce":
            await _bounce(post, thread, answer, tally, dice)
            return
        case _:
            return
    await deliver(post, mail, thread, door, tally, dice)


async def deliver(post: Post, mail: EmailMessage, thread: Thread, door: str, tally: Tally, dice: random.Random) -> bool:
    """Send it, some of them twice. The thread knows its id before an answer can come."""
    thread.sent.append(str(mail["Message-ID"]))
    data = mail.as_bytes(policy=SMTP_POLICY)
    if not await post.send(data, thread.address, door):
        return False
    tally.post.taken["mail"] += 1
    if dice.random() < TWICE:
        tally.happened["mail delivered twice"] += 1
        await post.send(data, thread.address, door)
    return True


async def _bounce(post: Post, thread: Thread, answer: Answer, tally: Tally, dice: random.Random) -> None:
    """The customer's own server gives the answer back, to the return address of its envelope (RFC 3464)."""
    report = REPORT.format(
        number=f"{dice.getrandbits(96):024x}", to=answer.return_path, customer=thread.address, answer=answer.number
    )
    if await post.send(report.replace("\n", "\r\n").encode("ascii"), "", answer.return_path):
        tally.post.taken["mail"] += 1


REPORT = """\
From: Mail Delivery System <mailer-daemon@mx.example>
To: {to}
Subject: Undelivered mail returned to sender
Message-ID: <{number}@mx.example>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="{number}"

--{number}
Content-Type: text/plain; charset=us-ascii

Your message could not be delivered: the mailbox is full.

--{number}
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; {customer}
Action: failed
Status: 5.2.2
Diagnostic-Code: smtp; 552 5.2.2 Mailbox full

--{number}
Content-Type: text/rfc822-headers

Message-ID: {answer}

--{number}--
"""


def compose(
    name: str, address: str, to: str, subject: str, text: str, dice: random.Random, *, answers: Answer | None = None
) -> EmailMessage:
    """A mail as mail programs write them; `answers` puts it into the thread."""
    mail = EmailMessage()
    mail["From"] = f"{name} <{address}>"
    mail["To"] = to
    mail["Subject"] = subject
    mail["Date"] = format_datetime(localtime())
    mail["Message-ID"] = f"<{dice.getrandbits(96):024x}@{address.partition('@')[2]}>"
    if answers is not None:
        mail["In-Reply-To"] = answers.number
        mail["References"] = " ".join((*answers.references, answers.number))
    mail.set_content(text)
    _dress(mail, text, dice)
    return mail


def _dress(mail: EmailMessage, text: str, dice: random.Random) -> None:
    """As the programs of this world send it: plain, with HTML beside it, HTML alone in an old charset, or with a file."""
    chance = dice.random()
    html = "".join(f"<p>{escape(line)}</p>" for line in text.splitlines() if line)
    if chance < HTML_BESIDE:
        mail.add_alternative(f"<html><body>{html}</body></html>", subtype="html")
    elif chance < HTML_BESIDE + HTML_ALONE:
        # What the charset does not have goes as a reference: the agent's name, say, in what is quoted.
        html = html.encode("windows-1252", "xmlcharrefreplace").decode("windows-1252")
        mail.set_content(f"<html><body>{html}</body></html>", subtype="html", charset="windows-1252")
    elif chance < HTML_BESIDE + HTML_ALONE + WITH_FILE:
        mail.add_attachment(dice.randbytes(2_000), maintype="image", subtype="jpeg", filename="photo café.jpg")
