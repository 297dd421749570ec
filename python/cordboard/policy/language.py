"""Which language a text is written in, among those of a site. Statistical (n-grams of letters), without the network.

Says None rather than guess: one word, or two languages about as likely, decide nothing. The first text after the start loads the
models of the languages (docs/classification.md says how long that takes, and how much memory); `warm` does so beforehand.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

from lingua import Language, LanguageDetector, LanguageDetectorBuilder

TEXT_MAX = 1_000
"""Characters that are looked at: more make it no surer."""
MARGIN = 0.30
"""By how much the likeliest language must lead, of a text of WORDS_SURE words or more (confidences add up to 1)."""
MARGIN_SHORT = 0.90
"""… and of a shorter one."""
WORDS_SURE = 3
_NOISE = re.compile(r"\S*[@/\\]\S*|\S*\d\S*|www\.\S*")
"""Addresses, links, order numbers: no language."""
_WORD = re.compile(r"[^\W\d_]{2,}")


def detect(text: str, among: Sequence[str]) -> str | None:
    """The language of `text` among these (ISO 639-1, such as `nl`), None if unsure. Of one language there is nothing to ask.

    Deterministic. Takes the interpreter for about a millisecond, but for a second or more the first time.
    """
    known = _known(among)
    prose = _NOISE.sub(" ", text[:TEXT_MAX]).encode(errors="ignore").decode()  # lone surrogates are no text
    words = _WORD.findall(prose)
    if not known or not words:
        return None
    if len(known) == 1:
        return known[0]
    ranked = _detector(known).compute_language_confidence_values(prose)
    first, second = ranked[0], ranked[1]
    lead = round(first.value - second.value, 6)  # the last digits depend on the order of a sum
    if lead < (MARGIN if len(words) >= WORDS_SURE else MARGIN_SHORT):
        return None
    return first.language.iso_code_639_1.name.lower()


def warm(among: Sequence[str]) -> None:
    """Load the models now, one language after the other: loading holds the interpreter, and in a thread of its own this lets others
    have their turn in between. Before a process serves anybody is the best time."""
    known = _known(among)
    for pair in pairwise(known):
        _build(pair)
    if len(known) > 1:
        _detector(known)


def known_language(tag: str) -> str | None:
    """The language of a tag such as `fr-BE`, in lower case, if it can be told from others; else None."""
    code = base_language(tag)
    return code if code is not None and code in _LANGUAGES else None


def base_language(tag: str) -> str | None:
    """`fr-BE` → `fr`; None if that is no language tag."""
    code = re.split(r"[-_]", tag.strip(), maxsplit=1)[0].lower()
    return code if re.fullmatch(r"[a-z]{2,3}", code) else None


def _language_by_code() -> dict[str, Language]:
    return {language.iso_code_639_1.name.lower(): language for language in Language.all()}


_LANGUAGES = _language_by_code()


def _known(among: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted({code for tag in among if (code := known_language(tag)) is not None}))


@lru_cache(maxsize=8)
def _detector(codes: tuple[str, ...]) -> LanguageDetector:
    return _build(codes)


def _build(codes: tuple[str, ...]) -> LanguageDetector:
    """Models once loaded stay so for the whole process, whichever detector asked for them."""
    return LanguageDetectorBuilder.from_languages(*(_LANGUAGES[code] for code in codes)).with_preloaded_language_models().build()


__all__ = ["base_language", "detect", "known_language", "warm"]
