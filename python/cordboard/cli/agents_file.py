"""`cordboard agents apply|check|export`: the agents a site should have, as a file."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape

from cordboard.cli.calls import call
from cordboard.cli.output import DEFAULT_TARGET, AsJson, Target, console, print_json, stderr
from cordboard.cli.policy import policy_in_force
from cordboard.cli.problems import show_problems
from cordboard.client import AgentDeclaration, Client, ClientError
from cordboard.errors import InvalidInput
from cordboard.events.bounds import AgentChannel, Membership, Skill
from cordboard.events.policy import Policy
from cordboard.policy import (
    AgentDiff,
    AgentSheet,
    PolicyErrors,
    diff_agents,
    dump_agents_csv,
    dump_agents_yaml,
    leave_out,
    load,
    load_agents,
)
from cordboard.v1 import staff_service_pb2 as pb
from cordboard.v1 import types_pb2

RETIRES_AT_ONCE = 16
SAFE_RETIRES = 10
"""Retiring more than this, and more than half of all, is rather a cut-off file than an intention."""

File = Annotated[Path, typer.Argument(help="The agents, .yaml or .csv.", show_default=False)]


@dataclass(frozen=True)
class Failure:
    """One person for whom it did not work, and why (`reason` is a stable word)."""

    person: str
    reason: str
    message: str


@dataclass(frozen=True)
class AppliedAgents:
    """What an apply did, or (`dry_run`) would do."""

    diff: AgentDiff
    failures: tuple[Failure, ...] = ()


async def apply_agents(client: Client, path: Path, *, retire_many: bool = False, dry_run: bool = False) -> AppliedAgents:
    """Make the site have the agents of the file: declare the new and the changed, retire who is gone.

    Raises PolicyErrors (the file), ClientError, and InvalidInput (`no_policy`; `many_retired` unless `retire_many`). A single agent
    that is refused, such as one who is still at work, does not stop the others: see `failures`.
    """
    policy = await _policy(client)
    wanted = load_agents(path, policy)
    current = await current_agents(client)
    diff = diff_agents(current, wanted, policy)
    if len(diff.retired) > max(SAFE_RETIRES, len(current) // 2) and not retire_many:
        raise InvalidInput(
            f"the file would retire {len(diff.retired)} of {len(current)} agents: if that is meant, say --retire-many",
            reason="many_retired",
        )
    if dry_run:
        return AppliedAgents(diff)
    sent = [*diff.declared, *(change.new for change in diff.changed)]
    results = await client.declare_agents([_declaration(sheet) for sheet in sent]) if sent else []
    failures = [Failure(result.person, result.reason, result.message) for result in results if result.code]
    return AppliedAgents(diff, (*failures, *await _retire(client, diff.retired)))


async def current_agents(client: Client) -> list[AgentSheet]:
    """The agents the site has, as the router sees them (every default filled in), in the order of persons."""
    sheets = [_sheet(agent.declaration) async for agent in client.list_agents()]
    return sorted(sheets, key=lambda sheet: sheet.person)


def apply_file(
    file: File,
    target: Target = DEFAULT_TARGET,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be sent.")] = False,
    retire_many: Annotated[bool, typer.Option("--retire-many", help="Retire even more than half of the agents.")] = False,
    as_json: AsJson = False,
) -> None:
    """Declare who is new, change who differs, retire who is gone. Exit 1 if anybody was refused."""
    try:
        applied = call(target, lambda client: apply_agents(client, file, retire_many=retire_many, dry_run=dry_run))
    except PolicyErrors as errors:
        show_problems(errors, as_json=as_json)
        raise typer.Exit(1) from errors
    _show_applied(applied, dry_run=dry_run, as_json=as_json)
    if applied.failures:
        raise typer.Exit(1)


def check_file(
    file: File,
    policy: Annotated[Path | None, typer.Option(help="Check against this policy file instead of the running site's.")] = None,
    target: Target = DEFAULT_TARGET,
    as_json: AsJson = False,
) -> None:
    """Say everything that is wrong with an agents file. Exit 1 on any problem."""
    try:
        known = load(policy).policy if policy is not None else call(target, _policy)
        sheets = load_agents(file, known)
    except PolicyErrors as errors:
        show_problems(errors, as_json=as_json)
        raise typer.Exit(1) from errors
    if as_json:
        print_json({"ok": True, "file": str(file), "agents": len(sheets)})
    else:
        console.print(f"[bold green]good[/] {escape(str(file))}: {len(sheets):,} agents", soft_wrap=True)


def export(
    target: Target = DEFAULT_TARGET,
    form: Annotated[Literal["csv", "yaml"], typer.Option("--format", help="csv or yaml.")] = "csv",
) -> None:
    """Print the agents the site has, as a file that `apply` would take."""
    sheets = call(target, _own_words)
    console.file.write(dump_agents_csv(sheets) if form == "csv" else dump_agents_yaml(sheets))


def add_commands(app: typer.Typer) -> None:
    """Put the three commands into the `agents` group."""
    app.command("apply")(apply_file)
    app.command("check")(check_file)
    app.command("export")(export)


async def _own_words(client: Client) -> list[AgentSheet]:
    policy = await _policy(client)
    return [leave_out(sheet, policy) for sheet in await current_agents(client)]


async def _policy(client: Client) -> Policy:
    now = await policy_in_force(client)
    if now is None:
        raise InvalidInput("the site has no policy yet: apply one first, agents refer to it", reason="no_policy")
    return now.policy


async def _retire(client: Client, sheets: Iterable[AgentSheet]) -> list[Failure]:
    """A few at a time; each that is refused is a failure of its own."""
    room, failures = asyncio.Semaphore(RETIRES_AT_ONCE), list[Failure]()

    async def one(person: str) -> None:
        async with room:
            try:
                await client.retire_agent(person)
            except ClientError as error:
                failures.append(Failure(person, error.reason, error.message))

    async with asyncio.TaskGroup() as group:
        for sheet in sheets:
            group.create_task(one(sheet.person))
    return sorted(failures, key=lambda failure: failure.person)


def _declaration(sheet: AgentSheet) -> AgentDeclaration:
    return pb.AgentDeclaration(
        person=sheet.person,
        name=sheet.name,
        skills=[types_pb2.Skill(skill=skill.skill, level=skill.level) for skill in sheet.skills],
        memberships=[types_pb2.Membership(queue=membership.queue, rank=membership.rank) for membership in sheet.queues],
        channels=[
            types_pb2.AgentChannel(channel=channel.channel, cost=channel.cost, max_concurrent=channel.max_concurrent)
            for channel in sheet.channels
        ],
        capacity=sheet.capacity,
    )


def _sheet(declaration: AgentDeclaration) -> AgentSheet:
    return AgentSheet.of(
        declaration.person,
        declaration.name,
        [Skill(skill.skill, skill.level) for skill in declaration.skills],
        [Membership(membership.queue, membership.rank) for membership in declaration.memberships],
        [
            AgentChannel(
                channel.channel,
                channel.cost if channel.HasField("cost") else None,
                channel.max_concurrent if channel.HasField("max_concurrent") else None,
            )
            for channel in declaration.channels
        ],
        declaration.capacity if declaration.HasField("capacity") else None,
    )


def _show_applied(applied: AppliedAgents, *, dry_run: bool, as_json: bool) -> None:
    diff = applied.diff
    if as_json:
        changed = [{"person": change.new.person, "what": change.what} for change in diff.changed]
        failures = [{"person": f.person, "reason": f.reason, "message": f.message} for f in applied.failures]
        declared, retired = ([sheet.person for sheet in sheets] for sheets in (diff.declared, diff.retired))
        print_json(
            {"dry_run": dry_run, "declared": declared, "changed": changed, "retired": retired, "unchanged": diff.unchanged}
            | {"failures": failures}
        )
        return
    for change in diff.changed:
        console.print(f"[yellow]~[/] {escape(change.new.person)}: {', '.join(change.what)}", soft_wrap=True)
    for sheet in diff.retired:
        console.print(f"[red]-[/] {escape(sheet.person)}", soft_wrap=True)
    for failure in applied.failures:
        stderr.print(f"[bold red]refused[/] {escape(failure.person)}: {escape(failure.message)} ({failure.reason})", soft_wrap=True)
    figures = f"{len(diff.declared)} new, {len(diff.changed)} changed, {len(diff.retired)} retired, {diff.unchanged} unchanged"
    refused = f", {len(applied.failures)} refused" if applied.failures else ""
    console.print(f"{'not sent: ' if dry_run else ''}{figures}{refused}")
