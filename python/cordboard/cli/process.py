"""Running a coroutine as a process: uvloop, logs on stderr, SIGTERM and SIGINT as cancellation, errors as one clear line."""

import asyncio
import faulthandler
import fcntl
import gc
import inspect
import logging
import os
import signal
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer
import uvloop
from rich.logging import RichHandler

from cordboard.cli.discretion import DiscreetFormatter, report_discreetly
from cordboard.cli.output import stderr
from cordboard.errors import ConfigurationError, CordboardError

logger = logging.getLogger(__name__)

YOUNG_OBJECTS = 20_000
"""New containers between two looks for reference cycles; CPython's own 700 are a few milliseconds of a busy role's facts."""
ORDERLY_S = 12.0
"""So long a role may take to end after a signal: to hand over, to publish what it has, to say good-bye."""
MAILS_S = 25.0
"""And whoever has mails on their way in (gateway/mail/limits.py)."""
INSIST_S = 8.0
"""So long after that is asked again and again; then the process ends as it is, before anybody has to kill it."""
AGAIN_S = 1.0
SHOWN_MAX = 20


def set_up_logging(verbose: bool) -> None:
    """Logs go to stderr: readable on a terminal, plain elsewhere. They never hold personal data."""
    handler: logging.Handler
    if sys.stderr.isatty():
        handler = RichHandler(console=stderr, show_path=False, omit_repeated_times=False)
        layout = "%(name)s: %(message)s"
    else:
        handler = logging.StreamHandler()
        layout = "%(asctime)s %(levelname)s %(name)s: %(message)s"
    handler.setFormatter(DiscreetFormatter(layout))
    # Libraries log what passes through them, addresses and whole mails: from them we take warnings only, however verbose we are.
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("cordboard").setLevel(logging.DEBUG if verbose else logging.INFO)


def collect_rarely() -> None:
    """Look for reference cycles seldom, and never among what start-up made.

    With thousands of facts in flight, each with its task and its future, the collector's default walks all of them again and again
    and frees none: reference counts do. It took half of a gateway's time a fact.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)


def run_until_signalled(main: Coroutine[Any, Any, None], *, orderly_s: float = ORDERLY_S, insist_s: float = INSIST_S) -> None:
    """Run `main`; a signal cancels it and is a clean exit, a CordboardError is one line on stderr and exit code 1.

    Whatever has not ended `orderly_s` seconds after the first signal is cancelled again until it obeys; after `insist_s` more the
    process ends with exit code 1, and says on stderr where its threads stood.
    """

    async def guarded() -> None:
        task = asyncio.current_task()
        assert task is not None
        loop = asyncio.get_running_loop()
        report_discreetly(loop)
        collect_rarely()
        signalled = False

        def stop() -> None:
            nonlocal signalled
            task.cancel()
            if not signalled:
                signalled = True
                # A thread of its own, which needs neither the loop nor the interpreter: either may be what hangs.
                faulthandler.dump_traceback_later(orderly_s + insist_s, exit=True, file=2)
                loop.call_later(orderly_s, cancel_everything)

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop)
        try:
            await main
        except asyncio.CancelledError:
            if not signalled:
                raise

    try:
        uvloop.run(guarded())
    except typer.Exit:
        raise
    except Exception as failure:
        for error in leaves(failure):
            if isinstance(error, CordboardError):
                stderr.print(f"[bold red]error:[/] {error}", soft_wrap=True)
            else:
                # Not left to the interpreter, which would print what the error says.
                logger.critical("ended by an error of its own", exc_info=error)
        raise typer.Exit(1) from None


def cancel_everything() -> None:
    """Cancel every task of Python's, now and again, until the loop ends.

    A cancellation can get lost: `asyncio.wait_for`, which libraries use, drops one that comes together with the answer (Python
    3.11). And a task group hands on the first one only, so that cancelling whoever waits for the group once more changes nothing.
    """
    # gRPC's own, compiled ones are its server's to end: it does not outlive their cancellation (segmentation fault).
    left = [task for task in asyncio.all_tasks() if inspect.iscoroutine(task.get_coro())]
    names = sorted(f"{task.get_name()} ({getattr(task.get_coro(), '__qualname__', '?')})" for task in left)
    logger.warning("told to end, and not ended yet: %d tasks are cancelled again: %s", len(left), ", ".join(names[:SHOWN_MAX]))
    for task in left:
        task.cancel()
    asyncio.get_running_loop().call_later(AGAIN_S, cancel_everything)


def leaves(error: BaseException) -> list[BaseException]:
    """The errors inside a (nested) group; a single one is itself."""
    if not isinstance(error, BaseExceptionGroup):
        return [error]
    return [leaf for inner in error.exceptions for leaf in leaves(inner)]


@contextmanager
def only_one(data_dir: Path) -> Iterator[None]:
    """One process that works on a data directory: held by a file lock that the kernel drops with the process."""
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (data_dir / "up.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise ConfigurationError(
                f"{data_dir} is in use by process {lock.read().strip() or 'unknown'}: stop it, or give another --data-dir"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield
