"""Logs that give nobody away: what an exception says may quote a customer, and its chain may hold the password of a URL.

So a traceback in the log has the places and the kinds of errors, and the words of our own errors only, which quote nobody.
"""

import asyncio
import logging
import sys
import threading
import traceback
from collections.abc import Iterator
from types import TracebackType
from typing import Any

from cordboard.errors import CordboardError, InvalidInput, NotFound

CHAIN_MAX = 16
GROUP_MAX = 8

logger = logging.getLogger(__name__)


class DiscreetFormatter(logging.Formatter):
    """As the standard one, but for exceptions."""

    def formatException(  # noqa: N802  named by the standard library
        self, ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
    ) -> str:
        return "" if ei[1] is None else "\n".join(told(ei[1]))


def told(error: BaseException) -> Iterator[str]:
    """An exception, those it came from, and those inside it, in lines, without the words of any error that is not ours."""
    chain = [error]
    while len(chain) < CHAIN_MAX and (earlier := _before(chain[-1])) is not None and earlier not in chain:
        chain.append(earlier)
    for number, one in enumerate(reversed(chain)):
        if number:
            yield "which led to:"
        yield "Traceback (most recent call last):"
        for frame in traceback.format_tb(one.__traceback__):
            yield from frame.rstrip("\n").split("\n")
        yield kind(one)
        if isinstance(one, BaseExceptionGroup):
            for inner in one.exceptions[:GROUP_MAX]:
                yield from (f"  | {line}" for line in told(inner))


def kind(error: BaseException) -> str:
    """`module.Class`, and what it says if it is ours; of a caller's mistake only the reason, since it may quote the caller."""
    name = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    match error:
        case InvalidInput() | NotFound():
            return f"{name}: {error.reason}"
        case CordboardError():
            return f"{name}: {error}"
    return name


def report_discreetly(loop: asyncio.AbstractEventLoop) -> None:
    """What asyncio, threads and destructors have to complain about is logged without what tasks, futures and exceptions say."""

    def complain(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        task = context.get("task") or context.get("future")
        name = task.get_name() if isinstance(task, asyncio.Task) else type(task).__name__
        logger.error("asyncio: %s (%s)", context.get("message", ""), name, exc_info=error)

    loop.set_exception_handler(complain)
    threading.excepthook = lambda said: logger.error("a thread failed", exc_info=said.exc_value)
    sys.unraisablehook = lambda said: logger.error("nobody could be told of an error", exc_info=said.exc_value)


def _before(error: BaseException) -> BaseException | None:
    return error.__cause__ or (None if error.__suppress_context__ else error.__context__)
