"""Periods of agents' references, on SQLite and PostgreSQL: who is called how, and what is left once a period is forgotten."""

from cordboard.vault import Vault
from cordboard.vault.clock import now_ms, quarter

KEK = bytes(range(32))
LATER_MS = now_ms() + 200 * 86_400_000


async def test_a_period_begins_with_a_quarter_and_once(database_url: str) -> None:
    async with Vault.open(database_url, KEK) as vault:
        assert not await vault.periods.begin(now_ms())
        assert await vault.periods.begin(LATER_MS)
        assert not await vault.periods.begin(LATER_MS)
        assert not await vault.periods.begin(now_ms()), "time does not go back"
        assert [period.name for period in await vault.periods.all()] == [quarter(LATER_MS), quarter(now_ms())]


async def test_who_has_a_reference_keeps_it_until_somebody_gives_another(database_url: str) -> None:
    async with Vault.open(database_url, KEK) as vault:
        old = await vault.agent_ref("sanne", "Sanne")
        await vault.periods.begin(LATER_MS)
        assert await vault.find_agent("sanne") == old == await vault.agent_ref("sanne", "Sanne de Vries")
        assert (await vault.agents([old]))[old].name == "Sanne de Vries"
        fresh = await vault.periods.fresh_ref("sanne")
        assert fresh != old and await vault.agents([fresh]) == {}
        await vault.periods.take(fresh, (await vault.agents([old]))[old])
        assert await vault.find_agent("sanne") == fresh == await vault.agent_ref("sanne")
        assert await vault.current_agents([old, fresh, bytes(16)]) == {old: fresh, fresh: fresh}
        await vault.periods.give_back(fresh)
        assert await vault.find_agent("sanne") == old
        assert await vault.agent_ref("sanne", fresh=True) == fresh
        assert (await vault.agents([fresh]))[fresh].name == "Sanne de Vries", "the name goes along"
        new_here = await vault.agent_ref("tom", "Tom")
        newest, oldest = await vault.periods.all()
        assert (newest.refs, oldest.refs) == ({fresh, new_here}, {old})


async def test_a_forgotten_period_leaves_nobody_behind(database_url: str) -> None:
    async with Vault.open(database_url, KEK) as vault:
        old = await vault.agent_ref("sanne", "Sanne")
        assert not await vault.periods.destroy(1), "the newest is needed"
        await vault.periods.begin(LATER_MS)
        fresh = await vault.agent_ref("sanne", fresh=True)
        assert await vault.periods.left(1, LATER_MS) == LATER_MS
        assert await vault.periods.left(1, LATER_MS + 5) == LATER_MS, "the first word counts"
        assert await vault.periods.destroy(1)
        assert not await vault.periods.destroy(1)
        assert await vault.agents([old, fresh]) == {fresh: (await vault.agents([fresh]))[fresh]}
        assert [period.ordinal for period in await vault.periods.all()] == [2]
    async with Vault.open(database_url, KEK) as again:
        assert await again.find_agent("sanne") == fresh
        assert await again.agent_ref("sanne") == fresh
        assert [period.ordinal for period in await again.periods.all()] == [2]
