"""Where contacts came from, as far as an answer must know it, and the policy in force; folded from the journal."""

from collections import deque
from dataclasses import dataclass, field

from cordboard import codec
from cordboard.effects.fold import Effects
from cordboard.events import Commit, Entry
from cordboard.events.event import ContactEnded, ContactQueued, EffectEnded, MessageAttached, MessageRelayed, PolicyAdopted
from cordboard.events.policy import Policy

MESSAGES_MAX = 8
"""Newest messages of the customer that are remembered a contact: one of them says where an answer goes."""
_POLICY, _QUEUED, _ENDED, _RELAYED, _ATTACHED, _EFFECT_ENDED = 5, 10, 11, 21, 28, 41
_SERVED = frozenset((_POLICY, _QUEUED, _ENDED, _RELAYED, _ATTACHED, _EFFECT_ENDED))


@dataclass(slots=True)
class Origin:
    """`messages` are the customer's, oldest first. `case` is the contact's own id unless it goes on with another's."""

    case: bytes
    customer: bytes | None = None
    entry_point: str | None = None
    language: str | None = None
    messages: deque[bytes] = field(default_factory=lambda: deque(maxlen=MESSAGES_MAX))


class Origins:
    """A fold, to be applied after `effects`. It keeps contacts of channels that answer by effects, while they live or have any."""

    def __init__(self, effects: Effects) -> None:
        self._effects = effects
        self._channels: frozenset[str] = frozenset()
        self._known: dict[bytes, Origin] = {}
        self._over: set[bytes] = set()
        self.policy: Policy | None = None

    def __len__(self) -> int:
        return len(self._known)

    def get(self, contact: bytes | None) -> Origin | None:
        return None if contact is None else self._known.get(contact)

    def apply(self, seq: int, commit: Commit) -> None:  # noqa: ARG002 - the shape of a fold
        for entry in commit.entries:
            if entry.tag in _SERVED and (entry.contact is not None or entry.tag == _POLICY):
                self._take(entry)

    def _take(self, entry: Entry) -> None:
        contact = entry.contact
        if contact is not None and contact not in self._known and entry.channel not in self._channels:
            return
        match codec.decode_event(entry):
            case PolicyAdopted(policy=policy):
                self.policy = codec.decode_policy(policy)
                self._channels = frozenset(profile.name for profile in self.policy.channels if profile.reply != "live")
            case ContactQueued() as queued if contact is not None:
                origin = self._known.setdefault(contact, Origin(queued.case or contact))
                origin.customer = queued.customer or origin.customer
                origin.entry_point = queued.entry_point or origin.entry_point
                origin.language = queued.language or origin.language
            case (MessageRelayed(author="customer") | MessageAttached(author="customer")) as said if contact in self._known:
                self._known[contact].messages.append(said.message)
            case ContactEnded() if contact in self._known:
                self._over.add(contact)
                self._forget(contact)
            case EffectEnded() if contact in self._over:
                self._forget(contact)
            case _:
                pass

    def _forget(self, contact: bytes) -> None:
        if not self._effects.concerns(contact):
            self._over.discard(contact)
            self._known.pop(contact, None)
