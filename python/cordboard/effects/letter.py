"""Writes a mail: its words from the template, its headers from the thread. The same answer gives the same bytes each time."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime

from cordboard.effects.attempt import Undeliverable
from cordboard.events.policy import MailPolicy, MailTemplate

SUBJECT_MAX = 200
NAME_MAX = 100
REFERENCES_MAX = 20
QUOTED_LINES_MAX = 100
QUOTED_MAX = 8_000
"""Characters."""
_ADDRESS = re.compile(r"[^\s@<>(),;:\\\"\[\]]{1,64}@[^\s@<>(),;:\\\"\[\]/]{1,253}")
_MESSAGE_ID = re.compile(r"<[\x21-\x3b\x3d\x3f-\x7e]{1,250}>")
_ANSWERED = re.compile(r"\s*(?:(?:re|aw|antw|sv|vs|ref|rif|odp)\s*(?:\[\d{1,3}\]|\(\d{1,3}\))?\s*:\s*)+", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"([ \t]*)\{(agent|customer)\}")
_WROTE = {"nl": "{name} schreef:", "fr": "{name} a écrit :", "de": "{name} schrieb:", "en": "{name} wrote:"}


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail ready to be sent. `unicode`: the other side must understand SMTPUTF8."""

    sender: str
    recipient: str
    data: bytes
    unicode: bool


@dataclass(frozen=True, slots=True)
class Thread:
    """Where the mail stands: its own id, what it answers, and what went before. All but `own` is the other side's, and checked."""

    own: str
    answers: str = ""
    before: Sequence[str] = ()

    def headers(self) -> bytes:
        """Message-ID, In-Reply-To, References. Folded here, since `email` would encode ids that are longer than a line."""
        lines = [f"Message-ID: {self.own}"]
        answers = self.answers.strip()
        if _MESSAGE_ID.fullmatch(answers):
            known = [given for given in dict.fromkeys((*self.before, answers)) if _MESSAGE_ID.fullmatch(given)]
            if len(known) > REFERENCES_MAX:
                known = [known[0], *known[1 - REFERENCES_MAX :]]
            lines += [f"In-Reply-To: {answers}", "References: " + "\r\n ".join(known)]
        return "".join(f"{line}\r\n" for line in lines).encode("ascii")


@dataclass(frozen=True, slots=True)
class Words:
    """What people wrote, and who."""

    text: str
    subject: str
    agent: str
    customer: str
    quoted: str
    language: str | None


def write_letter(mail: MailPolicy, own: str, to: str, words: Words, thread: Thread, at_ms: int) -> Letter:
    """Raises Undeliverable (`no_recipient`, `not_configured`) if one of the addresses is none."""
    sender, recipient = ascii_domain(own), ascii_domain(to)
    if sender is None:
        raise Undeliverable("not_configured", "our own address is none that mail can come from")
    if recipient is None:
        raise Undeliverable("no_recipient", "the customer's address is none that mail can go to")
    unicode = not (sender + recipient).isascii()
    message = EmailMessage(policy=SMTPUTF8 if unicode else SMTP)
    message["From"] = _mailbox(mail.sender_name, sender)
    message["To"] = _mailbox(words.customer, recipient)
    message["Subject"] = reply_subject(words.subject)
    message["Date"] = format_datetime(datetime.fromtimestamp(at_ms // 1_000, UTC))
    message.set_content(body(mail.templates, words), charset="utf-8")
    return Letter(sender, recipient, thread.headers() + message.as_bytes(), unicode)


def ascii_domain(address: str) -> str | None:
    """The address with its domain as DNS has it; None if it is no address."""
    if len(address) > 254 or not address.isprintable() or not _ADDRESS.fullmatch(address):
        return None
    local, _, domain = address.rpartition("@")
    if local.startswith(".") or local.endswith(".") or ".." in local:
        return None
    try:
        return f"{local}@{domain.encode('idna').decode('ascii').lower()}"
    except UnicodeError:
        return None


def reply_subject(subject: str) -> str:
    """`Re: ` once, whatever stood there and in whatever language."""
    line = one_line(subject, SUBJECT_MAX)
    found = _ANSWERED.match(line)
    return f"Re: {line[found.end() :] if found else line}".strip()


def body(templates: Mapping[str, MailTemplate], words: Words) -> str:
    """Greeting, answer, signature, and what is answered."""
    language, template = template_for(templates, words.language)
    parts = [_fill(template.greeting, words), words.text.strip(), _fill(template.signature, words)]
    if quoted := _quote(words, language):
        parts.append(quoted)
    text = "\n\n".join(part for part in (_clean(part).strip("\n") for part in parts) if part)
    return text + "\n"


def template_for(templates: Mapping[str, MailTemplate], language: str | None) -> tuple[str, MailTemplate]:
    """The language's, that of its base language, else the first one; with the language it is in."""
    wanted = (language or "").lower()
    for name in (wanted, wanted.partition("-")[0]):
        if name in templates:
            return name, templates[name]
    return next(iter(templates.items()), (wanted, MailTemplate()))


def one_line(text: str, most: int) -> str:
    """Without line breaks and control characters, blanks evened out, cut."""
    return " ".join("".join(" " if _unprintable(char) else char for char in text).split())[:most]


def _fill(text: str, words: Words) -> str:
    """Each placeholder once: what stands in a name is text, never another placeholder. A name that nobody knows leaves no gap."""
    known = {"agent": one_line(words.agent, NAME_MAX), "customer": one_line(words.customer, NAME_MAX)}
    return _PLACEHOLDER.sub(lambda found: found[1] + known[found[2]] if known[found[2]] else "", text)


def _quote(words: Words, language: str) -> str:
    lines = _clean(words.quoted[: QUOTED_MAX + 1]).rstrip().split("\n")
    whole = len(words.quoted) <= QUOTED_MAX and len(lines) <= QUOTED_LINES_MAX
    if lines == [""]:
        return ""
    if not whole:
        lines = [*"\n".join(lines)[:QUOTED_MAX].split("\n")[:QUOTED_LINES_MAX], "[…]"]
    name = one_line(words.customer, NAME_MAX)
    wrote = _WROTE.get(language.partition("-")[0], _WROTE["en"]).format(name=name) if name else ""
    quoted = [f">{line}" if line.startswith(">") else f"> {line}".rstrip() for line in lines]
    return "\n".join([wrote, *quoted] if wrote else quoted)


def _mailbox(name: str, address: str) -> Address:
    local, _, domain = address.rpartition("@")
    return Address(one_line(name, NAME_MAX), local, domain)


def _clean(text: str) -> str:
    """Line breaks are LF, and no other control characters but tabs."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(char for char in text if char in "\n\t" or not _unprintable(char))


def _unprintable(char: str) -> bool:
    # Surrogates would not survive encoding; line and paragraph separators are line breaks to some.
    return unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp")
