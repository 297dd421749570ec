"""Changes at a desk that show nothing but the journal's own words and who took part, as protobuf."""

from collections.abc import Mapping

from cordboard.api.translate.words import TO_ROLE
from cordboard.events import event as words
from cordboard.events.fact import Role
from cordboard.projections.live import DeskChange
from cordboard.v1 import desk_pb2 as pb
from cordboard.v1 import engagement_service_pb2 as engagements_pb
from cordboard.vault import Person

_OVER: dict[type, pb.OfferOutcome.ValueType] = {
    words.OfferDeclined: pb.OFFER_OUTCOME_DECLINED,
    words.OfferExpired: pb.OFFER_OUTCOME_EXPIRED,
    words.OfferRevoked: pb.OFFER_OUTCOME_REVOKED,
    words.ConnectExpired: pb.OFFER_OUTCOME_CONNECT_EXPIRED,
    words.ConnectFailed: pb.OFFER_OUTCOME_CONNECT_FAILED,
    words.AttemptRecorded: pb.OFFER_OUTCOME_CONNECT_FAILED,
}
SideEvent = (
    words.OfferMade
    | words.OfferAccepted
    | words.OfferDeclined
    | words.OfferExpired
    | words.OfferRevoked
    | words.ConnectExpired
    | words.ConnectFailed
    | words.EngagementStarted
    | words.EngagementEnded
)
"""What the others at a contact are told of a side."""


def fill_plain(response: pb.WatchDeskResponse, change: DeskChange, contact: bytes) -> bool:
    """Set the change that the event is; False if it is none of these."""
    contact_id = contact.hex()
    match change.event:
        case words.OfferAccepted(attempt=attempt, connect_by_ms=by_ms):
            response.offer_accepted.CopyFrom(pb.OfferAcceptance(contact_id=contact_id, attempt=attempt, connect_by_ms=by_ms))
        case (
            words.OfferDeclined()
            | words.OfferExpired()
            | words.OfferRevoked()
            | words.ConnectExpired()
            | words.ConnectFailed()
            | words.AttemptRecorded() as over
        ):
            response.offer_over.CopyFrom(pb.OfferOver(contact_id=contact_id, attempt=over.attempt, outcome=_OVER[type(over)]))
            if isinstance(over, words.OfferRevoked | words.OfferDeclined):
                response.offer_over.reason = over.reason or ""
            elif isinstance(over, words.ConnectFailed):
                response.offer_over.reason = over.leg
            elif isinstance(over, words.AttemptRecorded):
                response.offer_over.reason = over.outcome
        case words.EngagementEnded(attempt=attempt, by=by, wrap_until_ms=until_ms, role=role):
            response.engagement_ended.CopyFrom(
                pb.EngagementEnd(contact_id=contact_id, attempt=attempt, by=by, wrap_until_ms=until_ms or 0, role=TO_ROLE[role])
            )
        case words.WrapUpExtended(attempt=attempt, until_ms=until_ms):
            response.wrap_up_extended.CopyFrom(pb.WrapUpMove(contact_id=contact_id, attempt=attempt, until_ms=until_ms))
        case words.WrapUpEnded(attempt=attempt, by=by):
            response.wrap_up_ended.CopyFrom(pb.WrapUpEnd(contact_id=contact_id, attempt=attempt, by=by))
        case words.ParkEnded(by=by):
            response.park_ended.CopyFrom(pb.ParkEnd(contact_id=contact_id, by=by))
        case words.ContactReclassified(topic=topic, previous=previous):
            response.contact_reclassified.CopyFrom(pb.Reclassification(contact_id=contact_id, topic=topic, previous=previous or ""))
        case words.ContactReprioritised(priority=priority):
            response.priority_changed.CopyFrom(engagements_pb.PriorityChange(contact_id=contact_id, priority=priority))
        case _:
            return _fill_course(response, change.event, contact_id)
    return True


def _fill_course(response: pb.WatchDeskResponse, event: words.Event, contact_id: str) -> bool:
    """How an engagement goes: hold and silence."""
    match event:
        case words.EngagementHeld(attempt=attempt):
            response.engagement_held.CopyFrom(engagements_pb.Hold(contact_id=contact_id, attempt=attempt))
        case words.EngagementResumed(attempt=attempt, held_ms=held_ms):
            response.engagement_resumed.CopyFrom(engagements_pb.HoldEnd(contact_id=contact_id, attempt=attempt, held_ms=held_ms))
        case words.ContactDormant(attempt=attempt, end_at_ms=end_at_ms):
            response.contact_dormant.CopyFrom(
                engagements_pb.Dormancy(contact_id=contact_id, attempt=attempt, end_at_ms=end_at_ms or 0)
            )
        case words.ContactRevived(attempt=attempt):
            response.contact_revived.CopyFrom(engagements_pb.DormancyEnd(contact_id=contact_id, attempt=attempt))
        case words.AgentSilenceNoticed(attempt=attempt, since_ms=since_ms, requeue_at_ms=requeue_at_ms):
            response.silence_noticed.CopyFrom(
                engagements_pb.SilenceNotice(
                    contact_id=contact_id, attempt=attempt, since_ms=since_ms, requeue_at_ms=requeue_at_ms or 0
                )
            )
        case _:
            return False
    return True


def role_change(
    event: words.RoleChanged, contact: bytes, agent: bytes, people: Mapping[bytes, Person]
) -> engagements_pb.RoleChange:
    """`people` must know the agent."""
    return engagements_pb.RoleChange(
        contact_id=contact.hex(), attempt=event.attempt, agent=people[agent].person, role=TO_ROLE[event.role]
    )


def side_change(event: SideEvent, contact: bytes, agent: bytes, role: Role, people: Mapping[bytes, Person]) -> engagements_pb.Side:
    """What became of somebody else's side. `people` must know the agent."""
    state, reason = _side_state(event)
    return engagements_pb.Side(
        contact_id=contact.hex(), attempt=event.attempt, agent=people[agent].person, role=TO_ROLE[role], state=state, reason=reason
    )


def _side_state(event: SideEvent) -> tuple[engagements_pb.SideState.ValueType, str]:
    match event:
        case words.OfferMade():
            return engagements_pb.SIDE_STATE_OFFERED, ""
        case words.OfferAccepted():
            return engagements_pb.SIDE_STATE_CONNECTING, ""
        case words.EngagementStarted():
            return engagements_pb.SIDE_STATE_ENGAGED, ""
        case words.EngagementEnded(by=by):
            return engagements_pb.SIDE_STATE_OVER, by
        case words.OfferDeclined():
            return engagements_pb.SIDE_STATE_OVER, "declined"
        case words.OfferExpired():
            return engagements_pb.SIDE_STATE_OVER, "expired"
        case words.OfferRevoked():
            return engagements_pb.SIDE_STATE_OVER, "revoked"
        case words.ConnectExpired():
            return engagements_pb.SIDE_STATE_OVER, "connect_expired"
        case words.ConnectFailed():
            return engagements_pb.SIDE_STATE_OVER, "connect_failed"
