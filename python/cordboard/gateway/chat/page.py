"""The page of the chat, in the languages it speaks."""

import re
from collections.abc import Mapping
from html import escape

from litestar import MediaType, Response

from cordboard.gateway.chat.words import PHRASES
from cordboard.gateway.page import read_page, words_for

_PLACEHOLDER = re.compile(r"\[([a-z]+)\]")


class ChatPage:
    """Makes pages out of pages/chat.html: one a language, once."""

    def __init__(self) -> None:
        frame, headers = read_page("chat.html")
        self._headers = headers | {"vary": "accept-language"}
        self._pages = {language: _filled(frame, language, say) for language, say in PHRASES.items()}

    def spoken(self, language: str) -> Response[str]:
        return Response(self._pages[language], media_type=MediaType.HTML, headers=self._headers)


def _filled(frame: str, language: str, say: Mapping[str, str]) -> str:
    """Style and script stay as they are: the headers name them by digest."""
    known = {name: escape(words) for name, words in say.items()} | {"tag": language, "words": words_for(say)}
    head, style, rest = frame.partition("<style>")
    styles, end, rest = rest.partition("</style>")
    body, script, rest = rest.partition("<script>")
    head, body = (_PLACEHOLDER.sub(lambda found: known[found[1]], part) for part in (head, body))
    return "".join((head, style, styles, end, body, script, rest))
