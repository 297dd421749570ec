"""What happens to contacts beyond the everyday."""

from cordboard.events import fact as f
from tests.property.happenings import Choices, Happening, recent_contact
from tests.property.pair import Pair


def service_ends(pair: Pair, choices: Choices) -> f.Fact | None:
    contact = recent_contact(pair, choices)
    return None if contact is None else f.ContactEndRequested(pair.fact_id(), contact, "failed")


CONTACT_HAPPENINGS: tuple[Happening, ...] = (service_ends,)
