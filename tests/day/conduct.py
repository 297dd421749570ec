"""What customer and agent do once they are engaged, channel by channel."""

from collections.abc import Callable, Iterable, Iterator

from cordboard.events import fact as f
from tests.day.agenda import Agenda
from tests.day.ids import Ids
from tests.day.life import Life
from tests.day.site import EXPERTS, HOUR, LIVE_CHANNELS, MINUTE, PRODUCTS, SECOND

WRITING_MS = (15 * SECOND, 50 * SECOND)


class Conduct:
    """Plans an engagement when it starts. What was planned for one that is over does not happen."""

    def __init__(self, agenda: Agenda, ids: Ids, experts: list[bytes]) -> None:
        self._agenda = agenda
        self._ids = ids
        self._experts = experts
        self._courses = {
            "voice": self._call, "chat": self._chat, "mail": self._mail, "whatsapp": self._mail, "task": self._task,
        }  # fmt: skip

    def engaged(self, life: Life, at_ms: int) -> None:
        # Who has spoken with somebody before needs less of the next one.
        handle_ms = life.visitor.handle_ms // min(3, life.engagements)
        self._courses[life.visitor.channel](life, at_ms, handle_ms)

    def side(self, life: Life, agent: bytes, at_ms: int) -> None:
        """A colleague was asked, says what they know, and goes."""
        self._agenda.at(at_ms + 40 * SECOND, lambda _: [f.EngagementEndRequested(self._ids.fact(), life.contact, agent)])

    def wrapping(self, life: Life, agent: bytes, at_ms: int, until_ms: int) -> None:
        """Some let it lapse, some need longer."""
        done_ms = at_ms + life.visitor.wrap_ms
        if life.chance.random() < 0.03:
            extended = f.WrapUpExtensionRequested(self._ids.fact(), life.contact, agent, MINUTE)
            self._agenda.at(until_ms - SECOND, lambda _: [extended])
        elif done_ms < until_ms:
            self._agenda.at(done_ms, lambda _: [f.WrapUpEndRequested(self._ids.fact(), life.contact, agent, "solved")])

    def parked(self, life: Life, at_ms: int, until_ms: int) -> None:
        """Most customers answer before anybody reminds them."""
        if life.chance.random() < 0.6:
            self._agenda.at(
                life.chance.randrange(at_ms, until_ms), lambda _: [self._says(life, "customer")] if not life.gone else []
            )

    def _call(self, life: Life, at_ms: int, handle_ms: int) -> None:
        if life.chance.random() < 0.12:
            self._then(life, at_ms + handle_ms // 3, lambda: [self._holds(life, True)])
            self._then(life, at_ms + handle_ms // 2, lambda: [self._holds(life, False)])
        if life.chance.random() < 0.03 and self._experts:
            expert = life.chance.choice(self._experts)
            self._then(life, at_ms + handle_ms // 4, lambda: self._asks(life, expert))
        if life.engagements == 1 and life.chance.random() < 0.06:
            self._then(life, at_ms + handle_ms // 2, lambda: [self._transfers(life)])
        self._then(life, at_ms + handle_ms, lambda: self._ends(life))

    def _chat(self, life: Life, at_ms: int, handle_ms: int) -> None:
        ends_ms, silent = at_ms + handle_ms, life.chance.random() < 0.03
        first_ms = at_ms + life.chance.randrange(5 * SECOND, 25 * SECOND)
        self._then(life, first_ms, lambda: self._writes(life, "agent", first_ms, ends_ms, silent))
        if life.engagements == 1 and life.chance.random() < 0.04:
            self._then(life, at_ms + handle_ms // 2, lambda: [self._transfers(life)])
        if not silent:
            self._then(life, ends_ms, lambda: self._ends(life))

    def _mail(self, life: Life, at_ms: int, handle_ms: int) -> None:
        fate = life.chance.random()
        if life.engagements == 1 and fate < 0.03:
            self._then(life, at_ms + handle_ms // 2, lambda: [self._transfers(life)])
            return
        done_ms = at_ms + handle_ms
        self._then(life, done_ms, lambda: [self._says(life, "agent")])
        if life.engagements == 1 and fate < 0.10:
            self._then(life, done_ms + SECOND, lambda: [self._parks(life)])
        else:
            self._then(life, done_ms + SECOND, lambda: self._ends(life))

    def _task(self, life: Life, at_ms: int, handle_ms: int) -> None:
        if life.chance.random() < 0.05:
            self._then(life, at_ms + handle_ms // 2, lambda: [self._reclassifies(life)])
        self._then(life, at_ms + handle_ms, lambda: self._ends(life))

    def _then(self, life: Life, at_ms: int, facts: Callable[[], Iterable[f.Fact]]) -> None:
        """If the engagement of now still runs then."""
        agent, attempt = life.agent, life.attempt
        assert agent is not None
        self._agenda.at(at_ms, lambda _: facts() if life.with_agent(agent, attempt) else [])

    def _writes(self, life: Life, author: f.Author, at_ms: int, ends_ms: int, silent: bool) -> Iterator[f.Fact]:
        """A line, and the other one's answer after it, until the time is up. A silent customer answers once, then no more."""
        yield self._says(life, author)
        next_ms = at_ms + life.chance.randrange(*WRITING_MS)
        if next_ms < ends_ms and not (silent and author == "customer"):
            other: f.Author = "customer" if author == "agent" else "agent"
            self._then(life, next_ms, lambda: self._writes(life, other, next_ms, ends_ms, silent))

    def _says(self, life: Life, author: f.Author) -> f.Fact:
        agent = life.agent if author == "agent" else None
        return f.MessagePosted(self._ids.fact(), life.contact, self._ids.ref(), author, agent)

    def _holds(self, life: Life, held: bool) -> f.Fact:
        assert life.agent is not None
        return f.HoldRequested(self._ids.fact(), life.contact, life.agent, held)

    def _asks(self, life: Life, expert: bytes) -> Iterator[f.Fact]:
        if life.agent is not None and expert != life.agent:
            yield f.ConsultRequested(self._ids.fact(), life.contact, life.agent, expert)

    def _transfers(self, life: Life) -> f.Fact:
        return f.TransferRequested(self._ids.fact(), life.contact, EXPERTS, life.agent, requirements=[])

    def _parks(self, life: Life) -> f.Fact:
        assert life.agent is not None
        for_ms = life.chance.randrange(HOUR // 2, 2 * HOUR)
        return f.ParkRequested(self._ids.fact(), life.contact, life.agent, "customer", for_ms)

    def _reclassifies(self, life: Life) -> f.Fact:
        return f.ReclassificationRequested(self._ids.fact(), life.contact, life.chance.choice(PRODUCTS), life.agent)

    def _ends(self, life: Life) -> Iterator[f.Fact]:
        """On live channels the customer hangs up now and then; else the agent ends it."""
        assert life.agent is not None
        if life.visitor.channel in LIVE_CHANNELS and life.chance.random() < 0.3:
            yield f.ContactAbandoned(self._ids.fact(), life.contact)
        else:
            yield f.EngagementEndRequested(self._ids.fact(), life.contact, life.agent, "solved")
