"""`cordboard callbacks plan` without a running site."""

import json
from datetime import datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cordboard.cli.staffing import AtRisk, Planned, show_plan
from cordboard.main import app
from cordboard.planning import load_staffing
from cordboard.policy import load
from tests.unit.test_policy_problems import GOOD


@pytest.fixture
def site(tmp_path: Path) -> Path:
    path = tmp_path / "site.yaml"
    path.write_text("timezone: Europe/Brussels\n" + GOOD.replace("  orders:\n", "  orders:\n    callbacks: {slot: 15m}\n", 1))
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["callbacks", "plan", *map(str, arguments)])


def test_the_example_is_a_table_that_can_be_planned(site: Path, tmp_path: Path) -> None:
    table = tmp_path / "week.csv"
    table.write_text(run("--example", "--policy", site).stdout)
    said = json.loads(run(table, "--dry-run", "--policy", site, "--json").stdout)
    assert [(day["queue"], day["slots"], day["net_least"], day["capacity"]) for day in said["days"]] == [("orders", 40, "5.25", 40)]
    assert "Mon 2027-01-04" in run(table, "--dry-run", "--policy", site).stdout


def test_promises_that_do_not_fit_are_told_by_the_clocks_of_the_table(
    site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "week.csv"
    table.write_text(run("--example", "--policy", site).stdout)
    due_ms = round(datetime.fromisoformat("2027-01-04T09:00+01:00").timestamp() * 1_000)
    risks = (AtRisk("orders", "c0ffee", due_ms, (due_ms + 900_000, due_ms + 86_400_000)), AtRisk("orders", "decade", due_ms, ()))
    show_plan(Planned(load_staffing(table, load(site).policy), {}, risks), dry_run=False, as_json=False)
    said = capsys.readouterr().err
    assert "c0ffee is promised for 2027-01-04T09:00+01:00; slots with room: 2027-01-04T09:15+01:00, 2027-01-05T09:00+01:00" in said
    assert "decade is promised for 2027-01-04T09:00+01:00; slots with room: none" in said


def test_a_bad_table_is_shown_with_its_places(site: Path, tmp_path: Path) -> None:
    table = tmp_path / "week.csv"
    table.write_text(run("--example", "--policy", site).stdout.replace("12:00,14:00,7.5", "12:00,14:05,7.5"))
    result = run(table, "--dry-run", "--policy", site)
    assert result.exit_code == 1
    assert f"{table}:6:25: to 14:05 lies within a slot" in result.stderr
    assert run(table, "--policy", site).exit_code == 2, "a policy file is for a dry run"


def test_the_table_beside_the_examples_can_be_planned() -> None:
    examples = Path(__file__).parents[2] / "examples"
    said = json.loads(run(examples / "staffing.csv", "--dry-run", "--policy", examples / "callbacks.yaml", "--json").stdout)
    # floor(12 x 70 % x 25 % x 15 m / 10 m) = 3 in 28 slots, 7.5 agents make 1 in 4; half of them: 1 in all 32.
    assert [(day["day"], day["capacity"]) for day in said["days"]] == [("2026-11-30", 88), ("2026-12-01", 32)]
