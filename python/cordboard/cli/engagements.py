"""`cordboard contacts hold|resume|consult|role|connect-failed`: what the agent who has a contact does with it, at a terminal."""

from typing import Annotated, Literal, cast

import typer

from cordboard.cli.calls import call
from cordboard.cli.contacts import ContactArgument, holder, plain
from cordboard.cli.instants import instant
from cordboard.cli.output import DEFAULT_TARGET, AsJson, Target, console, duration, print_json
from cordboard.client import Client
from cordboard.v1.engagement_service_pb2 import (
    ChangeRoleResponse,
    ConsultAgentResponse,
    HoldEngagementResponse,
    ReportConnectFailureResponse,
    ResumeEngagementResponse,
)

ROLES = ("conference", "primary")
LEGS = ("agent", "customer", "platform")
AgentOption = Annotated[str, typer.Option("--agent", help="Who has it; default: whoever that is.")]


def add_commands(app: typer.Typer) -> None:
    """Put these into `contacts`."""
    app.command()(hold)
    app.command()(resume)
    app.command()(consult)
    app.command()(role)
    app.command("connect-failed")(connect_failed)


def hold(contact_id: ContactArgument, agent: AgentOption = "", target: Target = DEFAULT_TARGET, as_json: AsJson = False) -> None:
    """Put the customer on hold."""

    async def work(client: Client) -> HoldEngagementResponse:
        return await client.hold_engagement(await _whose(client, contact_id, agent), contact_id)

    done = call(target, work)
    print_json(plain(done)) if as_json else console.print("on hold")


def resume(contact_id: ContactArgument, agent: AgentOption = "", target: Target = DEFAULT_TARGET, as_json: AsJson = False) -> None:
    """Take the customer off hold."""

    async def work(client: Client) -> ResumeEngagementResponse:
        return await client.resume_engagement(await _whose(client, contact_id, agent), contact_id)

    done = call(target, work)
    print_json(plain(done)) if as_json else console.print(f"off hold after {duration(done.held_ms)}")


def consult(
    contact_id: ContactArgument,
    to_agent: Annotated[str, typer.Argument(help="Person id of the agent who is asked.")],
    conference: Annotated[bool, typer.Option("--conference", help="With the customer in it.")] = False,
    agent: AgentOption = "",
    target: Target = DEFAULT_TARGET,
    as_json: AsJson = False,
) -> None:
    """Ask another agent for help with a contact."""

    async def work(client: Client) -> ConsultAgentResponse:
        word: Literal["consult", "conference"] = "conference" if conference else "consult"
        return await client.consult_agent(await _whose(client, contact_id, agent), contact_id, to_agent, word)

    done = call(target, work)
    if as_json:
        print_json(plain(done))
    else:
        console.print(f"{to_agent} is asked: attempt {done.attempt}, open until {instant(done.expires_ms)}")


def role(
    contact_id: ContactArgument,
    other: Annotated[str, typer.Argument(help="Person id of the agent who was asked in.")],
    wanted: Annotated[str, typer.Argument(metavar="ROLE", help=f"{' or '.join(ROLES)}: primary hands the contact over.")],
    agent: AgentOption = "",
    target: Target = DEFAULT_TARGET,
    as_json: AsJson = False,
) -> None:
    """Bring a consulted agent into the conference, or hand the contact over."""
    if wanted not in ROLES:
        raise typer.BadParameter(f"use {' or '.join(ROLES)}")
    word = cast(Literal["conference", "primary"], wanted)

    async def work(client: Client) -> ChangeRoleResponse:
        return await client.change_role(await _whose(client, contact_id, agent), contact_id, other, word)

    done = call(target, work)
    print_json(plain(done)) if as_json else console.print(f"{other} is {wanted} now")


def connect_failed(
    contact_id: ContactArgument,
    leg: Annotated[str, typer.Option("--leg", help=f"On whose side: {', '.join(LEGS)}.")],
    attempt: Annotated[int, typer.Option("--attempt", min=0, help="The offer's; default: the newest.")] = 0,
    agent: Annotated[str, typer.Option("--agent", help="Who accepted it; default: whoever has it.")] = "",
    target: Target = DEFAULT_TARGET,
    as_json: AsJson = False,
) -> None:
    """Say that an accepted offer could not be connected; the contact goes on to others."""
    if leg not in LEGS:
        raise typer.BadParameter(f"use one of {', '.join(LEGS)}")
    word = cast(Literal["agent", "customer", "platform"], leg)

    async def work(client: Client) -> ReportConnectFailureResponse:
        contact = await client.get_contact(contact_id)
        return await client.report_connect_failure(agent or holder(contact), contact_id, attempt or contact.attempt, word)

    done = call(target, work)
    print_json(plain(done)) if as_json else console.print(f"failed; {done.failures} in a row on the agent's side")


async def _whose(client: Client, contact_id: str, agent: str) -> str:
    return agent or holder(await client.get_contact(contact_id))
