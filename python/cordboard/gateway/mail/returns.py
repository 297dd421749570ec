"""Mails that come back to the return address of one of ours: which contact they belong to. The address says where in the journal
the effect stands that sent it, signed, so that nobody can put anything onto a contact by guessing."""

from cordboard import codec
from cordboard.branch import name_of
from cordboard.errors import NotFound
from cordboard.log.port import SiteLog
from cordboard.vault.tokens import Returned, read_bounce_token, split_bounce_address

_EFFECT_REQUESTED = 40


class Returns:
    """`key`: `vault.derive_key(tokens.BOUNCES)`."""

    def __init__(self, log: SiteLog, key: bytes) -> None:
        self._log = log
        self._key = key

    def is_ours(self, address: str) -> bool:
        """Is this the return address of a mail that we sent?"""
        return self._place(address) is not None

    async def contact(self, address: str) -> bytes | None:
        """The contact whose mail came back to `address`; None if it is not such an address. Raises LogUnavailable."""
        returned = self._place(address)
        if returned is None:
            return None
        try:
            commit = codec.decode_commit((await self._log.read_commit(returned.seq)).data)
        except NotFound:
            return None  # the journal began anew since
        if not name_of(commit).startswith(returned.commit):
            return None  # the commit that asked for it was lost, and another one stands there (ADR 16)
        if returned.entry >= len(commit.entries) or commit.entries[returned.entry].tag != _EFFECT_REQUESTED:
            return None
        return commit.entries[returned.entry].contact

    def _place(self, address: str) -> Returned | None:
        split = split_bounce_address(address)
        return read_bounce_token(self._key, split[1]) if split is not None else None
