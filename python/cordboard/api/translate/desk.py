"""What a desk shows, as protobuf."""

from collections.abc import Mapping, Sequence

from cordboard.api.translate.check import Check
from cordboard.api.translate.words import TO_AUTHOR, TO_PARK_KIND, TO_PRESENCE, TO_ROLE, requirements_to
from cordboard.events.bounds import DURATION_MAX_MS
from cordboard.events.event import AgentRegistered, PresenceChanged
from cordboard.projections.live import Desk, LiveContact, Park, Said, Work
from cordboard.v1 import agent_service_pb2 as pb
from cordboard.v1 import desk_pb2 as desk_pb
from cordboard.v1 import engagement_service_pb2 as engagements_pb
from cordboard.v1 import staff_service_pb2 as staff_pb
from cordboard.v1 import types_pb2
from cordboard.vault import Attachment, Content, Person
from cordboard.vault.words import AttachmentInfo

WORK_STATES = {
    "offered": desk_pb.WORK_STATE_OFFERED,
    "connecting": desk_pb.WORK_STATE_CONNECTING,
    "engaged": desk_pb.WORK_STATE_ENGAGED,
    "wrapping": desk_pb.WORK_STATE_WRAPPING,
}
SIDE_STATES = {
    "offered": engagements_pb.SIDE_STATE_OFFERED,
    "connecting": engagements_pb.SIDE_STATE_CONNECTING,
    "engaged": engagements_pb.SIDE_STATE_ENGAGED,
}
InHand = Sequence[tuple[bytes, Work]]
"""Who has a contact in hand, and as what, by attempt."""
SIGNALS: dict[int, str] = {
    desk_pb.SIGNAL_KIND_TYPING: "typing",
    desk_pb.SIGNAL_KIND_DELIVERED: "delivered",
    desk_pb.SIGNAL_KIND_READ: "read",
}
TO_SIGNAL = {word: desk_pb.SignalKind.ValueType(number) for number, word in SIGNALS.items()}


def offer(contact: LiveContact | None, work: Work, people: Mapping[bytes, Person]) -> desk_pb.Offer:
    """An offer (or what it became); `contact` None if it has ended long ago. `people` must know its owner and who gave
    it. Content is added by who has read it."""
    message = desk_pb.Offer(
        contact_id=work.contact.hex(),
        attempt=work.attempt,
        channel=work.channel,
        queue=work.queue,
        wait_ms=work.wait_ms,
        expires_ms=(work.deadline_ms or 0) if work.state == "offered" else 0,
        role=TO_ROLE[work.role],
        cause=work.cause,
        interrupts=work.interrupts,
    )
    if work.given is not None:
        message.given_as = work.given.reason
        message.given_by = people[work.given.by].person if work.given.by is not None else ""
    if contact is not None:
        message.priority = contact.priority
        message.requirements.extend(requirements_to(contact.requirements))
        message.entry_point = contact.entry_point or ""
        message.topic = contact.topic or ""
        message.case_id = contact.case.hex()
        message.language = contact.language or ""
        message.owner = people[contact.owner].person if contact.owner is not None else ""
        message.promised_contact_id = contact.promised.hex() if contact.promised is not None else ""
    return message


def parked(contact: LiveContact, park: Park, note: str) -> desk_pb.ParkedContact:
    """A contact on its owner's pile. Other content is added by who has read it."""
    return desk_pb.ParkedContact(
        contact_id=contact.contact.hex(),
        channel=contact.channel,
        queue=contact.queue,
        kind=TO_PARK_KIND[park.kind],
        parked_at_ms=park.since_ms,
        until_ms=park.until_ms,
        note=note,
        topic=contact.topic or "",
        case_id=contact.case.hex(),
    )


def park_time(check: Check, request: pb.ParkContactRequest, now_ms: int) -> int:
    """For how long, in ms, whichever way it is said. `until_ms` is of the callers' clock and ours, the result is of no clock."""
    if request.WhichOneof("time") == "until_ms":
        return check.number("until_ms", request.until_ms, now_ms + 1, now_ms + DURATION_MAX_MS) - now_ms
    return check.number("for_ms", request.for_ms, 1, DURATION_MAX_MS)


def attachment(info: AttachmentInfo | Attachment) -> types_pb2.Attachment:
    size = info.size if isinstance(info, AttachmentInfo) else len(info.data)
    return types_pb2.Attachment(attachment_id=info.ref.hex(), name=info.name, media_type=info.media_type, size=size)


def message(
    contact: bytes,
    said: Said,
    contents: Mapping[bytes, Content],
    people: Mapping[bytes, Person],
    files: Mapping[bytes, Sequence[AttachmentInfo]],
) -> desk_pb.Message:
    """A message with its text, which is empty if it was erased, and what came with it."""
    content = contents.get(said.message)
    return desk_pb.Message(
        contact_id=contact.hex(),
        message_id=said.message.hex(),
        author=TO_AUTHOR[said.author],
        ordinal=said.ordinal,
        at_ms=said.at_ms,
        text=content.text if content is not None else "",
        agent=people[said.agent].person if said.agent is not None else "",
        attachments=[attachment(info) for info in files.get(said.message, ())],
    )


def presence(desk: Desk) -> desk_pb.PresenceReport:
    return desk_pb.PresenceReport(
        requested=TO_PRESENCE[desk.requested],
        requested_reason=desk.requested_reason or "",
        effective=TO_PRESENCE[desk.effective],
        effective_reason=desk.effective_reason or "",
    )


def presence_change(event: PresenceChanged) -> desk_pb.PresenceReport:
    return desk_pb.PresenceReport(
        requested=TO_PRESENCE[event.requested],
        requested_reason=event.requested_reason or "",
        effective=TO_PRESENCE[event.effective],
        effective_reason=event.effective_reason or "",
        cause=event.cause,
    )


def switches(desk: Desk) -> list[desk_pb.ChannelSwitch]:
    return [desk_pb.ChannelSwitch(channel=channel, on=channel not in desk.channels_off) for channel in desk.channels]


def declaration(person: Person, event: AgentRegistered) -> staff_pb.AgentDeclaration:
    """What is in force of an agent, every default filled in."""
    return staff_pb.AgentDeclaration(
        person=person.person,
        name=person.name,
        skills=[types_pb2.Skill(skill=skill.skill, level=skill.level) for skill in event.skills],
        memberships=[types_pb2.Membership(queue=membership.queue, rank=membership.rank) for membership in event.memberships],
        channels=[
            types_pb2.AgentChannel(channel=channel.channel, cost=channel.cost, max_concurrent=channel.max_concurrent)
            for channel in event.channels
        ],
        capacity=event.capacity,
    )


def agent(ref: bytes, person: Person, event: AgentRegistered, desk: Desk | None) -> staff_pb.Agent:
    """`desk` None: what the agent does is not shown."""
    declared = staff_pb.Agent(agent_id=ref.hex(), declaration=declaration(person, event))
    if desk is not None:
        declared.presence.CopyFrom(presence(desk))
        declared.switches.extend(switches(desk))
    return declared


def work(
    at: Work, made: desk_pb.Offer, messages: Sequence[desk_pb.Message], primary: str, sides: Sequence[engagements_pb.Side]
) -> desk_pb.Work:
    """`made` is its offer."""
    return desk_pb.Work(
        offer=made,
        state=WORK_STATES[at.state],
        until_ms=at.deadline_ms or 0,
        messages=messages,
        held_since_ms=at.held_since_ms or 0,
        dormant=at.dormant,
        primary=primary,
        sides=sides,
        dormant_end_at_ms=at.dormant_end_ms or 0,
        silent_since_ms=at.silent_since_ms or 0,
        requeue_at_ms=at.requeue_at_ms or 0,
    )


def primary_of(hands: InHand, people: Mapping[bytes, Person]) -> str:
    """Person id of the agent who answers for the contact; empty if nobody is engaged. `people` must know all of them."""
    return next((people[agent].person for agent, at in hands if (at.role, at.state) == ("primary", "engaged")), "")


def sides_of(hands: InHand, people: Mapping[bytes, Person], *, without: bytes | None = None) -> list[engagements_pb.Side]:
    """Whoever was asked in, but for the agent `without`. `people` must know all of them."""
    return [
        engagements_pb.Side(
            contact_id=at.contact.hex(),
            attempt=at.attempt,
            agent=people[agent].person,
            role=TO_ROLE[at.role],
            state=SIDE_STATES[at.state],
        )
        for agent, at in hands
        if at.role != "primary" and agent != without
    ]
