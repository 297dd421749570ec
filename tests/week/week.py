"""The week itself, in one of its variants."""

from cordboard.errors import InvalidInput
from tests.day.day import Course
from tests.day.site import SITE
from tests.week.people import visitors, wishes
from tests.week.site import BEGINS_MS, LASTS_MS, Variant
from tests.week.staffing import at_work, rostered, staffed_ms
from tests.week.world import WeekWorld


class Week(Course):
    """So many contacts and agents. The same seed, variant and size give the same bytes; every variant meets the same people."""

    def __init__(self, seed: int, variant: Variant, contacts: int, agents: int, inbox_id: bytes = bytes(16)) -> None:
        if contacts < 1 or agents < 1:
            raise InvalidInput("a week has at least one contact and one agent")
        self.variant = variant
        self.visitors = visitors(seed, contacts)
        self.wishes = wishes(seed, self.visitors)
        planned = rostered(seed, agents)
        workers = at_work(seed, planned)
        self.staffed_ms = staffed_ms(workers)
        self.outside = WeekWorld(seed, variant, self.visitors, self.wishes, planned, workers)
        super().__init__(self.outside, SITE, BEGINS_MS, LASTS_MS, inbox_id)
