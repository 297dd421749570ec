"""What every role's process does before its own work."""

import subprocess
import sys
import textwrap

ROLE = """
    import gc
    from cordboard.cli.process import run_until_signalled

    async def main():
        made_at_start = gc.get_freeze_count()
        cycles = [[] for _ in range(1_000)]
        for cycle in cycles:
            cycle.append(cycle)
        del cycle, cycles
        print(gc.get_threshold()[0] >= 20_000, made_at_start > 10_000, gc.collect() >= 1_000)

    run_until_signalled(main())
"""


def test_a_role_looks_for_cycles_seldom_not_among_what_start_up_made_and_finds_those_made_since() -> None:
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(ROLE)], capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout.split() == ["True", "True", "True"], done.stderr
