"""A small typed client of cordboard.v1: what the demo, the CLI and the tests use.

    async with Client("127.0.0.1:7401") as client:
        contact = await client.submit_contact(channel="task", queue="orders", text="Where is my parcel?")
        async for change in client.watch_desk("anna"):
            match change.event:
                case Offer() as offer: await client.accept_offer("anna", offer.contact_id, offer.attempt)

Every write carries a request id, and is repeated with the same one while the server is unavailable or its answer does not come,
so that nothing is done twice. Answers are the API's own messages; ids are 32 hexadecimal digits.
"""

from cordboard.client.availability import AvailabilityCalls
from cordboard.client.boards import BoardCalls
from cordboard.client.callbacks import CallbackCalls
from cordboard.client.connection import ClientError, new_request_id
from cordboard.client.contacts import ContactCalls, NewContact, new_contact
from cordboard.client.customers import CustomerCalls
from cordboard.client.desk import DeskCalls, DeskChange, DeskEvent
from cordboard.client.effects import EffectCalls
from cordboard.client.engagements import EngagementCalls
from cordboard.client.engine import EngineCalls
from cordboard.client.explain import ExplainCalls
from cordboard.client.next_steps import NextStepCalls
from cordboard.client.policy import PolicyCalls
from cordboard.client.quarantine import QuarantineCalls
from cordboard.client.queues import QueueCalls
from cordboard.client.slas import SlaCalls
from cordboard.client.staff import StaffCalls
from cordboard.v1.callback_service_pb2 import Promise, PromiseFilter
from cordboard.v1.contact_service_pb2 import Contact, ContactFilter, SubmissionResult, SubmitContactRequest, TimelineEntry
from cordboard.v1.desk_pb2 import (
    Bookmark,
    ChannelSwitch,
    DeskSnapshot,
    EngagementEnd,
    EngagementStart,
    Message,
    Offer,
    OfferAcceptance,
    OfferMove,
    OfferOver,
    ParkedContact,
    ParkEnd,
    PresenceReport,
    Reclassification,
    Signal,
    WrapUpEnd,
    WrapUpMove,
)
from cordboard.v1.engagement_service_pb2 import (
    Dormancy,
    DormancyEnd,
    Hold,
    HoldEnd,
    PriorityChange,
    RoleChange,
    Side,
    SilenceNotice,
)
from cordboard.v1.sla_service_pb2 import SlaClock, SlaFilter
from cordboard.v1.staff_service_pb2 import AgentDeclaration
from cordboard.v1.types_pb2 import Attachment, Customer, Requirement

__all__ = [
    "AgentDeclaration", "Attachment", "Bookmark", "ChannelSwitch", "Client", "ClientError", "Contact", "ContactFilter",
    "Customer", "DeskChange", "DeskEvent", "DeskSnapshot", "Dormancy", "DormancyEnd", "EngagementEnd", "EngagementStart", "Hold",
    "HoldEnd", "Message", "NewContact", "Offer", "OfferAcceptance", "OfferMove", "OfferOver", "ParkEnd", "ParkedContact",
    "PresenceReport", "PriorityChange", "Promise", "PromiseFilter", "Reclassification", "Requirement", "RoleChange", "Side",
    "Signal", "SilenceNotice", "SlaClock", "SlaFilter",
    "SubmissionResult", "SubmitContactRequest", "TimelineEntry", "WrapUpEnd", "WrapUpMove", "new_contact", "new_request_id",
]  # fmt: skip


class Client(
    ContactCalls,
    DeskCalls,
    EngagementCalls,
    StaffCalls,
    AvailabilityCalls,
    BoardCalls,
    CallbackCalls,
    PolicyCalls,
    CustomerCalls,
    EffectCalls,
    QuarantineCalls,
    EngineCalls,
    ExplainCalls,
    QueueCalls,
    SlaCalls,
    NextStepCalls,
):
    """Every service of the API at `target` (host:port), over one connection. Raises ClientError."""
