"""Every story, told to the core through Python (rust/core/tests/scenarios tells them too). CORDBOARD_BLESS=1 rewrites them."""

import os
from pathlib import Path

import pytest

from tests.scenarios.story import STORIES, parse, tell, write


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_story(path: Path) -> None:
    told = tell(path)
    if os.environ.get("CORDBOARD_BLESS"):
        path.write_text(told)
    assert told == path.read_text()


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_stories_are_written_as_they_are_read(path: Path) -> None:
    assert write(parse(path.read_text())) == path.read_text()


def test_there_are_stories() -> None:
    assert len(STORIES) >= 25
