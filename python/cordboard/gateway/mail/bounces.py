"""Mails that came back: delivery status reports (RFC 3464), and what older and stranger servers send instead."""

import re
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from typing import Literal

from cordboard.gateway.mail.charset import decode, one_line
from cordboard.gateway.mail.headers import BREAKS, Headers
from cordboard.gateway.mail.parse import Parsed

Action = Literal["failed", "delayed", "delivered"]
_REPORT_MAX = 64 * 1024
_DETAIL_MAX = 300
_FIELD = re.compile(r"^(?P<name>action|status|diagnostic-code|final-recipient|original-recipient)\s*:\s*(?P<value>.*)$", re.I)
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_REPLY_CODE = re.compile(
    r"(?<![\d.])(?:SMTP error.{0,80}?|said: |responded: |^[ \t]*)?\b([45]\d\d)[ -]", re.IGNORECASE | re.MULTILINE
)
_MESSAGE_ID = re.compile(r"^[ \t]*>?[ \t]*message-id:[ \t]*(<[^<>\s]{3,900}>)", re.IGNORECASE | re.MULTILINE)
_DAEMONS = re.compile(r"^(?:mailer-daemon|postmaster|mail-daemon|bounces?|mailerdaemon|mdaemon)(?:[+@-]|$)")
_SUBJECTS = re.compile(
    r"undeliver|delivery (?:status notification|failure|problem|notification|has failed)|returned mail|mail delivery|"
    r"failure notice|could not be delivered|message you sent blocked|onbestelbaar|niet bezorgd|niet afgeleverd|"
    r"unzustellbar|nicht zugestellt|zustellung|non remis|non distribu|échec de la remise|non délivré|mail system error",
    re.IGNORECASE,
)
_FAILED, _DELAYED = re.compile(r"^(?:failed|5)"), re.compile(r"^(?:delayed|4)")


@dataclass(frozen=True, slots=True)
class Bounce:
    """`action` delayed: it is still tried; delivered: it has arrived. `original_id` is the Message-ID of what came back."""

    action: Action
    status: str = ""
    """Enhanced status code such as 5.1.1; empty if there was none."""
    diagnostic: str = ""
    recipient: str = ""
    original_id: str = ""

    def summary(self) -> str:
        """A line for agents."""
        said = {"failed": "could not be delivered", "delayed": "has not been delivered yet", "delivered": "has been delivered"}
        to = f" to {self.recipient}" if self.recipient else ""
        status = f" ({self.status})" if self.status else ""
        detail = f": {self.diagnostic}" if self.diagnostic else "."
        return f"The message{to} {said[self.action]}{status}{detail}"


def read_bounce(mail: Parsed, mail_from: str, returned_to_us: bool) -> Bounce | None:
    """What the mail says about one of ours, if it does. `mail_from` is the envelope's sender (empty: the null sender);
    `returned_to_us`: it came to an address that only our own mails bear as their sender."""
    if mail.media_type == "multipart/report" and mail.report_type in ("delivery-status", ""):
        return _report(mail) or _guess(mail)
    return (_report(mail) or _guess(mail)) if _looks_returned(mail, mail_from, returned_to_us) else None


def _looks_returned(mail: Parsed, mail_from: str, returned_to_us: bool) -> bool:
    """The common non-standard ones: from nobody or a daemon, and the address, their subject or a header says so. (People do write
    to return addresses, because their programs let them.)"""
    sender = mail.sender.address if mail.sender else ""
    if mail_from and not _DAEMONS.match(sender) and not _DAEMONS.match(mail_from.lower()):
        return False
    return returned_to_us or "x-failed-recipients" in mail.headers or bool(_SUBJECTS.search(mail.subject))


def _report(mail: Parsed) -> Bounce | None:
    """From the machine-readable part."""
    report = next((file.data for file in mail.files if file.media_type in _REPORTS), None)
    if report is None:
        return None
    said: dict[str, str] = {}
    for line in re.sub(r"\n[ \t]+", " ", decode(report[:_REPORT_MAX]).replace("\r\n", "\n")).split("\n"):
        if found := _FIELD.match(line):
            said.setdefault(found["name"].lower(), one_line(found["value"], _DETAIL_MAX))
    if not said:
        return None
    diagnostic = said.get("diagnostic-code", "").partition(";")[2].strip() or said.get("diagnostic-code", "")
    recipient = said.get("original-recipient") or said.get("final-recipient", "")
    status = match[1] if (match := _STATUS.search(said.get("status", ""))) else ""
    return Bounce(
        action=_action(said.get("action", status)),
        status=status,
        diagnostic=diagnostic,
        recipient=recipient.rpartition(";")[2].strip().lower(),
        original_id=_original_id(mail),
    )


_REPORTS = ("message/delivery-status", "message/global-delivery-status")


def _action(word: str) -> Action:
    word = word.lower()
    if _DELAYED.match(word):
        return "delayed"
    return "failed" if _FAILED.match(word) or not word else "delivered"


def _guess(mail: Parsed) -> Bounce:
    """From the text for people."""
    text = mail.text[:_REPORT_MAX]
    status = _STATUS.search(text)
    code = _REPLY_CODE.search(text)
    lines = [line for line in text.split("\n") if _STATUS.search(line) or _REPLY_CODE.search(line)]
    found = status[1] if status else f"{code[1][0]}.0.0" if code else ""
    delayed = found.startswith("4") or "delay" in mail.subject.lower() or "warning" in mail.subject.lower()
    return Bounce(
        action="delayed" if delayed else "failed",
        status=found,
        diagnostic=one_line(lines[0], _DETAIL_MAX) if lines else "",
        recipient=mail.headers.text("x-failed-recipients").lower(),
        original_id=_original_id(mail),
    )


def _original_id(mail: Parsed) -> str:
    """The Message-ID of the mail that came back: in the copy that came with it, or in the text, or what this is an answer to."""
    for file in mail.files:
        if file.media_type in ("message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers"):
            try:
                returned = Headers.of(BytesHeaderParser().parsebytes(file.data[:_REPORT_MAX] + b"\n\n")).message_id()
            except BREAKS:
                continue
            if returned:
                return returned
    quoted = _MESSAGE_ID.search(mail.text[:_REPORT_MAX])
    if quoted:
        return quoted[1]
    return mail.in_reply_to[0] if mail.in_reply_to else ""
