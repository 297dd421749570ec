"""Cordboard: an event-sourced omnichannel routing engine."""

__version__ = "0.1.0"
