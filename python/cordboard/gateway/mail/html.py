"""HTML to plain text for people: blocks become lines, quotations get their `>`, what nobody sees is left out."""

import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

from cordboard.gateway.mail.limits import HTML_WORK_MAX, PART_TEXT_MAX

_UNSEEN = frozenset({"head", "title", "style", "script", "noscript", "template", "-comment", "object", "iframe", "svg", "math"})
_BLOCKS = re.compile(
    "address article aside blockquote body center dd details div dl dt fieldset figure footer form h1 h2 h3 h4 h5 h6 header hr "
    "li main nav ol p pre section summary table tbody thead tfoot tr ul".replace(" ", "|")
)
_SPACED = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "pre"})
_TAG = re.compile(r"<(?:(/)|(?:br|img|hr|input|meta|link|col|wbr|p|li)\b|([a-z]))", re.IGNORECASE)
"""Group 1: something ends; group 2: something begins that something else may be within."""
_ANY_TAG = re.compile(r"<(?:/?[a-zA-Z!?])[^<>]{0,4000}>")
_BLANKS = re.compile(r"[ \t\r\n\f]+")
_EMPTY_LINES = re.compile(r"\n{3,}")
_QUOTE_DEPTH_MAX = 10


def html_text(html: str) -> str:
    """The text of an HTML document or fragment. Never raises; a document too deep for the parser only loses its tags."""
    html = html[:PART_TEXT_MAX].replace("\0", "")
    if _work(html) > HTML_WORK_MAX:
        return _EMPTY_LINES.sub("\n\n", _ANY_TAG.sub("\n", html)).strip()
    root = LexborHTMLParser(html).root
    return _Page().read(root) if root is not None else ""


def _work(html: str) -> int:
    depth = deepest = tags = 0
    for tag in _TAG.finditer(html):
        tags += 1
        depth = max(depth - 1, 0) if tag[1] else depth + bool(tag[2])
        deepest = max(deepest, depth)
    return tags * deepest


class _Page:
    """Goes through the tree without recursion: a mail may nest as deep as it likes."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._line: list[str] = []
        self._quotes = 0
        self._verbatim = 0

    def read(self, root: LexborNode) -> str:
        node: LexborNode | None = root
        while node is not None:
            child = None if (node.tag or "") in _UNSEEN else node.child
            self._enter(node)
            if child is not None:
                node = child
                continue
            self._leave(node)
            while node is not None and node.next is None:
                node = node.parent
                if node is not None:
                    self._leave(node)
            node = node.next if node is not None else None
        self._break()
        return _EMPTY_LINES.sub("\n\n", "\n".join(self._lines)).strip("\n")

    def _enter(self, node: LexborNode) -> None:
        tag = node.tag or ""
        if tag == "-text":
            self._say(node.text_content or "")
        elif tag == "br":
            self._break(always=True)
        elif tag in ("td", "th"):
            self._line.append(" ")
        elif _BLOCKS.fullmatch(tag):
            self._break()
            if tag in _SPACED:
                self._blank()
            if tag == "li":
                self._line.append("- ")
            elif tag == "hr":
                self._lines.append("---")
            self._quotes += tag == "blockquote"
            self._verbatim += tag == "pre"

    def _leave(self, node: LexborNode) -> None:
        tag = node.tag or ""
        if _BLOCKS.fullmatch(tag):
            self._break()
            self._quotes -= tag == "blockquote"
            self._verbatim -= tag == "pre"
            if tag in _SPACED:
                self._blank()

    def _say(self, text: str) -> None:
        if not self._verbatim:
            text = _BLANKS.sub(" ", text)
            if text == " " and not self._line:
                return
            self._line.append(text)
            return
        first, *rest = text.split("\n")
        self._line.append(first)
        for line in rest:
            self._break(always=True)
            self._line.append(line)

    def _break(self, always: bool = False) -> None:
        line = "".join(self._line)
        self._line.clear()
        line = line.rstrip() if self._verbatim else _BLANKS.sub(" ", line).replace("\xa0", " ").strip()
        if line or always:
            self._lines.append(self._mark() + line)

    def _blank(self) -> None:
        if self._lines and self._lines[-1].strip("> "):
            self._lines.append(self._mark().rstrip())

    def _mark(self) -> str:
        return "> " * min(self._quotes, _QUOTE_DEPTH_MAX)
