"""Stands before every method: a deadline for all, one way from errors to statuses, and no stack trace for the outside."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio
from google.protobuf.message import DecodeError
from google.rpc import code_pb2

from cordboard import metrics
from cordboard.api.status import CatchingUp, code_of, grpc_status
from cordboard.errors import CordboardError, InvalidInput, OutcomeUnknown

logger = logging.getLogger(__name__)
DEFAULT_DEADLINE_S = 10.0
LONGEST_DEADLINE_S = 120.0
BULK_DEADLINE_S = 120.0
CATCH_UP_S = 1.0
_MARGIN_S = 0.1
_MARGIN_SHARE = 0.1
_OPEN = ("/grpc.health.", "/grpc.reflection.")
_PREFIX = "/cordboard.v1."
_CODES: dict[int, str] = {code: name for name, code in code_pb2.Code.items()}
if TYPE_CHECKING:
    Context = grpc.aio.ServicerContext[Any, Any]
else:
    Context = grpc.aio.ServicerContext


class Malformed:
    """Stands for a request whose bytes are not the message that the method takes."""


class Guard(grpc.aio.ServerInterceptor):  # type: ignore[type-arg]  # generic in the stubs alone
    """An interceptor for all of cordboard.v1; health and reflection pass by. Until `caught_up` is set, what this process has
    folded is older than the journal: who is declared, what may be shown. A call waits a moment for it and is then refused."""

    def __init__(self, caught_up: asyncio.Event) -> None:
        self._caught_up = caught_up

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        handler = await continuation(handler_call_details)
        if handler is None or handler_call_details.method.startswith(_OPEN):
            return handler
        method = handler_call_details.method.removeprefix(_PREFIX)
        if handler.request_streaming:
            return grpc.stream_unary_rpc_method_handler(
                _whole(self._caught_up, method, handler.stream_unary, BULK_DEADLINE_S),
                _lenient(handler.request_deserializer),
                handler.response_serializer,
            )
        if handler.response_streaming:
            return grpc.unary_stream_rpc_method_handler(
                _watched(self._caught_up, method, handler.unary_stream),
                _lenient(handler.request_deserializer),
                handler.response_serializer,
            )
        return grpc.unary_unary_rpc_method_handler(
            _whole(self._caught_up, method, handler.unary_unary, DEFAULT_DEADLINE_S),
            _lenient(handler.request_deserializer),
            handler.response_serializer,
        )


def _whole(
    caught_up: asyncio.Event, method: str, behaviour: Callable[[Any, Context], Awaitable[Any]], default_s: float
) -> Callable[[Any, Context], Awaitable[Any]]:
    """A method with one answer: it gets a deadline even if the client set none."""

    async def guarded(request: Any, context: Context) -> Any:
        clock = asyncio.get_running_loop().time
        begun_s = clock()
        try:
            async with _answering(context, method):
                _refuse_malformed(request)
                try:
                    async with asyncio.timeout(_time_left_s(context, default_s)):
                        await _until(caught_up)
                        return await behaviour(request, context)
                except TimeoutError as error:
                    raise OutcomeUnknown("the deadline has passed") from error
        finally:
            metrics.CALL_S.labels(method).observe(clock() - begun_s)

    return guarded


def _watched(
    caught_up: asyncio.Event, method: str, behaviour: Callable[[Any, Context], AsyncIterator[Any]]
) -> Callable[[Any, Context], AsyncIterator[Any]]:
    """A watch: it lasts as long as both sides like."""

    async def guarded(request: Any, context: Context) -> AsyncIterator[Any]:
        async with _answering(context, method):
            _refuse_malformed(request)
            await _until(caught_up)
            with metrics.STREAMS.labels(method).track_inprogress():
                async with contextlib.aclosing(behaviour(request, context)) as messages:  # type: ignore[type-var]  # a generator, typed as iterator
                    async for message in messages:
                        yield message

    return guarded


async def _until(caught_up: asyncio.Event) -> None:
    """Raises CatchingUp."""
    if caught_up.is_set():
        return
    try:
        async with asyncio.timeout(CATCH_UP_S):
            await caught_up.wait()
    except TimeoutError:
        raise CatchingUp("this server is catching up with the journal: try again, or another one") from None


@contextlib.asynccontextmanager
async def _answering(context: Context, method: str) -> AsyncIterator[None]:
    code = "CANCELLED"
    try:
        yield
    except CordboardError as error:
        failure = error
        code = _CODES[code_of(error)]
    except (grpc.aio.AbortError, grpc.aio.UsageError):
        raise
    except Exception:
        logger.exception("a method failed unexpectedly")
        failure = CordboardError("internal error; the server's log has more", reason="internal")
        code = "INTERNAL"
    else:
        code = "OK"
        return
    finally:
        metrics.CALLS.labels(method, code).inc()
    await context.abort_with_status(grpc_status(failure))  # type: ignore[attr-defined]  # missing in the stubs


def _time_left_s(context: Context, default_s: float) -> float:
    """A little less than the client's own deadline, so that our status reaches it before it gives up by itself."""
    left = context.time_remaining()
    if left is None:
        return default_s
    return min(LONGEST_DEADLINE_S, left - min(_MARGIN_S, left * _MARGIN_SHARE))


def _lenient(deserialize: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    """gRPC answers undecodable bytes with UNKNOWN and a stack trace in the log; we want INVALID_ARGUMENT with a reason."""

    def read(data: bytes) -> Any:
        try:
            return deserialize(data)
        except DecodeError:
            return Malformed()

    return read


def _refuse_malformed(request: Any) -> None:
    if isinstance(request, Malformed):
        raise InvalidInput("the bytes are not the message that this method takes", reason="malformed_message")
