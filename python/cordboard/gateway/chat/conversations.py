"""The chats of this gateway, folded from the journal: their state and everything a customer should see, line by line.

A conversation is its own outgoing buffer: a socket holds no more than a place in `lines`, so a slow or absent client costs
nothing, and a reconnect is a place further back. Texts are not here; they stay in the vault until a socket needs them.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from cordboard import codec
from cordboard.events import Commit, Entry
from cordboard.events.door_events import WaitExpected
from cordboard.events.event import (
    BroadcastMade,
    ContactEnded,
    ContactQueued,
    EngagementStarted,
    MessageRelayed,
    NextStepOffered,
    NextStepTaken,
    RoleChanged,
)
from cordboard.events.fact import Author
from cordboard.gateway.limits import Limits

_QUEUED, _ENDED, _STARTED, _RELAYED, _BROADCAST, _ROLE, _WAIT, _STEPS, _TAKEN = 10, 11, 19, 21, 58, 65, 87, 96, 97
_TAGS = frozenset({_QUEUED, _ENDED, _STARTED, _RELAYED, _ROLE, _WAIT, _STEPS, _TAKEN})


@dataclass(frozen=True, slots=True)
class QueuedLine:
    """The chat entered a queue. `said_ms`: what the router says of the wait; None if it says nothing."""

    queue: str
    said_ms: int | None = None


@dataclass(frozen=True, slots=True)
class JoinedLine:
    """This agent talks with the customer from here on: connected, brought into the conference, or given the contact."""

    agent: bytes


@dataclass(frozen=True, slots=True)
class MessageLine:
    """A message took its place; the text is in the vault under `message`."""

    ordinal: int
    author: Author
    message: bytes
    at_ms: int


@dataclass(frozen=True, slots=True)
class NoticeLine:
    """Everybody who waits in the queue is told something; the text is in the vault under `message`."""

    message: bytes
    at_ms: int


@dataclass(frozen=True, slots=True)
class EndedLine:
    """Nothing comes after this one."""

    reason: str


@dataclass(frozen=True, slots=True)
class StepsLine:
    """Nobody can help: the customer may choose what else to do."""


@dataclass(frozen=True, slots=True)
class TakenLine:
    """It was chosen, or time was up."""

    kind: str
    to: str | None
    by: str


Line = QueuedLine | JoinedLine | MessageLine | NoticeLine | StepsLine | TakenLine | EndedLine


@dataclass(slots=True)
class Conversation:
    """One chat. `messages` finds a line by its vault reference; `queue` is None while it waits in none, `said_ms` what
    the router said of the wait when the chat entered it (None: nothing)."""

    contact: bytes
    lines: list[Line] = field(default_factory=list)
    messages: dict[bytes, MessageLine] = field(default_factory=dict)
    queue: str | None = None
    said_ms: int | None = None
    agent: bytes | None = None
    ended: str | None = None
    ended_ms: int = 0

    @property
    def ordinal(self) -> int:
        """The newest message's; 0 if there is none."""
        return len(self.messages)

    def knows(self, agent: bytes) -> bool:
        """Has the customer been told of this agent since the chat last waited?"""
        for line in reversed(self.lines):
            if isinstance(line, QueuedLine):
                return False
            if line == JoinedLine(agent):
                return True
        return False

    def resume(self, seen: int) -> tuple[int, QueuedLine | JoinedLine | None]:
        """Where a client goes on that has every message up to ordinal `seen`: a place in `lines`, and the line before that place
        which says where the chat stands (None if later lines will say it)."""
        place = 0
        standing: tuple[int, QueuedLine | JoinedLine] | None = None
        for index, line in enumerate(self.lines):
            if isinstance(line, MessageLine):
                place = index + 1 if line.ordinal <= seen else place
            elif isinstance(line, QueuedLine | JoinedLine):
                standing = index, line
        if standing is None or standing[0] >= place or self.ended is not None:
            return place, None
        return place, standing[1]


class Conversations:
    """The fold. `owns` says which contacts are this gateway's; `changed` is called after each line (no awaiting in there)."""

    def __init__(
        self, channel: str, owns: Callable[[bytes], bool], limits: Limits, changed: Callable[[Conversation], None]
    ) -> None:
        self._channel = channel
        self._owns = owns
        self._limits = limits
        self._changed = changed
        self._live: dict[bytes, Conversation] = {}
        self._ended: OrderedDict[bytes, Conversation] = OrderedDict()

    def get(self, contact: bytes) -> Conversation | None:
        """Live ones, and those that ended a short while ago."""
        return self._live.get(contact) or self._ended.get(contact)

    @property
    def live_count(self) -> int:
        return len(self._live)

    def live(self) -> list[Conversation]:
        return list(self._live.values())

    def apply(self, seq: int, commit: Commit) -> None:  # noqa: ARG002 - the shape of a fold
        for entry in commit.entries:
            if entry.tag in _TAGS and entry.contact is not None:
                self._take(entry, entry.contact)
            elif entry.tag == _BROADCAST:
                self._notify(entry)
        self._forget(commit.at_ms)

    def _notify(self, entry: Entry) -> None:
        broadcast = codec.decode_event(entry)
        assert isinstance(broadcast, BroadcastMade)
        for conversation in self.live():
            if conversation.queue == broadcast.queue:
                conversation.lines.append(NoticeLine(broadcast.message, broadcast.at_ms))
                self._changed(conversation)

    def _take(self, entry: Entry, contact: bytes) -> None:
        conversation = self._live.get(contact)
        if conversation is None:
            if entry.tag != _QUEUED or entry.channel != self._channel or not self._owns(contact):
                return
            conversation = self._live[contact] = Conversation(contact)
        match codec.decode_event(entry):
            case ContactQueued(queue=queue):
                conversation.queue, conversation.said_ms, conversation.agent = queue, None, None
                conversation.lines.append(QueuedLine(queue))
            case WaitExpected(queue=queue, said_ms=said_ms) if conversation.lines[-1] == QueuedLine(queue):
                # Of the same commit: nobody has been told of the line yet.
                conversation.said_ms = said_ms
                conversation.lines[-1] = QueuedLine(queue, said_ms)
            case EngagementStarted(role=role) | RoleChanged(role=role) if entry.agent is not None and role != "consult":
                # Who is consulted talks with the agent: the customer knows nothing of it.
                conversation.queue = None
                conversation.agent = entry.agent if role == "primary" else conversation.agent
                if not conversation.knows(entry.agent):
                    conversation.lines.append(JoinedLine(entry.agent))
            case MessageRelayed(ordinal=ordinal, author=author, message=message, at_ms=at_ms):
                line = conversation.messages[message] = MessageLine(ordinal, author, message, at_ms)
                conversation.lines.append(line)
            case NextStepOffered():
                conversation.lines.append(StepsLine())
            case NextStepTaken(kind=kind, to=to, by=by):
                conversation.lines.append(TakenLine(kind, to, by))
            case ContactEnded(reason=reason, at_ms=at_ms):
                conversation.queue, conversation.ended, conversation.ended_ms = None, reason, at_ms
                conversation.lines.append(EndedLine(reason))
                self._ended[contact] = self._live.pop(contact)
            case _:
                return
        self._changed(conversation)

    def _forget(self, now_ms: int) -> None:
        while self._ended:
            oldest = next(iter(self._ended.values()))
            if len(self._ended) <= self._limits.ended_max and oldest.ended_ms + self._limits.ended_ms > now_ms:
                return
            del self._ended[oldest.contact]
