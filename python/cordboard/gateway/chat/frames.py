"""What customers of chats are shown, in the words of the protocol."""

from cordboard.gateway.callbacks.ics import CALENDAR
from cordboard.gateway.chat import protocol
from cordboard.gateway.chat.conversations import QueuedLine
from cordboard.gateway.chat.next_steps import Offered
from cordboard.next_steps import Choice


def waiting_frames(line: QueuedLine) -> list[protocol.ServerFrame]:
    """Where the chat waits and, if the router says so, how long."""
    queued: list[protocol.ServerFrame] = [protocol.Queued(line.queue)]
    return queued if line.said_ms is None else [*queued, protocol.Wait(expected_ms=line.said_ms)]


def steps_frame(offered: Offered) -> protocol.Steps:
    steps = tuple(protocol.Step(step.kind, step.to, offered.forms.get(step.to or "")) for step in offered.steps)
    return protocol.Steps(steps=steps, until_ms=offered.until_ms, told=offered.told)


def taken_frame(
    kind: str, to: str | None, by: str, choice: Choice | None, offered: Offered | None, recording: str, call: str | None
) -> protocol.Taken:
    """What became of a choice, as far as that is still known. `recording`: the path to which one is sent, `call`: by which a call
    that was promised is looked after."""
    return protocol.Taken(
        kind=kind,
        to=to,
        by=by,
        told=offered.told if offered is not None and kind == "message" else "",
        due_ms=None if choice is None else choice.due_ms,
        recording=recording if kind == "voicemail" else None,
        manage=call,
        calendar=None if call is None else call + CALENDAR,
    )
