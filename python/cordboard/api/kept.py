"""New contacts and what the vault keeps for them: taken in once, and forgotten if nothing comes of them."""

import logging
from collections.abc import Awaitable, Callable

from cordboard.api.content import KINDS
from cordboard.api.outcomes import Outcome
from cordboard.api.site import GATEWAY, Site
from cordboard.api.status import BadRequest
from cordboard.errors import InvalidInput, Overloaded, VaultUnavailable
from cordboard.vault import Draft

logger = logging.getLogger(__name__)

NUMBER = "number"
"""The kind of content that is a telephone number to call."""


def _anything() -> None:
    """Nothing is wrong."""


async def submit_new(
    site: Site, external_id: str, draft: Callable[[], Awaitable[Draft]], check: Callable[[], None] = _anything
) -> Outcome:
    """As `Site.submit`, under the bounds for new contacts. A repeat is none: neither those concern it, nor what the policy says by
    now (`check`, which raises BadRequest)."""
    try:
        site.admit()
        check()
    except (Overloaded, BadRequest):
        if await site.vault.find(GATEWAY, external_id) is None:
            raise
    with site.arriving.taken():
        try:
            return await site.submit(await draft())
        except InvalidInput as error:
            if error.reason != "unknown_customer":
                raise
            # Erased a moment ago, and known again from now on by another reference.
            return await site.submit(await draft())


async def forget(site: Site, contact: bytes, message: bytes | None = None) -> None:
    """Nothing came of it: what was kept for it is kept for nothing. `message`: nothing but this one, of a contact that lives."""
    try:
        if message is None:
            await site.vault.discard(contact, (*KINDS, NUMBER))
        else:
            await site.vault.withdraw(contact, message)
    except (VaultUnavailable, Overloaded) as error:
        logger.warning("what belongs to a contact that came to nothing stays in the vault: %s", error)
