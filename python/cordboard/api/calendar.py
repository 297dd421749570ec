"""The days of a policy run out if nobody publishes it again: whoever reads the log is told in time."""

import asyncio
import logging

from cordboard.projections.boards import Boards

logger = logging.getLogger(__name__)
DAYS_FEW = 60
LOOK_S = 6 * 3_600.0


async def watch_days(boards: Boards, every_s: float = LOOK_S) -> None:
    """For ever: warn while the policy in force knows fewer than DAYS_FEW more days."""
    while True:
        if (warning := days_warning(boards)) is not None:
            logger.warning("%s", warning)
        await asyncio.sleep(every_s)


def days_warning(boards: Boards) -> str | None:
    """What to do; None while there are enough days, or the policy counts none."""
    left = boards.site().days_left
    if left is None or left >= DAYS_FEW:
        return None
    return f"the policy knows {left} more days, then no day turns (`fewest_today`) and calendars have no holidays: publish it again"
