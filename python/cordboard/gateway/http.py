"""The HTTP edge, on one port: chat page and WebSocket, forms, webhooks, health, and the OpenAPI document at /schema."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any

import msgspec
from litestar import Litestar, MediaType, Request, Response, WebSocket, get, websocket
from litestar.exceptions import WebSocketDisconnect
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.params import FromQuery
from litestar.status_codes import HTTP_200_OK, HTTP_503_SERVICE_UNAVAILABLE

import cordboard
from cordboard import metrics
from cordboard.errors import Overloaded
from cordboard.gateway.chat import protocol
from cordboard.gateway.chat.page import ChatPage
from cordboard.gateway.chat.words import PHRASES
from cordboard.gateway.limits import FRAME_MAX
from cordboard.gateway.page import language_for, read_by
from cordboard.gateway.posts import client_of, is_own


class Health(msgspec.Struct, frozen=True):
    """`ok`, and if not, why."""

    ok: bool
    detail: str = ""


class ChatOptions(msgspec.Struct, frozen=True):
    """What a start may name at this moment."""

    queues: list[str]
    languages: list[str]


class ChatSocket:
    """A WebSocket as a session wants it. `client`: the network address that it comes from."""

    def __init__(self, socket: WebSocket[Any, Any, Any], client: str) -> None:
        self._socket, self.client = socket, client

    async def receive(self) -> str | bytes | None:
        try:
            event = await self._socket.receive()
        except WebSocketDisconnect:
            return None
        if event["type"] != "websocket.receive":
            return None
        text = event.get("text")
        return text if text is not None else event.get("bytes") or b""

    async def send(self, frame: str) -> None:
        """Raises ConnectionError when the client is gone."""
        try:
            await self._socket.send_text(frame)
        except (WebSocketDisconnect, OSError, RuntimeError) as error:
            raise ConnectionError("the client is gone") from error

    async def close(self, code: int, reason: str) -> None:
        try:
            await self._socket.close(code=code, reason=reason)
        except (WebSocketDisconnect, OSError, RuntimeError):
            return  # it went first


def make_app(
    serve_chat: Callable[[ChatSocket], Awaitable[None]],
    options: Callable[[], ChatOptions],
    unready: Callable[[], str],
    room: Callable[[], bool],
    allowed_origins: Collection[str] = (),
    more: Sequence[HTTPRouteHandler] = (),
    *,
    behind_proxy: bool = False,
    language: Callable[[str], str | None] = lambda _entry_point: None,
) -> Litestar:
    """`serve_chat` serves one accepted socket to its end; `options` are for pages; `unready` says why the gateway cannot take chats
    (empty: it can); `room` is False when there are too many sockets. Pages of other origins than the server's own must be in
    `allowed_origins`. `more` are the routes of other channels. `behind_proxy`: clients' addresses are in X-Forwarded-For.
    `language`: that of an entry point."""
    page = ChatPage()
    chat_schema = protocol.schema()

    @get("/chat", media_type=MediaType.HTML, sync_to_thread=False, summary="A page to chat on, of an entry point or of any queue")
    def chat_page(
        request: Request[Any, Any, Any], lang: FromQuery[str | None] = None, entry_point: FromQuery[str | None] = None
    ) -> Response[str]:
        spoken_there = None if entry_point is None else language(entry_point)
        return page.spoken(language_for(PHRASES, lang, spoken_there, *read_by(request)))

    @get("/chat/options", sync_to_thread=False, summary="Queues and languages a chat may name")
    def chat_options() -> ChatOptions:
        return options()

    @get("/chat/protocol", sync_to_thread=False, summary="JSON Schema of the frames on /chat/ws, both directions")
    def chat_protocol() -> dict[str, Any]:
        return chat_schema

    @get("/healthz", sync_to_thread=False, summary="The process lives")
    def healthz() -> Health:
        return Health(ok=True)

    @get("/readyz", sync_to_thread=False, summary="The process takes new contacts")
    def readyz() -> Response[Health]:
        why = unready()
        return Response(Health(ok=not why, detail=why), status_code=HTTP_503_SERVICE_UNAVAILABLE if why else HTTP_200_OK)

    @websocket("/chat/ws")
    async def chat_socket(socket: WebSocket[Any, Any, Any]) -> None:
        if not _same_origin(socket, allowed_origins):
            await socket.close(code=1008)  # before the handshake: answered 403
            return
        offered = socket.scope.get("subprotocols") or []
        await socket.accept(subprotocols=protocol.SUBPROTOCOL if protocol.SUBPROTOCOL in offered else None)
        if not room():
            metrics.REFUSED.labels("chat", Overloaded.reason).inc()
            await socket.close(code=1013, reason="too many chats, try again later")
            return
        await serve_chat(ChatSocket(socket, client_of(socket, behind_proxy=behind_proxy)))

    return Litestar(
        [chat_page, chat_options, chat_protocol, healthz, readyz, chat_socket, *more],
        openapi_config=OpenAPIConfig(
            title="Cordboard gateway",
            version=cordboard.__version__,
            path="/schema",
            render_plugins=[JsonRenderPlugin(path="/openapi.json")],
        ),
        request_max_body_size=FRAME_MAX,
        logging_config=None,
    )


def _same_origin(socket: WebSocket[Any, Any, Any], allowed: Collection[str]) -> bool:
    """Browsers name the page's origin; programs need not."""
    origin = socket.headers.get("origin")
    return origin is None or origin in allowed or is_own(origin, socket.headers.get("host"))
