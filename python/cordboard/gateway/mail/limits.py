"""What one mail may be, and what one SMTP server allows. Every size and time has a bound here."""

from dataclasses import dataclass

HEADERS_MAX = 1_000
"""Header fields that are looked at, beside the few that are needed."""
HEADER_MAX = 256 * 1024
"""Characters of one header field that are read; of those that describe a part (Content-…) only PART_HEADER_MAX."""
PART_HEADER_MAX = 2_000
VALUE_MAX = 16 * 1024
"""Characters of a header field that are decoded as text or addresses."""
LINES_MAX = 1_000_000
"""A mail of more lines is not taken apart: 25 MiB of base64 have 340,000."""
STRUCTURE_WORK_MAX = 6_000_000
"""Multiparts times lines: each multipart that is open makes every line of the mail dearer. Beyond it, the same."""
PARTS_MAX = 500
DEPTH_MAX = 32
FILES_MAX = 63
"""Attachments of one mail; beside them stands the original."""
NAME_MAX = 200
SUBJECT_MAX = 500
REFERENCES_MAX = 50
REFERENCES_CHARS_MAX = 24 * 1024
MESSAGE_ID_MAX = 900
ADDRESS_MAX = 254
ADDRESSES_MAX = 100
PART_TEXT_MAX = 512 * 1024
"""Bytes of a text part that are decoded; what the vault keeps of it is less."""
HTML_WORK_MAX = 20_000_000
"""Tags times depth that the HTML parser is given: some of its rules look at every open element for each new one."""


@dataclass(frozen=True, slots=True)
class SmtpLimits:
    """Bounds of the SMTP server. Times are seconds."""

    message_bytes: int = 25 * 1024 * 1024
    """Also announced (SIZE). Larger ones are refused for good (552)."""
    receiving_bytes: int = 256 * 1024 * 1024
    """Bytes of mails that are being received or on their way into the vault, all connections together; beyond it 452."""
    line_bytes: int = 64 * 1024
    """Longest line of a mail. RFC 5321 says 1000, and many who send do not know it."""
    recipients: int = 50
    connections: int = 200
    connections_per_client: int = 20
    commands: int = 1_000
    """Of one kind on one connection."""
    bad_commands: int = 20
    """Refused recipients and misread commands on one connection."""
    idle_s: float = 300.0
    data_idle_s: float = 180.0
    """Nothing comes for so long within a mail."""
    data_s: float = 900.0
    """A whole mail."""
    admit_s: float = 60.0
    """Vault and log together; then 451."""
    shutdown_s: float = 20.0
    """Mails that are on their way in when the server stops may take so long."""
    mails_per_minute: int = 60
    """From one sender to one address; beyond it 451, so that two machines that answer each other slow down and nothing is lost."""
    senders: int = 20_000
    """Pairs of sender and address that are counted at once; the oldest is forgotten."""
