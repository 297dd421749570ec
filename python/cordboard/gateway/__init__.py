"""Gateways: what customers say becomes facts, what the journal says reaches them. One package a channel; `run` joins them."""
