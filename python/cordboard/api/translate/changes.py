"""Changes at a desk that show nothing but the journal's own words, as protobuf."""

from cordboard.events import event as words
from cordboard.projections.live import DeskChange
from cordboard.v1 import agent_service_pb2 as pb

_OVER: dict[type, pb.OfferOutcome.ValueType] = {
    words.OfferDeclined: pb.OFFER_OUTCOME_DECLINED,
    words.OfferExpired: pb.OFFER_OUTCOME_EXPIRED,
    words.OfferRevoked: pb.OFFER_OUTCOME_REVOKED,
    words.ConnectExpired: pb.OFFER_OUTCOME_CONNECT_EXPIRED,
}


def fill_plain(response: pb.WatchDeskResponse, change: DeskChange, contact: bytes) -> bool:
    """Set the change that the event is; False if it is none of these."""
    contact_id = contact.hex()
    match change.event:
        case words.OfferAccepted(attempt=attempt, connect_by_ms=by_ms):
            response.offer_accepted.CopyFrom(pb.OfferAcceptance(contact_id=contact_id, attempt=attempt, connect_by_ms=by_ms))
        case words.OfferDeclined() | words.OfferExpired() | words.OfferRevoked() | words.ConnectExpired() as over:
            response.offer_over.CopyFrom(pb.OfferOver(contact_id=contact_id, attempt=over.attempt, outcome=_OVER[type(over)]))
            if isinstance(over, words.OfferRevoked | words.OfferDeclined):
                response.offer_over.reason = over.reason or ""
        case words.EngagementEnded(attempt=attempt, by=by, wrap_until_ms=until_ms):
            response.engagement_ended.CopyFrom(
                pb.EngagementEnd(contact_id=contact_id, attempt=attempt, by=by, wrap_until_ms=until_ms or 0)
            )
        case words.WrapUpExtended(attempt=attempt, until_ms=until_ms):
            response.wrap_up_extended.CopyFrom(pb.WrapUpMove(contact_id=contact_id, attempt=attempt, until_ms=until_ms))
        case words.WrapUpEnded(attempt=attempt, by=by):
            response.wrap_up_ended.CopyFrom(pb.WrapUpEnd(contact_id=contact_id, attempt=attempt, by=by))
        case words.ParkEnded(by=by):
            response.park_ended.CopyFrom(pb.ParkEnd(contact_id=contact_id, by=by))
        case words.ContactReclassified(topic=topic, previous=previous):
            response.contact_reclassified.CopyFrom(pb.Reclassification(contact_id=contact_id, topic=topic, previous=previous or ""))
        case _:
            return False
    return True
