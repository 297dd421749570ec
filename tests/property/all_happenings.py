"""Every happening there is, and kinds of histories."""

from collections.abc import Sequence
from dataclasses import dataclass

from cordboard.events.bounds import Skill
from tests.property.agent_happenings import AGENT_HAPPENINGS
from tests.property.case_happenings import CASE_HAPPENINGS
from tests.property.coming_happenings import COMING_HAPPENINGS
from tests.property.contact_happenings import CONTACT_HAPPENINGS
from tests.property.door_happenings import DOOR_HAPPENINGS
from tests.property.engagement_happenings import ENGAGEMENT_HAPPENINGS
from tests.property.happenings import Happening
from tests.property.more_sites import (
    More,
    as_it_is,
    with_callbacks,
    with_cases,
    with_doors,
    with_hours,
    with_next_steps,
    with_places,
    with_slas,
    with_strategies,
    with_waits,
)
from tests.property.next_step_happenings import NEXT_STEP_HAPPENINGS
from tests.property.pair import ALIKE
from tests.property.place_happenings import PLACE_HAPPENINGS
from tests.property.promise_happenings import PROMISE_HAPPENINGS
from tests.property.queue_happenings import QUEUE_HAPPENINGS
from tests.property.sla_happenings import SLA_HAPPENINGS
from tests.property.strategy_happenings import STRATEGY_HAPPENINGS, TALENTS

HAPPENINGS = (*AGENT_HAPPENINGS, *QUEUE_HAPPENINGS, *CONTACT_HAPPENINGS, *ENGAGEMENT_HAPPENINGS)


@dataclass(frozen=True)
class Kind:
    """What its sites have, and what happens to them, more than to others."""

    more: More
    happenings: tuple[Happening, ...] = ()
    special: float = 0.5
    """How often a seeded day does what is special, rather than the everyday."""
    at_hand: float = 0.5
    """How often it goes on with work, if there is some."""
    talents: Sequence[list[Skill]] = ALIKE
    """What the agents can do who begin the day."""


KINDS = {
    "plain": Kind(as_it_is),
    "hours": Kind(with_hours),
    "strategies": Kind(with_strategies, STRATEGY_HAPPENINGS, talents=TALENTS),
    "waits": Kind(with_waits),
    "slas": Kind(with_slas, SLA_HAPPENINGS),
    "cases": Kind(
        with_cases, (*PROMISE_HAPPENINGS, *COMING_HAPPENINGS, *SLA_HAPPENINGS, *CASE_HAPPENINGS, *CASE_HAPPENINGS), 0.75, 0.35
    ),
    "doors": Kind(with_doors, DOOR_HAPPENINGS),
    "next_steps": Kind(with_next_steps, NEXT_STEP_HAPPENINGS, 0.75, 0.3),
    "callbacks": Kind(with_callbacks, PROMISE_HAPPENINGS, 0.85, 0.3),
    "comings": Kind(with_callbacks, (*PROMISE_HAPPENINGS, *COMING_HAPPENINGS, *COMING_HAPPENINGS), 0.85, 0.3),
    "places": Kind(with_places, (*PROMISE_HAPPENINGS, *PLACE_HAPPENINGS, *PLACE_HAPPENINGS), 0.85, 0.3),
}
