"""The two doors that contacts are offered at, as lean as clients can be: a form over HTTP and SubmitContact over gRPC.

Whatever comes back is put into one of a few words: `accepted`; `refused`, in the protocol's way and with a reason; `unknown`, where
the engine says that it cannot tell yet; `untyped`, which must never be.
"""

from __future__ import annotations

import asyncio
import json
import random
import uuid
from dataclasses import dataclass

import grpc.aio
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from cordboard.v1.contact_service_pb2 import EndContactRequest, SubmitContactRequest
from cordboard.v1.contact_service_pb2_grpc import ContactServiceStub
from tests.chaos.site import FORM, QUEUES

PATIENCE_S = 30.0
CONNECTIONS_MAX = 4_000
"""Of ours to the gateway; one more counts as a failure of the load, not of the engine."""
IDLE_S = 3.0
"""A connection that was idle for longer is not used again: the server closes it after 5 s."""
UNSURE = ("outcome_unknown", "log_unavailable")
REFUSALS = ("overloaded", "rate_limited", "not_ready", "vault_unavailable", "draining", "catching_up")


@dataclass(frozen=True, slots=True)
class Said:
    """What a sender was told: one of the four words, the reason, and the contact if it was taken."""

    word: str
    reason: str = ""
    contact: str = ""


class FormDoor:
    """Posts a form, each from an address of its own; connections are kept and used again."""

    def __init__(self, address: str, dice: random.Random) -> None:
        self._host, _, port = address.rpartition(":")
        self._port, self._address, self._dice = int(port), address, dice
        self._idle: list[tuple[float, asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._open = 0

    async def offer(self, number: int) -> Said:
        body = json.dumps({"mail": f"c{number}@customer.example", "text": "Where is my parcel? It was to come on Monday."}).encode()
        sender = ".".join(str(self._dice.randrange(1, 255)) for _ in range(4))
        head = (
            f"POST /form/{FORM} HTTP/1.1\r\nhost: {self._address}\r\ncontent-type: application/json\r\n"
            f"idempotency-key: {self._dice.randbytes(16).hex()}\r\nx-forwarded-for: {sender}\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        try:
            async with asyncio.timeout(PATIENCE_S):
                status, headers, answer = await self._exchange(head.encode() + body)
        except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
            return Said("untyped", type(error).__name__)
        if status == 202:
            return Said("accepted", contact=json.loads(answer)["contact"])
        try:
            reason = str(json.loads(answer)["reason"])
        except (ValueError, KeyError):
            return Said("untyped", f"HTTP {status}")
        if status == 503 and reason in UNSURE:
            return Said("unknown", reason)
        told = status in (429, 503) and reason in REFUSALS and int(headers.get("retry-after", "0")) >= 1
        return Said("refused" if told else "untyped", reason)

    async def _exchange(self, request: bytes) -> tuple[int, dict[str, str], bytes]:
        """A request and its answer over a connection that is free. Raises OSError, IncompleteReadError."""
        reader, writer = await self._connection()
        kept = False
        try:
            writer.write(request)
            status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
            answer = await reader.readexactly(int(headers["content-length"]))
            kept = headers.get("connection") != "close"
            return int(status.split()[1]), headers, answer
        finally:
            if kept:
                self._idle.append((asyncio.get_running_loop().time(), reader, writer))
            else:
                self._open -= 1
                writer.close()

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """The one that was used last, or a new one."""
        now = asyncio.get_running_loop().time()
        while self._idle:
            since, reader, writer = self._idle.pop()
            if now - since < IDLE_S and not reader.at_eof():
                return reader, writer
            self._open -= 1
            writer.close()
        if self._open >= CONNECTIONS_MAX:
            raise OSError("the load has no connection left")
        self._open += 1
        try:
            return await asyncio.open_connection(self._host, self._port)
        except BaseException:
            self._open -= 1
            raise

    def close(self) -> None:
        for _, _, writer in self._idle:
            writer.close()


class ServiceDoor:
    """Submits tasks, and ends contacts: ends are never to be refused for lack of room."""

    def __init__(self, address: str, dice: random.Random) -> None:
        self._channel = grpc.aio.insecure_channel(address)
        self._stub = ContactServiceStub(self._channel)
        self._dice = dice

    async def offer(self, number: int) -> Said:
        request = SubmitContactRequest(
            request_id=self._uuid(), channel="task", queue=QUEUES[number % len(QUEUES)], subject="A return", text="Order 1042."
        )
        try:
            done = await self._stub.SubmitContact(request, timeout=PATIENCE_S)
        except grpc.aio.AioRpcError as error:
            return refusal(error)
        return Said("accepted", contact=done.contact_id)

    async def end(self, contact: str) -> Said:
        try:
            await self._stub.EndContact(EndContactRequest(request_id=self._uuid(), contact_id=contact), timeout=PATIENCE_S)
        except grpc.aio.AioRpcError as error:
            return refusal(error)
        return Said("accepted", contact=contact)

    async def close(self) -> None:
        await self._channel.close(None)

    def _uuid(self) -> str:
        return str(uuid.UUID(bytes=self._dice.randbytes(16)))


def refusal(error: grpc.aio.AioRpcError) -> Said:
    """The word for an error of the API."""
    status = rpc_status.from_call(error)  # type: ignore[arg-type]  # an AioRpcError has what a Call has
    reason, later = "", False
    for detail in status.details if status is not None else ():
        info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
        if detail.Unpack(info):
            reason = info.reason.lower()
        later = later or detail.Unpack(retry)
    match error.code():
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return Said("unknown", reason or "deadline")
        case grpc.StatusCode.UNAVAILABLE if reason in REFUSALS and later:
            return Said("refused", reason)
        case grpc.StatusCode.RESOURCE_EXHAUSTED:
            return Said("refused", reason or "concurrent_calls")
    return Said("untyped", reason or error.code().name.lower())
