"""PostgreSQL as a router: the waiting contacts in a table; one statement takes the best that an agent may serve and adds a contact.

Two ways to find it: in the order of the line to the first whose needs are among the agent's abilities, as a queue in a
database is mostly written; and the head of each class that the agent may serve, by index. Either commits before it answers.
"""

import asyncio
from collections.abc import Sequence
from typing import Literal

import asyncpg

Way = Literal["in order", "by class"]
SETUP = """
DROP TABLE IF EXISTS waiting;
CREATE TABLE waiting (contact int NOT NULL, class int NOT NULL, place bigint NOT NULL, needs int[] NOT NULL);
CREATE INDEX in_order ON waiting (place);
CREATE INDEX by_class ON waiting (class, place);
"""
ARRIVE = "INSERT INTO waiting VALUES ($2, $3, $4, $5)"
TAKE = {
    "in order": f"""
        WITH arrived AS ({ARRIVE}),
        best AS MATERIALIZED (
            SELECT ctid FROM waiting WHERE needs <@ $1 ORDER BY place LIMIT 1 FOR UPDATE SKIP LOCKED
        )
        DELETE FROM waiting USING best WHERE waiting.ctid = best.ctid RETURNING contact
    """,
    "by class": f"""
        WITH arrived AS ({ARRIVE}),
        best AS MATERIALIZED (
            SELECT head.ctid FROM unnest($1::int[]) AS served (class)
            CROSS JOIN LATERAL (
                SELECT ctid, place FROM waiting WHERE waiting.class = served.class ORDER BY place LIMIT 1
                FOR UPDATE SKIP LOCKED
            ) AS head
            ORDER BY head.place LIMIT 1
        )
        DELETE FROM waiting USING best WHERE waiting.ctid = best.ctid RETURNING contact
    """,
}


class PostgresLine:
    """As many connections as calls may be under way."""

    def __init__(self, way: Way, connections: list["asyncpg.Connection[asyncpg.Record]"]) -> None:
        self._way, self._connections = way, connections

    async def line_up(self, line: Sequence[tuple[int, int, int, list[int]]]) -> None:
        """Contacts that wait: contact, class, place in the line, needs."""
        (first, *_) = self._connections
        await first.execute(SETUP)
        await first.copy_records_to_table("waiting", records=line)
        await first.execute("ANALYZE waiting")

    async def take(self, calls: Sequence[tuple[list[int], int, int, int, list[int]]]) -> list[int | None]:
        """For each call the contact taken: what the agent may do; contact, class, place and needs of the one that arrives."""
        found: list[int | None] = [None] * len(calls)
        numbers = iter(range(len(calls)))

        async def work(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
            statement = await connection.prepare(TAKE[self._way])
            for number in numbers:
                found[number] = await statement.fetchval(*calls[number])

        async with asyncio.TaskGroup() as group:
            for connection in self._connections:
                group.create_task(work(connection))
        return found
