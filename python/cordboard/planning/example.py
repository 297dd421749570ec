"""A staffing table to begin with."""

from cordboard.events.policy import Policy

_HEAD = """\
# Agents per queue and interval. Times are local; 7.5 agents, 30% (or 0.3). `shrinkage` empty: 0%, `bookable_share` empty: 100%.
# `handle`: how long a callback takes, wrap-up included; empty: one slot. Callbacks of a slot =
# agents x (1 - shrinkage) x bookable_share x slot / handle, rounded down. Instead of `to` a column `interval` may say 15m.
queue,date,from,to,agents,shrinkage,bookable_share,handle
"""


def example_csv(policy: Policy) -> str:
    """A day of each queue with callbacks, as `load_staffing` reads it; a comment if there is none."""
    queues = [queue for queue in policy.queues if queue.callbacks is not None]
    if not queues:
        return _HEAD + "# no queue of the site's policy has `callbacks` yet\n"
    hours = (("08:00", "12:00", "12"), ("12:00", "14:00", "7.5"), ("14:00", "18:00", "10"))
    return _HEAD + "".join(
        f"{queue.name},2027-01-04,{begin},{end},{agents},30%,20%,\n" for queue in queues for begin, end, agents in hours
    )
