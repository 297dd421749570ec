"""uvicorn inside somebody else's event loop: no signals, no logging set-up, and a shutdown that finishes even when clients hang."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from cordboard.errors import ConfigurationError
from cordboard.gateway.limits import WIRE_FRAME_MAX
from cordboard.settings import is_loopback

App = Callable[..., Any]
"""An ASGI application."""
CONNECTIONS = 256
_LINGER_S = 5.0
_SHUTDOWN_S = 3


class BoundedLinger(WebSocketsSansIOProtocol):
    """A client that takes nothing any more must not keep its connection, and what is buffered for it, for ever."""

    def send_receive_event_to_app(self) -> None:
        """Text that is no UTF-8 is the client's mistake: 1007, and no stack trace in the log as uvicorn writes one."""
        if self.curr_msg_data_type == "text" and not self.close_sent and not _is_utf8(b"".join(self.frames)):
            self.frames = []
            self.conn.send_close(1007)
            self.handle_parser_exception()
            return
        super().send_receive_event_to_app()

    async def run_asgi(self) -> None:
        await super().run_asgi()
        self.loop.call_later(_LINGER_S, self._abort)

    def _abort(self) -> None:
        if not self.disconnected:
            self.transport.abort()


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # signals belong to the process, not to one of its roles


def bind(host: str, port: int, *, insecure_listen: bool) -> socket.socket:
    """A listening socket (port 0: any free one). Raises ConfigurationError: not loopback without `insecure_listen`, or in use."""
    if not insecure_listen and not is_loopback(host):
        raise ConfigurationError(f"refusing to listen on {host} without transport security; --insecure-listen does it anyway")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise ConfigurationError(f"cannot listen on {host}:{port}: {error.strerror}") from error
    return listener


@contextlib.asynccontextmanager
async def serving(app: App, listener: socket.socket, *, connections: int = CONNECTIONS) -> AsyncIterator["asyncio.Task[None]"]:
    """Serves `app` while the context lives; the task ends only with an error. Leaving closes every connection in bounded time.
    A request on a connection beyond `connections` is answered 503."""
    config = uvicorn.Config(
        app,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws=BoundedLinger,
        ws_max_size=WIRE_FRAME_MAX,
        ws_per_message_deflate=False,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=_SHUTDOWN_S,
        backlog=1024,
        limit_concurrency=connections + 1,  # uvicorn counts the one that asks, and refuses at this number
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield task
    finally:
        server.should_exit = True
        await _finish(task)


async def _finish(task: "asyncio.Task[None]") -> None:
    """Wait for the end even if this task is cancelled again meanwhile: an abandoned server would leak its sockets."""
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
    if not task.cancelled() and (failure := task.exception()) is not None:
        raise failure


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
