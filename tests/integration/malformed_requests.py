"""Requests that the API must refuse, and how: wrong fields, unknown things, no policies, no messages at all."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any

import grpc
import msgspec
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import DecodeError, Message

from cordboard import codec
from cordboard.api.server import REQUEST_MAX, SERVICES
from cordboard.events.commit import LEVEL
from cordboard.events.policy import CalendarPolicy
from cordboard.policy.calendar_kinds import DAYS
from cordboard.policy.compile import COMPILED_MAX
from cordboard.v1 import agent_service_pb2 as agents_pb
from cordboard.v1 import board_service_pb2 as boards_pb
from cordboard.v1 import contact_service_pb2 as contacts_pb
from cordboard.v1 import desk_pb2 as desk_pb
from cordboard.v1 import effect_service_pb2 as effects_pb
from cordboard.v1 import engagement_service_pb2 as engagements_pb
from cordboard.v1 import engine_service_pb2 as engine_pb
from cordboard.v1 import policy_service_pb2 as policy_pb
from cordboard.v1 import quarantine_service_pb2 as quarantine_pb
from cordboard.v1 import staff_service_pb2 as staff_pb
from cordboard.v1.types_pb2 import (
    PRESENCE_NOT_READY,
    PRESENCE_READY,
    ROLE_CONFERENCE,
    AgentChannel,
    Customer,
    Membership,
    Requirement,
    RequirementSet,
    Skill,
)
from tests.integration.live_site import PUPPET, QUEUE, policy

Code = grpc.StatusCode
INVALID, NOT_FOUND, PRECONDITION = Code.INVALID_ARGUMENT, Code.NOT_FOUND, Code.FAILED_PRECONDITION
UUID = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"
CONTACT = "0123456789abcdef" * 2
"""Nobody's."""
NEVER = "fe" * 16
"""Nobody's either, and no fact names it (refused ones stand in a timeline too)."""
JUGGLING = [Requirement(skill="juggling")]
HUGE = "x" * 70_000

UUIDS: list[Any] = ["", "nonsense", "0" * 31, "0" * 33, "g" * 32, "-" * 36, "{" + "0" * 34 + "}", "ü" * 32, "\0" * 36, HUGE]
IDS: list[Any] = ["", "nonsense", "0" * 31, "0" * 33, "z" * 32, "\uff10" * 32, " " * 32, "0x" + "1" * 30, "_" * 32, HUGE]
PERSONS: list[Any] = ["", "   ", "\t\n", "p" * 129, "a\0b", HUGE]
OPTIONAL_PERSONS = PERSONS[1:]
NAMES: list[Any] = ["", "Orders", "or ders", ".orders", "q" * 49, "bestellung-ä", "orders\n", "\0", "-", HUGE]
OPTIONAL_NAMES = NAMES[1:]
PLACES: list[Any] = [
    *(f"{place}-000000" for place in ("", "1", ".", "1.", ".1", "1.x", "-1.0", "01.0", "1.0.0", "٣.0", "99999999999999999.0")),
    *("", "1.0", "1.0-", "1.0-0", "1.0-00000g", "1.0-000000\n", "1.0-0000000", HUGE),
]
ATTEMPTS: list[Any] = [0, -1, 1_000_001, (1 << 31) - 1, -(1 << 31)]
SIZES: list[Any] = [-1, 1_001, (1 << 31) - 1, -(1 << 31)]
INSTANTS: list[Any] = [-1, (1 << 63) - 1, -(1 << 63)]
REQUIREMENTS: list[Any] = [
    [Requirement(skill="nl.written")] * 2,
    [Requirement(skill=HUGE)] * 2,
    [Requirement(skill=f"skill{number}") for number in range(17)],
    [Requirement(skill="", level=1)],
    [Requirement(skill="NL", level=1)],
    [Requirement(skill="nl.written", level=-1)],
    [Requirement(skill="nl.written", level=11)],
    [Requirement(skill="nl.written", level=(1 << 31) - 1)],
]


@dataclass(frozen=True)
class Case:
    """One call, and how it must be refused: `field` is the path that must be named (a prefix of it is enough)."""

    method: str
    request: Message | bytes
    code: grpc.StatusCode = INVALID
    reason: str = "invalid_input"
    field: str = ""


def methods() -> Iterator[str]:
    """All methods with one request, in full."""
    for service in SERVICES:
        for method in descriptor_pool.Default().FindServiceByName(service).methods:
            if not method.client_streaming:
                yield f"{service}/{method.name}"


# Fields


@cache
def templates() -> dict[str, Message]:
    """A request for each method in which no field is wrong. To be copied, not changed."""
    command = {"request_id": UUID, "agent": PUPPET, "contact_id": CONTACT}
    place = {"request_id": UUID, "quarantine_id": "1.0-000000"}
    return {
        "ContactService/SubmitContact": submission(UUID),
        "ContactService/GetContact": contacts_pb.GetContactRequest(contact_id=CONTACT),
        "ContactService/ListContacts": contacts_pb.ListContactsRequest(),
        "ContactService/GetTimeline": contacts_pb.GetTimelineRequest(contact_id=CONTACT),
        "ContactService/EndContact": contacts_pb.EndContactRequest(request_id=UUID, contact_id=CONTACT),
        "ContactService/TransferContact": contacts_pb.TransferContactRequest(request_id=UUID, contact_id=CONTACT, queue=QUEUE),
        "ContactService/ReturnContact": contacts_pb.ReturnContactRequest(request_id=UUID, contact_id=CONTACT),
        "ContactService/ReclassifyContact": contacts_pb.ReclassifyContactRequest(
            request_id=UUID, contact_id=CONTACT, topic="general"
        ),
        "ContactService/PickContact": contacts_pb.PickContactRequest(**command),
        "ContactService/RequeueContact": contacts_pb.RequeueContactRequest(request_id=UUID, contact_id=CONTACT),
        "ContactService/SetPriority": contacts_pb.SetPriorityRequest(request_id=UUID, contact_id=CONTACT),
        "ContactService/ListMessages": contacts_pb.ListMessagesRequest(contact_id=CONTACT),
        "ContactService/GetAttachment": contacts_pb.GetAttachmentRequest(attachment_id=CONTACT),
        "ContactService/GetCase": contacts_pb.GetCaseRequest(case_id=CONTACT),
        "ContactService/GetTopicReport": contacts_pb.GetTopicReportRequest(),
        "AgentService/SetPresence": agents_pb.SetPresenceRequest(request_id=UUID, agent=PUPPET, presence=PRESENCE_NOT_READY),
        "AgentService/SwitchChannel": agents_pb.SwitchChannelRequest(request_id=UUID, agent=PUPPET, channel="chat"),
        "AgentService/WatchDesk": agents_pb.WatchDeskRequest(agent=PUPPET),
        "AgentService/AcceptOffer": agents_pb.AcceptOfferRequest(**command, attempt=1),
        "AgentService/DeclineOffer": agents_pb.DeclineOfferRequest(**command, attempt=1),
        "AgentService/ConfirmConnected": agents_pb.ConfirmConnectedRequest(**command, attempt=1),
        "AgentService/SendMessage": agents_pb.SendMessageRequest(**command, text="Hallo"),
        "AgentService/SendSignal": agents_pb.SendSignalRequest(
            agent=PUPPET, contact_id=CONTACT, kind=desk_pb.SIGNAL_KIND_DELIVERED, message_id=CONTACT
        ),
        "AgentService/EndEngagement": agents_pb.EndEngagementRequest(**command),
        "AgentService/FinishWrapUp": agents_pb.FinishWrapUpRequest(**command),
        "AgentService/ExtendWrapUp": agents_pb.ExtendWrapUpRequest(**command, extra_ms=1),
        "AgentService/ParkContact": agents_pb.ParkContactRequest(**command, for_ms=1),
        "StaffService/DeclareAgents": staff_pb.DeclareAgentsRequest(
            request_id=UUID, agents=[staff_pb.AgentDeclaration(person="x")]
        ),
        "StaffService/RetireAgent": staff_pb.RetireAgentRequest(request_id=UUID, agent=PUPPET),
        "StaffService/ListAgents": staff_pb.ListAgentsRequest(),
        "EngagementService/HoldEngagement": engagements_pb.HoldEngagementRequest(**command),
        "EngagementService/ResumeEngagement": engagements_pb.ResumeEngagementRequest(**command),
        "EngagementService/ConsultAgent": engagements_pb.ConsultAgentRequest(**command, to_agent=PUPPET),
        "EngagementService/ChangeRole": engagements_pb.ChangeRoleRequest(**command, other=PUPPET, role=ROLE_CONFERENCE),
        "EngagementService/ReportConnectFailure": engagements_pb.ReportConnectFailureRequest(
            **command, attempt=1, leg=engagements_pb.LEG_PLATFORM
        ),
        "BoardService/GetBoards": boards_pb.GetBoardsRequest(),
        "BoardService/WatchBoards": boards_pb.WatchBoardsRequest(),
        "PolicyService/GetPolicy": policy_pb.GetPolicyRequest(),
        "PolicyService/PublishPolicy": policy_pb.PublishPolicyRequest(request_id=UUID, compiled=codec.encode(policy())),
        "EffectService/ListEffects": effects_pb.ListEffectsRequest(contact_id=CONTACT),
        "EffectService/RetryEffect": effects_pb.RetryEffectRequest(request_id=UUID, effect_id="1.0-5f3a9c"),
        "EffectService/DiscardEffect": effects_pb.DiscardEffectRequest(request_id=UUID, effect_id="1.0-5f3a9c"),
        "EngineService/GetEngine": engine_pb.GetEngineRequest(),
        "EngineService/AdoptLevel": engine_pb.AdoptLevelRequest(request_id=UUID, level=LEVEL + 1),
        "QuarantineService/ListQuarantined": quarantine_pb.ListQuarantinedRequest(),
        "QuarantineService/GetQuarantined": quarantine_pb.GetQuarantinedRequest(quarantine_id="1.0-000000"),
        "QuarantineService/RetryQuarantined": quarantine_pb.RetryQuarantinedRequest(**place),
        "QuarantineService/DiscardQuarantined": quarantine_pb.DiscardQuarantinedRequest(**place, by=PUPPET, reason="lunch"),
    }


WRONG: dict[str, dict[str, list[Any]]] = {
    "ContactService/SubmitContact": {
        "channel": NAMES,
        "queue": OPTIONAL_NAMES,
        "language": ["n", "not a language", "\0", HUGE],
        "priority": [-1, 101, (1 << 31) - 1, -(1 << 31)],
        "entry_point": OPTIONAL_NAMES,
        "topic": OPTIONAL_NAMES,
        "subject": ["s" * 513, "a\0b"],
        "text": ["t" * 32_769, "a\0b", "😀" * 20_000],
        "requirements": REQUIREMENTS,
        "preferred_agents": [["p"] * 9, [""], ["p" * 129], ["a\0"]],
        "customer": [
            Customer(),
            Customer(kind="mail"),
            Customer(kind="E MAIL", address="a@b.example"),
            Customer(kind="mail", address="a" * 321),
            Customer(kind="mail", address="a\0b"),
            Customer(kind="mail", address="a@b.example", name="n" * 129),
        ],
    },
    "ContactService/ListContacts": {
        "page_size": SIZES,
        "filter": [
            contacts_pb.ContactFilter(channel="CHAT"),
            contacts_pb.ContactFilter(queue="a b"),
            contacts_pb.ContactFilter(agent="a\0"),
            contacts_pb.ContactFilter(topic="a b"),
            contacts_pb.ContactFilter(case_id="zz"),
            contacts_pb.ContactFilter(customer_id="0" * 31),
            contacts_pb.ContactFilter(arrived_from_ms=-1),
            contacts_pb.ContactFilter(arrived_until_ms=(1 << 63) - 1),
        ],
    },
    "ContactService/GetTimeline": {"page_size": SIZES},
    "ContactService/ListMessages": {"page_size": SIZES},
    "ContactService/GetAttachment": {"attachment_id": IDS},
    "ContactService/GetCase": {"case_id": IDS},
    "ContactService/GetTopicReport": {"arrived_from_ms": INSTANTS, "arrived_until_ms": INSTANTS},
    "ContactService/ReturnContact": {"agent": OPTIONAL_PERSONS},
    "ContactService/ReclassifyContact": {"topic": NAMES, "agent": OPTIONAL_PERSONS},
    "ContactService/EndContact": {"reason": [99, -1]},
    "ContactService/TransferContact": {
        "queue": NAMES,
        "agent": OPTIONAL_PERSONS,
        "requirements": [RequirementSet(requirements=wrong) for wrong in REQUIREMENTS],
        "to_agent": OPTIONAL_PERSONS,
        "by": OPTIONAL_PERSONS,
        "reason": OPTIONAL_NAMES,
    },
    "ContactService/PickContact": {"by": OPTIONAL_PERSONS, "reason": OPTIONAL_NAMES},
    "ContactService/RequeueContact": {"by": OPTIONAL_PERSONS, "reason": OPTIONAL_NAMES},
    "ContactService/SetPriority": {
        "priority": [-1, 101, (1 << 31) - 1, -(1 << 31)],
        "by": OPTIONAL_PERSONS,
        "reason": OPTIONAL_NAMES,
    },
    "EngagementService/ConsultAgent": {"to_agent": PERSONS, "role": [1, 4, 99, -1]},
    "EngagementService/ChangeRole": {"other": PERSONS, "role": [0, 2, 4, 99, -1]},
    "EngagementService/ReportConnectFailure": {"attempt": ATTEMPTS, "leg": [0, 4, -1]},
    "AgentService/SetPresence": {"presence": [0, 4, 99, -1], "reason": OPTIONAL_NAMES},
    "AgentService/SwitchChannel": {"channel": NAMES},
    "AgentService/AcceptOffer": {"attempt": ATTEMPTS},
    "AgentService/DeclineOffer": {"attempt": ATTEMPTS, "reason": OPTIONAL_NAMES},
    "AgentService/ConfirmConnected": {"attempt": ATTEMPTS},
    "AgentService/SendMessage": {"text": ["", "t" * 8_193, "a\0b"]},
    "AgentService/SendSignal": {"kind": [0, 99, -1], "message_id": IDS},
    "AgentService/EndEngagement": {"disposition": OPTIONAL_NAMES, "note": ["n" * 8_193, "a\0b"]},
    "AgentService/FinishWrapUp": {"disposition": OPTIONAL_NAMES, "note": ["n" * 8_193, "a\0b"]},
    "AgentService/ParkContact": {
        "kind": [99, -1],
        "for_ms": [0, *INSTANTS],
        "until_ms": [0, 1, *INSTANTS],
        "note": ["n" * 8_193, "a\0b"],
    },
    "AgentService/ExtendWrapUp": {"extra_ms": [0, *INSTANTS]},
    "StaffService/DeclareAgents": {
        "agents": [
            [],
            [staff_pb.AgentDeclaration(person="p")] * 2,
            [staff_pb.AgentDeclaration(person=str(number)) for number in range(501)],
        ]
    },
    "StaffService/ListAgents": {"page_size": SIZES},
    "BoardService/WatchBoards": {"interval_ms": [1, -1, 10_001, (1 << 31) - 1]},
    "PolicyService/PublishPolicy": {"expected_version": INSTANTS},
    "EffectService/ListEffects": {"contact_id": IDS[1:], "state": [3, -1], "kind": OPTIONAL_NAMES, "page_size": SIZES},
    "EffectService/RetryEffect": {"effect_id": PLACES},
    "EffectService/DiscardEffect": {"effect_id": PLACES},
    "EngineService/AdoptLevel": {"level": [0, -1, 1_000_001, (1 << 63) - 1]},
    "QuarantineService/ListQuarantined": {"state": [4, -1], "page_size": [-1, 201, (1 << 31) - 1]},
    "QuarantineService/GetQuarantined": {"quarantine_id": PLACES},
    "QuarantineService/RetryQuarantined": {"quarantine_id": PLACES, "by": OPTIONAL_PERSONS, "reason": OPTIONAL_NAMES},
    "QuarantineService/DiscardQuarantined": {"quarantine_id": PLACES, "by": PERSONS, "reason": NAMES},
}
"""Beside the ids, which are wrong in the same ways everywhere."""
EVERYWHERE: dict[str, list[Any]] = {"request_id": UUIDS, "contact_id": IDS, "agent": PERSONS}


def wrong_fields() -> Iterator[Case]:
    """One wrong field at a time."""
    for method, template in templates().items():
        wrong = {field: values for field, values in EVERYWHERE.items() if field in template.DESCRIPTOR.fields_by_name}
        for field, values in (wrong | WRONG.get(method, {})).items():
            for value in values:
                request = copied(template)
                _put(request, field, value)
                yield Case(f"cordboard.v1.{method}", request, field=field)
    yield Case("cordboard.v1.AgentService/SetPresence", agents_pb.SetPresenceRequest(
        request_id=UUID, agent=PUPPET, presence=PRESENCE_READY, reason="lunch"), field="reason")  # fmt: skip


def _put(request: Message, field: str, value: Any) -> None:
    request.ClearField(field)
    if isinstance(value, list):
        getattr(request, field).extend(value)
    elif isinstance(value, Message):
        getattr(request, field).CopyFrom(value)
    else:
        setattr(request, field, value)


def unknown_things() -> Iterator[Case]:
    """Well-formed, but about what is not there, or not now."""
    for method, template in templates().items():
        if "agent" in template.DESCRIPTOR.fields_by_name and method != "ContactService/TransferContact":
            request = copied(template)
            _put(request, "agent", "nobody@nowhere.example")
            yield Case(f"cordboard.v1.{method}", request, NOT_FOUND, "unknown_agent")
    for number in range(3):
        for method, fields, code, reason in UNKNOWN:
            request = copied(templates()[method])
            for field, value in {"request_id": _numbered(number), **fields}.items():
                if field in request.DESCRIPTOR.fields_by_name:
                    _put(request, field, value)
            yield Case(f"cordboard.v1.{method}", request, code, reason)


UNKNOWN: list[tuple[str, dict[str, Any], grpc.StatusCode, str]] = [
    ("AgentService/AcceptOffer", {}, NOT_FOUND, "unknown_contact"),
    ("AgentService/DeclineOffer", {"reason": "lunch"}, NOT_FOUND, "unknown_contact"),
    ("AgentService/ConfirmConnected", {}, NOT_FOUND, "unknown_contact"),
    ("AgentService/SendMessage", {}, NOT_FOUND, "unknown_contact"),
    ("AgentService/EndEngagement", {"note": "weg"}, NOT_FOUND, "unknown_contact"),
    ("AgentService/FinishWrapUp", {}, PRECONDITION, "not_wrapping"),
    ("AgentService/ExtendWrapUp", {}, PRECONDITION, "not_wrapping"),
    ("AgentService/SetPresence", {"reason": "no-such"}, NOT_FOUND, "unknown_reason"),
    ("AgentService/SwitchChannel", {"channel": "telegraph"}, NOT_FOUND, "unknown_channel"),
    ("ContactService/EndContact", {}, NOT_FOUND, "unknown_contact"),
    ("ContactService/TransferContact", {}, NOT_FOUND, "unknown_contact"),
    ("ContactService/TransferContact", {"request_id": "1" * 32, "queue": "nowhere"}, NOT_FOUND, "unknown_queue"),
    ("ContactService/SubmitContact", {"request_id": "2" * 32, "queue": "nowhere"}, NOT_FOUND, "unknown_queue"),
    ("ContactService/SubmitContact", {"request_id": "3" * 32, "channel": "telegraph"}, NOT_FOUND, "unknown_channel"),
    ("ContactService/SubmitContact", {"request_id": "4" * 32, "requirements": JUGGLING}, NOT_FOUND, "unknown_skill"),
    ("ContactService/GetContact", {"contact_id": NEVER}, NOT_FOUND, "unknown_contact"),
    ("ContactService/GetTimeline", {"contact_id": NEVER}, NOT_FOUND, "unknown_contact"),
    ("ContactService/ListMessages", {"contact_id": NEVER}, NOT_FOUND, "unknown_contact"),
    ("ContactService/GetAttachment", {}, NOT_FOUND, "unknown_attachment"),
    ("ContactService/GetCase", {"case_id": NEVER}, NOT_FOUND, "unknown_case"),
    ("ContactService/ReturnContact", {}, NOT_FOUND, "unknown_contact"),
    ("ContactService/ReclassifyContact", {}, NOT_FOUND, "unknown_contact"),
    ("AgentService/ParkContact", {"note": "later"}, NOT_FOUND, "unknown_contact"),
    ("ContactService/TransferContact", {"request_id": "5" * 32, "queue": "", "to_agent": PUPPET}, NOT_FOUND, "unknown_contact"),
    ("ContactService/TransferContact", {"request_id": "6" * 32, "to_agent": "nobody@nowhere.example"}, NOT_FOUND, "unknown_agent"),
    ("ContactService/PickContact", {"by": "nora"}, NOT_FOUND, "unknown_contact"),
    ("ContactService/RequeueContact", {}, NOT_FOUND, "unknown_contact"),
    ("ContactService/SetPriority", {"priority": 5}, NOT_FOUND, "unknown_contact"),
    ("EngagementService/HoldEngagement", {}, NOT_FOUND, "unknown_contact"),
    ("EngagementService/ResumeEngagement", {}, NOT_FOUND, "unknown_contact"),
    ("EngagementService/ConsultAgent", {}, NOT_FOUND, "unknown_contact"),
    ("EngagementService/ConsultAgent", {"to_agent": "nobody@nowhere.example"}, NOT_FOUND, "unknown_agent"),
    ("EngagementService/ChangeRole", {}, NOT_FOUND, "unknown_contact"),
    ("EngagementService/ReportConnectFailure", {}, NOT_FOUND, "unknown_contact"),
    ("EngineService/AdoptLevel", {}, PRECONDITION, "level_unknown"),
    ("EngineService/AdoptLevel", {"level": 1, "request_id": "7" * 32}, PRECONDITION, "level_in_force"),
    *((f"QuarantineService/{verb}Quarantined", {}, NOT_FOUND, "unknown_quarantine") for verb in ("Get", "Retry", "Discard")),
]
"""Three times each, some with the same request id: a repeat is refused as the first time."""


def copied(template: Message) -> Message:
    request = type(template)()
    request.CopyFrom(template)
    return request


# Policies and sizes


def wrong_policies() -> Iterator[Case]:
    """Documents that are no policy of this site, as YAML and compiled."""
    method = "cordboard.v1.PolicyService/PublishPolicy"
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(12)
    )
    documents = [
        *("", "site", "[]", "site: [", "\t", "? [a]\n: b", "&a *a", "*nobody", "a: \u0085", "\ufeff", "%YAML 9.9\n---\n"),
        *("site: webshop", "site: webshop\nqueues: 7", "site: webshop\nsite: webshop", "!!python/object:os.system x"),
        *("{" * 5_000, "[" * 5_000, "- " * 5_000, HUGE, bomb),
    ]
    for document in documents:
        yield Case(method, policy_pb.PublishPolicyRequest(request_id=UUID, yaml=document), field="yaml")
    for compiled in (
        b"",
        b"\xc1",
        b"\x80",
        b"\x81\xa4site\xa7webshop",
        codec.encode(policy())[:-7],
        bytes(60_000),
        b"\x91" * 60_000,
    ):
        yield Case(method, policy_pb.PublishPolicyRequest(request_id=UUID, compiled=compiled), field="compiled")
    yield Case(method, policy_pb.PublishPolicyRequest(request_id=UUID, compiled=_too_many_weeks()), field="compiled")
    yield Case(method, policy_pb.PublishPolicyRequest(request_id=UUID), field="document")
    ahead = policy_pb.PublishPolicyRequest(request_id=UUID, compiled=codec.encode(policy()), expected_version=1_000)
    yield Case(method, ahead, Code.ABORTED, "version_changed")


def _too_many_weeks() -> bytes:
    """A policy that fits a frame as it is written, but not as it is published: every week of its calendars is different."""
    monday = date.today() - timedelta(days=date.today().weekday())
    odd = {(monday + timedelta(weeks=week)).isoformat(): [(week, 1_000)] for week in range(55)}
    hours = {day: [(540, 720), (780, 1_020)] for day in DAYS}
    calendars = [CalendarPolicy(name=f"office-{number}", hours=hours, exceptions=odd) for number in range(12)]
    compiled = codec.encode(msgspec.structs.replace(policy(), calendars=calendars))
    assert len(compiled) < COMPILED_MAX
    return compiled


def too_large() -> Iterator[Case]:
    """Larger than the server reads; it answers by itself, without details."""
    for field, method in (
        ("text", "ContactService/SubmitContact"),
        ("note", "AgentService/EndEngagement"),
        ("yaml", "PolicyService/PublishPolicy"),
    ):
        request = type(templates()[method])()
        setattr(request, field, "x" * (REQUEST_MAX + 1))
        yield Case(f"cordboard.v1.{method}", request, Code.RESOURCE_EXHAUSTED, "")


def no_messages(method: str, chance: random.Random, count: int) -> Iterator[bytes]:
    """Bytes that are not the method's request: random, cut off, or with text that is no UTF-8."""
    kind = message_factory.GetMessageClass(descriptor(method).input_type)
    made = 0
    while made < count:
        data = _garbage(method, chance)
        try:
            kind.FromString(data)
        except DecodeError:
            made += 1
            yield data


def _garbage(method: str, chance: random.Random) -> bytes:
    template = templates().get(method.removeprefix("cordboard.v1."))
    good = template.SerializeToString() if template is not None else b"\x0a\x04abcd"
    match chance.randrange(4):
        case 0:
            return chance.randbytes(chance.randrange(1, 300))
        case 1:
            return good[: chance.randrange(len(good) + 1)] + b"\x0a\x7f"
        case 2:
            return b"\x0a\x02\xff\xfe" + good
        case _:
            return good + chance.choice([b"\xff" * 11, b"\x07", b"\x0b", b"\x0f\x00", b"\x0a\xff\xff\xff\xff\x0f"])


def submission(request_id: str) -> contacts_pb.SubmitContactRequest:
    return contacts_pb.SubmitContactRequest(request_id=request_id, channel="task", queue=QUEUE)


def _numbered(number: int) -> str:
    return f"{number:032x}"


def descriptor(method: str) -> MethodDescriptor:
    service, name = method.split("/")
    return descriptor_pool.Default().FindServiceByName(service).methods_by_name[name]


def declarations() -> list[staff_pb.AgentDeclaration]:
    """Nobody of them may be declared."""
    wrong = [
        {"skills": [Skill(skill="juggling", level=3)]},
        {"skills": [Skill(skill="nl.written", level=0)]},
        {"skills": [Skill(skill="nl.written", level=3)] * 2},
        {"skills": [Skill(skill=f"s{number}", level=1) for number in range(65)]},
        {"memberships": [Membership(queue="nowhere")]},
        {"memberships": [Membership(queue=QUEUE, rank=100)]},
        {"memberships": [Membership(queue=QUEUE, rank=-1)]},
        {"channels": [AgentChannel(channel="telegraph")]},
        {"channels": [AgentChannel(channel="chat", cost=10_001)]},
        {"channels": [AgentChannel(channel="chat", max_concurrent=-1)]},
        {"capacity": -1},
        {"capacity": 10_001},
        {"name": "n" * 129},
    ]
    return [staff_pb.AgentDeclaration(person=f"nobody-{number}", **fields) for number, fields in enumerate(wrong)]  # type: ignore[arg-type]
