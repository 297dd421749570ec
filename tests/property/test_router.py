"""Random histories, made smaller by Hypothesis when the core and the naive router disagree."""

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from cordboard.events import fact as f
from cordboard.events.bounds import AgentChannel, Membership, Requirement, Skill
from tests.property.all_happenings import AGENT_HAPPENINGS, CONTACT_HAPPENINGS, ENGAGEMENT_HAPPENINGS, KINDS, QUEUE_HAPPENINGS
from tests.property.happenings import Drawn, Happening, new_contact
from tests.property.pair import AGENTS, Pair
from tests.property.sites import CHANNELS, QUEUES, SKILLS, TOPICS, site

CUSTOMER = b"customer".ljust(16, b".")
some_agent = st.sampled_from(AGENTS)
requirements = st.lists(st.builds(Requirement, st.sampled_from(SKILLS), st.sampled_from([1, 5, 9]), st.booleans()), max_size=2)


class Histories(RuleBasedStateMachine):
    """One site: four agents, a few contacts at a time, everything that may happen to them."""

    pair: Pair
    kind = KINDS["plain"]

    @initialize(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        choices = Drawn(data)
        self.pair = Pair(self.kind.more(choices, site(choices)), self.kind.more, self.kind.talents)
        self.last: f.Fact | None = None

    # What happens

    @rule(
        channel=st.sampled_from(CHANNELS), queue=st.sampled_from(QUEUES), needs=requirements, priority=st.integers(0, 3),
        preferred=st.lists(some_agent, max_size=2, unique=True),
    )  # fmt: skip
    def contact_arrives(self, channel: str, queue: str, needs: list[Requirement], priority: int, preferred: list[bytes]) -> None:
        contact = new_contact(self.pair)
        needs = list({need.skill: need for need in needs}.values())
        self.happen(f.ContactArrived(self.fact_id(), contact, channel, queue, needs, priority, None, preferred))

    @precondition(lambda self: self.pair.naive.works)
    @rule(data=st.data(), accepted=st.sampled_from([True, True, True, False]), late_ms=st.sampled_from([0, 0, 0, 300]))
    def work_goes_on(self, data: st.DataObject, accepted: bool, late_ms: int) -> None:
        """An offer is answered, a contact connected, an engagement answered or ended, a wrap-up finished or extended."""
        work = data.draw(st.sampled_from(self.pair.naive.works))
        ids = (self.fact_id(), work.contact)
        if work.state == "offered":
            self.happen(f.OfferAnswered(*ids, work.attempt, work.agent, accepted), late_ms)
        elif work.state == "connecting":
            self.happen(f.ContactConnected(*ids, work.attempt, work.agent), late_ms)
        elif work.state == "engaged" and accepted:
            self.happen(f.MessagePosted(*ids, bytes(16), "agent", work.agent), late_ms)
        elif work.state == "engaged":
            self.happen(f.EngagementEndRequested(*ids, work.agent, "solved"), late_ms)
        elif accepted:
            self.happen(f.WrapUpEndRequested(*ids, work.agent), late_ms)
        else:
            self.happen(f.WrapUpExtensionRequested(*ids, work.agent, data.draw(st.sampled_from([1_000, 3_500]))), late_ms)

    @precondition(lambda self: self.pair.naive.works)
    @rule(data=st.data(), steps=st.integers(2, 5))
    def work_goes_far(self, data: st.DataObject, steps: int) -> None:
        """The same several times over, so that histories get to engagements and wrap-ups."""
        for _ in range(steps):
            if self.pair.naive.works:
                self.work_goes_on(data, True, 0)

    @precondition(lambda self: self.pair.contacts)
    @rule(data=st.data(), late_ms=st.sampled_from([0, 500]))
    def customer_leaves(self, data: st.DataObject, late_ms: int) -> None:
        self.happen(f.ContactAbandoned(self.fact_id(), self.some_contact(data)), late_ms)

    @precondition(lambda self: self.pair.contacts)
    @rule(
        data=st.data(), author=st.sampled_from(["customer", "customer", "system"]), reopens=st.sampled_from([True, True, False]),
        said=st.booleans(), channel=st.sampled_from(["mail", "mail", "mail", "chat"]), topic=st.none() | st.sampled_from(TOPICS),
    )  # fmt: skip
    def case_goes_on(self, data: st.DataObject, author: Any, reopens: bool, said: bool, channel: str, topic: str | None) -> None:
        """The customer writes again, or the engine has something to say, about a contact that lives or not."""
        before, contact = self.some_contact(data), new_contact(self.pair)
        living = self.pair.naive.contact(before)
        self.happen(f.ContactArrived(
            self.fact_id(), contact, channel, "orders", topic=topic, entry_point="post" if topic else None,
            case=before if living is None else living.case, message=bytes(16) if said else None, author=author, reopens=reopens,
            rule="default", language="nl", customer=CUSTOMER,
        ))  # fmt: skip

    @precondition(lambda self: any(work.state == "engaged" for work in self.pair.naive.works))
    @rule(
        data=st.data(), kind=st.sampled_from(["customer", "third_party", "snooze"]), for_ms=st.sampled_from([0, 900, 5_000, 60_000])
    )
    def contact_is_parked(self, data: st.DataObject, kind: Any, for_ms: int) -> None:
        work = data.draw(st.sampled_from([work for work in self.pair.naive.works if work.state == "engaged"]))
        self.happen(f.ParkRequested(self.fact_id(), work.contact, work.agent, kind, for_ms))

    @precondition(lambda self: any(contact.state == "parked" for contact in self.pair.naive.contacts))
    @rule(data=st.data(), by=st.sampled_from(["owner", "service", "anybody", "customer", "system", "transfer"]), agent=some_agent)
    def parked_contact_is_wanted(self, data: st.DataObject, by: str, agent: bytes) -> None:
        contact = data.draw(st.sampled_from([each for each in self.pair.naive.contacts if each.state == "parked"]))
        if by in ("customer", "system"):
            self.happen(f.MessagePosted(self.fact_id(), contact.id, bytes(16), by))  # type: ignore[arg-type]
        elif by == "transfer":
            self.happen(f.TransferRequested(self.fact_id(), contact.id, contact.queue))
        else:
            wanted = {"owner": contact.owner, "service": None}.get(by, agent)
            self.happen(f.ParkEndRequested(self.fact_id(), contact.id, wanted))

    @precondition(lambda self: self.pair.contacts)
    @rule(data=st.data(), topic=st.sampled_from([*TOPICS, "nonsense"]), agent=st.none() | some_agent)
    def contact_is_reclassified(self, data: st.DataObject, topic: str, agent: bytes | None) -> None:
        self.happen(f.ReclassificationRequested(self.fact_id(), self.some_contact(data), topic, agent))

    @rule(
        data=st.data(),
        what=st.sampled_from([f.EffectDone, f.EffectFailed, f.EffectFailed, f.EffectRetryRequested, f.EffectDiscardRequested]),
    )
    def effect_goes_on(self, data: st.DataObject, what: Any) -> None:
        places = [effect.place for effect in self.pair.naive.effects if effect.place is not None] or [(1, 0)]
        place = data.draw(st.sampled_from(places))
        self.happen(what(self.fact_id(), *place, *(("rejected",) if what is f.EffectFailed else ())))

    @rule(really=st.sampled_from([True, False, False, False]))
    def customer_is_erased(self, really: bool) -> None:
        self.happen(f.CustomerErasureRequested(self.fact_id(), CUSTOMER if really else bytes(16)))

    @precondition(lambda self: self.pair.contacts)
    @rule(data=st.data(), reason=st.sampled_from(["cancelled", "failed", "completed"]))
    def service_ends(self, data: st.DataObject, reason: Any) -> None:
        self.happen(f.ContactEndRequested(self.fact_id(), self.some_contact(data), reason))

    @precondition(lambda self: self.pair.contacts)
    @rule(data=st.data(), queue=st.sampled_from(QUEUES), needs=st.none() | requirements, by_agent=st.booleans())
    def contact_is_transferred(self, data: st.DataObject, queue: str, needs: list[Requirement] | None, by_agent: bool) -> None:
        engaged = [each for each in self.pair.naive.works if each.state == "engaged"]
        work = data.draw(st.sampled_from(engaged)) if by_agent and engaged else None
        contact = work.contact if work else self.some_contact(data)
        if needs is not None:
            needs = list({need.skill: need for need in needs}.values())
        self.happen(f.TransferRequested(self.fact_id(), contact, queue, work.agent if work else None, needs))

    @rule(
        agent=some_agent, level=st.sampled_from([2, 6, 9, 9]), queues=st.lists(st.sampled_from(QUEUES), unique=True, min_size=1),
        ranks=st.tuples(st.integers(0, 2), st.integers(0, 2)),
        channels=st.lists(st.sampled_from(CHANNELS), unique=True, min_size=1), capacity=st.sampled_from([None, 60, 150]),
    )  # fmt: skip
    def agent_is_declared(
        self, agent: bytes, level: int, queues: list[str], ranks: tuple[int, int], channels: list[str], capacity: int | None
    ) -> None:
        skills = [Skill("nl", level), Skill("plants", level)]
        members = [Membership(queue, rank) for queue, rank in zip(queues, ranks, strict=False)]
        own = [AgentChannel(channel) for channel in channels]
        self.happen(f.AgentDeclared(self.fact_id(), agent, skills, members, own, capacity))

    @rule(agent=some_agent, really=st.sampled_from([True, False, False, False]))
    def agent_retires(self, agent: bytes, really: bool) -> None:
        """Seldom; else the desk opens again."""
        fact_id = self.fact_id()
        self.happen(f.AgentRetired(fact_id, agent) if really else f.PresenceRequested(fact_id, agent, "ready"))

    @rule(agent=some_agent, wanted=st.sampled_from(["ready", "ready", "not_ready", "offline"]))
    def presence_is_requested(self, agent: bytes, wanted: Any) -> None:
        reason = "lunch" if wanted == "not_ready" else None
        self.happen(f.PresenceRequested(self.fact_id(), agent, wanted, reason))

    @rule(agent=some_agent, channel=st.sampled_from(CHANNELS), on=st.sampled_from([True, True, False]))
    def channel_is_switched(self, agent: bytes, channel: str, on: bool) -> None:
        self.happen(f.ChannelSwitched(self.fact_id(), agent, channel, on))

    @rule(data=st.data(), happening=st.sampled_from(AGENT_HAPPENINGS))
    def agent_special(self, data: st.DataObject, happening: Happening) -> None:
        self.special(happening(self.pair, Drawn(data)))

    @rule(data=st.data(), happening=st.sampled_from(QUEUE_HAPPENINGS))
    def queue_special(self, data: st.DataObject, happening: Happening) -> None:
        self.special(happening(self.pair, Drawn(data)))

    @rule(data=st.data(), happening=st.sampled_from(CONTACT_HAPPENINGS))
    def contact_special(self, data: st.DataObject, happening: Happening) -> None:
        self.special(happening(self.pair, Drawn(data)))

    @rule(data=st.data(), happening=st.sampled_from(ENGAGEMENT_HAPPENINGS))
    def engagement_special(self, data: st.DataObject, happening: Happening) -> None:
        self.special(happening(self.pair, Drawn(data)))

    @precondition(lambda self: self.kind.happenings)
    @rule(data=st.data())
    def something_of_its_kind(self, data: st.DataObject) -> None:
        happening = data.draw(st.sampled_from(self.kind.happenings))
        self.special(happening(self.pair, Drawn(data)))

    @precondition(lambda self: self.kind.happenings)
    @rule(data=st.data())
    def more_of_its_kind(self, data: st.DataObject) -> None:
        self.something_of_its_kind(data)

    def special(self, fact: f.Fact | None) -> None:
        if fact is not None:
            self.happen(fact)

    @precondition(lambda self: self.last is not None and self.pair.facts % 7 == 0)
    @rule()
    def fact_is_repeated(self) -> None:
        assert self.last is not None
        self.happen(self.last)

    @precondition(lambda self: self.pair.contacts)
    @rule(data=st.data(), agent=some_agent, attempt=st.integers(1, 3), accepted=st.booleans())
    def stray_answer(self, data: st.DataObject, agent: bytes, attempt: int, accepted: bool) -> None:
        self.happen(f.OfferAnswered(self.fact_id(), self.some_contact(data), attempt, agent, accepted))

    @rule(wait_ms=st.sampled_from([100, 700, 1_500, 2_500, 7_000]))
    def time_passes(self, wait_ms: int) -> None:
        self.pair.wait(wait_ms)

    @rule(silent_ms=st.sampled_from([0, 0, 1_900, 2_001, 9_000]))
    def engine_is_silent(self, silent_ms: int) -> None:
        self.pair.sleep(silent_ms)

    def some_contact(self, data: st.DataObject) -> bytes:
        """A recent contact, living or not."""
        return data.draw(st.sampled_from(self.pair.contacts[-6:]))

    def happen(self, fact: f.Fact, late_ms: int = 0) -> None:
        self.last = fact
        self.pair.happen(fact, late_ms=late_ms)

    def fact_id(self) -> bytes:
        return self.pair.fact_id()

    def teardown(self) -> None:
        if hasattr(self, "pair"):
            self.pair.verify()


class HistoriesWithHours(Histories):
    """Queues open and close by calendars."""

    kind = KINDS["hours"]


class HistoriesWithStrategies(Histories):
    """Agents differ in what they can do, and in what they have done."""

    kind = KINDS["strategies"]


class HistoriesWithSlas(Histories):
    """Answers are promised."""

    kind = KINDS["slas"]


class HistoriesWithCases(Histories):
    """The end of cases is promised, in which calls are, too."""

    kind = KINDS["cases"]


class HistoriesWithWaits(Histories):
    """Queues ask what wait is expected."""

    kind = KINDS["waits"]


class HistoriesWithDoors(Histories):
    """Customers are shown whether they are served."""

    kind = KINDS["doors"]


class HistoriesWithNextSteps(Histories):
    """Whoever is not helped may do something else."""

    kind = KINDS["next_steps"]


class HistoriesWithCallbacks(Histories):
    """Calls are promised."""

    kind = KINDS["callbacks"]


class HistoriesWithComings(Histories):
    """Who is promised a call comes in before."""

    kind = KINDS["comings"]


class HistoriesWithPlaces(Histories):
    """Who waits hangs up and keeps the place."""

    kind = KINDS["places"]


def limits(examples: int) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=50,
        derandomize=True,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )


TestHistories = Histories.TestCase
TestHistories.settings = limits(100)
TestHistoriesWithHours = HistoriesWithHours.TestCase
TestHistoriesWithHours.settings = limits(30)
TestHistoriesWithStrategies = HistoriesWithStrategies.TestCase
TestHistoriesWithStrategies.settings = limits(20)
TestHistoriesWithSlas = HistoriesWithSlas.TestCase
TestHistoriesWithSlas.settings = limits(20)
TestHistoriesWithCases = HistoriesWithCases.TestCase
TestHistoriesWithCases.settings = limits(20)
TestHistoriesWithWaits = HistoriesWithWaits.TestCase
TestHistoriesWithWaits.settings = limits(20)
TestHistoriesWithDoors = HistoriesWithDoors.TestCase
TestHistoriesWithDoors.settings = limits(20)
TestHistoriesWithNextSteps = HistoriesWithNextSteps.TestCase
TestHistoriesWithNextSteps.settings = limits(30)
TestHistoriesWithCallbacks = HistoriesWithCallbacks.TestCase
TestHistoriesWithCallbacks.settings = limits(50)
TestHistoriesWithComings = HistoriesWithComings.TestCase
TestHistoriesWithComings.settings = limits(50)
TestHistoriesWithPlaces = HistoriesWithPlaces.TestCase
TestHistoriesWithPlaces.settings = limits(50)
