"""What the tests of the core reach: `make coverage`.

Builds rust/core and its tests (histories, stories, golden words, fuzz corpora) with the compiler's own instrumentation, runs them,
and says by file how many regions and lines were run; `target/coverage/core.json` says the same to machines, with every place that
nothing reached. Tests inside the sources do not count. Needs `rustup component add llvm-tools`.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "rust" / "core" / "src"
FOLDER = ROOT / "target" / "coverage"
REPORT = FOLDER / "core.json"
BUILD = ["cargo", "test", "--locked", "--package", "cordboard-core", "--features", "bench", "--lib", "--tests"]
CODE_REGION = 0
"""The kind of a region that is code; the others are gaps and expansions."""

Region = tuple[int, int, int, int]
"""From line and column to line and column."""


@dataclass(slots=True)
class Reached:
    """How often each region and each line of a file was run."""

    regions: dict[Region, int] = field(default_factory=dict)
    lines: dict[int, int] = field(default_factory=dict)

    def missed(self) -> list[Region]:
        """Regions that nothing reached, in the order of the file."""
        return sorted(region for region, count in self.regions.items() if count == 0)


def share(counts: dict[Region, int] | dict[int, int]) -> tuple[int, int, float]:
    """Reached, in all, percent of it."""
    reached = sum(1 for count in counts.values() if count)
    return reached, len(counts), 100 * reached / len(counts) if counts else 100.0


def tools() -> Path:
    """Where the toolchain's llvm-profdata and llvm-cov are."""
    found = [line for line in run(["rustc", "-vV"]).splitlines() if line.startswith("host: ")]
    folder = Path(run(["rustc", "--print", "sysroot"]).strip()) / "lib" / "rustlib" / found[0].removeprefix("host: ") / "bin"
    if not (folder / "llvm-cov").exists():
        sys.exit("llvm-cov is not there: rustup component add llvm-tools")
    return folder


def run(command: list[str], **environment: str) -> str:
    return subprocess.run(command, cwd=ROOT, env=os.environ | environment, check=True, stdout=subprocess.PIPE, text=True).stdout


def profiled(llvm: Path) -> list[Path]:
    """Build and run the tests; the programs that were run."""
    for old in FOLDER.glob("*.prof*"):
        old.unlink()
    # Optimised a little: the counters stay where they are, and the histories take a fraction of the time.
    profile = {"CARGO_PROFILE_DEV_OPT_LEVEL": "1", "CARGO_PROFILE_TEST_OPT_LEVEL": "1", "CARGO_PROFILE_DEV_DEBUG": "0"}
    environment = profile | {"RUSTFLAGS": "-C instrument-coverage", "CARGO_TARGET_DIR": str(FOLDER / "target")}
    built = run([*BUILD, "--no-run", "--message-format=json"], **environment, LLVM_PROFILE_FILE=os.devnull)
    messages = [json.loads(line) for line in built.splitlines() if line.startswith("{")]
    programs = [Path(message["executable"]) for message in messages if message.get("executable")]
    run([*BUILD, "--quiet"], **environment, LLVM_PROFILE_FILE=str(FOLDER / "%p-%m.profraw"))
    profiles = [str(path) for path in FOLDER.glob("*.profraw")]
    run([str(llvm / "llvm-profdata"), "merge", "--sparse", *profiles, "--output", str(FOLDER / "core.profdata")])
    return programs


def exported(llvm: Path, programs: list[Path], form: str) -> str:
    objects = [part for program in programs[1:] for part in ("--object", str(program))]
    profile = f"--instr-profile={FOLDER / 'core.profdata'}"
    return run([str(llvm / "llvm-cov"), "export", f"--format={form}", profile, str(programs[0]), *objects])


def last_line(path: Path) -> int:
    """The last one before the tests in a file."""
    lines = path.read_text().splitlines()
    return next((number for number, line in enumerate(lines, 1) if line == "#[cfg(test)]"), len(lines) + 1) - 1


def reached(llvm: Path, programs: list[Path]) -> dict[str, Reached]:
    """By file, from the folder of sources on."""
    paths = sorted(path for path in SOURCES.rglob("*.rs") if path.name != "tests.rs")
    files = {str(path): Reached() for path in paths}
    ends = {str(path): last_line(path) for path in paths}
    # A generic function stands there once for each use: what one use reached is reached.
    for name, region, count in regions(exported(llvm, programs, "text")):
        if name in files and region[0] <= ends[name]:
            known = files[name].regions
            known[region] = known.get(region, 0) + count
    for name, line, count in lines(exported(llvm, programs, "lcov")):
        if name in files and line <= ends[name]:
            files[name].lines[line] = count
    return {str(Path(name).relative_to(SOURCES)): found for name, found in files.items() if found.regions}


def regions(text: str) -> Iterator[tuple[str, Region, int]]:
    for function in json.loads(text)["data"][0]["functions"]:
        for *place, count, file, _, kind in function["regions"]:
            if kind == CODE_REGION:
                first_line, first_column, end_line, end_column = place
                yield function["filenames"][file], (first_line, first_column, end_line, end_column), count


def lines(text: str) -> Iterator[tuple[str, int, int]]:
    name = ""
    for line in text.splitlines():
        if line.startswith("SF:"):
            name = line.removeprefix("SF:")
        elif found := re.fullmatch(r"DA:(\d+),(\d+)", line):
            yield name, int(found[1]), int(found[2])


def report(files: dict[str, Reached]) -> None:
    table = Table("file", "regions", "%", "lines", "%", "first not reached", title="rust/core: what its tests reach")
    every = Reached()
    rows: dict[str, object] = {}
    for name, found in files.items():
        # Places of different files are different.
        every.regions |= {(*region[:3], region[3] + 1_000 * len(rows)): count for region, count in found.regions.items()}
        every.lines |= {line + 100_000 * len(rows): count for line, count in found.lines.items()}
        missed = found.missed()
        rows[name] = {"regions": share(found.regions), "lines": share(found.lines), "missed": missed}
        if missed:
            places = " ".join(f"{line}:{column}" for line, column, *_ in missed[:4])
            table.add_row(name, *columns(found), f"{places}{' …' if len(missed) > len(missed[:4]) else ''}")
    table.add_section()
    table.add_row(f"all {len(files)} files", *columns(every), "")
    Console(width=132).print(table)
    total = {"regions": share(every.regions), "lines": share(every.lines)}
    REPORT.write_text(json.dumps({"total": total, "files": rows}, indent=1) + "\n")


def columns(found: Reached) -> tuple[str, str, str, str]:
    ran, count, percent = share(found.regions)
    ran_lines, all_lines, percent_lines = share(found.lines)
    return f"{ran}/{count}", f"{percent:.1f}", f"{ran_lines}/{all_lines}", f"{percent_lines:.1f}"


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    llvm_tools = tools()
    report(reached(llvm_tools, profiled(llvm_tools)))
