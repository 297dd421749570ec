"""What kind of mail it is: written by a person, by a machine (RFC 3834), come back (RFC 3464), or going round in circles."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from cordboard.gateway.mail.bounces import Bounce, read_bounce
from cordboard.gateway.mail.parse import Parsed

HOPS_MAX = 50
_OWN_ID = re.compile(r"<[0-9a-f]{32}@(?P<domain>[^<>@\s]+)>")
_MACHINE_PRECEDENCE = frozenset({"bulk", "junk", "list", "auto_reply"})
_REPLY_HEADERS = ("x-autoreply", "x-autorespond", "x-autoreply-from", "x-mail-autoreply", "auto-reply")
_MACHINE_HEADERS = (
    "list-id", "list-unsubscribe", "list-post", "list-help", "feedback-id", "x-auto-response-suppress", "x-mailing-list",
)  # fmt: skip
_REPLY_SUBJECT = re.compile(
    r"^(?:(?:re|aw|antw|tr|fw|fwd)\s*:\s*)*\s*\W{0,3}(?:auto(?:matic|mated)?[- ]?(?:reply|response)|out of (?:the )?office|"
    r"automatisch(?:e)? (?:antwoord|bericht|beantwoord)|afwezig|niet aanwezig|réponse automatique|absence du bureau|absent\b|"
    r"automatische antwort|abwesenheit|abwesend|autoresponder)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Nature:
    """`automatic`: a machine wrote it. `auto_reply`: moreover it answers a mail and asks for nothing (out of office, receipts).
    `looping`: it has been here, or has been everywhere; whoever takes it may take it for ever."""

    automatic: bool = False
    auto_reply: bool = False
    bounce: Bounce | None = None
    looping: bool = False


def nature(mail: Parsed, mail_from: str | None, returned_to_us: bool, our_domains: Collection[str]) -> Nature:
    """`mail_from`: the envelope's sender, empty for the null sender, None if not known (a mailbox)."""
    bounce = read_bounce(mail, "-" if mail_from is None else mail_from, returned_to_us)
    auto_reply = bounce is None and _is_auto_reply(mail, mail_from)
    return Nature(
        automatic=bounce is not None or auto_reply or _is_automatic(mail, mail_from),
        auto_reply=auto_reply,
        bounce=bounce,
        looping=bounce is None and _is_looping(mail, our_domains),
    )


def _is_auto_reply(mail: Parsed, mail_from: str | None) -> bool:
    headers = mail.headers
    return (
        headers.word("auto-submitted") in ("auto-replied", "auto-notified")
        or headers.word("precedence") == "auto_reply"
        or any(_says_yes(headers.text(name)) for name in _REPLY_HEADERS if name in headers)
        or (mail.media_type == "multipart/report" and mail.report_type == "disposition-notification")
        or bool(_REPLY_SUBJECT.match(mail.subject))
        or (mail_from == "" and bool(mail.in_reply_to))
    )


def _is_automatic(mail: Parsed, mail_from: str | None) -> bool:
    headers = mail.headers
    return (
        mail_from == ""
        or headers.word("auto-submitted") not in ("", "no")
        or headers.word("precedence") in _MACHINE_PRECEDENCE
        or any(name in headers for name in _MACHINE_HEADERS)
        or headers.word("return-path") == "<>"
        or (
            mail.sender is not None and re.match(r"(?:no-?reply|do-?not-?reply|mailer-daemon)[@+]", mail.sender.address) is not None
        )
    )


def _is_looping(mail: Parsed, our_domains: Collection[str]) -> bool:
    own = _OWN_ID.fullmatch(mail.message_id.lower())
    return (
        mail.headers.count("received") > HOPS_MAX
        or (own is not None and own["domain"] in our_domains)
        or mail.headers.text("x-loop").lower().rpartition("@")[2] in our_domains
    )


def _says_yes(value: str) -> bool:
    return value.strip().lower() not in ("no", "false", "0")
