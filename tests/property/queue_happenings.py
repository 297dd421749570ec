"""What happens to queues and those who wait: arrivals with everything about them, modes, broadcasts."""

from msgspec.structs import replace

from cordboard import codec
from cordboard.events import fact as f
from cordboard.events.bounds import Requirement
from tests.property.happenings import Choices, Happening, new_contact
from tests.property.pair import AGENTS, Pair
from tests.property.sites import CHANNELS, QUEUES, RETURNS, SKILLS, TOPICS, site

CUSTOMERS = [bytes([3, number]).ljust(16, b"\0") for number in range(3)]


def known_customer_arrives(pair: Pair, choices: Choices) -> f.Fact:
    skills = choices.pick([(), SKILLS[:1], SKILLS])
    needs = [Requirement(skill, choices.pick([2, 5, 9]), choices.chance(30)) for skill in skills]
    queue = choices.pick([*QUEUES, RETURNS])
    return f.ContactArrived(
        pair.fact_id(), new_contact(pair), choices.pick(CHANNELS), queue, needs, choices.pick([0, 0, 2, 99]),
        choices.pick(CUSTOMERS), choices.pick([[], [], AGENTS[:1], AGENTS[2:]]), topic=choices.pick([None, *TOPICS]),
        accepts=choices.pick([[], ["en"]]), message=choices.pick([None, bytes(16)]),
    )  # fmt: skip


def waiting_customer_leaves(pair: Pair, choices: Choices) -> f.Fact | None:
    """So that places are kept, and come back to."""
    waiting = [each.id for each in pair.naive.contacts if each.state in ("queued", "offered") and each.customer is not None]
    return f.ContactAbandoned(pair.fact_id(), choices.pick(waiting)) if waiting else None


def customer_comes_back(pair: Pair, choices: Choices) -> f.Fact | None:
    """To the place that is kept, if it still is."""
    if not pair.naive.places:
        return None
    customer, channel = choices.pick(list(pair.naive.places))
    queue = pair.naive.places[customer, channel].queue
    return f.ContactArrived(
        pair.fact_id(), new_contact(pair), channel, queue, customer=customer, message=choices.pick([None, bytes(16)])
    )


def queue_opens_or_closes(pair: Pair, choices: Choices) -> f.Fact:
    shut = [queue for queue, mode in pair.naive.modes.items() if mode.mode != "open"]
    if shut and choices.chance(60):
        return f.QueueModeRequested(pair.fact_id(), choices.pick(shut), "open")
    mode = choices.pick(["closed", "closed", "emergency", "open"])
    reason = choices.pick([None, None, "lunch", "unheard_of"])
    queue, by = choices.pick([*QUEUES, RETURNS, "attic"]), choices.pick([None, *AGENTS])
    return f.QueueModeRequested(pair.fact_id(), queue, mode, by, reason)  # type: ignore[arg-type]


def queue_is_told(pair: Pair, choices: Choices) -> f.Fact:
    queue, reason = choices.pick([*QUEUES, RETURNS, "attic"]), choices.pick([None, "lunch"])
    return f.BroadcastRequested(pair.fact_id(), queue, bytes(16), None, reason)


def nonsense_arrives(pair: Pair, choices: Choices) -> f.Fact:
    """One thing about it is unknown, or its id is taken."""
    fact_id, contact = pair.fact_id(), new_contact(pair)
    taken = choices.pick(pair.contacts[:-1] or pair.contacts)
    return choices.pick([
        f.ContactArrived(fact_id, taken, "chat", "orders"),
        f.ContactArrived(fact_id, taken, "mail", "orders", case=choices.pick(pair.contacts), message=bytes(16)),
        f.ContactArrived(fact_id, contact, "fax", "orders"),
        f.ContactArrived(fact_id, contact, "chat", "attic"),
        f.ContactArrived(fact_id, contact, "chat", "orders", [Requirement("magic", 1)]),
        f.ContactArrived(fact_id, contact, "mail", "orders", topic="weather"),
        f.ContactArrived(fact_id, contact, "mail", "orders", entry_point="window"),
    ])  # fmt: skip


def customer_is_erased(pair: Pair, choices: Choices) -> f.Fact | None:
    return f.CustomerErasureRequested(pair.fact_id(), choices.pick(CUSTOMERS)) if choices.chance(30) else None


def policy_changes(pair: Pair, choices: Choices) -> f.Fact | None:
    """Seldom: other settings, with a queue more or less, or an old version, or one that makes no sense."""
    if not choices.chance(20):
        return None
    changed = replace(pair.more(choices, site(choices)), version=pair.naive.policy.version + choices.pick([0, 1, 1, 1]))
    if choices.chance(10):
        changed = replace(changed, supervisor_queue="attic")
    return f.PolicyPublished(pair.fact_id(), codec.encode(changed))


QUEUE_HAPPENINGS: tuple[Happening, ...] = (
    known_customer_arrives, known_customer_arrives, known_customer_arrives, waiting_customer_leaves, customer_comes_back,
    customer_comes_back, queue_opens_or_closes,
    queue_is_told, nonsense_arrives, policy_changes, customer_is_erased,
)  # fmt: skip
