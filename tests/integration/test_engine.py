"""A site whose journal an earlier build wrote: it is led at its level, until an operator adopts a newer one."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cordboard._core import FIRST_DECIDED, LEVEL
from cordboard.client import Client, ClientError
from cordboard.main import app
from cordboard.router.verify import verify
from tests.api_site import api_site
from tests.golden.journals import goldens

OLD, NEW = FIRST_DECIDED, LEVEL
STORY = "first_contact"


def recorded() -> list[bytes]:
    """What a build of the older level wrote of one site."""
    newest = [golden for golden in goldens() if golden.level == OLD][-1]
    return newest.read()[STORY]


async def test_an_operator_adopts_a_newer_level_for_a_running_site(tmp_path: Path) -> None:
    journal = recorded()

    async with api_site(tmp_path, policy=None, recorded=journal) as site, Client(site.target) as client:

        async def engine(*arguments: str) -> dict[str, int]:
            """A command, on a thread of its own: it brings its own loop."""
            done = await asyncio.to_thread(CliRunner().invoke, app, ["engine", *arguments, "--target", site.target, "--json"])
            assert done.exit_code == 0, done.output
            said: dict[str, int] = json.loads(done.output)
            return said

        await site.until_told("RouterTookOver", None, 2)  # the recording's, and that of this build
        before = await engine("show")
        assert (before["level"], before["level_max"]) == (OLD, NEW), "its router could do more"
        assert await engine("adopt", str(NEW)) == {"level": NEW}
        assert (await engine("show"))["level"] == NEW
        with pytest.raises(ClientError) as refused:
            await client.adopt_level(OLD)
        assert refused.value.reason == "level_in_force"

        report = await verify(site.log)
        assert report.clean and report.folded_only == 0
        assert report.levels.keys() == {OLD, NEW} and report.levels[OLD] > len(journal)
