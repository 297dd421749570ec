"""What happens to agents: planned absence, work from elsewhere, a lost desk."""

from cordboard.events import fact as f
from tests.property.happenings import Choices, Happening
from tests.property.pair import AGENTS, Pair


def agent_comes(pair: Pair, choices: Choices) -> f.Fact:
    return f.PresenceRequested(pair.fact_id(), choices.pick(AGENTS), "ready")


AGENT_HAPPENINGS: tuple[Happening, ...] = (agent_comes,)
