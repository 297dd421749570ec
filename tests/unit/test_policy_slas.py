"""SLAs in the policy document: how they are written, what is wrong with them, and what a change of one means."""

import msgspec
import pytest

from cordboard import codec
from cordboard.events.policy import Policy, SlaPolicy
from cordboard.policy import PolicyErrors, diff, loads, spell_policy

TEXT = """
site: office
timezone: Europe/Brussels
channels: {mail: {presence: async, class: 3, answered_on: first_message}}
queues: {orders: , invoices: }
segments: [gold, silver]
calendars: {office: {hours: {mon-fri: "09:00-17:00"}}}
slas:
"""
REPLY = "  reply: {label: Antwoord, measure: first_response, within: 4h, channel: mail, calendar: office, escalate: leads}\n"
SOLVED = """  solved: {measure: resolution, within: 5d, queue: [orders, invoices], segment: gold,
           warn_percent: 50, internal: yes, reopen: 14d}
"""
HOUR_MS = 3_600_000


def problem(sla: str) -> str:
    with pytest.raises(PolicyErrors) as caught:
        loads(f"{TEXT}  reply: {sla}\n")
    assert len(caught.value.problems) == 1, caught.value
    return str(caught.value.problems[0]).partition(": ")[2]


def test_what_is_written_is_what_is_promised() -> None:
    site = loads(TEXT + REPLY + SOLVED)
    reply = SlaPolicy(
        name="reply", measure="first_response", target_ms=4 * HOUR_MS, channels=["mail"], calendar="office", escalate="leads"
    )
    solved = SlaPolicy(
        name="solved",
        measure="resolution",
        target_ms=5 * 24 * HOUR_MS,
        queues=["orders", "invoices"],
        segments=["gold"],
        warn_percent=50,
        internal=True,
        reopen_ms=14 * 24 * HOUR_MS,
    )
    assert site.policy.slas == [reply, solved]
    assert (reply.warn_percent, reply.internal, reply.reopen_ms) == (80, False, 30 * 24 * HOUR_MS)
    assert site.label("slas.reply", "nl") == "Antwoord"
    assert msgspec.msgpack.decode(codec.encode(site.policy), type=Policy).slas == [reply, solved]
    assert loads(msgspec.json.encode(spell_policy(site.policy)).decode()).policy.slas == [reply, solved]


@pytest.mark.parametrize(
    ("sla", "said"),
    [
        ("{measure: answer, within: 30s, queue: order}", "orders"),
        ("{measure: answer, within: 30s, channel: [mail, voice]}", "voice"),
        ("{measure: answer, within: 30s, segment: golden}", "gold"),
        ("{measure: answer, within: 30s, calendar: offices}", "office"),
        ("{measure: answered, within: 30s}", "answer"),
        ("{measure: answer}", "within"),
        ("{within: 30s}", "measure"),
        ("{measure: answer, within: 0s}", "1s"),
        ("{measure: answer, within: 30s, warn_percent: 100}", "99"),
        ("{measure: answer, within: 30s, reopen: 1d}", "only a resolution"),
    ],
)
def test_a_mistake_is_named_with_what_to_write(sla: str, said: str) -> None:
    assert said in problem(sla)


def test_a_change_says_what_becomes_of_promises_that_were_made() -> None:
    before, after = loads(TEXT + REPLY).policy, loads(TEXT + REPLY.replace("4h", "2h") + SOLVED).policy
    said = {change.path: change.effect for change in diff(before, after)}
    assert said["slas.reply.within"].startswith("clocks that run keep their time")
    assert said["slas.solved"].startswith("it is promised to contacts that arrive")
    assert [change.effect for change in diff(after, before) if change.path == "slas.solved"] == [
        "promises that were made keep their time; nothing more is promised"
    ]
