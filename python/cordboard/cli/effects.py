"""`cordboard effects …`: answers on their way out, and dead letters to retry or discard."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal, cast

import typer
from rich.markup import escape

from cordboard.cli.calls import call
from cordboard.cli.contacts import plain
from cordboard.cli.instants import instant
from cordboard.cli.output import DEFAULT_TARGET, AsJson, Target, console, duration, fail, print_json, print_table
from cordboard.client import Client, ClientError
from cordboard.v1.effect_service_pb2 import Effect, EffectState, EffectSummary

effects_app = typer.Typer(help="Effects: answers on their way out, and dead letters: list, retry, discard.", no_args_is_help=True)
Ids = Annotated[list[str] | None, typer.Argument(help="The effects' ids, such as 1042.3-5f3a9c.", show_default=False)]
AllFailed = Annotated[bool, typer.Option("--all-failed", help="Every dead letter there is now.")]
Kind = Annotated[str, typer.Option(help="Only this kind: mail, webhook.")]
STATES = ("open", "failed")
COLUMNS = ("effect", "state", "kind", "contact", "agent", "asked for", "age", "round")
Step = Callable[[Client, str], Awaitable[object]]


@effects_app.command("list")
def list_effects(
    state: Annotated[str, typer.Option(help="Only this state: open, failed.")] = "",
    kind: Kind = "",
    contact: Annotated[str, typer.Option(help="Only this contact's.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many, oldest first.")] = 50,
    target: Target = DEFAULT_TARGET,
    as_json: AsJson = False,
) -> None:
    """Effects that are not over, oldest first."""
    if state and state not in STATES:
        fail(f"unknown state {escape(repr(state))}: use one of {', '.join(STATES)}")
    wanted = cast(Literal["open", "failed"] | None, state or None)

    async def work(client: Client) -> tuple[list[Effect], EffectSummary]:
        found: list[Effect] = []
        async for effect in client.list_effects(wanted, kind=kind, contact_id=contact, page_size=min(limit, 500)):
            found.append(effect)
            if len(found) >= limit:
                break
        return found, await client.effect_summary()

    found, summary = call(target, work)
    if as_json:
        print_json({"effects": [_plain(effect) for effect in found], "summary": plain(summary)})
        return
    print_table(_title(summary), COLUMNS, [_row(effect, summary.at_ms) for effect in found], right=("age", "round"))


@effects_app.command()
def retry(
    effects: Ids = None, all_failed: AllFailed = False, kind: Kind = "", target: Target = DEFAULT_TARGET, as_json: AsJson = False
) -> None:
    """Try dead letters again, under their old ids."""
    _decide("retried", effects or [], all_failed, kind, target, as_json, lambda client, effect: client.retry_effect(effect))


@effects_app.command()
def discard(
    effects: Ids = None, all_failed: AllFailed = False, kind: Kind = "", target: Target = DEFAULT_TARGET, as_json: AsJson = False
) -> None:
    """Give dead letters up: they will never be sent."""
    _decide("discarded", effects or [], all_failed, kind, target, as_json, lambda client, effect: client.discard_effect(effect))


def _decide(done: str, effects: list[str], all_failed: bool, kind: str, target: str, as_json: bool, step: Step) -> None:
    """One after another; what one refuses stops none of the others, and the exit code tells."""
    if bool(effects) == all_failed:
        fail("name effects, or give --all-failed")

    async def work(client: Client) -> list[dict[str, str]]:
        chosen = [effect.effect_id async for effect in client.list_effects("failed", kind=kind)] if all_failed else effects
        results = []
        for effect in chosen:
            try:
                await step(client, effect)
                results.append({"effect_id": effect, "outcome": done})
            except ClientError as error:
                if not error.reason and not error.violations:
                    raise
                details = "; ".join(error.violations.values()) or error.message
                results.append({"effect_id": effect, "outcome": "refused", "reason": error.reason, "message": details})
        return results

    results = call(target, work)
    refused = [result for result in results if result["outcome"] == "refused"]
    if as_json:
        print_json(results)
    else:
        for result in refused:
            console.print(f"[bold]{escape(result['effect_id'])}[/]  [red]{escape(result['message'])}[/] ({result['reason']})")
        console.print(f"{len(results) - len(refused)} {done}")
    if refused:
        raise typer.Exit(1)


def _title(summary: EffectSummary) -> str:
    parts = [f"{summary.open} open", f"{summary.failed} failed"]
    for name, at_ms in (("open", "oldest_open_at_ms"), ("failed", "oldest_failed_at_ms")):
        if summary.HasField(at_ms):  # type: ignore[arg-type]  # one of the stubs' literals
            parts.append(f"oldest {name} {duration(max(0, summary.at_ms - getattr(summary, at_ms)))}")
    return "effects: " + ", ".join(parts)


def _row(effect: Effect, now_ms: int) -> tuple[object, ...]:
    state = f"[red]failed[/] ({escape(effect.failure)})" if effect.failure else "[yellow]open[/]"
    asked, age = instant(effect.requested_at_ms), duration(max(0, now_ms - effect.requested_at_ms))
    return effect.effect_id, state, effect.kind, effect.contact_id, escape(effect.agent), asked, age, effect.round


def _plain(effect: Effect) -> dict[str, Any]:
    return plain(effect) | {"state": EffectState.Name(effect.state).removeprefix("EFFECT_STATE_").lower()}
