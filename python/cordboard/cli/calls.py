"""One call on a running site from the command line."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

from rich.markup import escape

from cordboard.cli.hints import HINTS
from cordboard.cli.output import fail
from cordboard.client import Client, ClientError
from cordboard.errors import CordboardError
from cordboard.policy import PolicyErrors

READY_S = 10.0
T = TypeVar("T")


def call(target: str, work: Callable[[Client], Awaitable[T]]) -> T:
    """Connect to `target`, do `work`, and return what it returns. What goes wrong is one line on stderr and exit code 1; only
    PolicyErrors are raised, since they have their own way of being shown."""

    async def calling() -> T:
        async with Client(target) as client:
            await client.ready(READY_S)
            return await work(client)

    try:
        return asyncio.run(calling())
    except TimeoutError:
        fail(f"nothing answers at {escape(target)}: is `cordboard up` running there?")
    except ClientError as error:
        details = "".join(f"\n  {field}: {message}" for field, message in error.violations.items())
        if error.alternatives_ms:
            free = (datetime.fromtimestamp(at_ms / 1_000, UTC) for at_ms in error.alternatives_ms)
            details += f"\n  could be had: {', '.join(at.strftime('%Y-%m-%d %H:%M') for at in free)} (UTC)"
        hint = f"\n  {HINTS[error.reason]}" if error.reason in HINTS else ""
        fail(escape(f"{error.message}{f' ({error.reason})' if error.reason else ''}{details}{hint}"))
    except PolicyErrors:
        raise
    except CordboardError as error:
        fail(escape(str(error)))
