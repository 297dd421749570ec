"""Who could serve a contact, by what was declared alone."""

from cordboard.api.declared import Declared, Fit
from cordboard.events.bounds import AgentChannel, Membership, Requirement, Skill
from cordboard.events.event import AgentRegistered, AgentRemoved
from tests.journal import about, commit


def test_who_fits_works_on_the_channel_has_room_for_it_and_the_skills() -> None:
    declared = Declared()

    def registers(agent: str, level: int, channel: AgentChannel, capacity: int = 100, queue: str = "orders") -> None:
        event = AgentRegistered(1, [Skill("nl", level)], [Membership(queue, 0)], [channel], capacity)
        declared.apply(1, commit(1, 1, about(event, agent=agent)))

    registers("fits", 5, AgentChannel("voice", 100, 1))
    registers("learns", 4, AgentChannel("voice", 100, 1))
    registers("writes", 5, AgentChannel("mail", 50, 2))
    registers("paused", 5, AgentChannel("voice", 100, 0))
    registers("half", 5, AgentChannel("voice", 100, 1), capacity=50)
    registers("other", 5, AgentChannel("voice", 100, 1), queue="invoices")
    needs = [Requirement("nl", 5)]
    assert declared.fit("orders", "voice", needs) == Fit(members=5, fit=1)
    assert declared.fit("orders", "voice", []) == Fit(members=5, fit=2)
    declared.apply(2, commit(2, 2, about(AgentRemoved(2), agent="fits")))
    assert declared.fit("orders", "voice", needs) == Fit(members=4, fit=0)
