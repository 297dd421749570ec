"""Coverage: what leads to each topic on each channel, where nothing does, and whom nobody could serve."""

import json
from pathlib import Path

from typer.testing import CliRunner, Result

from cordboard.events.bounds import AgentChannel, Membership, Skill
from cordboard.main import app
from cordboard.policy import AgentSheet, load, load_agents, loads
from cordboard.policy.coverage import Cell, coverage
from tests.unit.test_policy_rules import GOOD

EXAMPLES = Path(__file__).parents[2] / "examples"
WEBSHOP = EXAMPLES / "webshop.yaml"


def cells(text: str, agents: list[AgentSheet] | None = None) -> dict[tuple[str, str], Cell]:
    return {(cell.topic, cell.channel): cell for cell in coverage(loads(text).policy, agents)}


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["policy", *(str(argument) for argument in arguments)])


def test_what_leads_where() -> None:
    found = cells(GOOD)
    assert found["broken", "form"].rules == ("broken", "reason")
    assert found["broken", "mail"].rules == ("broken",)
    assert found["broken", "mail"].queues == ("claims",)
    assert (found["other", "chat"].rules, found["other", "chat"].default) == (("machine",), True)


def test_a_gap_is_a_topic_that_nothing_leads_to() -> None:
    text = GOOD.replace("topics: {broken: claims, other: }", "topics: {broken: claims, other: , lost: orders}")
    assert [key for key, cell in cells(text).items() if cell.gap] == [("lost", name) for name in ("chat", "mail", "form", "fax")]
    door = text.replace("{channel: mail, address", "{channel: mail, topic: lost, address")
    found = cells(door)["lost", "mail"]
    assert (found.gap, found.entry_points, found.queues) == (False, ("service",), ("orders",))


def test_what_no_agent_can_serve() -> None:
    mail = (AgentChannel("mail", None, None),)
    anna = AgentSheet("anna", "", (Skill("nl.written", 5),), (Membership("orders", 0),), mail)
    bo = AgentSheet("bo", "", (Skill("nl.written", 4),), (Membership("claims", 0),), mail)
    found = cells(GOOD, [anna, bo])
    assert found["broken", "mail"].unserved == (("claims", "nl"),)
    assert found["other", "mail"].unserved == ()
    assert found["other", "chat"].unserved == (("orders", "nl"),)


def test_a_hard_requirement_of_a_rule_counts_and_a_soft_one_does_not() -> None:
    anna = AgentSheet("anna", "", (Skill("nl.written", 5),), (Membership("claims", 0),), (AgentChannel("mail", None, None),))
    assert cells(GOOD, [anna])["broken", "mail"].unserved == ()
    assert cells(GOOD.replace("garden:3 soft", "garden:3"), [anna])["broken", "mail"].unserved == (("claims", "nl"),)


def test_the_example_has_its_gaps_on_purpose_and_serves_everybody() -> None:
    """Spam comes by mail alone."""
    policy = load(WEBSHOP).policy
    found = coverage(policy, load_agents(EXAMPLES / "agents.csv", policy))
    assert [(cell.topic, cell.channel) for cell in found if cell.gap] == [
        ("spam", name) for name in ("chat", "task", "form", "voice", "webhook")
    ]
    assert [cell for cell in found if cell.unserved] == []


def test_coverage_prints_a_table(tmp_path: Path) -> None:
    agents = tmp_path / "agents.csv"
    agents.write_text("person,skills,queues,channels\nanna,nl.written:5,orders,mail\n")
    result = run("coverage", WEBSHOP, "--agents", agents)
    assert result.exit_code == 0
    assert "billing" in result.output
    assert "nobody: orders de" in result.output
    assert "5 gaps" in result.output
    said = json.loads(run("coverage", WEBSHOP, "--json").stdout)
    assert said["gaps"] == 5
    assert {"topic": "spam", "channel": "chat", "gap": True}.items() <= next(cell for cell in said["cells"] if cell["gap"]).items()


def test_classify_explains(tmp_path: Path) -> None:
    result = run("classify", WEBSHOP, "--channel", "mail", "--entry-point", "service-nl", "Mijn pakket is er nog steeds niet!")
    assert result.exit_code == 0
    assert "delivery-late, because of pakket*, nog steeds niet" in result.output
    assert "deliveries (said by the topic of the rule)" in result.output
    assert "nl.written:5" in result.output


def test_classify_for_programs_and_from_standard_input() -> None:
    arguments = [
        "policy",
        "classify",
        str(WEBSHOP),
        "--channel",
        "webhook",
        "--entry-point",
        "reviews",
        "--field",
        "rating=2",
        "--json",
        "-",
    ]
    said = json.loads(CliRunner().invoke(app, arguments, input="Broke after a week").stdout)
    assert (said["rule"], said["topic"], said["queue"], said["priority"]) == ("bad-review", "complaint", "complaints", 5)
    assert said["failed"][0] == {"rule": "machine", "condition": "channel"}


def test_classify_refuses_what_the_policy_does_not_know() -> None:
    assert "did you mean `mail`?" in run("classify", WEBSHOP, "--channel", "mial", "x").stderr
    assert "unknown entry point of chat" in run("classify", WEBSHOP, "--channel", "chat", "--entry-point", "billing", "x").stderr
    assert run("classify", WEBSHOP, "--channel", "form", "--field", "reason", "x").exit_code == 2
