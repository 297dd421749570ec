"""The router role and nothing else in a process of its own: quicker to start than the command line. Its log is on stderr."""

import asyncio
import logging
import signal
import sys

from cordboard.log import connect
from cordboard.router import serve_router


async def main(url: str, site: str) -> None:
    logging.basicConfig(level=logging.WARNING)
    logging.getLogger("cordboard").setLevel(logging.INFO)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with connect(url, site, allow_lazy_fsync=True) as log:
        await serve_router(log, stop=stop)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
