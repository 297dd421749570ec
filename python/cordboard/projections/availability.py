"""What a desk says of its agent: declared for what, there or not, which channels are off, when they leave."""

from msgspec.structs import replace

from cordboard.events import event as words
from cordboard.projections.live import Desk


def declared(desk: Desk, event: words.AgentRegistered) -> Desk:
    """Who is no longer declared for a channel has not switched it off: declared for it again, they have it on."""
    channels = tuple(channel.channel for channel in event.channels)
    return replace(
        desk,
        declared=True,
        capacity=event.capacity,
        channels=channels,
        channels_off=desk.channels_off.intersection(channels),
        channels_missed=desk.channels_missed.intersection(channels),
    )


def present(desk: Desk, event: words.PresenceChanged) -> Desk:
    left = desk.effective == "ready" != event.effective
    came_late = event.effective == "ready" != desk.effective and event.at_ms >= (desk.leaves_ms or 0)
    same = (desk.effective, desk.effective_reason) == (event.effective, event.effective_reason)
    return replace(
        desk,
        requested=event.requested,
        requested_reason=event.requested_reason,
        effective=event.effective,
        effective_reason=event.effective_reason,
        since_ms=desk.since_ms if same else event.at_ms,
        leaves_ms=None if left or came_late else desk.leaves_ms,
    )


def switched(desk: Desk, channel: str, event: words.ChannelSwitchSet) -> Desk:
    off, missed = desk.channels_off - {channel}, desk.channels_missed - {channel}
    if not event.on:
        off |= {channel}
        missed |= {channel} if event.cause == "missed" else set()
    return replace(desk, channels_off=off, channels_missed=missed)
