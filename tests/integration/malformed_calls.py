"""Malformed calls to a running API, by the hundred. What each must be told is in malformed_requests."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import grpc.aio
from google.protobuf import message_factory
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from cordboard.api.status import DOMAIN
from cordboard.v1 import contact_service_pb2 as contacts_pb
from cordboard.v1 import staff_service_pb2 as agents_pb
from cordboard.v1.types_pb2 import Requirement
from tests.integration.live_site import PATIENCE_S, LiveSite
from tests.integration.malformed_requests import (
    INVALID,
    NOT_FOUND,
    REQUIREMENTS,
    UUID,
    Case,
    declarations,
    descriptor,
    methods,
    no_messages,
    submission,
    too_large,
    unknown_things,
    wrong_fields,
    wrong_policies,
)  # fmt: skip
from tests.integration.malformed_tokens import wrong_tokens

AT_ONCE = 16
SUBMIT_ALL = "cordboard.v1.ContactService/SubmitContacts"


async def nonsense(site: LiveSite, chance: random.Random, garbage: int) -> Counter[str]:
    """Every case at every method. Returns the refusals by code; what is not refused as it must be stands in `site.wrong`."""
    cases = [*wrong_fields(), *unknown_things(), *wrong_tokens(chance), *wrong_policies(), *too_large()]
    for method in methods():
        cases += [Case(method, data, INVALID, "malformed_message") for data in no_messages(method, chance, garbage)]
    chance.shuffle(cases)
    refusals: Counter[str] = Counter()
    room = asyncio.Semaphore(AT_ONCE)

    async def one(channel: grpc.aio.Channel, number: int, case: Case) -> None:
        async with room:
            if number % 50 == 0:
                site.arrive()
            try:
                refusals[await _refusal(channel, case)] += 1
            except AssertionError as wrong:
                site.wrong.append(str(wrong))

    async with grpc.aio.insecure_channel(site.target) as channel, asyncio.TaskGroup() as group:
        for number, case in enumerate(cases):
            group.create_task(one(channel, number, case))
    return refusals


async def broken_items(site: LiveSite, chance: random.Random, items: int) -> Counter[str]:
    """Bulk calls in which most items are wrong and some are good. Returns the refusals of items by reason."""
    refusals: Counter[str] = Counter()
    stream: list[bytes] = []
    for number in range(items):
        item = contacts_pb.SubmitContactsRequest(contact=submission(_uuid(chance)))
        match number % 5:
            case 0:
                stream += list(no_messages(SUBMIT_ALL, chance, 1))
                continue
            case 1:
                item.contact.priority = chance.choice([-1, 101])
            case 2:
                item.contact.queue = chance.choice(["nowhere", "No Where", "-"])
            case 3:
                item.contact.requirements.extend(chance.choice(REQUIREMENTS))
            case _:
                item.contact.requirements.append(Requirement(skill="nl.written", level=5))
        stream.append(item.SerializeToString())
    async with grpc.aio.insecure_channel(site.target) as channel:
        call = channel.stream_unary(
            f"/{SUBMIT_ALL}",
            request_serializer=bytes,
            response_deserializer=contacts_pb.SubmitContactsResponse.FromString,
        )
        done = await call(iter(stream), timeout=PATIENCE_S)
        declared = await _declare(channel, declarations())
    assert len(done.results) == len(stream)
    for number, result in enumerate(done.results):
        if number % 5 == 4:
            assert result.code == 0, result
            site.good.expected.add(result.contact_id)
        else:
            assert result.code in (INVALID.value[0], NOT_FOUND.value[0]) and result.reason and result.message, result
            refusals[result.reason.lower()] += 1
    for answer in declared:
        assert answer.code in (INVALID.value[0], NOT_FOUND.value[0]) and answer.reason and answer.message, answer
        refusals[answer.reason.lower()] += 1
    return refusals


async def endless_stream(site: LiveSite) -> str:
    """One stream with more items than are allowed; the reason of the refusal."""
    async with grpc.aio.insecure_channel(site.target) as channel:
        return await _refusal(channel, Case(SUBMIT_ALL, b"", INVALID, "too_many_items"), items=10_001)


# Calling


async def _refusal(channel: grpc.aio.Channel, case: Case, items: int = 0) -> str:
    """Make the call; its code, after a look at everything that a refusal must say."""
    called, path = descriptor(case.method), f"/{case.method}"
    shape: dict[str, Any] = {
        "request_serializer": _bytes,
        "response_deserializer": message_factory.GetMessageClass(called.output_type).FromString,
    }
    try:
        async with asyncio.timeout(PATIENCE_S):
            if items:
                await channel.stream_unary(path, **shape)(_repeat(case.request, items))
            elif called.server_streaming:
                async for _ in channel.unary_stream(path, **shape)(case.request):
                    break
            else:
                await channel.unary_unary(path, **shape)(case.request)
    except grpc.aio.AioRpcError as error:
        _check(case, error)
        return error.code().name
    raise AssertionError(f"not refused: {_shown(case)}")


def _check(case: Case, error: grpc.aio.AioRpcError) -> None:
    assert error.code() is case.code, f"{error.code()}: {error.details()}: {_shown(case)}"
    status = rpc_status.from_call(error)  # type: ignore[arg-type]
    if not case.reason:
        return
    assert status is not None, f"no details: {_shown(case)}"
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in status.details:
        detail.Unpack(info)
        detail.Unpack(bad)
    assert (info.reason, info.domain) == (case.reason.upper(), DOMAIN), f"{info}: {_shown(case)}"
    if case.field:
        named = [violation.field for violation in bad.field_violations]
        assert any(name.startswith(case.field) for name in named), f"{named}: {_shown(case)}"


def _shown(case: Case) -> str:
    return f"{case.method} {case.reason} {case.field} {str(case.request)[:300]!r}"


def _bytes(request: Message | bytes) -> bytes:
    return request if isinstance(request, bytes) else request.SerializeToString()


def _repeat(request: Message | bytes, items: int) -> Iterator[Message | bytes]:
    return (request for _ in range(items))


def _uuid(chance: random.Random) -> str:
    return chance.randbytes(16).hex()


async def _declare(channel: grpc.aio.Channel, agents: list[agents_pb.AgentDeclaration]) -> list[agents_pb.DeclarationResult]:
    call = channel.unary_unary(
        "/cordboard.v1.StaffService/DeclareAgents",
        request_serializer=agents_pb.DeclareAgentsRequest.SerializeToString,
        response_deserializer=agents_pb.DeclareAgentsResponse.FromString,
    )
    done = await call(agents_pb.DeclareAgentsRequest(request_id=UUID, agents=agents), timeout=PATIENCE_S)
    return list(done.results)
