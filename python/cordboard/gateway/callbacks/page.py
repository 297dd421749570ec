"""The pages of callbacks: they tell without scripts what is free and what is promised; choosing needs one."""

from collections.abc import Iterable, Mapping
from html import escape
from itertools import groupby

from litestar import MediaType, Response

from cordboard.events.policy import EntryPoint
from cordboard.gateway.callbacks.shown import FreeSlot, FreeSlots, Promised
from cordboard.gateway.callbacks.words import PHRASES
from cordboard.gateway.page import language_for, read_page, words_for

SHOWN_MAX = 200
"""Slots of a page."""
_TOLD = ("promised", "manage", "calendar", "taken", "wrong", "later", "more", "none")
"""What the script says."""


class CallbackPage:
    """Makes pages out of pages/callback.html."""

    def __init__(self) -> None:
        self._frame, self._headers = read_page("callback.html", cache="no-store")

    def booking(self, found: FreeSlots, language: str) -> Response[str]:
        say = PHRASES[language]
        if not found.slots:
            return self._response(language, say["title"], f"<p>{escape(say['none'])}</p>")
        body = (
            f"<p>{escape(say['choose'])} <small>{escape(found.zone)}</small></p>\n"
            f'<form data-entry-point="{escape(found.entry_point)}">\n'
            f"{_choices(found.slots)}{_more(found, language, say)}\n<div data-scripted hidden>"
            f'<label>{escape(say["number"])} <input name="number" type="tel" autocomplete="tel" required maxlength="40"></label>'
            f'<label>{escape(say["name"])} <input name="name" autocomplete="name" maxlength="80"></label>'
            f'<label>{escape(say["text"])} <textarea name="text" maxlength="2000"></textarea></label>'
            f'<label class="check"><input name="consent" type="checkbox" required> {escape(say["consent"])}</label>'
            f"<button>{escape(say['book'])}</button></div>\n</form>\n"
            f"<noscript><p>{escape(say['noscript'])}</p></noscript>"
        )
        return self._response(language, say["title"], body)

    def managing(self, promised: Promised, language: str) -> Response[str]:
        say = PHRASES[language]
        body = f'<p role="status"><strong>{escape(say[promised.outcome or promised.state])}</strong></p>\n'
        if promised.at_risk:
            body += f"<p><strong>{escape(say['at_risk'])}</strong></p>\n"
        if promised.outcome is None:
            when = f"{promised.local[:10]} {promised.local[11:16]}"
            window = f"{promised.local_from[11:16]} – {promised.local_until[11:16]}"
            body += (
                f"<p>{escape(say['when'])} <strong>{when}</strong> ({window}) <small>{escape(promised.zone)}</small><br>"
                f"{escape(say['reference'])}: <code>{promised.reference}</code></p>\n"
                f'<p><a href="{promised.calendar}">{escape(say["calendar"])}</a></p>\n'
            )
        if promised.outcome is None or promised.alternatives:
            body += self._choosing(promised, say)
        return self._response(language, say["title"], body)

    def _choosing(self, promised: Promised, say: Mapping[str, str]) -> str:
        """Another time for the call; or, if it was not made, a time for a new one."""
        shown = _choices(promised.alternatives) if promised.alternatives else ""
        live = promised.outcome is None
        cancel = f' <button type="button" data-cancel>{escape(say["cancel"])}</button>' if live else ""
        return (
            f'<form data-manage="{promised.manage}">\n'
            f"<div data-slots>{shown}</div><div data-scripted hidden>"
            f"<button>{escape(say['move' if live else 'book'])}</button>{cancel}</div>\n</form>"
        )

    def said_of(self, door: EntryPoint | None, when: str, url: str | None) -> tuple[str, str]:
        """Title and note of a calendar entry. The link stands in the note, too: not every calendar shows that of an entry."""
        say = PHRASES[language_for(PHRASES, door.language if door is not None else None)]
        link = "" if url is None else f"\n{say['manage']}: {url}"
        return say["title"], f"{say['when']} {when}{link}"

    def _response(self, language: str, title: str, body: str) -> Response[str]:
        say = PHRASES[language]
        page = self._frame.replace("[language]", language).replace("[title]", escape(title))
        page = page.replace("[body]", f"{words_for(say, _TOLD)}\n{body}")
        return Response(page, media_type=MediaType.HTML, headers=self._headers | {"vary": "accept, accept-language"})


def _more(found: FreeSlots, language: str, say: Mapping[str, str]) -> str:
    if found.next_ms is None:
        return ""
    return f'<p><a href="?from={found.next_ms}&amp;lang={language}">{escape(say["more"])}</a></p>'


def _choices(slots: Iterable[FreeSlot]) -> str:
    """Radio buttons, a day together."""
    days = []
    for day, some in groupby(slots, key=lambda slot: slot.local[:10]):
        times = "".join(
            f'<label class="time"><input type="radio" name="slot" value="{slot.begin_ms}" required> {slot.local[11:16]}</label>'
            for slot in some
        )
        days.append(f"<fieldset><legend>{day}</legend>{times}</fieldset>")
    return "\n".join(days)
