"""Running a coroutine as a process: uvloop, logs on stderr, SIGTERM and SIGINT as cancellation, errors as one clear line."""

import asyncio
import logging
import signal
import sys
from collections.abc import Coroutine
from typing import Any

import typer
import uvloop
from rich.logging import RichHandler

from cordboard.cli.output import stderr
from cordboard.errors import CordboardError

logger = logging.getLogger(__name__)


def set_up_logging(verbose: bool) -> None:
    """Logs go to stderr: readable on a terminal, plain elsewhere. They never hold personal data."""
    handler: logging.Handler
    if sys.stderr.isatty():
        handler = RichHandler(console=stderr, show_path=False, omit_repeated_times=False)
        layout = "%(name)s: %(message)s"
    else:
        handler = logging.StreamHandler()
        layout = "%(asctime)s %(levelname)s %(name)s: %(message)s"
    logging.basicConfig(level=logging.DEBUG if verbose else logging.INFO, format=layout, handlers=[handler], force=True)
    for chatty in ("uvicorn", "uvicorn.error", "nats", "faststream", "websockets", "aiosqlite", "sqlalchemy", "asyncio", "httpx"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def run_until_signalled(main: Coroutine[Any, Any, None]) -> None:
    """Run `main`; a signal cancels it and is a clean exit, a CordboardError is one line on stderr and exit code 1."""

    async def guarded() -> None:
        task = asyncio.current_task()
        assert task is not None
        loop = asyncio.get_running_loop()
        signalled = False

        def stop() -> None:
            nonlocal signalled
            signalled = True
            task.cancel()

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop)
        try:
            await main
        except asyncio.CancelledError:
            if not signalled:
                raise

    try:
        uvloop.run(guarded())
    except* CordboardError as group:
        for error in leaves(group):
            stderr.print(f"[bold red]error:[/] {error}", soft_wrap=True)
        raise typer.Exit(1) from None


def leaves(group: BaseExceptionGroup[Any]) -> list[BaseException]:
    """The errors inside a (nested) group."""
    found: list[BaseException] = []
    for error in group.exceptions:
        found += leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found
