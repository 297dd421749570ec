"""Chaos: a three-server NATS cluster, the real roles on it, faults from a seed, and a checker that reads what is left."""
