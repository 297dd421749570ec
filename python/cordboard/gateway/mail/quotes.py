"""What a writer wrote now: without quotations, the headers of quoted mails, and signatures. In Dutch, French, German, English,
Spanish and Italian, as the common mail programs write them."""

import re

from cordboard.gateway.mail.charset import one_line

_LINE_MAX = 400
_SPAN = 4
"""Lines over which an attribution or a header block may run."""
_ATTRIBUTION = re.compile(
    r"^(?:"
    r"(?:op|on|am|le|el|il|em|den)\b.{4,300}\b(?:schreef|wrote|schrieb|a écrit|a ecrit|escribió|ha scritto|escreveu)\b"
    r"(?:[^.?!:]|\.(?=\S)){0,200}:"
    r"|.{2,200}\b(?:schreef op|wrote on|schrieb am|a écrit le)\b.{2,200}:"
    r"|.{2,200}<[^<>\s]{3,200}>,? (?:schreef|wrote|schrieb|a écrit)\b.{0,100}:"
    r")\s*$",
    re.IGNORECASE,
)
_BEGINS = re.compile(r"^(?:op|on|am|le|el|il|em|den|.{2,200}\b(?:schreef|wrote|schrieb|écrit)\b|.{2,200}<[^<>\s]{3,200}>)", re.I)
_DATED = re.compile(r"\d|@")
_SEPARATOR = re.compile(
    r"^\s*-{2,}\s*(?:original message|oorspronkelijk bericht|message d['’]origine|message original|"  # noqa: RUF001
    r"ursprüngliche nachricht|original-nachricht|mensaje original|messaggio originale|forwarded message|"
    r"doorgestuurd bericht|message transféré|weitergeleitete nachricht)\s*-{2,}\s*$",
    re.IGNORECASE,
)
_FROM = re.compile(r"^[\s*]*(?:from|van|de|von|da)\s?:[\s*]", re.IGNORECASE)
_SENT = re.compile(
    r"^[\s*]*(?:sent|date|verzonden|datum|envoyé|envoyé le|gesendet|enviado|fecha|inviato|data)\s?:[\s*]", re.IGNORECASE
)
_RULE = re.compile(r"^_{20,}$")
_SIGNATURE = re.compile(r"^--\s?$")
_MOBILE = re.compile(
    r"^(?:sent from my |verzonden (?:vanaf|met|via) |verstuurd vanaf |envoyé (?:depuis|de) mon |von meinem .{2,40} gesendet|"
    r"gesendet (?:von|mit) |get outlook for |download outlook |outlook voor )",
    re.IGNORECASE,
)


def without_quotes(text: str) -> str:
    """The text without what it quotes and its signature; empty if it has nothing else, as a mail that only forwards another."""
    lines = text.split("\n")
    short = [line[:_LINE_MAX].replace("\xa0", " ").rstrip() for line in lines]
    kept: list[str] = []
    at = 0
    while at < len(lines):
        line = short[at]
        if _SIGNATURE.match(line):
            at = _after_signature(short, at + 1)
        elif _SEPARATOR.match(line) or _is_header_block(short, at):
            break
        elif line.startswith(">") or _MOBILE.match(line.lstrip()):
            at += 1
        elif span := _attribution(short, at):
            following = _next_written(short, at + span)
            if following is not None and short[following].startswith(">"):
                at = following
            elif _DATED.search(" ".join(short[at : at + span])):
                break  # quoted without marks: nothing below is new
            else:
                kept += lines[at : at + span]
                at += span
        else:
            kept.append(lines[at])
            at += 1
    return "\n".join(kept).strip()


def _after_signature(lines: list[str], at: int) -> int:
    """Signatures end the mail, unless a quotation and an answer below it follow."""
    while at < len(lines) and not lines[at].startswith(">"):
        at += 1
    return at


def _attribution(lines: list[str], at: int) -> int:
    """How many lines the attribution takes that begins here; 0 if none does."""
    if not _BEGINS.match(lines[at].lstrip()):
        return 0
    for span in range(1, _SPAN + 1):
        part = lines[at : at + span]
        if not part[-1] or part[-1].startswith(">"):
            return 0
        if part[-1].endswith(":") and _ATTRIBUTION.match(one_line(" ".join(part), 4 * _LINE_MAX)):
            return span
    return 0


def _is_header_block(lines: list[str], at: int) -> bool:
    if _RULE.match(lines[at].strip()):
        following = _next_written(lines, at + 1)
        return following is not None and _is_header_block(lines, following) and not _RULE.match(lines[following].strip())
    return bool(_FROM.match(lines[at])) and any(_SENT.match(line) for line in lines[at + 1 : at + 1 + _SPAN])


def _next_written(lines: list[str], at: int) -> int | None:
    return next((index for index in range(at, min(at + _SPAN, len(lines))) if lines[index].strip()), None)
