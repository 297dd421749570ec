"""The public API over gRPC: commands to facts, the journal's outcomes to answers, views to watches."""

from cordboard.api.server import run_api

__all__ = ["run_api"]
