"""The day in a data directory: what `make day` writes is what `cordboard verify` reads."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cordboard.errors import ConfigurationError
from cordboard.main import app
from tests.day.journal import write


async def _written(data_dir: Path) -> int:
    progress: list[int] = []
    day = await write(data_dir, seed=2, contacts=5, progress=lambda done, total: progress.append(done))
    assert progress == sorted(progress) != []
    with pytest.raises(ConfigurationError, match="holds a journal already"):
        await write(data_dir, seed=2, contacts=5)
    return day.commits


async def test_a_written_day_is_verified_from_its_directory(tmp_path: Path) -> None:
    commits = await _written(tmp_path)
    command = ["verify", "--data-dir", str(tmp_path)]
    said = await asyncio.to_thread(CliRunner().invoke, app, command)
    assert said.exit_code == 0, said.output
    assert f"{commits} commits (1–{commits})" in said.output
    assert "divergences 0, violations 0, lost 0 in " in said.output and "peak memory" in said.output
    told = await asyncio.to_thread(CliRunner().invoke, app, [*command, "--json"])
    report = json.loads(told.output)
    assert (report["commits"], report["lost"], report["violation_count"]) == (commits, 0, 0)
    assert report["peak_memory_bytes"] > 1024**2
