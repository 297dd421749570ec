"""`cordboard policy`: check, compare, publish and show the site's policy."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from ruamel.yaml import YAML

from cordboard import codec
from cordboard.cli.calls import call
from cordboard.cli.instants import parse_instant
from cordboard.cli.output import DEFAULT_TARGET, AsJson, Target, console, fail, print_json
from cordboard.cli.policy_calendar import calendar_zone, show_calendar
from cordboard.cli.policy_reports import add_commands
from cordboard.cli.problems import show_problems
from cordboard.client import Client, ClientError
from cordboard.errors import InvalidInput
from cordboard.events.policy import Policy
from cordboard.policy import Change, CompiledSite, PolicyErrors, diff, json_schema, load, spell_policy
from cordboard.policy.calendars import with_instants
from cordboard.policy.callbacks import doubts
from cordboard.policy.days import DAYS_AHEAD
from cordboard.policy.hours import days_left

policy_app = typer.Typer(help="The site's policy: check, compare, publish, show.", no_args_is_help=True)
add_commands(policy_app)

_COUNTED = ("queues", "channels", "skills", "reasons", "dispositions", "topics", "entry_points", "forms", "webhooks", "rules")
DAYS_ENOUGH = DAYS_AHEAD // 2
"""A policy that knows fewer more days is published again, though nothing else has changed."""
File = Annotated[Path, typer.Argument(help="The policy, YAML.", show_default=False)]


@dataclass(frozen=True)
class InForce:
    """The policy a site has, and since when (Unix ms)."""

    policy: Policy
    digest: str
    adopted_at_ms: int


@dataclass(frozen=True)
class AppliedPolicy:
    """What an apply did. `version` is the one in force afterwards; `published` False: the file says what is in force already."""

    version: int
    digest: str
    published: bool
    changes: list[Change]


async def policy_in_force(client: Client) -> InForce | None:
    """None if the site has no policy yet. Raises ClientError."""
    try:
        answer = await client.get_policy()
    except ClientError as error:
        if error.reason == "no_policy":
            return None
        raise
    return InForce(codec.decode_policy(answer.compiled), answer.digest, answer.adopted_at_ms)


async def apply_policy(client: Client, path: Path) -> AppliedPolicy:
    """Publish the file as the next version, unless it is in force already and knows its days for long. Raises PolicyErrors,
    InvalidInput (`other_site`), and ClientError (`version_changed` if somebody else published meanwhile: nothing was written)."""
    site = load(path)
    now = await policy_in_force(client)
    if now is not None and now.policy.site != site.policy.site:
        raise InvalidInput(f"{path} is for site `{site.policy.site}`, but this is `{now.policy.site}`", reason="other_site")
    if now is not None and _says(site, now, time.time_ns() // 1_000_000):
        return AppliedPolicy(now.policy.version, now.digest, published=False, changes=[])
    version = 0 if now is None else now.policy.version
    answer = await client.publish_policy(site.compiled(version + 1), expected_version=version)
    changes = [] if now is None else diff(now.policy, site.policy)
    return AppliedPolicy(answer.version, answer.digest, published=True, changes=changes)


def _says(site: CompiledSite, now: InForce, at_ms: int) -> bool:
    """The policy in force says what the file would, had it been published then, and need not be published for its days."""
    left = days_left(now.policy, at_ms)
    return (left is None or left >= DAYS_ENOUGH) and now.policy == with_instants(
        site.at_version(now.policy.version), now.adopted_at_ms
    )


@policy_app.command()
def check(
    file: File,
    out: Annotated[Path | None, typer.Option(help="Write the compiled policy (msgpack, version 1) to this file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say everything that is wrong with a policy, with line, column and what to write instead, and try the examples of its rules.
    Exit 1 on any problem; what is only hardly meant is said, too."""
    site = _tried(file, as_json)
    compiled = site.compiled(1)
    if out is not None:
        try:
            out.write_bytes(compiled)
        except OSError as error:
            fail(escape(f"{out} cannot be written: {error.strerror}"))
    policy = site.policy
    figures = {key: len(getattr(policy, key)) for key in _COUNTED}
    figures["examples"] = len(site.examples)
    if as_json:
        found = {"ok": True, "file": str(file), "site": policy.site, "digest": site.digest.hex(), "bytes": len(compiled)}
        print_json({**found, **figures, "doubts": doubts(policy)})
        return
    for doubt in doubts(policy):
        console.print(f"[bold yellow]doubtful[/] {escape(doubt)}", soft_wrap=True)
    parts = ", ".join(_plural(number, key) for key, number in figures.items() if number)
    console.print(
        f"[bold green]good[/] {escape(str(file))}: site {policy.site}, {parts}, {len(compiled):,} bytes compiled", soft_wrap=True
    )


@policy_app.command("diff")
def show_diff(
    files: Annotated[
        list[Path], typer.Argument(help="OLD and NEW; or NEW alone, compared with the running site.", show_default=False)
    ],
    target: Target = DEFAULT_TARGET,
    as_json: AsJson = False,
) -> None:
    """Say what differs between two policies, and what it means for contacts and agents. Exit 0 whether or not there is any."""
    if len(files) > 2:
        fail("compare two files, or one with the running site", code=2)
    new = _load(files[-1], as_json).policy
    if len(files) == 2:
        old: Policy | None = _load(files[0], as_json).policy
    else:
        now = call(target, policy_in_force)
        old = None if now is None else now.policy
    if old is None:
        fail("the site has no policy yet: everything would be new")
    changes = diff(old, new)
    if as_json:
        print_json({"changes": [_change(change) for change in changes]})
    else:
        _show_changes(changes)
        console.print("no difference" if not changes else f"{len(changes)} difference{'' if len(changes) == 1 else 's'}")


@policy_app.command("apply")
def apply_file(file: File, target: Target = DEFAULT_TARGET, as_json: AsJson = False) -> None:
    """Put a policy in force as the next version, if it differs from the one there. Nobody who waits loses the place."""
    _tried(file, as_json)
    try:
        applied = call(target, lambda client: apply_policy(client, file))
    except PolicyErrors as errors:
        show_problems(errors, as_json=as_json)
        raise typer.Exit(1) from errors
    if as_json:
        changes = [_change(change) for change in applied.changes]
        print_json({"version": applied.version, "digest": applied.digest, "published": applied.published, "changes": changes})
        return
    _show_changes(applied.changes)
    said = "is in force now" if applied.published else "is in force already: nothing was sent"
    console.print(f"version [bold]{applied.version}[/] {said}")


@policy_app.command()
def schema() -> None:
    """Print the JSON Schema of policy files, for your editor."""
    print_json(json_schema())


@policy_app.command()
def show(target: Target = DEFAULT_TARGET, as_json: AsJson = False) -> None:
    """Print the policy in force as a file that `apply` would take; labels stay in your own files."""
    now = call(target, policy_in_force)
    if now is None:
        fail("the site has no policy yet: `cordboard policy apply FILE` gives it one")
    document = spell_policy(now.policy)
    if as_json:
        print_json(
            {"version": now.policy.version, "digest": now.digest, "adopted_at_ms": now.adopted_at_ms, "policy": document},
        )
        return
    console.file.write(f"# version {now.policy.version}, digest {now.digest}\n")
    yaml = YAML()
    yaml.default_flow_style = False
    yaml.width = 120
    yaml.dump(document, console.file)


@policy_app.command()
def calendar(
    name: Annotated[str, typer.Argument(help="A calendar of the policy.", show_default=False)],
    file: Annotated[Path | None, typer.Option(help="That of a file, as if it were published; else of the running site.")] = None,
    at: Annotated[str | None, typer.Option(help="From this day on, by its own clock: 2026-12-24; today, if not given.")] = None,
    days: Annotated[int, typer.Option(help="How many days.", min=1, max=400)] = 14,
    target: Target = DEFAULT_TARGET,
    as_json: AsJson = False,
) -> None:
    """Print when a calendar opens, day by day: its week, its holidays, its exceptions."""
    today_ms = time.time_ns() // 1_000_000
    if file is not None:
        policy = _load(file, as_json).policy
    elif (now := call(target, policy_in_force)) is not None:
        policy = now.policy
    else:
        fail("the site has no policy yet: `cordboard policy apply FILE` gives it one")
    zone = calendar_zone(policy, name)
    at_ms = today_ms if at is None else parse_instant(at, zone)
    if file is not None:
        policy = with_instants(policy, min(at_ms, today_ms))
    show_calendar(policy, name, at_ms, days, as_json=as_json)


def _load(file: Path, as_json: bool) -> CompiledSite:
    try:
        return load(file)
    except PolicyErrors as errors:
        show_problems(errors, as_json=as_json)
        raise typer.Exit(1) from errors


def _tried(file: Path, as_json: bool) -> CompiledSite:
    """A policy whose rules catch their own examples."""
    site = _load(file, as_json)
    try:
        site.try_examples()
    except PolicyErrors as errors:
        show_problems(errors, as_json=as_json)
        raise typer.Exit(1) from errors
    return site


def _change(change: Change) -> dict[str, Any]:
    return {"path": change.path, "old": change.old, "new": change.new, "effect": change.effect}


def _show_changes(changes: list[Change]) -> None:
    for change in changes:
        before, after = (_value(value) for value in (change.old, change.new))
        console.print(f"[bold]{escape(change.path)}[/]: [red]{before}[/] → [green]{after}[/]", soft_wrap=True)
        console.print(f"  [dim]{escape(change.effect)}[/]", soft_wrap=True)


def _plural(number: int, key: str) -> str:
    words = key.replace("_", " ")
    return f"{number} {words.removesuffix('s') if number == 1 else words}"


def _value(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return escape("{" + ", ".join(f"{key}: {item}" for key, item in value.items() if item not in ([], {})) + "}")
    if isinstance(value, list):
        return escape("[" + ", ".join(str(item) for item in value) + "]")
    return escape(str(value))
