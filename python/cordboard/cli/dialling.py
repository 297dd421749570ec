"""The dialler role, put together: beside gateway and API with what they have open, or alone."""

import contextlib
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from cordboard.cli.vitals import Vitals
from cordboard.dialler import Customers, Limits, SimulatedVoice, run_dialler
from cordboard.log.feed import Feed
from cordboard.log.port import SiteLog
from cordboard.settings import Settings
from cordboard.vault import Vault
from cordboard.vault.erasure import catch_up
from cordboard.vault.kek import load_kek

Role = Callable[[], Awaitable[None]]


def dialler(settings: Settings, log: SiteLog, vault: Vault, feed: Feed, nats_url: str, vitals: Vitals) -> Role:
    """What to run before the feed, which must find its fold attached. Raises ConfigurationError: there is no such gateway."""
    voice = SimulatedVoice(Customers.from_url(settings.voice_url()))

    def role() -> Awaitable[None]:
        limits = Limits(ringing=settings.dials_max)
        ready = partial(vitals.ready, "dialler")
        return run_dialler(log, vault, feed, nats_url, settings.site, voice, limits=limits, ready=ready)

    return role


async def dial_alone(
    settings: Settings,
    log: SiteLog,
    nats_url: str,
    vitals: Vitals,
    stack: contextlib.AsyncExitStack,
    vault_url: str,
    kek_file: Path | None,
) -> list[tuple[str, Role]]:
    """The role and the feed that it reads. Erasures that the vault has not seen are carried out first (it may be a backup's).

    Raises ConfigurationError, VaultUnavailable, LogUnavailable.
    """
    feed = Feed(log)
    vault = await stack.enter_async_context(Vault.open(vault_url, load_kek(kek_file)))
    role = dialler(settings, log, vault, feed, nats_url, vitals)
    await catch_up(vault, log)
    return [("dialler", role), ("feed", feed.run)]
