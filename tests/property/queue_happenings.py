"""What happens to queues and those who wait: arrivals with everything about them, modes, broadcasts."""

from cordboard.events import fact as f
from cordboard.events.bounds import Requirement
from tests.property.happenings import Choices, Happening, new_contact
from tests.property.pair import Pair
from tests.property.sites import CHANNELS, QUEUES, SKILLS, TOPICS

CUSTOMERS = [bytes([3, number]).ljust(16, b"\0") for number in range(3)]


def known_customer_arrives(pair: Pair, choices: Choices) -> f.Fact:
    skills = choices.pick([(), SKILLS[:1], SKILLS])
    needs = [Requirement(skill, choices.pick([2, 5, 9]), choices.chance(30)) for skill in skills]
    return f.ContactArrived(
        pair.fact_id(), new_contact(pair), choices.pick(CHANNELS), choices.pick(QUEUES), needs, choices.pick([0, 0, 2]),
        choices.pick(CUSTOMERS), topic=choices.pick([None, *TOPICS]), accepts=choices.pick([[], ["en"]]),
    )  # fmt: skip


QUEUE_HAPPENINGS: tuple[Happening, ...] = (known_customer_arrives,)
