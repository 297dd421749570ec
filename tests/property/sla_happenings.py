"""What clocks run for: arrivals of customers of some kind, their words and those of agents."""

from typing import Any

from cordboard.events import fact as f
from tests.property.engagement_happenings import contact_is_put_aside, parked_contact_is_wanted, word_is_said
from tests.property.happenings import Choices, Happening, new_contact
from tests.property.pair import Pair
from tests.property.promise_happenings import call_is_tried, call_is_wished_for, who_waits_wishes
from tests.property.sites import CHANNELS, QUEUES


def somebody_of_a_segment_arrives(pair: Pair, choices: Choices) -> f.Fact:
    """Now and then about an earlier contact, and mostly with a word."""
    case = choices.pick([None, None, *pair.contacts[-3:]])
    return f.ContactArrived(
        pair.fact_id(), new_contact(pair), choices.pick(CHANNELS), choices.pick(QUEUES), case=case,
        segment=choices.pick([None, "gold", "tin"]), message=choices.pick([None, bytes(16), bytes(16)]),
    )  # fmt: skip


def customer_asks(pair: Pair, choices: Choices) -> f.Fact | None:
    """Whatever state the contact is in."""
    if not pair.naive.contacts:
        return None
    author: Any = choices.pick(["customer", "customer", "customer", "system"])
    return f.MessagePosted(pair.fact_id(), choices.pick(pair.naive.contacts).id, bytes(16), author)


def agent_replies(pair: Pair, choices: Choices) -> f.Fact | None:
    engaged = [each for each in pair.naive.works if each.state == "engaged" and each.role == "primary"]
    if not engaged:
        return None
    work = choices.pick(engaged)
    return f.MessagePosted(pair.fact_id(), work.contact, bytes(16), "agent", work.agent)


SLA_HAPPENINGS: tuple[Happening, ...] = (
    call_is_wished_for, call_is_tried, who_waits_wishes,
    somebody_of_a_segment_arrives, somebody_of_a_segment_arrives, customer_asks, customer_asks, agent_replies, agent_replies,
    contact_is_put_aside, contact_is_put_aside, parked_contact_is_wanted, word_is_said,
)  # fmt: skip
