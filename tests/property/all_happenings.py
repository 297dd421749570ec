"""Every happening there is."""

from tests.property.agent_happenings import AGENT_HAPPENINGS
from tests.property.contact_happenings import CONTACT_HAPPENINGS
from tests.property.engagement_happenings import ENGAGEMENT_HAPPENINGS
from tests.property.queue_happenings import QUEUE_HAPPENINGS

__all__ = ["AGENT_HAPPENINGS", "CONTACT_HAPPENINGS", "ENGAGEMENT_HAPPENINGS", "HAPPENINGS", "QUEUE_HAPPENINGS"]
HAPPENINGS = (*AGENT_HAPPENINGS, *QUEUE_HAPPENINGS, *CONTACT_HAPPENINGS, *ENGAGEMENT_HAPPENINGS)
