"""What is said of offers and transfers, as a whole: what answers by itself is offered once, and the supervisors have a queue."""

from cordboard.policy.check_doors import door_channel, doors
from cordboard.policy.problems import Problems
from cordboard.policy.sections import Document


def check_moving(document: Document, problems: Problems) -> None:
    """`answer`, `broadcast` and `supervisor_queue`."""
    routing = document.blocks["routing"]
    queue = routing.get("supervisor_queue")
    if queue is not None and queue not in document.named["queues"]:
        problems.unknown(
            routing.place("supervisor_queue"), "routing.supervisor_queue", "queue", queue, list(document.named["queues"])
        )
    automatic = {word for word, channel in document.named["channels"].items() if channel.get("answer") == "auto"}
    for word, asking in document.named["queues"].items():
        reached = automatic & _channels_of(document, word)
        if reached and (asking.get("broadcast") or 1) > 1:
            problems.add(
                asking.place("broadcast"),
                f"queues.{word}.broadcast",
                f"`{min(reached)}` comes here and is answered by itself: only one agent can be asked",
                "write `broadcast: 1`, or `answer: manual` for that channel",
            )


def _channels_of(document: Document, queue: str) -> set[str]:
    """The channels that are known to come to the queue: it has a target for them, or a door leads here."""
    targets: dict[str, object] = document.named["queues"][queue].get("targets") or {}
    found = set(targets)
    for group, _, entry in doors(document):
        channel = door_channel(group, entry)
        if channel is not None and entry.get("queue") == queue:
            found.add(channel)
    return found
