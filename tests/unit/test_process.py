"""What every role's process does before its own work."""

import subprocess
import sys
import textwrap

import pytest

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


ENDING = """
    import asyncio, contextlib, logging, os, signal, sys, time
    from cordboard.cli.process import run_until_signalled

    async def obeys():
        try:
            await asyncio.sleep(3600)
        finally:
            await asyncio.sleep(0.2)
            print("in order")

    async def deaf(times):
        for _ in range(times):
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(3600)
        await asyncio.sleep(3600)

    async def deafer():
        while True:
            await deaf(1_000)

    async def blocks():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)
        time.sleep(3600)

    async def main(role):
        async with asyncio.TaskGroup() as group:
            group.create_task(role, name="the role")
            await asyncio.sleep(0.1)
            os.kill(os.getpid(), signal.SIGTERM)

    logging.basicConfig(level=logging.INFO)
    run_until_signalled(main(eval(sys.argv[1])), orderly_s=float(sys.argv[2]), insist_s=float(sys.argv[3]))
"""


def ended(role: str, orderly_s: float, insist_s: float) -> subprocess.CompletedProcess[str]:
    """A process of that role that was told once to end."""
    command = [sys.executable, "-c", textwrap.dedent(ENDING), role, str(orderly_s), str(insist_s)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_a_role_that_is_told_to_end_is_left_to_end_in_order() -> None:
    done = ended("obeys()", 50, 50)
    assert (done.returncode, done.stdout, done.stderr) == (0, "in order\n", "")


@pytest.mark.parametrize("times", [1, 2])
def test_a_role_that_loses_its_cancellation_is_cancelled_until_it_ends(times: int) -> None:
    done = ended(f"deaf({times})", 0.2, 50)
    assert done.returncode == 0
    assert done.stderr.count("cancelled again") == times and "the role (deaf)" in done.stderr


@pytest.mark.parametrize("role", ["deafer", "blocks"])
def test_a_role_that_never_obeys_ends_as_it_is_and_says_where_it_stood(role: str) -> None:
    """`blocks` lets the loop not turn any more."""
    done = ended(f"{role}()", 0.2, 2.5)  # not when it is cancelled once more: a stack that moves is not told whole
    assert done.returncode == 1
    assert "Timeout" in done.stderr and "run_until_signalled" in done.stderr
