"""The gateway's pages, run: their own scripts in a JavaScript engine, their requests carried to the real gateway.

The document is a small one of ours (browser.js): it shows what a script does with labels, events and frames, not how it looks.
"""

import asyncio
import json
import re
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path
from typing import Any, Self

import httpx
import quickjs  # type: ignore[import-untyped]
from websockets.asyncio.client import ClientConnection, connect

_BROWSER = (Path(__file__).parent / "browser.js").read_text("utf-8")
_PATIENCE_S = 60.0


def read_page(name: str) -> str:
    """One of the gateway's pages or scripts."""
    return (resources.files("cordboard.gateway") / "pages" / name).read_text("utf-8")


class _Document(HTMLParser):
    """The language of a page, and its elements with an id: tag, id, and data that scripts read."""

    def __init__(self) -> None:
        super().__init__()
        self.language = ""
        self.named: list[tuple[str, str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if tag == "html":
            self.language = given["lang"]
        if "id" in given:
            data = {name.removeprefix("data-"): value for name, value in given.items() if name.startswith("data-")}
            self.named.append((tag, given["id"], data))


class Page:
    """A page that was opened at a gateway. Close it after use."""

    def __init__(self, address: str, search: str = "") -> None:
        self._address, self._search = address, search
        self._web = httpx.AsyncClient(base_url=f"http://{address}")
        self._engine = quickjs.Context()
        self._socket: ClientConnection | None = None
        self.frames: list[dict[str, Any]] = []
        """What it sent by its WebSocket."""
        self.run(_BROWSER)
        self.run(f"location.origin = 'http://{address}'; location.search = {json.dumps(search)}")

    def run(self, code: str) -> Any:
        """Run code in the page; what it comes to."""
        return self._engine.eval(code)

    async def open(self, path: str, languages: str = "en") -> None:
        """The page at this path as it is served to whoever reads these languages: its elements with an id, then its scripts."""
        html = (await self._web.get(path + self._search, headers={"accept": "text/html", "accept-language": languages})).text
        document = _Document()
        document.feed(html)
        self.run(f"document.documentElement.lang = {json.dumps(document.language)}")
        for tag, ident, data in document.named:
            self.run(f"named.{ident} = new Element('{tag}'); new Element('label').append(named.{ident})")
            self.run(f"Object.assign(named.{ident}.dataset, {json.dumps(data)})")
        for script in re.findall(r"<script>(.*?)</script>", html, re.DOTALL):
            self.run(script)

    async def until(self, condition: str) -> None:
        """Carry what it asks for until the condition (code) holds."""
        async with asyncio.timeout(_PATIENCE_S):
            while True:
                await self.settle()
                if self.run(condition):
                    return
                await asyncio.sleep(0.01)

    async def settle(self) -> None:
        """Carry what it asks for until it asks for nothing more."""
        while True:
            while self._engine.execute_pending_job():
                pass
            asked = json.loads(self.run("taken()"))
            for one in asked:
                if "frame" in one:
                    self.frames.append(json.loads(one["frame"]))
                    if self._socket is not None:
                        await self._socket.send(one["frame"])
                else:
                    answer = await self._web.request(
                        one["method"], one["url"], headers=one["headers"], content=one["body"].encode()
                    )
                    self.run(f"answer({one['id']}, {answer.status_code}, {json.dumps(answer.text)})")
            if not asked:
                return

    async def connect(self) -> None:
        """Let its newest WebSocket come through to the gateway."""
        self._socket = await connect(f"ws://{self._address}/chat/ws")
        self.run("sockets[sockets.length - 1].readyState = WebSocket.OPEN; sockets[sockets.length - 1].onopen()")
        await self.settle()

    async def hear(self) -> None:
        """One frame of the gateway."""
        assert self._socket is not None
        async with asyncio.timeout(_PATIENCE_S):
            frame = await self._socket.recv()
        self.run(f"sockets[sockets.length - 1].onmessage({{ data: {json.dumps(frame)} }})")
        await self.settle()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._web.aclose()
        if self._socket is not None:
            await self._socket.close()
