"""docs/pitfalls.md names a story for every place where routers fall, and the stories are there."""

import re
from pathlib import Path

from tests.scenarios.story import STORIES

PITFALLS = Path(__file__).parents[2] / "docs" / "pitfalls.md"
COUNT = 42


def table() -> dict[int, list[str]]:
    """The stories of each row."""
    rows = (re.split(r"(?<!\\)\|", line) for line in PITFALLS.read_text().splitlines() if re.match(r"\| \d", line))
    return {int(cells[1]): re.findall(r"`(\w+)`", cells[-2]) for cells in rows}


def test_every_pitfall_has_a_row() -> None:
    assert list(table()) == list(range(1, COUNT + 1))


def test_every_pitfall_has_a_story() -> None:
    assert [number for number, stories in table().items() if not stories] == []


def test_the_stories_are_there() -> None:
    known = {path.stem for path in STORIES}
    assert {story for stories in table().values() for story in stories} <= known


def test_stories_say_in_prose_what_they_show() -> None:
    named = {story for stories in table().values() for story in stories}
    for path in STORIES:
        if path.stem in named:
            assert path.read_text().startswith("# "), path.stem
