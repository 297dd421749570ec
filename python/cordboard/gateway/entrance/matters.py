"""Which case a letter goes on with, and who may go on with it.

A Message-ID that somebody names proves little: whoever has seen one mail of a thread can name it, and would then read the answers.
So only the customer of a case goes on with it. A stranger's letter is a contact of its own, which says what it is related to.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from cordboard.gateway.entrance.cases import Cases
from cordboard.gateway.entrance.letter import Letter
from cordboard.gateway.entrance.texts import storable
from cordboard.vault import Vault
from cordboard.vault.threads import Thread
from cordboard.vault.words import THREAD_KEY_MAX, THREADS_MAX


@dataclass(frozen=True, slots=True)
class Matter:
    """Where a letter belongs. `case` None: it begins one. `keys`: by which later letters find it.

    `related`: the case it named as a stranger, or that is too long over for a word of the system.
    `stranger`: it is attached to `case` all the same, since it asks for nothing.
    """

    case: bytes | None = None
    owner: bytes | None = None
    keys: tuple[str, ...] = ()
    related: bytes | None = None
    stranger: bool = False


class Matters:
    """What vault and journal say together."""

    def __init__(self, vault: Vault, cases: Cases) -> None:
        self._vault = vault
        self._cases = cases

    async def of(self, letter: Letter, customer: bytes | None) -> Matter:
        """The case that the letter goes on with: as long as that is open, or not too long over, or if it opens nothing anyway.

        `customer` is its sender's reference. Raises VaultUnavailable.
        """
        keys, replies_to = keys_of(letter.threads), keys_of(letter.replies_to)
        if letter.reference is not None:  # nobody has that by guessing
            case = self._cases.case_of(letter.reference)
            return self._resumed(case, None, letter, keys) or Matter(keys=keys, related=_related(letter, case))
        named = await self._vault.threads_of(replies_to) if replies_to else []
        trusted = letter.vouched or letter.author == "system"
        thread = next(
            (thread for thread in named if trusted or (thread.customer is not None and thread.customer == customer)), None
        )
        if thread is not None:
            return await self._goes_on(letter, thread, keys, replies_to)
        if not named:
            return Matter(keys=keys)
        if letter.no_action:
            return Matter(named[0].case, stranger=True)
        return Matter(keys=keys, related=named[0].case)

    async def _goes_on(self, letter: Letter, thread: Thread, keys: tuple[str, ...], replies_to: tuple[str, ...]) -> Matter:
        constant = [key for key in keys if key in replies_to]
        own = [key for key in keys if key not in replies_to]
        found: Thread | None = thread
        while found is not None:
            if (resumed := self._resumed(found.case, found.since_ms, letter, keys)) is not None:
                return resumed
            # Too long over. A source that calls the matter by the same key for ever goes on under a key of the new case.
            chained = keys_of([f"{key}@{found.case.hex()}" for key in constant])
            keys = (*own, *chained)
            found = next(iter(await self._vault.threads_of(chained)), None)
        return Matter(keys=keys, related=_related(letter, thread.case))

    def _resumed(self, case: bytes, since_ms: int | None, letter: Letter, keys: tuple[str, ...]) -> Matter | None:
        """None: it is too long over. A key that is young itself says that the case was open lately, whatever the journal tells us:
        another gateway took the last letter, or the router is behind."""
        known = self._cases.get(case)
        if known is not None:
            return Matter(case, known.owner, keys)
        if since_ms is not None and self._cases.lately(since_ms):
            return Matter(case, None, keys)
        # What is attached to a case that is over must not make it look young.
        return Matter(case) if letter.no_action else None


def _related(letter: Letter, case: bytes) -> bytes | None:
    """A word of the system has no sender: what it is about is all that says whose it is."""
    return case if letter.author == "system" else None


def keys_of(texts: Sequence[str]) -> tuple[str, ...]:
    """Thread keys as the vault takes them."""
    return tuple(key_of(text, THREAD_KEY_MAX) for text in texts[:THREADS_MAX])


def key_of(text: str, most: int) -> str:
    """The text itself, or its hash if it is too long or too strange to be a key."""
    return text if storable(text, most) else "sha256:" + sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
