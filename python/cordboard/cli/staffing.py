"""`cordboard callbacks plan`: from a staffing table to how many callbacks each slot may hold."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from cordboard.cli.calls import call
from cordboard.cli.output import DEFAULT_TARGET, AsJson, Target, console, print_json, print_table, stderr
from cordboard.cli.policy import policy_in_force
from cordboard.cli.problems import show_problems
from cordboard.client import Client
from cordboard.errors import InvalidInput
from cordboard.events.policy import Policy
from cordboard.planning import PlannedDay, StaffingPlan, example_csv, load_staffing
from cordboard.planning.figures import spell_agents
from cordboard.planning.local_times import local
from cordboard.policy import PolicyErrors, load

SLOTS_A_PAGE = 500


@dataclass(frozen=True)
class AtRisk:
    """A promise for which there is no room any more, and the slots it could have instead (Unix ms)."""

    queue: str
    contact_id: str
    due_ms: int
    alternatives_ms: tuple[int, ...]


@dataclass(frozen=True)
class Planned:
    """What was published, or (`dry_run`) would be. `booked`: by queue and slot (Unix ms); empty if no site was asked."""

    plan: StaffingPlan
    booked: dict[tuple[str, int], int]
    at_risk: tuple[AtRisk, ...] = ()


async def plan_staffing(client: Client, path: Path, *, dry_run: bool = False) -> Planned:
    """Publish the table's slots, but those that have begun. Raises PolicyErrors (the table), ClientError, InvalidInput
    (`no_policy`). After an error the parts before it stand; publishing the same table again is harmless."""
    policy = await _policy(client)
    plan = load_staffing(path, policy).after((await client.get_boards()).at_ms)
    booked = await _booked(client, plan)
    at_risk: list[AtRisk] = []
    for part in () if dry_run else plan.publications():
        done = await client.plan_capacity(part.queue, part.from_ms, part.slot_ms, part.capacities)
        at_risk.extend(AtRisk(part.queue, risk.contact_id, risk.due_ms, tuple(risk.alternatives_ms)) for risk in done.at_risk)
    return Planned(plan, booked, tuple(at_risk))


def plan_slots(
    file: Annotated[Path | None, typer.Argument(help="The staffing table, CSV.", show_default=False)] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be published.")] = False,
    example: Annotated[bool, typer.Option("--example", help="Print a table to begin with.")] = False,
    policy: Annotated[Path | None, typer.Option(help="With --dry-run or --example: this policy file instead of a site's.")] = None,
    target: Target = DEFAULT_TARGET,
    as_json: AsJson = False,
) -> None:
    """Say how many callbacks each slot holds, by a staffing table (docs/staffing.md). Exit 1 if the table has mistakes."""
    if example:
        console.file.write(example_csv(load(policy).policy if policy is not None else call(target, _policy)))
        return
    if file is None:
        raise typer.BadParameter("name a table, or say --example")
    if policy is not None and not dry_run:
        raise typer.BadParameter("--policy goes with --dry-run or --example")
    try:
        if policy is not None:
            planned = Planned(load_staffing(file, load(policy).policy), {})
        else:
            planned = call(target, lambda client: plan_staffing(client, file, dry_run=dry_run))
    except PolicyErrors as errors:
        show_problems(errors, as_json=as_json)
        raise typer.Exit(1) from errors
    show_plan(planned, dry_run=dry_run, as_json=as_json)


def add_commands(app: typer.Typer) -> None:
    """Put the command into the `callbacks` group."""
    app.command("plan")(plan_slots)


async def _policy(client: Client) -> Policy:
    now = await policy_in_force(client)
    if now is None:
        raise InvalidInput("the site has no policy yet: apply one first, tables refer to it", reason="no_policy")
    return now.policy


async def _booked(client: Client, plan: StaffingPlan) -> dict[tuple[str, int], int]:
    """What is promised already in the slots of the plan that can be booked today."""
    booked: dict[tuple[str, int], int] = {}
    for run in plan.runs:
        wish_ms = run.from_ms
        while wish_ms < run.until_ms:
            page = await client.find_slots(run.queue, wish_ms=wish_ms, count=SLOTS_A_PAGE, include_full=True)
            if not page.slots:
                break
            booked.update({(run.queue, slot.begin_ms): slot.booked for slot in page.slots if slot.begin_ms < run.until_ms})
            wish_ms = page.slots[-1].begin_ms + run.slot_ms
    return booked


def show_plan(planned: Planned, *, dry_run: bool, as_json: bool) -> None:
    """What was planned, a day and queue; what stays closed, and which promises do not fit."""
    booked: dict[tuple[object, str], int] = {}
    zones = {run.queue: run.zone for run in planned.plan.runs}
    for (queue, begin_ms), count in planned.booked.items():
        key = (local(begin_ms, zones[queue]).date(), queue)
        booked[key] = booked.get(key, 0) + count
    days = [(day, booked.get((day.day, day.queue))) for day in planned.plan.days()]
    closed = planned.plan.closed
    if as_json:
        print_json({"dry_run": dry_run, "days": [_plain(*day) for day in days], "at_risk": planned.at_risk, "closed": closed})
        return
    columns = ("day", "queue", "hours", "slots", "net staff", "callbacks", "booked")
    print_table("would be planned" if dry_run else "planned", columns, [_row(*day) for day in days], right=columns[3:])
    for line in closed:
        message = f"line {line.line}: {line.closed} of {line.slots} slots of {line.queue} are not in its opening hours"
        stderr.print(f"[bold yellow]closed[/] {escape(message)}: nothing is promised in them", soft_wrap=True)
    for risk in planned.at_risk:
        # On the clocks of the table, and with their offset, as `--at` takes it.
        due, *others = (local(ms, zones[risk.queue]).isoformat(timespec="minutes") for ms in (risk.due_ms, *risk.alternatives_ms))
        message = f"{risk.queue}: {risk.contact_id} is promised for {due}; slots with room: {', '.join(others) or 'none'}"
        stderr.print(f"[bold red]at risk[/] {escape(message)}", soft_wrap=True)


def _row(day: PlannedDay, booked: int | None) -> tuple[str, ...]:
    least, most = spell_agents(day.net_least), spell_agents(day.net_most)
    net = least if least == most else f"{least}–{most}"
    hours = f"{day.begins:%H:%M}–{day.ends:%H:%M}"
    over = booked is not None and booked > day.capacity
    said = "–" if booked is None else f"[bold red]{booked}[/]" if over else str(booked)
    return f"{day.day:%a %Y-%m-%d}", escape(day.queue), hours, f"{day.slots:,}", net, f"{day.capacity:,}", said


def _plain(day: PlannedDay, booked: int | None) -> dict[str, object]:
    return {
        "day": day.day.isoformat(),
        "queue": day.queue,
        "begins": day.begins.isoformat(),
        "ends": day.ends.isoformat(),
        "slots": day.slots,
        "net_least": spell_agents(day.net_least),
        "net_most": spell_agents(day.net_most),
        "capacity": day.capacity,
        "booked": booked,
    }
