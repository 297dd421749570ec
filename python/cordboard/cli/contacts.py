"""`cordboard contacts …` and `cordboard timeline`: one contact and many, from the history."""

import json
from itertools import islice
from typing import Annotated, Any

import typer
from google.protobuf.json_format import MessageToDict
from rich.markup import escape

from cordboard.cli.calls import call
from cordboard.cli.instants import instant
from cordboard.cli.output import DEFAULT_TARGET, AsJson, Target, console, duration, fail, print_fields, print_json, print_table
from cordboard.client import Client, NewContact
from cordboard.v1.contact_service_pb2 import Contact, ContactFilter, TimelineEntry
from cordboard.v1.next_step_service_pb2 import NextStep, NextSteps
from cordboard.v1.types_pb2 import (
    CONTACT_STATE_CONNECTING,
    CONTACT_STATE_ENGAGED,
    CONTACT_STATE_OFFERED,
    ContactState,
    ParkKind,
)

contacts_app = typer.Typer(
    help="Contacts: list, show, submit; where they go (transfer, pick, requeue, priority, park, return, reclassify, end); what "
    "customers can do whom nobody can help (next, choose); and what their agents do (hold, resume, consult, role, connect-failed).",
    no_args_is_help=True,
)
ContactArgument = Annotated[str, typer.Argument(help="The contact's id: 32 hexadecimal digits.")]
STATES = ("queued", "offered", "connecting", "engaged", "parked", "scheduled", "ended")
COLUMNS = ("contact", "channel", "queue", "state", "topic", "rule", "case", "arrived", "agent")


@contacts_app.command("list")
def list_contacts(
    channel: Annotated[str, typer.Option(help="Only this channel.")] = "",
    queue: Annotated[str, typer.Option(help="Only this queue.")] = "",
    state: Annotated[str, typer.Option(help=f"Only this state: {', '.join(STATES)}.")] = "",
    agent: Annotated[str, typer.Option(help="Only this agent's.")] = "",
    topic: Annotated[str, typer.Option(help="Only about this.")] = "",
    case: Annotated[str, typer.Option(help="Only of this case: 32 hexadecimal digits.")] = "",
    customer: Annotated[str, typer.Option(help="Only of this customer: 32 hexadecimal digits.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many, newest first.")] = 50,
    target: Target = DEFAULT_TARGET,
    as_json: AsJson = False,
) -> None:
    """Contacts, newest first."""
    if state and state not in STATES:
        fail(f"unknown state {state!r}: use one of {', '.join(STATES)}")
    wanted = ContactFilter(channel=channel, queue=queue, agent=agent, topic=topic, case_id=case, customer_id=customer)
    if state:
        wanted.state = ContactState.Value(f"CONTACT_STATE_{state.upper()}")

    async def work(client: Client) -> list[Contact]:
        found: list[Contact] = []
        async for contact in client.list_contacts(wanted, page_size=min(limit, 100)):
            found.append(contact)
            if len(found) >= limit:
                break
        return found

    found = call(target, work)
    if as_json:
        print_json([plain(contact) for contact in found])
        return
    rows = [
        (
            contact.contact_id,
            contact.channel,
            contact.queue,
            state_word(contact),
            topic_word(contact),
            contact.rule,
            contact.case_id if contact.case_id != contact.contact_id else "",
            instant(contact.arrived_at_ms),
            contact.agent,
        )
        for contact in found
    ]
    print_table(f"{len(rows)} contacts", COLUMNS, rows)


@contacts_app.command()
def show(contact_id: ContactArgument, target: Target = DEFAULT_TARGET, as_json: AsJson = False) -> None:
    """One contact, with its timeline."""

    async def work(client: Client) -> tuple[Contact, list[TimelineEntry]]:
        return await client.get_contact(contact_id), await client.timeline(contact_id)

    contact, entries = call(target, work)
    if as_json:
        print_json({**plain(contact), "timeline": [plain(entry) for entry in entries]})
        return
    print_fields(_fields(contact))
    show_timeline(entries)


@contacts_app.command()
def submit(
    channel: Annotated[str, typer.Option(help="The channel, for example task.")],
    queue: Annotated[str, typer.Option(help="The queue; without one the policy's rules say.")] = "",
    text: Annotated[str, typer.Option(help="What it is about.")] = "",
    subject: Annotated[str, typer.Option(help="Its subject.")] = "",
    entry_point: Annotated[str, typer.Option(help="Where it came from: an entry point of the policy.")] = "",
    priority: Annotated[int, typer.Option(min=0, max=100)] = 0,
    request_id: Annotated[str, typer.Option(help="A UUID: the same one again submits nothing twice.")] = "",
    target: Target = DEFAULT_TARGET,
    as_json: AsJson = False,
) -> None:
    """Submit one contact."""
    wanted = NewContact(channel=channel, queue=queue, text=text, subject=subject, entry_point=entry_point, priority=priority)
    if request_id:
        wanted["request_id"] = request_id
    done = call(target, lambda client: client.submit_contact(**wanted))
    print_json(plain(done)) if as_json else console.print(done.contact_id)


@contacts_app.command()
def end(
    contact_id: ContactArgument,
    completed: Annotated[bool, typer.Option("--completed", help="What was wanted is done.")] = False,
    target: Target = DEFAULT_TARGET,
    as_json: AsJson = False,
) -> None:
    """Cancel a contact, whatever its state; or complete it."""
    done = call(target, lambda client: client.end_contact(contact_id, "completed" if completed else "cancelled"))
    print_json(plain(done)) if as_json else console.print("completed" if completed else "cancelled")


def timeline(contact_id: ContactArgument, target: Target = DEFAULT_TARGET, as_json: AsJson = False) -> None:
    """Everything that happened to a contact, in order."""
    entries = call(target, lambda client: client.timeline(contact_id))
    if as_json:
        print_json([plain(entry) for entry in entries])
    else:
        show_timeline(entries)


def show_timeline(entries: list[TimelineEntry]) -> None:
    """Time, time since the entry before, what, who, details."""
    before = [entries[0].at_ms, *(entry.at_ms for entry in islice(entries, len(entries) - 1))] if entries else []
    rows = [
        (
            instant(entry.at_ms),
            "+" + duration(entry.at_ms - then),
            entry.event,
            entry.agent,
            named(entry),
            f"{entry.seq}.{entry.entry}",
        )
        for entry, then in zip(entries, before, strict=True)
    ]
    print_table("timeline", ("at", "after", "event", "agent", "details", "journal"), rows, right=("after",), wrap=("details",))


def _fields(contact: Contact) -> dict[str, object]:
    """As people read them."""
    words: dict[str, object] = {"state": state_word(contact)}
    if contact.HasField("park"):
        words["park"] = contact.park.note
    if contact.HasField("next_steps"):
        words["next_steps"] = steps_word(contact.next_steps)
    said = plain(contact) | words
    return {
        name.removesuffix("_ms"): instant(int(value)) if name.endswith("_ms") else value
        for name, value in said.items()
        if value != ""
    }


def named(entry: TimelineEntry) -> str:
    """The details, with persons for the ids of agents. What a sentence says they do not say again."""
    details = entry.detail_json
    if entry.sentence:
        told = {field: value for field, value in json.loads(details).items() if field not in ("why", "direct")}
        details = f"{entry.sentence} {json.dumps(told, ensure_ascii=False, separators=(',', ':'))}"
    for ref, person in entry.people.items():
        details = details.replace(ref, person or ref)
    return escape(details)


def state_word(contact: Contact) -> str:
    """`ended (completed)`, `parked (customer, until 2026-11-22 09:00:00.000Z)`, `queued` …"""
    word = ContactState.Name(contact.state).removeprefix("CONTACT_STATE_").lower()
    if contact.HasField("park"):
        kind = ParkKind.Name(contact.park.kind).removeprefix("PARK_KIND_").lower()
        return f"{word} ({kind}, until {instant(contact.park.until_ms)})"
    return f"{word} ({contact.end_reason})" if contact.end_reason else word


def step_word(step: NextStep) -> str:
    """`callback orders`, `message`: as it is chosen."""
    return f"{step.kind} {step.to}".strip()


def steps_word(steps: NextSteps) -> str:
    """`callback orders, message (closing, until 2026-11-22 09:00:00.000Z)`."""
    return f"{', '.join(map(step_word, steps.steps))} ({steps.cause}, until {instant(steps.until_ms)})"


def topic_word(contact: Contact) -> str:
    """`boots (was shoes)`, `boots`, or nothing."""
    return f"{contact.topic} (was {contact.topic_first})" if contact.topic_first not in ("", contact.topic) else contact.topic


def plain(message: Any) -> dict[str, Any]:
    """A protobuf message as JSON-able values, names as in the .proto files."""
    found: dict[str, Any] = MessageToDict(message, preserving_proto_field_name=True)
    return found


def holder(contact: Contact) -> str:
    """The person id of the agent who has the contact. Says so and exits if nobody has, or if it is not told who."""
    if not contact.agent and contact.state in (CONTACT_STATE_OFFERED, CONTACT_STATE_CONNECTING, CONTACT_STATE_ENGAGED):
        fail("who has this contact is not shown (the policy's monitoring): name the agent with --agent")
    return contact.agent or fail("no agent has this contact: it waits, or is over")
