"""The shell round the core: follow the inbox, decide, extend the journal. The only stage that imports `cordboard._core`."""

from cordboard.router.service import run_router

__all__ = ["run_router"]
