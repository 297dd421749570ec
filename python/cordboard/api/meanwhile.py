"""What was asked of an agent while something else was being done about them: noted, so that it can be asked again elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cordboard.events import Fact
from cordboard.events.event import AgentRegistered, AgentScheduleSet, ChannelSwitchSet, PresenceChanged
from cordboard.events.fact import AgentDeclared, AgentScheduled, ChannelSwitched, PresenceRequested
from cordboard.events.policy import Policy
from cordboard.projections.desks import Desks
from cordboard.projections.live import DeskChange

_KINDS = (AgentRegistered, PresenceChanged, ChannelSwitchSet, AgentScheduleSet)
_ASKED = ("requested", "forced")
FactId = Callable[[str], bytes]


class Meanwhile:
    """The last of each kind: declaration, presence, planned absence, the switch of each channel. What the engine did by itself (a
    channel off after missed offers) is not among it."""

    def __init__(self, agent: bytes) -> None:
        self._agent = agent
        self._last: dict[tuple[type, str | None], DeskChange] = {}

    def note(self, change: DeskChange) -> None:
        """A sink of the desks."""
        event = change.event
        if change.entry.agent != self._agent or not isinstance(event, _KINDS):
            return
        if isinstance(event, PresenceChanged | ChannelSwitchSet) and event.cause not in _ASKED:
            return
        self._last[type(event), change.entry.channel] = change

    def forget(self) -> None:
        """What was noted up to now was our own doing."""
        self._last.clear()

    def facts(self, instead_of: "Meanwhile", agent: bytes, policy: Policy, fact_id: FactId) -> Iterator[Fact]:
        """The same asked of `agent`, in the order it was asked, but for what was asked of `instead_of` later."""
        for kind, change in sorted(self._last.items(), key=lambda item: item[1].seq):
            later = instead_of._last.get(kind)
            if later is None or later.seq < change.seq:
                yield from _again(change, agent, policy, fact_id)


@contextmanager
def meanwhile(desks: Desks, agent: bytes) -> Iterator[Meanwhile]:
    """Notes what is asked of `agent` as long as it lasts."""
    noted = Meanwhile(agent)
    unsubscribe = desks.subscribe(agent, noted.note)
    try:
        yield noted
    finally:
        unsubscribe()


def declaration(fact_id: bytes, agent: bytes, registered: AgentRegistered, policy: Policy) -> AgentDeclared:
    """What the agent was declared with, less the words that the policy has dropped since: nobody can be declared with those."""
    queues, channels = {queue.name for queue in policy.queues}, {channel.name for channel in policy.channels}
    return AgentDeclared(
        fact_id,
        agent,
        [one for one in registered.skills if one.skill in policy.skills],
        [one for one in registered.memberships if one.queue in queues],
        [one for one in registered.channels if one.channel in channels],
        capacity=registered.capacity,
    )


def _again(change: DeskChange, agent: bytes, policy: Policy, fact_id: FactId) -> Iterator[Fact]:
    match change.event:
        case AgentRegistered() as registered:
            yield declaration(fact_id("declare again"), agent, registered, policy)
        case PresenceChanged(requested=presence, requested_reason=reason):
            yield PresenceRequested(fact_id("presence again"), agent, presence, reason)
        case AgentScheduleSet(leaves_ms=leaves_ms):
            yield AgentScheduled(fact_id("schedule again"), agent, leaves_ms)
        case ChannelSwitchSet(on=on) if change.entry.channel in {one.name for one in policy.channels}:
            yield ChannelSwitched(fact_id(f"switch {change.entry.channel} again"), agent, change.entry.channel or "", on=on)
