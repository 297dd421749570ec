"""Who still knows a site whose streams are not there: history, vault and archive do not stand on the disks of NATS."""

from __future__ import annotations

from pathlib import Path

from cordboard.archive import Archive, open_storage
from cordboard.errors import SiteMissing
from cordboard.settings import Settings


async def who_knows(settings: Settings, vault_url: str | None, views_url: str | None) -> list[str]:
    """What each of those that are given has seen of the site, in words; none: as far as they can tell, it is new.

    Raises what they raise when they cannot be asked: who does not answer may know.
    """
    found: list[str] = []
    if views_url is not None and (position := await _read_by_history(views_url, settings.site)):
        found.append(f"the history has read its journal up to commit {position}")
    if vault_url is not None and (memory := await _of_vault(vault_url, settings.site)) is not None:
        found.append(memory)
    if settings.archive is not None:
        archive = Archive(open_storage(settings.archive), settings.site)
        if position := await archive.last_seq():
            found.append(f"the archive {archive.where} holds its journal up to commit {position}")
    return found


def told(missing: SiteMissing, known: list[str]) -> SiteMissing:
    """The same, with what others know of the site."""
    if not known:
        return missing
    return SiteMissing(f"{missing}. It is not new: {'; '.join(known)}")


async def _read_by_history(url: str, site: str) -> int:
    from cordboard.projections.history.remembered import remembered

    return await remembered(url, site) if _is_there(url) else 0


async def _of_vault(url: str, site: str) -> str | None:
    from cordboard.vault.remembered import remembered

    return await remembered(url, site) if _is_there(url) else None


def _is_there(url: str) -> bool:
    """An SQLite file that is not there must not come to be by our asking."""
    if not url.startswith("sqlite"):
        return True
    from sqlalchemy import make_url

    file = make_url(url).database
    return file is not None and Path(file).exists()
