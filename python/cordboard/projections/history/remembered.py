"""How far a history has read, asked without making anything: also of tables of another release, and of none at all."""

from sqlalchemy import Connection, inspect, select

from cordboard.projections.history.schema import checkpoint
from cordboard.sql import open_engine


async def remembered(url: str, site: str) -> int:
    """The last commit of `site` that the history at `url` has read; 0 if it has read nothing, is another site's, or is none."""
    engine = open_engine(url, "read", durable=False, name="cordboard-history")
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(lambda plain: _remembered(plain, site))
    finally:
        await engine.dispose()


def _remembered(connection: Connection, site: str) -> int:
    if checkpoint.name not in inspect(connection).get_table_names():
        return 0
    return connection.execute(select(checkpoint.c.seq).where(checkpoint.c.site == site)).scalar_one_or_none() or 0
