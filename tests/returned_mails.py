"""Mails that machines write: bounces of many makes, automatic replies in four languages, and mails that go round in circles."""

# ruff: noqa: E501 - one mail a line
from __future__ import annotations

ORIGINAL_ID = "<00112233445566778899aabbccddeeff@webshop.example>"
DAEMON = "MAILER-DAEMON@mx.klant.example"
_OURS = f"From: klantenservice@webshop.example\r\nTo: weg@klant.example\r\nSubject: Re: Pakket\r\nMessage-ID: {ORIGINAL_ID}\r\n"


def report(action: str, status: str, detail: str, copy: str = "message/rfc822") -> bytes:
    """A delivery status report (RFC 3464)."""
    return (
        f"From: {DAEMON}\r\nTo: klantenservice@webshop.example\r\nSubject: Undelivered Mail Returned to Sender\r\n"
        f"Auto-Submitted: auto-replied\r\nMessage-ID: <dsn-{action}{status}{len(copy)}@mx.klant.example>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="r"\r\n\r\n'
        "--r\r\nContent-Type: text/plain\r\n\r\nThis is the mail system at host mx.klant.example.\r\n"
        "--r\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.klant.example\r\n\r\n"
        f"Final-Recipient: rfc822; weg@klant.example\r\nAction: {action}\r\nStatus: {status}\r\nDiagnostic-Code: smtp; {detail}\r\n\r\n"
        f"--r\r\nContent-Type: {copy}\r\n\r\n{_OURS}\r\nAntwoord\r\n--r--\r\n"
    ).encode()


def note(subject: str, text: str, *headers: str, who: str = DAEMON) -> bytes:
    """A mail of plain text."""
    lines = (f"From: {who}", "To: klantenservice@webshop.example", f"Subject: {subject}", *headers, "")
    return "\r\n".join(lines).encode() + b"\r\n" + text.replace("\n", "\r\n").encode() + b"\r\n"


BOUNCES: dict[str, tuple[bytes, str]] = {
    "bounce: report": (report("failed", "5.1.1", "550 5.1.1 User unknown"), ""),
    "bounce: report with headers alone": (report("failed", "5.2.2", "552 mailbox full", "text/rfc822-headers"), ""),
    "bounce: delayed": (report("delayed", "4.4.1", "connection timed out"), ""),
    "bounce: delivered": (report("delivered", "2.0.0", "250 ok"), ""),
    "bounce: qmail": (
        note(
            "failure notice",
            "Hi. This is the qmail-send program at mx.klant.example.\nI'm afraid I wasn't able to deliver your message.\n\n"
            f"<weg@klant.example>:\n550 5.7.1 Sorry, no mailbox here\n\n--- Below this line is a copy of the message.\n\n{_OURS}",
        ),
        "",
    ),
    "bounce: exim": (
        note(
            "Mail delivery failed: returning message to sender",
            "A message that you sent could not be delivered.\n\n  weg@klant.example\n    SMTP error from remote mail server: 550 No such user",
            "X-Failed-Recipients: weg@klant.example",
        ),
        "",
    ),
    "bounce: Exchange, in Dutch": (
        note("Onbestelbaar: Re: Pakket", "Uw bericht heeft de geadresseerde niet bereikt.\n#5.1.10 smtp;550 5.1.10", who="postmaster@klant.example"),
        "",
    ),
    "bounce: report type missing": (
        report("failed", "5.0.0", "x").replace(b"report-type=delivery-status; ", b""),
        "",
    ),
    "bounce: report without fields": (
        note("Undeliverable", "", 'Content-Type: multipart/report; report-type=delivery-status; boundary="q"')
        + b"--q\r\nContent-Type: message/delivery-status\r\n\r\nniets\r\n--q--\r\n",
        "",
    ),
}  # fmt: skip
AUTOMATIC: dict[str, tuple[bytes, str]] = {
    "automatic: RFC 3834": (note("Re: Pakket", "Ik ben er niet.", "Auto-Submitted: auto-replied (vacation)", f"In-Reply-To: {ORIGINAL_ID}", who="anna@klant.example"), ""),
    "automatic: Outlook, in Dutch": (note("Automatisch antwoord: Re: Pakket", "Ik ben met vakantie.", f"In-Reply-To: {ORIGINAL_ID}", "X-Auto-Response-Suppress: All", who="anna@klant.example"), "anna@klant.example"),
    "automatic: in French": (note("Réponse automatique : Re: Paquet", "Je suis absent.", f"References: {ORIGINAL_ID}", who="a@klant.example"), "a@klant.example"),
    "automatic: in German": (note("Abwesenheitsnotiz: Re: Paket", "Ich bin im Urlaub.", f"In-Reply-To: {ORIGINAL_ID}", who="a@klant.example"), "a@klant.example"),
    "automatic: in English": (note("Out of Office: Re: Parcel", "I am away.", f"In-Reply-To: {ORIGINAL_ID}", "Precedence: auto_reply", who="a@klant.example"), "a@klant.example"),
    "automatic: X-Autoreply": (note("Re: Pakket", "We read your mail.", "X-Autoreply: yes", f"In-Reply-To: {ORIGINAL_ID}", who="a@klant.example"), "a@klant.example"),
    "automatic: read receipt": (
        note("Gelezen: Re: Pakket", "", 'Content-Type: multipart/report; report-type=disposition-notification; boundary="m"', f"In-Reply-To: {ORIGINAL_ID}", who="a@klant.example")
        + b"--m\r\n\r\nGelezen\r\n--m\r\nContent-Type: message/disposition-notification\r\n\r\nDisposition: manual-action\r\n--m--\r\n",
        "",
    ),
    "automatic: newsletter": (note("Nieuwsbrief", "Koop nu!", "List-Unsubscribe: <mailto:x@y.example>", "Precedence: bulk", who="nieuws@klant.example"), "nieuws@klant.example"),
    "automatic: from nobody": (note("Melding", "Iets is gebeurd.", who="no-reply@klant.example"), "no-reply@klant.example"),
}  # fmt: skip
CIRCLES: dict[str, tuple[bytes, str]] = {
    "our own id": (note("Re: Pakket", "Antwoord", f"Message-ID: {ORIGINAL_ID}", who="klantenservice@webshop.example"), "x@klant.example"),
    "our own X-Loop": (note("Re: Pakket", "Antwoord", "X-Loop: klantenservice@webshop.example", who="a@klant.example"), "a@klant.example"),
    "sixty hops": (note("Re: Pakket", "Hallo", *(f"Received: from a by b; {n}" for n in range(60)), who="a@klant.example"), "a@klant.example"),
}  # fmt: skip
RETURNED: dict[str, tuple[bytes, str]] = BOUNCES | AUTOMATIC | CIRCLES
