"""Gateways: what customers say becomes facts, what the journal says reaches them. One package a channel."""

from cordboard.gateway.limits import Limits
from cordboard.gateway.run import run_gateway

__all__ = ["Limits", "run_gateway"]
