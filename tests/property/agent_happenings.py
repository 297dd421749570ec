"""What happens to agents: planned absence, work from elsewhere, a lost desk."""

from cordboard.events import fact as f
from tests.property.happenings import Choices, Happening
from tests.property.pair import AGENTS, Pair
from tests.property.sites import CHANNELS, QUEUES

OUTSIDE = [bytes([4, number]).ljust(16, b"\0") for number in range(3)]


def agent_comes(pair: Pair, choices: Choices) -> f.Fact:
    return f.PresenceRequested(pair.fact_id(), choices.pick(AGENTS), "ready")


def agent_is_scheduled(pair: Pair, choices: Choices) -> f.Fact:
    ahead_ms = choices.pick([None, -500, 0, 1_000, 3_000, 9_000])
    leaves_ms = None if ahead_ms is None else pair.now + ahead_ms
    return f.AgentScheduled(pair.fact_id(), choices.pick(AGENTS), leaves_ms)


def agent_is_busy_elsewhere(pair: Pair, choices: Choices) -> f.Fact:
    busy = [agent for agent in pair.naive.agents if agent.outside]
    if busy and choices.chance(40):
        agent = choices.pick(busy)
        outside = choices.pick(agent.outside)
        return f.AgentBusyReported(pair.fact_id(), agent.id, outside.channel, outside.work, False)
    work, channel = choices.pick(OUTSIDE), choices.pick([*CHANNELS, "fax"])
    return f.AgentBusyReported(pair.fact_id(), choices.pick(AGENTS), channel, work, choices.chance(85))


def desk_goes(pair: Pair, choices: Choices) -> f.Fact:
    return f.DeskLost(pair.fact_id(), choices.pick(AGENTS))


def desk_comes_back(pair: Pair, choices: Choices) -> f.Fact:
    lost = [agent.id for agent in pair.naive.agents if agent.desk_lost_ms is not None]
    owners = [contact.owner for contact in pair.naive.contacts if (contact.state, contact.parked_kind) == ("parked", "desk_lost")]
    return f.DeskReturned(pair.fact_id(), choices.pick([owner for owner in lost if owner in owners] or lost or AGENTS))


def queue_loses_its_people(pair: Pair, choices: Choices) -> f.Fact | None:
    """One of the last who are logged in to a queue logs out, or is asked to."""
    staff = [[agent for agent in pair.naive.agents if agent.rank(queue) is not None] for queue in QUEUES]
    there = [[agent.id for agent in members if agent.effective[0] != "offline"] for members in staff]
    few = min((each for each in there if each), key=len, default=None)
    if few is None:
        return None
    agent = choices.pick(few)
    if choices.chance(50):
        return f.PresenceForced(pair.fact_id(), agent, "offline", None, None)
    return f.PresenceRequested(pair.fact_id(), agent, "offline")


def agent_is_sent_away(pair: Pair, choices: Choices) -> f.Fact:
    presence, reason = choices.pick([("not_ready", "lunch"), ("not_ready", None), ("offline", "lunch"), ("offline", "unheard_of")])
    return f.PresenceForced(pair.fact_id(), choices.pick(AGENTS), presence, None, reason)  # type: ignore[arg-type]


AGENT_HAPPENINGS: tuple[Happening, ...] = (
    agent_comes, agent_is_scheduled, agent_is_busy_elsewhere, agent_is_busy_elsewhere, desk_goes, desk_comes_back, desk_comes_back,
    agent_is_sent_away, queue_loses_its_people,
)  # fmt: skip
