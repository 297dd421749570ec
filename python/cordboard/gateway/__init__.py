"""Gateways: what customers say becomes facts, what the journal says reaches them. One file a channel; web chat is the first."""

from cordboard.gateway.limits import Limits
from cordboard.gateway.run import run_gateway

__all__ = ["Limits", "run_gateway"]
