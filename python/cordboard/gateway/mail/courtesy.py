"""What people write around what they say: greetings, closings, their names."""

import re

_GREETING = re.compile(
    r"^\W*(?:beste|geachte|hallo|hoi|dag|goedemorgen|goedemiddag|goedenavond|goeiedag|lieve|hi|hello|hey|dear|"
    r"good (?:morning|afternoon|evening|day)|bonjour|bonsoir|cher|chère|chers|madame|monsieur|salut|guten (?:tag|morgen|abend)|"
    r"sehr geehrte[rs]?|liebe[rs]?|moin|servus|grüezi)\b.{0,60}$",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"^\W*(?:met (?:vriendelijke|hartelijke) groet(?:en)?|vriendelijke groet(?:en)?|hartelijke groet(?:en)?|groet(?:en|jes)?|"
    r"mvg|m\.v\.g|hoogachtend|(?:kind|best|warm|many)? ?regards|sincerely|yours (?:truly|sincerely|faithfully)|cheers|"
    r"best wishes|(?:bien )?cordialement|bien à vous|sincères salutations|meilleures salutations|"
    r"(?:mit )?(?:freundlichen|besten|lieben|vielen) grü(?:ß|ss)en?|(?:viele|liebe|beste|freundliche|schöne) grü(?:ß|ss)e|"
    r"mfg|lg|vg)\b.{0,60}$",
    re.IGNORECASE,
)
_FAREWELL_LINES = 8
"""What follows a closing is a name and an address, not more."""


def without_courtesy(text: str) -> str:
    """What is left of a text without quotations when its greeting and its closing go. A thank-you is not a greeting: it stays."""
    lines = [line.strip() for line in text.strip().split("\n")]
    if lines and _GREETING.match(lines[0]) and len(lines) > 1:
        del lines[0]
    for at in range(max(len(lines) - _FAREWELL_LINES, 0), len(lines)):
        if _CLOSING.match(lines[at]):
            del lines[at:]
            break
    return "\n".join(lines).strip()
