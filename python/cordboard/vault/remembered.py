"""What a vault remembers of a site, asked without its key and without making anything."""

from sqlalchemy import Connection, exists, inspect, select

from cordboard.sql import open_engine
from cordboard.vault.reader import PooledReader
from cordboard.vault.schema import followers, intake


async def remembered(url: str, site: str) -> str | None:
    """Words for people; None: nothing that came from the site's log, or no vault at all.

    Raises VaultUnavailable, ConfigurationError.
    """
    engine = open_engine(url, "read", durable=True, name="cordboard-vault")
    try:
        return await PooledReader(engine).read(lambda connection: _remembered(connection, site))
    finally:
        await engine.dispose()


def _remembered(connection: Connection, site: str) -> str | None:
    tables = inspect(connection).get_table_names()
    if followers.name not in tables or intake.name not in tables:
        return None
    # Asked of this table alone: a vault of an earlier release has no other.
    if position := connection.execute(select(followers.c.seq).where(followers.c.site == site)).scalar_one_or_none():
        return f"the vault has followed its journal up to commit {position}"
    # Who came in is not noted by site: that tells only of a vault that has followed no site yet.
    followed = connection.execute(select(exists().where(followers.c.seq > 0))).scalar_one()
    if not followed and connection.execute(select(exists().where(intake.c.published))).scalar_one():
        return "the vault has contacts that a log has acknowledged"
    return None
