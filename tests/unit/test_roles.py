"""How a role behaves beside another of its kind."""

from __future__ import annotations

from cordboard.cli.roles import until_quiet
from cordboard.errors import LogUnavailable


class Journal:
    """Ends at what `ends` says, look by look (None: no answer), and stays at the last one."""

    def __init__(self, *ends: int | None) -> None:
        self.ends = list(ends)

    async def last_journal_seq(self) -> int:
        end = self.ends.pop(0) if len(self.ends) > 1 else self.ends[0]
        if end is None:
            raise LogUnavailable("away")
        return end


async def test_a_router_stands_by_while_the_journal_grows_or_is_away() -> None:
    journal = Journal(7, 8, 8, 9, None, None, 9, 10, 10)
    await until_quiet(journal, 0.05)  # type: ignore[arg-type]  # as much of a log as it asks
    assert journal.ends == [10]
