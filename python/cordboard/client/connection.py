"""One connection to the API: repeated attempts, growing pauses, refusals as errors."""

import asyncio
import random
import uuid
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self, TypeVar

import grpc
import grpc.aio
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from cordboard.v1.callback_service_pb2 import CallbackAlternatives
from cordboard.v1.next_step_service_pb2 import NextSteps

MESSAGE_MAX = 32 << 20
PAUSE_MIN_S = 0.1
PAUSE_MAX_S = 2.0
BULK_TIMEOUT_S = 60.0
_TRANSIENT = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
_CHANNEL_OPTIONS = (
    ("grpc.max_receive_message_length", MESSAGE_MAX),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
)
A = TypeVar("A")


class ClientError(Exception):
    """The server refused. `reason` is a stable lower-case word (docs/glossary.md), `violations` the wrong fields by path,
    `alternatives_ms` slots that could be had instead (Unix ms, nearest first) where a callback was refused, `next_steps` what can
    be done instead where a contact was turned away."""

    def __init__(
        self,
        code: grpc.StatusCode,
        reason: str,
        message: str,
        violations: Mapping[str, str] | None = None,
        alternatives_ms: Sequence[int] = (),
        next_steps: NextSteps | None = None,
    ) -> None:
        super().__init__(f"{reason or code.name.lower()}: {message}")
        self.code = code
        self.reason = reason
        self.message = message
        self.violations = dict(violations or {})
        self.alternatives_ms = tuple(alternatives_ms)
        self.next_steps = next_steps


@dataclass(slots=True)
class Pause:
    """Growing pauses between attempts, with jitter so that many clients do not come back as one."""

    length_s: float = field(default=PAUSE_MIN_S)

    async def __call__(self) -> None:
        await asyncio.sleep(self.length_s * random.uniform(0.5, 1.0))
        self.length_s = min(PAUSE_MAX_S, self.length_s * 2)


def new_request_id() -> str:
    """A fresh UUID: one intended write."""
    return str(uuid.uuid4())


class Connection:
    """One connection to the API at `target` (host:port). `timeout_s` is the deadline of one attempt, `attempts` how many there
    are while the server is unavailable or silent. Raises ClientError."""

    def __init__(self, target: str, *, timeout_s: float = 10.0, attempts: int = 5) -> None:
        self.target = target
        self._timeout_s = timeout_s
        self._attempts = attempts
        self._channel = grpc.aio.insecure_channel(target, options=_CHANNEL_OPTIONS)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._channel.close(None)

    async def ready(self, timeout_s: float = 30.0) -> None:
        """Return once the server can be reached. Raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            await self._channel.channel_ready()

    async def _send(self, method: Callable[..., Awaitable[A]], request: object, *, timeout_s: float | None = None) -> A:
        pause = Pause()
        for attempt in range(1, self._attempts + 1):
            try:
                return await method(request, timeout=max(timeout_s or 0.0, self._timeout_s), wait_for_ready=True)
            except grpc.aio.AioRpcError as error:
                if error.code() not in _TRANSIENT or attempt == self._attempts:
                    raise client_error(error) from error
            await pause()
        raise AssertionError("at least one attempt is made")

    async def _read(self, method: Callable[..., AsyncIterable[A]], request: object) -> AsyncGenerator[A, None]:
        """Every part of a long answer. It is asked for again as long as nothing of it has come, and not once it breaks off."""
        pause = Pause()
        for attempt in range(1, self._attempts + 1):
            begun = False
            try:
                async for part in method(request, wait_for_ready=True):
                    begun = True
                    yield part
            except grpc.aio.AioRpcError as error:
                if begun or error.code() not in _TRANSIENT or attempt == self._attempts:
                    raise client_error(error) from error
            else:
                return
            await pause()


def client_error(error: grpc.aio.AioRpcError) -> ClientError:
    reason, violations = "", {}
    alternatives_ms: tuple[int, ...] = ()
    next_steps: NextSteps | None = None
    status = rpc_status.from_call(error)  # type: ignore[arg-type]  # the stubs want a sync call
    for detail in status.details if status is not None else ():
        info, bad, other = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest(), CallbackAlternatives()
        steps = NextSteps()
        if detail.Unpack(info):
            reason = info.reason.lower()
        elif detail.Unpack(bad):
            violations = {violation.field: violation.description for violation in bad.field_violations}
        elif detail.Unpack(other):
            alternatives_ms = tuple(other.begin_ms)
        elif detail.Unpack(steps):
            next_steps = steps
    return ClientError(error.code(), reason, error.details() or "", violations, alternatives_ms, next_steps)
