"""One NATS connection: connect, requests to the JetStream API, and one reply subject for all acknowledgements.

nats-py's own buffer for the time without a connection is off (`pending_size=-1`): stale commands must not fire late;
whoever sends, keeps and resends.
"""

import asyncio
import itertools
import json
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import msgspec
from nats import errors as nats_errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from cordboard import metrics
from cordboard.errors import ConfigurationError, CordboardError, InvalidInput, LogUnavailable
from cordboard.log.backoff import Backoff
from cordboard.log.obedient import obedient
from cordboard.log.parsing import NativeParser
from cordboard.log.stream import Ack, Conflict, Occupied, Unanswered

_log = logging.getLogger(__name__)
T = TypeVar("T")
_SECRET = re.compile(r"[^/,@]+@")
_WRONG_LAST = re.compile(r"wrong last sequence: (\d+)")

CONNECT_S = 10.0
CALL_S = 5.0
TRY_S = 1.0
"""A request that nobody has answered for so long is sent again: without a leader nobody takes it, and nobody says so."""
RECONNECT_PAUSE_S = 0.1
PING_S = 5
PATIENCE_S = 8.0
"""How long everything may stay unanswered, longer than an election takes, before another server of a cluster is tried: one that was
cut off from the others keeps its clients' connections, and can do nothing for them."""
ERR_STREAM_NOT_FOUND = 10059
ERR_NO_MESSAGE = 10037
ERR_NAME_IN_USE = 10058
ERR_NO_PEERS = 10005
ERR_NOT_STORED = 10077
_ERR_NO_CLUSTER = 10008
_ERR_WRONG_LAST = 10071
_ERR_TOO_LARGE = 10054


class ApiError(CordboardError):
    """The JetStream API answered with an error: `code` is its err_code."""

    reason = "jetstream"

    def __init__(self, code: int, description: str) -> None:
        super().__init__(f"{description} ({code})")
        self.code = code
        self.description = description


class _Leaderless(Unanswered):
    """This server knows of nobody who leads the cluster: an election, or it is cut off."""


class _Error(msgspec.Struct):
    code: int = 0
    err_code: int = 0
    description: str = ""


class _PubAck(msgspec.Struct):
    seq: int = 0
    duplicate: bool = False
    error: _Error | None = None


_puback = msgspec.json.Decoder(_PubAck)


class Wire:
    """A connection that reconnects for ever. Made by `open_wire`."""

    def __init__(self, client: Client, parser: NativeParser) -> None:
        self.client = client
        self.parser = parser
        self._online = asyncio.Event()
        self._losses = 0
        self._on_loss: set[Callable[[], None]] = set()
        self._asked: dict[str, tuple[asyncio.Future[Any], Callable[[Msg], Any]]] = {}
        self._tokens = itertools.count(1)
        self._inbox = client.new_inbox()
        self._unheard_since_s: float | None = None
        """When the first request was sent that came after the last answer worth the name."""
        self._moving: asyncio.Task[None] | None = None

    @property
    def losses(self) -> int:
        """How often the connection was lost so far."""
        return self._losses

    @property
    def server_id(self) -> str:
        """Of the server we are connected to now."""
        return str(self.client._server_info["server_id"])  # nats-py keeps what the server told it to itself

    async def online(self) -> None:
        """Returns once connected. Raises LogUnavailable if the connection was closed for good."""
        while not self.client.is_connected:
            self.check_open()
            self._online.clear()  # nats-py knows of a loss a little before it tells us
            await self._online.wait()

    def check_open(self) -> None:
        if self.client.is_closed:
            raise LogUnavailable("the connection to NATS is closed")

    def on_loss(self, heard: Callable[[], None]) -> Callable[[], None]:
        """Call `heard` whenever the connection is lost; returns what ends that."""
        self._on_loss.add(heard)
        return lambda: self._on_loss.discard(heard)

    async def call(self, verb: str, request: dict[str, Any] | None = None, timeout: float = CALL_S) -> dict[str, Any]:
        """One request to `$JS.API.<verb>`, and the same again every TRY_S: all we ask may be asked twice, the first answer counts.

        Raises ApiError, or Unanswered if nothing answered in `timeout` seconds.
        """
        payload = b"" if request is None else json.dumps(request).encode()
        reply, answer = self._expect(_read_body)
        try:
            async with asyncio.timeout(timeout):
                while not answer.done():
                    await self._publish(f"$JS.API.{verb}", payload, None, reply)
                    await asyncio.wait([answer], timeout=TRY_S)
                return answer.result()
        except TimeoutError as error:
            raise Unanswered(f"{verb}: no answer in {timeout} s") from error
        finally:
            answer.cancel()

    async def call_until_answered(self, verb: str, request: dict[str, Any] | None = None) -> dict[str, Any]:
        """As `call`, but asks again for as long as nothing answers (an election, a restart)."""
        backoff = Backoff()
        while True:
            await self.online()
            try:
                return await self.call(verb, request)
            except Unanswered as error:
                _log.debug("asking again: %s", error)
                await asyncio.sleep(backoff.next_s())

    async def send(self, subject: str, data: bytes, headers: dict[str, str]) -> asyncio.Future[Ack]:
        """Publish to a stream; the future is its acknowledgement. Raises Unanswered when there is no connection."""
        return await self._ask(subject, data, headers, _read_ack)

    async def listen_for_answers(self) -> None:
        await self.client.subscribe(f"{self._inbox}.*", cb=self._answered)

    async def _ask(self, subject: str, data: bytes, headers: dict[str, str] | None, read: Callable[[Msg], T]) -> asyncio.Future[T]:
        """A request; what `read` returns or raises is the future's. A lost connection makes it Unanswered at once."""
        reply, answer = self._expect(read)
        try:
            await self._publish(subject, data, headers, reply)
        except BaseException:
            answer.cancel()
            raise
        return answer

    def _expect(self, read: Callable[[Msg], T]) -> tuple[str, asyncio.Future[T]]:
        """Where the answer is to come, and the future of it."""
        token = str(next(self._tokens))
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._asked[token] = (answer, read)
        answer.add_done_callback(lambda _: self._asked.pop(token, None))
        return f"{self._inbox}.{token}", answer

    async def _publish(self, subject: str, data: bytes, headers: dict[str, str] | None, reply: str) -> None:
        self._lose_patience()
        try:
            await self.client.publish(subject, data, reply=reply, headers=headers)
        except nats_errors.MaxPayloadError as error:
            raise InvalidInput(f"{len(data)} bytes exceed the server's max_payload of {self.client.max_payload}") from error
        except (nats_errors.Error, OSError) as error:
            self.check_open()
            raise Unanswered(repr(error)) from error

    async def _answered(self, msg: Msg) -> None:
        answer, read = self._asked.get(msg.subject.rpartition(".")[2], (None, None))
        if answer is None or read is None or answer.done():
            return
        if msg.headers and msg.headers.get("Status") == "503":
            answer.set_exception(Unanswered("nobody answers"))
            return
        try:
            answer.set_result(read(msg))
        except _Leaderless as error:
            answer.set_exception(error)
            return
        except CordboardError as error:
            answer.set_exception(error)
        except ValueError as error:
            answer.set_exception(Unanswered(f"an answer that cannot be read: {error}"))
        # A refusal is an answer too: whoever sent it can do its work.
        self._unheard_since_s = None

    def _lose_patience(self) -> None:
        """Try another server if this one has long had no answer for us; there is one only in a cluster."""
        now_s = asyncio.get_running_loop().time()
        if self._unheard_since_s is None:
            self._unheard_since_s = now_s
        elif now_s - self._unheard_since_s >= PATIENCE_S and len(self.client.servers) > 1 and self.client.is_connected:
            _log.warning("nothing was answered for %.0f s: trying another server", now_s - self._unheard_since_s)
            self._unheard_since_s = None
            self._moving = asyncio.create_task(self.client.force_reconnect(), name="try another NATS server")

    async def lost(self) -> None:
        self._losses += 1
        metrics.CONNECTIONS_LOST.inc()
        self._online.clear()
        for answer, _ in list(self._asked.values()):
            if not answer.done():
                answer.set_exception(Unanswered("the connection was lost"))
        for heard in list(self._on_loss):
            heard()

    async def back(self) -> None:
        _log.info("connected to NATS again")
        self._unheard_since_s = None
        self._online.set()

    async def closed(self) -> None:
        self._online.set()
        for heard in list(self._on_loss):
            heard()

    async def unsubscribe(self, subscription: Subscription) -> None:
        """Ends a subscription, whatever the connection's state."""
        try:
            await subscription.unsubscribe()
        except (nats_errors.Error, OSError) as error:
            _log.debug("unsubscribing: %r", error)


def _read_body(msg: Msg) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(msg.data)
    if problem := body.get("error"):
        if problem.get("err_code") == _ERR_NO_CLUSTER:
            raise _Leaderless(str(problem.get("description", "")))
        raise ApiError(int(problem.get("err_code", 0)), str(problem.get("description", "")))
    return body


def _read_ack(msg: Msg) -> Ack:
    ack = _puback.decode(msg.data)
    if ack.error is not None:
        raise _refusal(ack.error)
    return Ack(ack.seq, ack.duplicate)


def _refusal(error: _Error) -> CordboardError:
    if error.err_code == _ERR_WRONG_LAST and (found := _WRONG_LAST.search(error.description)):
        return Conflict(int(found[1]))
    if error.err_code == ERR_NOT_STORED and "per subject" in error.description:
        return Occupied(error.description)
    if error.err_code == _ERR_TOO_LARGE:
        return InvalidInput(error.description)
    # A full stream, a leader just lost, a proposal in flight: all of them may pass.
    _log.warning("the stream refused a message: %s (%d)", error.description, error.err_code)
    return Unanswered(f"{error.description} ({error.err_code})")


@asynccontextmanager
async def open_wire(url: str, name: str) -> AsyncIterator[Wire]:
    """Connect to `url` (several: comma separated). Raises LogUnavailable if no server answers within CONNECT_S seconds."""
    wire: list[Wire] = []

    def relay(event: Callable[[Wire], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        async def heard() -> None:
            for each in wire:
                await event(each)

        return heard

    async def error_cb(error: Exception) -> None:
        _log.log(logging.DEBUG if isinstance(error, OSError | nats_errors.UnexpectedEOF) else logging.WARNING, "NATS: %r", error)

    client = Client()
    parser = NativeParser.install(client)
    try:
        await _connect(
            client,
            url,
            name=name,
            error_cb=error_cb,
            disconnected_cb=relay(Wire.lost),
            reconnected_cb=relay(Wire.back),
            closed_cb=relay(Wire.closed),
        )
        wire.append(Wire(client, parser))
        wire[0]._online.set()
        await wire[0].listen_for_answers()
        yield wire[0]
    finally:
        await _close(client)


async def _close(client: Client) -> None:
    """The client waits for the end of its writer: a future that was cancelled if a task of its own was, while it waited for it."""
    try:
        await client.close()
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise


async def _connect(client: Client, url: str, **options: Any) -> None:
    try:
        async with asyncio.timeout(CONNECT_S):
            await obedient(
                client.connect(
                    [part.strip() for part in url.split(",")],
                    max_reconnect_attempts=-1,
                    reconnect_time_wait=RECONNECT_PAUSE_S,  # type: ignore[arg-type]  # seconds; a float works
                    ping_interval=PING_S,
                    pending_size=-1,
                    **options,
                )
            )
    except TimeoutError as error:
        raise LogUnavailable(f"no NATS server answers at {_without_secrets(url)}") from error
    except (nats_errors.Error, OSError) as error:
        # What the error says may quote the URL.
        raise ConfigurationError(f"cannot connect to NATS at {_without_secrets(url)}: {type(error).__name__}") from error


def _without_secrets(url: str) -> str:
    """The URL (or several) without user, password or token."""
    return _SECRET.sub("…@", url)
