"""Commits written by hand from the words, for folds that need no core."""

from __future__ import annotations

import msgspec

from cordboard import codec
from cordboard.events import event as words
from cordboard.events.bounds import AgentChannel, Key, Membership, Requirement
from cordboard.events.commit import CAUSE_TIMER, Commit, Consumed, Entry
from cordboard.events.policy import ChannelProfile, Policy, QueuePolicy

SITE = "default"
NO_HASH = bytes(32)


def an_id(name: str) -> bytes:
    """16 bytes that read as `name`."""
    return name.encode().ljust(16, b".")


def about(event: words.Event, *, contact: str | None = None, agent: str | None = None, channel: str | None = None) -> Entry:
    """An event with whom it is about."""
    return Entry(
        tag=event.__struct_config__.tag,  # type: ignore[arg-type]
        contact=an_id(contact) if contact else None,
        agent=an_id(agent) if agent else None,
        channel=channel,
        cause=CAUSE_TIMER,
        body=codec.encode(event),
    )


def commit(seq: int, at_ms: int, *entries: Entry) -> Commit:
    return Commit(
        v=1,
        site=SITE,
        epoch=1,
        seq=seq,
        level=1,
        policy=1,
        at_ms=at_ms,
        prev_hash=NO_HASH,
        consumed=Consumed(an_id("inbox"), 1, 0),
        continued=False,
        entries=list(entries),
    )


def from_inbox(inbox: str, made: Commit) -> Commit:
    """The same commit, as a router would have written it that read another inbox."""
    return msgspec.structs.replace(made, consumed=Consumed(an_id(inbox), 1, 0))


def policy(*queues: str, short_abandon_ms: int = 5_000) -> Policy:
    return Policy(
        version=1,
        site=SITE,
        skills=[],
        channels=[
            ChannelProfile(name="chat", presence="live", klass=1, answered_on="connected"),
            ChannelProfile(name="task", presence="async", klass=3, answered_on="connected"),
        ],
        queues=[QueuePolicy(name=queue, short_abandon_ms=short_abandon_ms) for queue in queues],
    )


class Pen:
    """Writes the events of a small site, one commit each unless told otherwise."""

    def __init__(self, *folds: object) -> None:
        self.seq = 0
        self.folds = folds

    def write(self, at_ms: int, *entries: Entry) -> None:
        self.seq += 1
        for fold in self.folds:
            fold.apply(self.seq, commit(self.seq, at_ms, *entries))  # type: ignore[attr-defined]

    def adopt(self, at_ms: int, adopted: Policy) -> None:
        self.write(at_ms, about(words.PolicyAdopted(at_ms, 1, NO_HASH, codec.encode(adopted))))

    def declare(self, at_ms: int, agent: str, *queues: str, capacity: int = 100, chat_max: int = 3) -> None:
        event = words.AgentRegistered(
            at_ms,
            [],
            [Membership(queue) for queue in queues],
            [AgentChannel("chat", 30, chat_max), AgentChannel("task", 60, 1)],
            capacity,
        )
        self.write(at_ms, about(event, agent=agent))

    def presence(self, at_ms: int, agent: str, effective: str, requested: str | None = None) -> None:
        event = words.PresenceChanged(at_ms, requested or effective, None, effective, None, at_ms, "requested")  # type: ignore[arg-type]
        self.write(at_ms, about(event, agent=agent))

    def queued(self, at_ms: int, contact: str, queue: str, *, channel: str = "chat", visit: int = 1) -> None:
        event = words.ContactQueued(
            at_ms,
            visit,
            queue,
            Key(1, at_ms, self.seq),
            at_ms,
            20_000,
            [Requirement("nl")],
            5,
            an_id("customer"),
            [],
            0,
            None,
            "web",
            "shoes",
        )
        self.write(at_ms, about(event, contact=contact, channel=channel))

    def promised(
        self,
        at_ms: int,
        contact: str,
        queue: str,
        due_ms: int,
        *,
        until_ms: int | None = None,
        kind: str = "scheduled",
        customer: bytes | None = None,
    ) -> None:
        event = words.PromiseMade(
            at_ms=at_ms, queue=queue, kind=kind, mode="agent_first", due_ms=due_ms, from_ms=due_ms,  # type: ignore[arg-type]
            until_ms=until_ms or due_ms + 60_000, slot_ms=60_000, key=None, requirements=[], priority=0, customer=customer,
            preferred=[], entry_point=None, topic=None, case=None, rule=None, language=None, accepts=[], hours=[], address=None,
            waiting=None, replaces=None,
        )  # fmt: skip
        self.write(at_ms, about(event, contact=contact, channel="voice"))

    def promise_ended(self, at_ms: int, contact: str, outcome: str, *, due_ms: int = 0) -> None:
        late_ms = max(0, at_ms - due_ms)
        event = words.PromiseEnded(at_ms, outcome, None, due_ms, late_ms, 0, None, [])  # type: ignore[arg-type]
        self.write(at_ms, about(event, contact=contact, channel="voice"))

    def visit_ended(
        self, at_ms: int, contact: str, queue: str, outcome: str, wait_ms: int, *, channel: str = "chat", visit: int = 1
    ) -> None:
        event = words.VisitEnded(at_ms, visit, queue, outcome, at_ms - wait_ms, wait_ms, 20_000)  # type: ignore[arg-type]
        self.write(at_ms, about(event, contact=contact, channel=channel))

    def ended(self, at_ms: int, contact: str, reason: str = "completed", state: str = "engaged", *, channel: str = "chat") -> None:
        self.write(at_ms, about(words.ContactEnded(at_ms, reason, state, None), contact=contact, channel=channel))  # type: ignore[arg-type]

    def offered(
        self,
        at_ms: int,
        contact: str,
        agent: str,
        queue: str,
        *,
        attempt: int = 1,
        channel: str = "chat",
        cost: int = 30,
        role: str = "primary",
    ) -> None:
        event = words.OfferMade(at_ms, attempt, queue, at_ms + 20_000, cost, 0, "routed", 0, role=role)  # type: ignore[arg-type]
        self.write(at_ms, about(event, contact=contact, agent=agent, channel=channel))

    def accepted(self, at_ms: int, contact: str, agent: str, *, attempt: int = 1, channel: str = "chat") -> None:
        event = words.OfferAccepted(at_ms, attempt, at_ms + 10_000)
        self.write(at_ms, about(event, contact=contact, agent=agent, channel=channel))

    def expired(self, at_ms: int, contact: str, agent: str, *, attempt: int = 1, channel: str = "chat") -> None:
        event = words.OfferExpired(at_ms, attempt, at_ms + 60_000, at_ms + 10_000, 1)
        self.write(at_ms, about(event, contact=contact, agent=agent, channel=channel))

    def engaged(
        self, at_ms: int, contact: str, agent: str, queue: str, *, attempt: int = 1, channel: str = "chat", role: str = "primary"
    ) -> None:
        event = words.EngagementStarted(at_ms, attempt, queue, role)  # type: ignore[arg-type]
        self.write(at_ms, about(event, contact=contact, agent=agent, channel=channel))

    def role(self, at_ms: int, contact: str, agent: str, role: str, *, attempt: int, channel: str = "chat") -> None:
        event = words.RoleChanged(at_ms, attempt, role)  # type: ignore[arg-type]
        self.write(at_ms, about(event, contact=contact, agent=agent, channel=channel))

    def said(self, at_ms: int, contact: str, ordinal: int, author: str, agent: str | None = None, *, channel: str = "chat") -> None:
        event = words.MessageRelayed(at_ms, an_id(f"message {ordinal}"), author, ordinal)  # type: ignore[arg-type]
        self.write(at_ms, about(event, contact=contact, agent=agent, channel=channel))

    def disengaged(
        self,
        at_ms: int,
        contact: str,
        agent: str,
        *,
        attempt: int = 1,
        channel: str = "chat",
        wrap_ms: int | None = None,
        by: str = "agent",
    ) -> None:
        until_ms = None if wrap_ms is None else at_ms + wrap_ms
        event = words.EngagementEnded(at_ms, attempt, by, None, None, until_ms, 15)  # type: ignore[arg-type]
        self.write(at_ms, about(event, contact=contact, agent=agent, channel=channel))

    def wrapped(self, at_ms: int, contact: str, agent: str, *, attempt: int = 1, channel: str = "chat") -> None:
        self.write(
            at_ms, about(words.WrapUpEnded(at_ms, attempt, "agent", None, None), contact=contact, agent=agent, channel=channel)
        )

    def parked(
        self, at_ms: int, contact: str, agent: str, *, kind: str = "customer", for_ms: int = 60_000, channel: str = "mail"
    ) -> None:
        event = words.ContactParked(at_ms, kind, at_ms + for_ms, None)  # type: ignore[arg-type]
        self.write(at_ms, about(event, contact=contact, agent=agent, channel=channel))

    def park_ended(self, at_ms: int, contact: str, agent: str, *, by: str = "customer", channel: str = "mail") -> None:
        event = words.ParkEnded(at_ms, by)  # type: ignore[arg-type]
        self.write(at_ms, about(event, contact=contact, agent=agent, channel=channel))

    def effect(self, at_ms: int, contact: str, agent: str, ordinal: int, *, kind: str = "mail", channel: str = "mail") -> int:
        """Asks for an effect; returns the position, at which its id is (position, 0)."""
        event = words.EffectRequested(at_ms, kind, an_id(f"message {ordinal}"), ordinal)
        self.write(at_ms, about(event, contact=contact, agent=agent, channel=channel))
        return self.seq

    def effect_ended(self, at_ms: int, contact: str, seq: int, outcome: str, *, channel: str = "mail") -> None:
        event = words.EffectEnded(at_ms, seq, 0, outcome, "rejected" if outcome == "failed" else None)  # type: ignore[arg-type]
        self.write(at_ms, about(event, contact=contact, channel=channel))

    def effect_retried(self, at_ms: int, contact: str, seq: int, number: int, *, channel: str = "mail") -> None:
        self.write(at_ms, about(words.EffectRetried(at_ms, seq, 0, number), contact=contact, channel=channel))
