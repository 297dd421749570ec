"""Next steps that lead nowhere, and what follows those that lead somewhere."""

from collections.abc import Iterator
from typing import Final

from cordboard.events.policy import NextStep
from cordboard.policy.check_doors import door_channel, doors
from cordboard.policy.entry import Entry
from cordboard.policy.kinds import Placed
from cordboard.policy.problems import Problems, did_you_mean
from cordboard.policy.sections import Document

VOICE: Final = "voice"
"""The channel on which callbacks are made."""


def compiled_steps(document: Document, entry: Entry) -> list[NextStep]:
    """The steps with what follows each, and the message. None, if nothing is said of them."""
    if "next_steps" not in entry.values and "told" not in entry.values:
        return []
    written: list[Placed] = entry.get("next_steps") or []
    return [*(_resolved(document, entry, placed.value) for placed in written), NextStep("message")]


def _resolved(document: Document, entry: Entry, step: NextStep) -> NextStep:
    if step.kind == "callback":
        queue = step.to or entry.get("queue")
        return NextStep("callback", queue, VOICE, queue)
    if step.kind == "queue":
        return NextStep("queue", step.to, None, step.to)
    group, door = _door(document, step.to or "") or ("", None)
    assert door is not None, "a document without problems has the door"
    return NextStep(step.kind, step.to, door_channel(group, door), door.get("queue"))


def _door(document: Document, word: str) -> tuple[str, Entry] | None:
    return next(((group, entry) for group, name, entry in doors(document) if name == word), None)


def check_next_steps(document: Document, problems: Problems) -> None:
    """Add every step that leads nowhere, and every door that turns nobody away."""
    for word, entry in document.named["entry_points"].items():
        path = f"entry_points.{word}"
        steps: list[Placed] = entry.get("next_steps") or []
        channel = document.named["channels"].get(door_channel("entry_points", entry) or "")
        if ("next_steps" in entry.values or "told" in entry.values) and channel is not None and channel.get("presence") == "async":
            key = "next_steps" if "next_steps" in entry.values else "told"
            message = f"nobody is turned away here: `{door_channel('entry_points', entry)}` is async"
            problems.add(entry.place(key), f"{path}.{key}", message, "remove it, or write it at a live or session channel's door")
        for index, placed in enumerate(steps):
            where = f"{path}.next_steps[{index}]"
            for message, advice in _mistakes(document, word, entry, placed.value):
                problems.add(placed.at, where, message, advice)
            own = NextStep("callback", entry.get("queue"))
            if placed.value.kind == "callback" and placed.value == own and any(other.value.to is None for other in steps):
                problems.add(placed.at, where, "its own queue calls back already", "write one of `callback` and this")


def _mistakes(document: Document, word: str, entry: Entry, step: NextStep) -> Iterator[tuple[str, str | None]]:
    if step.kind == "callback":
        yield from _callback_mistakes(document, entry, step)
    elif step.kind == "queue":
        if step.to not in document.named["queues"]:
            yield f"`{step.to}` is no queue", did_you_mean(step.to or "", list(document.named["queues"]))
        elif step.to == entry.get("queue"):
            yield f"`{step.to}` is the queue that does not take them", "write another one"
    else:
        yield from _door_mistakes(document, word, step)


def _callback_mistakes(document: Document, entry: Entry, step: NextStep) -> Iterator[tuple[str, str | None]]:
    queue = step.to or entry.get("queue")
    if queue is None:
        yield "it is not said which queue calls back", "write `callback` and the queue, or add `queue:` to the entry point"
    elif queue not in document.named["queues"]:
        if step.to is not None:
            yield f"`{queue}` is no queue", did_you_mean(queue, list(document.named["queues"]))
    elif document.named["queues"][queue].get("callbacks") is None:
        yield f"queue `{queue}` promises no calls", f"add `callbacks:` to `queues.{queue}`, or remove this step"
    if VOICE not in document.named["channels"]:
        yield f"callbacks are made on channel `{VOICE}`, which is not there", f"add `{VOICE}:` under `channels:`"


def _door_mistakes(document: Document, word: str, step: NextStep) -> Iterator[tuple[str, str | None]]:
    found = _door(document, step.to or "")
    fitting = [other for group, other, entry in doors(document) if _fits(document, step.kind, group, entry)]
    if found is None or step.to == word:
        advice = did_you_mean(step.to or "", fitting) or (f"write one of {', '.join(fitting)}" if fitting else "remove it")
        yield f"`{step.to}` is no other entry point or form", advice
    elif not _fits(document, step.kind, *found):
        advice = f"write one of {', '.join(fitting)}" if fitting else "add an entry point for it"
        yield f"`{step.to}` takes no {step.kind}", advice
    elif "queue" not in found[1].values and "queue" not in found[1].wrong:
        yield f"it is not said which queue of `{step.to}` it goes to", f"add `queue:` to `{step.to}`"


def _fits(document: Document, kind: str, group: str, entry: Entry) -> bool:
    """A form is a form, mail goes to a door with an address, and speech to one without."""
    channel = document.named["channels"].get(door_channel(group, entry) or "")
    if channel is None or channel.get("presence") != "async":
        return False
    if kind == "form":
        return group == "forms"
    return group == "entry_points" and (("address" in entry.values) == (kind == "mail"))
