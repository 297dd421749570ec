"""`cordboard policy` and `cordboard agents check` without a running site: what is said, and how programs see it."""

import json
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner, Result

from cordboard import codec
from cordboard.main import app
from cordboard.policy import load
from tests.unit.test_policy_problems import GOOD

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "bad.yaml"
    path.write_text(GOOD.replace("[nl.written:5]", "[nl.writen:5]").replace("class: 1", "class: 9"))
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_check_says_good() -> None:
    result = run("policy", "check", EXAMPLES / "webshop.yaml")
    assert result.exit_code == 0
    assert "7 queues, 6 channels, 13 skills" in result.output


def test_check_tries_the_examples(tmp_path: Path) -> None:
    path = tmp_path / "webshop.yaml"
    path.write_text(
        (EXAMPLES / "webshop.yaml").read_text().replace('"De kast kwam beschadigd aan"', '"Klacht: de kast kwam beschadigd aan"')
    )
    result = run("policy", "check", path)
    assert result.exit_code == 1
    assert "rule `complaint` catches this example, but `damaged-item` should" in result.stderr
    said = json.loads(run("policy", "check", path, "--json").stdout)
    assert [problem["path"].endswith(".examples[0]") for problem in said["problems"]] == [True]


def test_check_writes_the_compiled_policy(tmp_path: Path) -> None:
    out = tmp_path / "webshop.policy"
    result = run("policy", "check", EXAMPLES / "webshop.yaml", "--out", out, "--json")
    assert json.loads(result.stdout)["bytes"] == out.stat().st_size
    assert codec.decode_policy(out.read_bytes()) == load(EXAMPLES / "webshop.yaml").policy


def test_check_shows_the_place_with_a_caret(bad: Path) -> None:
    result = run("policy", "check", bad)
    assert result.exit_code == 1
    lines = result.stderr.splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith(f"{bad}:14:16:"))
    source, caret = lines[place + 1], lines[place + 2]
    assert source[caret.index("^") :].startswith("nl.writen:5")
    assert "did you mean `nl.written`?" in lines[place + 3]
    assert lines[-1].startswith("2 problems in ")


def test_check_tells_programs(bad: Path) -> None:
    result = run("policy", "check", bad, "--json")
    assert result.exit_code == 1
    said = json.loads(result.stdout)
    assert [(problem["line"], problem["column"], problem["suggestion"]) for problem in said["problems"]] == [
        (6, 12, "write a whole number from 0 to 3"),
        (14, 16, "did you mean `nl.written`?"),
    ]


def test_markup_in_a_file_is_only_text(tmp_path: Path) -> None:
    path = tmp_path / "odd.yaml"
    path.write_text(GOOD.replace("site: shop", "site: '[bold]x[/nothing]'"))
    result = run("policy", "check", path)
    assert result.exit_code == 1
    assert "[bold]x[/nothing]" in result.stderr


def test_diff_of_two_files(tmp_path: Path) -> None:
    new = tmp_path / "new.yaml"
    new.write_text((EXAMPLES / "webshop.yaml").read_text().replace("target: 90s", "target: 2m"))
    result = run("policy", "diff", EXAMPLES / "webshop.yaml", new)
    assert result.exit_code == 0
    assert "queues.invoices.target: 1m30s → 2m" in result.output
    assert "waiting contacts keep their place" in result.output
    said = json.loads(run("policy", "diff", EXAMPLES / "webshop.yaml", new, "--json").stdout)
    assert [(change["path"], change["old"], change["new"]) for change in said["changes"]] == [
        ("queues.invoices.target", "1m30s", "2m")
    ]
    assert "no difference" in run("policy", "diff", new, new).output


def test_schema_is_json_that_accepts_the_example() -> None:
    schema = json.loads(run("policy", "schema").stdout)
    jsonschema.validate(YAML(typ="safe", pure=True).load((EXAMPLES / "webshop.yaml").read_text()), schema)


def test_agents_check(tmp_path: Path) -> None:
    policy = ("--policy", EXAMPLES / "webshop.yaml")
    assert "40 agents" in run("agents", "check", EXAMPLES / "agents.csv", *policy).output
    wrong = tmp_path / "agents.csv"
    wrong.write_text("person,skills\nanna,nl.writen:5\n")
    result = run("agents", "check", wrong, *policy, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["problems"][0]["suggestion"] == "did you mean `nl.written`?"


OFFICE = """
timezone: Europe/Brussels
calendars:
  office: {hours: {mon-fri: "09:00-17:00", sun: "22:00-02:00"}, holidays: BE, exceptions: {2026-12-24: "09:00-12:00"}}
"""


def test_a_calendar_is_printed_day_by_day(tmp_path: Path) -> None:
    path = tmp_path / "office.yaml"
    path.write_text(GOOD + OFFICE)
    at = ("--file", path, "--at", "2026-12-24T10:00+01:00", "--days", 5)
    said = run("policy", "calendar", "office", *at).output
    for line in ("2026-12-24 │ thu │ 09:00-12:00", "2026-12-25 │ fri │ closed", "2026-12-27 │ sun │ 22:00-24:00"):
        assert line in said
    assert "an exception" in said and "holiday BE" in said and "open at 2026-12-24 10:00" in said
    told = json.loads(run("policy", "calendar", "office", *at, "--json").output)
    assert (told["open"], told["timezone"], [day["hours"] for day in told["days"]]) == (
        True,
        "Europe/Brussels",
        [["09:00-12:00"], [], [], ["22:00-24:00"], ["00:00-02:00", "09:00-17:00"]],
    )
    assert told["days"][0]["spans"] == [{"opens_ms": 1_798_099_200_000, "closes_ms": 1_798_110_000_000}]
    path.write_text(GOOD + OFFICE.replace("Europe/Brussels", "America/New_York"))
    west = json.loads(run("policy", "calendar", "office", "--file", path, "--at", "2026-12-24", "--days", 1, "--json").output)
    assert [day["date"] for day in west["days"]] == ["2026-12-24"], "the day there, not the one that it is in UTC"
    wrong = run("policy", "calendar", "offise", *at)
    assert wrong.exit_code == 2 and "did you mean `office`?" in wrong.stderr
