"""Arrivals of this gateway that the router refused although the sender was told that they had arrived.

That happens when the policy changes in between. A fold: after a restart it knows them again from the journal.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from cordboard import codec
from cordboard.events import Commit
from cordboard.events.commit import INPUT_TAG
from cordboard.events.fact import ContactArrived
from cordboard.events.verdict import Accepted, Refused

_POLICY_ADOPTED = 5
_STANDS_ALREADY = "contact_exists"


@dataclass(slots=True)
class Refusal:
    """The newest refused fact of a contact. `count` refusals in all; `tries` of them under the policy in force."""

    contact: bytes
    fact: ContactArrived
    reason: str
    count: int = 1
    tries: int = 1


class Refusals:
    """`owns` says which contacts are this gateway's. A refusal is due once, and again with every policy, until it is accepted."""

    def __init__(self, owns: Callable[[bytes], bool]) -> None:
        self._owns = owns
        self._refused: dict[bytes, Refusal] = {}
        self._due: OrderedDict[bytes, None] = OrderedDict()
        self._news = asyncio.Event()

    def __len__(self) -> int:
        return len(self._refused)

    def apply(self, seq: int, commit: Commit) -> None:  # noqa: ARG002 - the shape of a fold
        for entry in commit.entries:
            if entry.tag == _POLICY_ADOPTED:
                for refusal in self._refused.values():
                    refusal.tries = 0
                    self._is_due(refusal.contact)
            elif entry.tag == INPUT_TAG and entry.contact is not None and self._owns(entry.contact):
                body = codec.decode_input(entry)
                if isinstance(body.verdict, Refused):
                    self._refuse(body.fact, body.verdict.reason)
                elif isinstance(body.verdict, Accepted):  # a duplicate says nothing: the first may have been refused
                    self.over(entry.contact)

    async def next(self) -> Refusal:
        """Waits for one that is due; it is not due any more."""
        while not self._due:
            self._news.clear()
            await self._news.wait()
        contact, _ = self._due.popitem(last=False)
        return self._refused[contact]

    def again(self, refusal: Refusal) -> None:
        """It is due once more."""
        if refusal.contact in self._refused:
            self._is_due(refusal.contact)

    def over(self, contact: bytes) -> None:
        """Accepted at last, or given up."""
        if self._refused.pop(contact, None) is not None:
            self._due.pop(contact, None)

    def _refuse(self, data: bytes, reason: str) -> None:
        fact = codec.decode_fact(data)
        if not isinstance(fact, ContactArrived) or reason == _STANDS_ALREADY:
            return
        known = self._refused.get(fact.contact)
        if known is None:
            self._refused[fact.contact] = Refusal(fact.contact, fact, reason)
        else:
            known.fact, known.reason = fact, reason
            known.count += 1
            known.tries += 1
        self._is_due(fact.contact)

    def _is_due(self, contact: bytes) -> None:
        self._due[contact] = None
        self._news.set()
