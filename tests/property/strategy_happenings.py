"""What tells agents apart: several of them are free, and have been there for longer or shorter, with more or fewer contacts."""

from cordboard.events import fact as f
from cordboard.events.bounds import AgentChannel, Membership, Skill
from tests.property.happenings import Choices, Happening, new_contact
from tests.property.pair import AGENTS, Pair
from tests.property.sites import CHANNELS, QUEUES

TALENTS = (
    [Skill("nl", 3), Skill("plants", 8)],
    [Skill("nl", 9), Skill("plants", 3)],
    [Skill("nl", 5), Skill("plants", 5)],
)
"""Who begins the day: each is best at something."""


def time_goes_by(pair: Pair, choices: Choices) -> None:
    """Longer than the minute that everybody is credited."""
    pair.wait(choices.pick([15_000, 40_000, 90_000, 200_000]))


def somebody_comes_later(pair: Pair, choices: Choices) -> f.Fact:
    """So that not everybody has been ready for as long."""
    agent = choices.pick(AGENTS[:3])
    pair.happen(f.PresenceRequested(pair.fact_id(), agent, "not_ready", "lunch"))
    pair.wait(choices.pick([5_000, 60_000, 100_000]))
    return f.PresenceRequested(pair.fact_id(), agent, "ready")


def everybody_is_free(pair: Pair, choices: Choices) -> f.Fact:
    """Whatever they had to do is done; then somebody comes."""
    for work in [*pair.naive.works]:
        if work.state in ("offered", "connecting", "engaged"):
            pair.happen(f.ContactEndRequested(pair.fact_id(), work.contact, "cancelled"))
        else:
            pair.happen(f.WrapUpEndRequested(pair.fact_id(), work.contact, work.agent))
    for agent in AGENTS[:3]:
        pair.happen(f.PresenceRequested(pair.fact_id(), agent, "ready"))
    pair.wait(choices.pick([10_000, 1_000]))
    queue = choices.pick(QUEUES)
    return f.ContactArrived(pair.fact_id(), new_contact(pair), choices.pick(CHANNELS), queue, priority=choices.pick([0, 0, 2]))


def contacts_are_done_with(pair: Pair, choices: Choices) -> f.Fact | None:
    """From the offer to the end, by whoever got them."""
    for _ in range(choices.pick([4, 12])):
        work = next((each for each in pair.naive.works if each.role == "primary" and each.state != "wrapping"), None)
        if work is None:
            return None
        ids = (pair.fact_id(), work.contact)
        if work.state in ("offered", "held"):
            pair.happen(f.OfferAnswered(*ids, work.attempt, work.agent, True))
        elif work.state == "connecting":
            pair.happen(f.ContactConnected(*ids, work.attempt, work.agent))
        else:
            pair.happen(f.EngagementEndRequested(*ids, work.agent, "solved"))
    return None


def agent_learns(pair: Pair, choices: Choices) -> f.Fact:
    """Other skills from now on, for the same queues and channels."""
    skills = [Skill("nl", choices.pick([2, 3, 5, 8])), Skill("plants", choices.pick([1, 3, 5, 8]))]
    members = [Membership(queue.name) for queue in pair.naive.policy.queues]
    channels = [AgentChannel(channel) for channel in CHANNELS]
    return f.AgentDeclared(pair.fact_id(), choices.pick(AGENTS[:3]), skills, members, channels)


STRATEGY_HAPPENINGS: tuple[Happening, ...] = (
    time_goes_by, somebody_comes_later, everybody_is_free, everybody_is_free, everybody_is_free, contacts_are_done_with,
    contacts_are_done_with, agent_learns,
)  # fmt: skip
