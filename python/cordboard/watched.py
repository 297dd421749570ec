"""Tasks that somebody relies on: their end is noticed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cordboard.errors import CordboardError


@asynccontextmanager
async def ended_by(task: asyncio.Task[None], error: CordboardError) -> AsyncIterator[None]:
    """The block ends when `task` does, and raises `error`: else a role would go on without it and do nothing. Better it ends, and
    is started again. A task that is cancelled was told to end."""
    user = asyncio.current_task()
    assert user is not None
    asked = over = False

    def stop_user(ended: asyncio.Task[None]) -> None:
        nonlocal asked
        # Once the task is done this is on its way, and may come when the block is left already.
        if not over and not ended.cancelled():
            asked = True
            user.cancel(str(error))

    task.add_done_callback(stop_user)
    try:
        yield
    except asyncio.CancelledError:
        if asked:
            raise error from task.exception()
        raise
    finally:
        over = True
        if asked:
            user.uncancel()
        task.remove_done_callback(stop_user)
