"""What may be shown of single agents: the policy's `monitoring`, asked by every service but the agent's own desk.

docs/monitoring.md says what each setting bounds. Whoever may not be shown looks like an agent who was erased: no person, no name.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from cordboard.api.declared import Declared
from cordboard.api.groups import Figures, Told, told
from cordboard.api.people import NOBODY, People
from cordboard.api.status import NotShown
from cordboard.errors import FactRefused
from cordboard.events.agents_named import without_agents
from cordboard.events.policy import Monitoring
from cordboard.events.verdict import AGENT_UNAVAILABLE, OF_ONE_AGENT
from cordboard.projections.boards import Boards
from cordboard.projections.rows import QueueRow
from cordboard.vault import Person

_DEFAULT = Monitoring()


class Shown:
    """The bounds in force, whenever it is asked."""

    def __init__(self, declared: Declared, people: People, boards: Boards) -> None:
        self._declared = declared
        self._people = people
        self._boards = boards
        self._groups: tuple[int, int, Told] | None = None
        """Told as of so many declarations and this group_min."""
        self._groups_since = 0

    @property
    def rules(self) -> Monitoring:
        policy = self._declared.policy
        return _DEFAULT if policy is None else policy.monitoring

    @property
    def since(self) -> int:
        """The position from which on these bounds hold: what was read before may show more, or other rows."""
        if self.least:
            self._told()
        return max(self._declared.monitoring_since, self._groups_since)

    async def now(self, agents: Iterable[bytes | None]) -> Mapping[bytes, Person]:
        """Who they are, for what shows what they do now."""
        return await self.who(agents, self.rules.individual_live)

    async def before(self, agents: Iterable[bytes | None]) -> Mapping[bytes, Person]:
        """Who they are, for what shows what they did."""
        return await self.who(agents, self.rules.individual_history)

    def details(self, name: str, details: dict[str, Any]) -> dict[str, Any]:
        """The fields of a word in a timeline."""
        return details if self.rules.individual_history else without_agents(name, details)

    @property
    def least(self) -> int:
        """Figures about what fewer agents do now are not shown; 0: single ones are."""
        return 0 if self.rules.individual_live else self.rules.group_min

    def figures(self, row: QueueRow) -> Figures:
        """Which figures of a row are shown."""
        if not self.least:
            return Figures(work=True, agents=True)
        told = self._told()
        whole = row.queue is not None and row.channel is None
        return Figures(work=whole and row.queue in told.work, agents=whole and row.queue in told.agents)

    @property
    def site_figures(self) -> bool:
        """Whether figures about all agents are shown."""
        return not self.least or self._told().site

    def _told(self) -> Told:
        """Decided anew when somebody was declared or left, or the policy asks for other groups."""
        boards = self._boards
        if self._groups is None or self._groups[:2] != (boards.declarations, self.least):
            now = told(boards.serving(), boards.site().agents, self.least)
            if self._groups is None or self._groups[2] != now:
                self._groups_since = boards.position
            self._groups = boards.declarations, self.least, now
        return self._groups[2]

    def single(self, *, at_position: bool) -> bool:
        """Whether single agents stand in what is told of now, or of a position of the journal: that may be the newest one, so it
        takes both settings."""
        return self.rules.individual_live and (self.rules.individual_history or not at_position)

    def refuse_single_now(self) -> None:
        """For what is about one agent. Raises NotShown."""
        if not self.rules.individual_live:
            raise NotShown("the policy's monitoring does not show what single agents do (individual_live: no)")

    def refuse_single_before(self) -> None:
        """The same for what one agent did. Raises NotShown."""
        if not self.rules.individual_history:
            raise NotShown("the policy's monitoring does not show what single agents did (individual_history: no)")

    @contextmanager
    def about_another(self) -> Iterator[None]:
        """For a command that gives an agent a contact: where single agents are not shown, its refusal does not say why they cannot
        have it."""
        try:
            yield
        except FactRefused as refused:
            if self.rules.individual_live or refused.reason not in OF_ONE_AGENT:
                raise
            raise FactRefused("the agent cannot have the contact now; why is not shown", reason=AGENT_UNAVAILABLE) from None

    async def who(self, agents: Iterable[bytes | None], shown: bool) -> Mapping[bytes, Person]:
        """Who they are if that is `shown`, else nobody."""
        if shown:
            return await self._people.of(agents)
        return {agent: NOBODY for agent in agents if agent is not None}
