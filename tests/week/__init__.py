"""A simulated working week: the same people meet the engine with promised calls, without any, and with naive ones.

`python -m tests.week` prints what became of them side by side and writes benchmarks/week.json (docs/week.md).
"""
