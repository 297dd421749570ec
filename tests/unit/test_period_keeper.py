"""Who moves to a new reference, who does not, and what happens if an agent gets work in the middle of it. The vault is real; the
router's answers are given by hand, since no test can meet the moment."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from msgspec.structs import replace

from cordboard import codec
from cordboard.api.declared import Declared
from cordboard.api.outcomes import Outcome
from cordboard.api.periods import ATTEMPT_MS, PeriodKeeper
from cordboard.errors import FactRefused, OutcomeUnknown
from cordboard.events import Fact
from cordboard.events import event as words
from cordboard.events.bounds import AgentChannel, Membership, Skill
from cordboard.events.commit import CAUSE_TIMER, Entry
from cordboard.events.fact import AgentDeclared, AgentRetired, AgentScheduled, ChannelSwitched, PresenceRequested
from cordboard.events.policy import Monitoring
from cordboard.projections.desks import Desks
from cordboard.vault import Vault
from cordboard.vault.clock import now_ms
from tests.journal import NO_HASH, commit, policy

LATER_MS = now_ms() + 200 * 86_400_000


class Router:
    """Says yes to everything but retiring those in `busy`, and writes what follows into the folds."""

    def __init__(self) -> None:
        self.declared, self.desks = Declared(), Desks()
        self.busy: set[bytes] = set()
        self.facts: list[Fact] = []
        self.unread: list[tuple[words.Event, bytes]] = []
        """What the journal holds and the folds have not read."""
        self.then: dict[type, Callable[[], None]] = {}
        """What happens right before a fact of this kind is decided, once."""
        self._seq = 0

    async def caught_up(self) -> None:
        for event, agent in self.unread:
            self.write(event, agent)
        self.unread.clear()

    def write(self, event: words.Event, agent: bytes | None = None, channel: str | None = None) -> None:
        self._seq += 1
        tag = event.__struct_config__.tag
        entry = Entry(tag=tag, contact=None, agent=agent, channel=channel, cause=CAUSE_TIMER, body=codec.encode(event))  # type: ignore[arg-type]
        self.declared.apply(self._seq, commit(self._seq, self._seq, entry))
        self.desks.apply(self._seq, commit(self._seq, self._seq, entry))

    async def command(self, fact: Fact) -> Outcome:
        if (happens := self.then.pop(type(fact), None)) is not None:
            happens()
        self.facts.append(fact)
        match fact:
            case AgentDeclared():
                registered = words.AgentRegistered(1, fact.skills, fact.memberships, fact.channels, fact.capacity or 100)
                self.write(registered, fact.agent)
            case AgentRetired(agent=agent) if agent in self.busy:
                raise FactRefused("the agent still has work", reason="agent_busy")
            case AgentRetired():
                self.write(words.AgentRemoved(1), fact.agent)
        return Outcome(self._seq, 1, ())


@pytest.fixture
def router() -> Router:
    router = Router()
    adopted = replace(policy("orders"), monitoring=Monitoring(agent_detail_days=1))
    router.write(words.PolicyAdopted(1, 1, NO_HASH, codec.encode(adopted)))
    return router


@pytest_asyncio.fixture
async def vault(tmp_path: Path) -> AsyncIterator[Vault]:
    async with Vault.open(f"sqlite+aiosqlite:///{tmp_path / 'vault.db'}", bytes(32)) as opened:
        yield opened


async def declare(router: Router, vault: Vault, person: str) -> bytes:
    ref = await vault.agent_ref(person)
    router.write(words.AgentRegistered(1, [], [Membership("orders")], [AgentChannel("chat", 30, 3)], 100), ref)
    return ref


def keeper(router: Router, vault: Vault) -> PeriodKeeper:
    return PeriodKeeper(vault, router.declared, router.desks, router.caught_up, router.command, lambda: LATER_MS)


async def test_who_gets_work_in_between_stays_what_they_were(router: Router, vault: Vault) -> None:
    old = await declare(router, vault, "anna")
    router.busy.add(old)
    now = [LATER_MS]
    trying = PeriodKeeper(vault, router.declared, router.desks, router.caught_up, router.command, lambda: now[0])
    await trying.look()
    assert [type(fact).__name__ for fact in router.facts] == ["AgentDeclared", "AgentRetired", "AgentRetired"]
    assert await vault.find_agent("anna") == old
    assert router.declared.registered(old) is not None
    assert [agent for agent, _ in router.declared.agents_after(None, 9)] == [old], "the new one is taken back"
    assert (await vault.periods.all())[-1].left_ms is None
    router.busy.clear()
    count = len(router.facts)
    await trying.look()
    assert len(router.facts) == count, "not again in the same attempt: the router would give the same answers"
    now[0] += ATTEMPT_MS
    await trying.look()
    fresh = await vault.find_agent("anna")
    assert fresh not in (None, old)
    assert [agent for agent, _ in router.declared.agents_after(None, 9)] == [fresh]
    assert (await vault.periods.all())[-1].left_ms == LATER_MS + ATTEMPT_MS


async def test_who_is_there_is_left_alone(router: Router, vault: Vault) -> None:
    old = await declare(router, vault, "anna")
    router.write(words.PresenceChanged(1, "not_ready", None, "not_ready", None, 1, "requested"), old)
    await keeper(router, vault).look()
    assert not router.facts
    assert await vault.find_agent("anna") == old


async def test_without_a_time_for_it_nothing_turns(router: Router, vault: Vault) -> None:
    await declare(router, vault, "anna")
    router.write(words.PolicyAdopted(2, 2, NO_HASH, codec.encode(replace(policy("orders"), version=2))))
    await keeper(router, vault).look()
    assert not router.facts
    assert len(await vault.periods.all()) == 1


async def test_what_another_process_has_done_is_done(router: Router, vault: Vault) -> None:
    old = await declare(router, vault, "anna")

    async def too_late(fact: Fact) -> Outcome:
        if isinstance(fact, AgentRetired):
            raise FactRefused("no such agent", reason="unknown_agent")
        return await router.command(fact)

    await PeriodKeeper(vault, router.declared, router.desks, router.caught_up, too_late, lambda: LATER_MS).look()
    assert await vault.find_agent("anna") not in (None, old)


async def test_words_that_the_policy_has_dropped_are_left_behind(router: Router, vault: Vault) -> None:
    ref = await vault.agent_ref("anna")
    skills, memberships = [Skill("latin", 3)], [Membership("orders"), Membership("dropped")]
    channels = [AgentChannel("chat", 30, 3), AgentChannel("telex", 30, 3)]
    router.write(words.AgentRegistered(1, skills, memberships, channels, 100), ref)
    router.write(words.ChannelSwitchSet(1, False, "requested"), ref, "telex")
    await keeper(router, vault).look()
    declared, retired = router.facts
    assert isinstance(declared, AgentDeclared) and isinstance(retired, AgentRetired)
    assert (declared.skills, [one.queue for one in declared.memberships]) == ([], ["orders"])
    assert [one.channel for one in declared.channels] == ["chat"]


async def test_one_whom_the_router_refuses_does_not_hold_up_the_others(router: Router, vault: Vault) -> None:
    refs = sorted([await declare(router, vault, person) for person in ("anna", "bert")])
    people = await vault.agents(refs)

    async def strict(fact: Fact) -> Outcome:
        if isinstance(fact, AgentDeclared) and not router.facts:
            router.facts.append(fact)
            raise FactRefused("no such queue", reason="unknown_queue")
        return await router.command(fact)

    await PeriodKeeper(vault, router.declared, router.desks, router.caught_up, strict, lambda: LATER_MS).look()
    assert await vault.find_agent(people[refs[0]].person) == refs[0]
    assert await vault.find_agent(people[refs[1]].person) != refs[1]
    assert (await vault.periods.all())[-1].left_ms is None, "one is still called by it"


async def test_a_period_is_not_over_while_the_journal_holds_somebody_of_it_who_was_not_read_yet(
    router: Router, vault: Vault
) -> None:
    ref = await vault.agent_ref("anna")
    router.unread.append((words.AgentRegistered(1, [], [Membership("orders")], [AgentChannel("chat", 30, 3)], 100), ref))
    router.unread.append((words.PresenceChanged(1, "ready", None, "ready", None, 1, "requested"), ref))
    await keeper(router, vault).look()
    assert [period.left_ms for period in await vault.periods.all()] == [None, None]


async def test_a_period_to_which_somebody_has_come_back_is_not_over(router: Router, vault: Vault) -> None:
    ref = await vault.agent_ref("anna")
    await keeper(router, vault).look()
    assert (await vault.periods.all())[-1].left_ms == LATER_MS
    router.write(words.AgentRegistered(1, [], [Membership("orders")], [AgentChannel("chat", 30, 3)], 100), ref)
    router.write(words.PresenceChanged(1, "ready", None, "ready", None, 1, "requested"), ref)
    await keeper(router, vault).look()
    assert (await vault.periods.all())[-1].left_ms is None, "counted anew from when she leaves"


@pytest.mark.parametrize("confirmed", [False, True])
async def test_only_what_the_agent_has_switched_off_stays_off(router: Router, vault: Vault, confirmed: bool) -> None:
    ref = await vault.agent_ref("anna")
    channels = [AgentChannel(channel, 30, 3) for channel in ("chat", "task")]
    router.write(words.AgentRegistered(1, [], [Membership("orders")], channels, 100), ref)
    router.write(words.ChannelSwitchSet(1, False, "requested"), ref, "chat")
    router.write(words.ChannelSwitchSet(1, False, "missed"), ref, "task")
    if confirmed:
        router.write(words.ChannelSwitchSet(2, False, "requested"), ref, "task")
    await keeper(router, vault).look()
    switched = {fact.channel: fact.on for fact in router.facts if isinstance(fact, ChannelSwitched)}
    assert switched == ({"chat": False, "task": False} if confirmed else {"chat": False})


async def test_when_the_agent_leaves_is_known_of_the_new_reference_too(router: Router, vault: Vault) -> None:
    old = await declare(router, vault, "anna")
    router.write(words.AgentScheduleSet(1, LATER_MS + 5), old)
    await keeper(router, vault).look()
    (scheduled,) = [fact for fact in router.facts if isinstance(fact, AgentScheduled)]
    assert (scheduled.agent, scheduled.leaves_ms) == (await vault.find_agent("anna"), LATER_MS + 5)


def changes(router: Router, agent: bytes) -> None:
    """Somebody declares the agent anew, sets when they leave and switches a channel off, and the agent comes in."""
    channels = [AgentChannel(channel, 30, 3) for channel in ("chat", "telex")]
    router.write(words.AgentRegistered(2, [Skill("nl", 4)], [Membership("orders")], channels, 80), agent)
    router.write(words.AgentScheduleSet(2, LATER_MS + 9), agent)
    router.write(words.ChannelSwitchSet(2, False, "requested"), agent, "chat")
    router.write(words.PresenceChanged(3, "ready", None, "ready", None, 3, "requested"), agent)


def told(facts: list[Fact]) -> list[object]:
    """The facts, without their ids."""
    return [(type(fact).__name__, *(getattr(fact, name) for name in fact.__struct_fields__ if name != "fact_id")) for fact in facts]


def changes_told_to(agent: bytes) -> list[object]:
    channels = [AgentChannel("chat", 30, 3)]
    return [
        ("AgentDeclared", agent, [], [Membership("orders")], channels, 80),
        ("AgentScheduled", agent, LATER_MS + 9),
        ("ChannelSwitched", agent, "chat", False),
        ("PresenceRequested", agent, "ready", None),
    ]


async def test_what_was_asked_of_the_old_reference_in_between_is_asked_of_the_new_one(router: Router, vault: Vault) -> None:
    old = await declare(router, vault, "anna")
    router.then[AgentRetired] = lambda: changes(router, old)
    await keeper(router, vault).look()
    new = await vault.find_agent("anna")
    assert new not in (None, old) and new is not None
    assert told(router.facts[2:]) == changes_told_to(new), "the policy has no channel `telex` and no skill `nl`"


async def test_what_was_asked_of_the_new_reference_in_between_is_asked_of_the_old_one_if_that_stays(
    router: Router, vault: Vault
) -> None:
    old = await declare(router, vault, "anna")
    new = await fresh(vault, "anna")
    router.busy.add(old)
    router.then[AgentRetired] = lambda: changes(router, new)
    await keeper(router, vault).look()
    assert await vault.find_agent("anna") == old
    assert [type(fact).__name__ for fact in router.facts[:3]] == ["AgentDeclared", "AgentRetired", "AgentRetired"]
    assert told(router.facts[3:]) == changes_told_to(old)


async def test_who_comes_in_before_it_begins_is_left_alone(router: Router, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    old = await declare(router, vault, "anna")
    look_up = vault.periods.fresh_ref

    async def slowly(person: str) -> bytes:
        router.write(words.PresenceChanged(2, "ready", None, "ready", None, 2, "requested"), old)
        return await look_up(person)

    monkeypatch.setattr(vault.periods, "fresh_ref", slowly)
    await keeper(router, vault).look()
    assert not router.facts
    assert await vault.find_agent("anna") == old


async def test_the_later_word_counts(router: Router, vault: Vault) -> None:
    old = await declare(router, vault, "anna")
    new = await fresh(vault, "anna")

    def both() -> None:
        router.write(words.PresenceChanged(3, "ready", None, "ready", None, 3, "requested"), old)
        router.write(words.PresenceChanged(4, "not_ready", None, "not_ready", None, 3, "requested"), new)

    router.then[AgentRetired] = both
    await keeper(router, vault).look()
    assert await vault.find_agent("anna") == new
    assert not [fact for fact in router.facts if isinstance(fact, PresenceRequested)]


async def test_who_has_work_under_both_references_keeps_the_new_one(router: Router, vault: Vault) -> None:
    old = await declare(router, vault, "anna")
    new = await fresh(vault, "anna")
    router.busy |= {old, new}
    now = [LATER_MS]
    trying = PeriodKeeper(vault, router.declared, router.desks, router.caught_up, router.command, lambda: now[0])
    await trying.look()
    assert await vault.find_agent("anna") == new
    changes(router, new)
    router.busy.clear()
    router.facts.clear()
    now[0] += ATTEMPT_MS
    await trying.look()
    assert told(router.facts) == [("AgentRetired", old)], "what she was declared with since is not undone"
    assert [agent for agent, _ in router.declared.agents_after(None, 9)] == [new]


async def test_a_router_that_is_silent_holds_up_nothing_for_ever(router: Router, vault: Vault) -> None:
    old = await declare(router, vault, "anna")
    silent = True

    async def command(fact: Fact) -> Outcome:
        if silent and isinstance(fact, AgentRetired):
            await asyncio.Event().wait()
        return await router.command(fact)

    trying = PeriodKeeper(vault, router.declared, router.desks, router.caught_up, command, lambda: LATER_MS, patience_s=0.05)
    with pytest.raises(OutcomeUnknown):
        await trying.look()
    silent = False
    await trying.look()
    assert await vault.find_agent("anna") not in (None, old)
    assert told(router.facts)[1:] == [("AgentRetired", old)]


async def fresh(vault: Vault, person: str) -> bytes:
    """What the person will be called."""
    await vault.periods.begin(LATER_MS)
    return await vault.periods.fresh_ref(person)
