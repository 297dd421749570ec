"""Who has a contact in hand: the primary or those who may become it, and whoever the primary asked, by attempt."""

from __future__ import annotations

from typing import Literal

import msgspec

from cordboard.events.fact import Role

Stage = Literal["offered", "connecting", "engaged"]
_FURTHEST: tuple[Stage, ...] = ("engaged", "connecting", "offered")


class Hand(msgspec.Struct, frozen=True, array_like=True):
    """One attempt: an agent, as what, and how far."""

    agent: bytes
    role: Role
    stage: Stage


class Hands:
    """Of one contact. Its own state is that of the primary attempt that is furthest; sides never change it."""

    __slots__ = ("by_attempt",)

    def __init__(self, by_attempt: dict[int, Hand] | None = None) -> None:
        self.by_attempt = by_attempt or {}

    def offer(self, attempt: int, agent: bytes, role: Role) -> None:
        self.by_attempt[attempt] = Hand(agent, role, "offered")

    def turn(self, attempt: int, stage: Stage) -> None:
        if (hand := self.by_attempt.get(attempt)) is not None:
            self.by_attempt[attempt] = Hand(hand.agent, hand.role, stage)

    def change_role(self, attempt: int, role: Role) -> None:
        if (hand := self.by_attempt.get(attempt)) is not None:
            self.by_attempt[attempt] = Hand(hand.agent, role, hand.stage)

    def release(self, attempt: int) -> Hand | None:
        return self.by_attempt.pop(attempt, None)

    def role(self, attempt: int) -> Role:
        hand = self.by_attempt.get(attempt)
        return "primary" if hand is None else hand.role

    def engaged(self) -> set[bytes]:
        """Agents who are connected: the primary and its sides."""
        return {hand.agent for hand in self.by_attempt.values() if hand.stage == "engaged"}

    @property
    def primary(self) -> int | None:
        """The attempt that counts: of those that are furthest the lowest."""
        for stage in _FURTHEST:
            found = [attempt for attempt, hand in self.by_attempt.items() if (hand.role, hand.stage) == ("primary", stage)]
            if found:
                return min(found)
        return None

    @property
    def agent(self) -> bytes | None:
        return None if self.primary is None else self.by_attempt[self.primary].agent

    @property
    def stage(self) -> Literal["queued", "offered", "connecting", "engaged"]:
        return "queued" if self.primary is None else self.by_attempt[self.primary].stage

    @property
    def waits_for_answer(self) -> bool:
        return self.stage in ("offered", "connecting")
