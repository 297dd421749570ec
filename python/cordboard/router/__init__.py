"""The shell round the core: follow the inbox, decide, extend the journal. The only stage that imports `cordboard._core`."""

from cordboard.router.service import Standing, run_router, serve_router

__all__ = ["Standing", "run_router", "serve_router"]
