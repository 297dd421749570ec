"""One call on a running site from the command line."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from rich.markup import escape

from cordboard.cli.hints import HINTS
from cordboard.cli.instants import instant
from cordboard.cli.output import fail, stderr
from cordboard.client import Client, ClientError
from cordboard.errors import CordboardError
from cordboard.policy import PolicyErrors

READY_S, QUIET_S = 10.0, 2.0
"""How long to wait for a server that is away, and of that without a word."""
T = TypeVar("T")


async def reached(client: Client) -> None:
    """Return once the server can be reached, which may be just being replaced. Raises TimeoutError."""
    try:
        await client.ready(QUIET_S)
    except TimeoutError:
        stderr.print(f"[dim]waiting for {escape(client.target)}[/]")
        await client.ready(READY_S - QUIET_S)


def nobody_at(target: str) -> str:
    return f"nothing answers at {escape(target)}: is `cordboard up` running there? --target names another place"


def call(target: str, work: Callable[[Client], Awaitable[T]]) -> T:
    """Connect to `target`, do `work`, and return what it returns. What goes wrong is one line on stderr and exit code 1; only
    PolicyErrors are raised, since they have their own way of being shown."""

    async def calling() -> T:
        async with Client(target) as client:
            await reached(client)
            return await work(client)

    try:
        return asyncio.run(calling())
    except TimeoutError:
        fail(nobody_at(target))
    except ClientError as error:
        wrong = [f"{field}: {message}" for field, message in error.violations.items()]
        details = "".join(f"\n  {each}" for each in wrong if each not in error.message)
        if error.alternatives_ms:
            details += f"\n  could be had: {', '.join(map(instant, error.alternatives_ms))}"
        hint = f"\n  {HINTS[error.reason]}" if error.reason in HINTS else ""
        fail(escape(f"{error.message}{f' ({error.reason})' if error.reason else ''}{details}{hint}"))
    except PolicyErrors:
        raise
    except CordboardError as error:
        fail(escape(str(error)))
