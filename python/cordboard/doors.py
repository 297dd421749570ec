"""Doors: what customers are shown of entry points before they come in, folded from the journal."""

from dataclasses import dataclass, replace

from cordboard import codec
from cordboard.events import Commit, Entry
from cordboard.events.commit import INPUT_TAG
from cordboard.events.door_events import DoorCause, DoorTurned
from cordboard.events.event import PolicyAdopted
from cordboard.events.fact import DemandTurnedAway, DoorState
from cordboard.events.policy import Policy
from cordboard.events.verdict import Accepted

_POLICY_ADOPTED, _DOOR_TURNED = 5, 86


@dataclass(frozen=True, slots=True)
class Door:
    """An entry point as customers are shown it. Times are Unix ms.

    `state` None: the router has not said anything yet. `expected_wait_ms` None: not known, or closed. `until_ms`: when it is to
    open again, if that is known. `referral`: the entry point where customers are sent meanwhile. `asynchronous`: nobody waits at
    the other end, and `expected_wait_ms` is until the answer. `turned_away`: customers who came while it was not open, since the
    journal begins.
    """

    name: str
    channel: str
    queue: str
    asynchronous: bool = False
    state: DoorState | None = None
    cause: DoorCause | None = None
    expected_wait_ms: int | None = None
    until_ms: int | None = None
    referral: str | None = None
    since_ms: int = 0
    turned_away: int = 0
    changed_seq: int = 0
    """Position of the commit that last changed anything here."""


class Doors:
    """A fold: `apply` every commit, then ask."""

    def __init__(self) -> None:
        self._doors: dict[str, Door] = {}
        self.position = 0
        self.at_ms = 0

    def apply(self, seq: int, commit: Commit) -> None:
        for entry in commit.entries:
            if entry.tag == _DOOR_TURNED:
                self._turn(seq, entry)
            elif entry.tag == _POLICY_ADOPTED:
                event = codec.decode_event(entry)
                assert isinstance(event, PolicyAdopted)
                self._adopt(seq, codec.decode_policy(event.policy))
            elif entry.tag == INPUT_TAG and entry.contact is None and entry.agent is None and entry.channel is not None:
                self._count(seq, entry)
        self.position, self.at_ms = seq, commit.at_ms

    def door(self, name: str) -> Door | None:
        return self._doors.get(name)

    def all(self) -> list[Door]:
        """By name."""
        return [self._doors[name] for name in sorted(self._doors)]

    def _turn(self, seq: int, entry: Entry) -> None:
        event = codec.decode_event(entry)
        assert isinstance(event, DoorTurned)
        known = self._doors.get(event.entry_point)
        if known is None:
            return
        self._doors[event.entry_point] = replace(
            known,
            state=event.state,
            cause=event.cause,
            expected_wait_ms=event.expected_wait_ms,
            until_ms=event.until_ms,
            referral=event.referral,
            since_ms=known.since_ms if known.state == event.state else event.at_ms,
            changed_seq=seq,
        )

    def _adopt(self, seq: int, policy: Policy) -> None:
        """Doors that the policy has; what is shown of them stays until the router says otherwise."""
        presences = {channel.name: channel.presence for channel in policy.channels}
        doors: dict[str, Door] = {}
        for each in policy.entry_points:
            if each.availability is not None and each.queue is not None:
                known = self._doors.get(each.name) or Door(each.name, each.channel, each.queue, changed_seq=seq)
                asynchronous = presences.get(each.channel) == "async"
                now = replace(known, channel=each.channel, queue=each.queue, asynchronous=asynchronous)
                doors[each.name] = now if now == known else replace(now, changed_seq=seq)
        self._doors = doors

    def _count(self, seq: int, entry: Entry) -> None:
        given = codec.decode_input(entry)
        if not isinstance(given.verdict, Accepted):
            return
        fact = codec.decode_fact(given.fact)
        if isinstance(fact, DemandTurnedAway) and (known := self._doors.get(fact.entry_point)) is not None:
            self._doors[known.name] = replace(known, turned_away=known.turned_away + fact.count, changed_seq=seq)
