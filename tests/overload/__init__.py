"""More than the engine can take, offered to the real thing: `python -m tests.overload` (make overload)."""
