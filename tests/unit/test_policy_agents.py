"""The agents file: what is read, what is refused and where, what differs."""

from dataclasses import replace
from pathlib import Path

import pytest

from cordboard.events.bounds import AgentChannel, Membership, Skill
from cordboard.events.policy import Policy
from cordboard.policy import (
    AgentSheet,
    PolicyErrors,
    diff_agents,
    dump_agents_csv,
    dump_agents_yaml,
    leave_out,
    load,
    load_agents,
    loads_agents,
)
from cordboard.policy.agents import fill_in

EXAMPLES = Path(__file__).parents[2] / "examples"
POLICY: Policy = load(EXAMPLES / "webshop.yaml").policy
HEADER = "person,name,skills,queues,channels,capacity\n"
JOOST = AgentSheet(
    "j.devries",
    "Joost de Vries",
    (Skill("de.spoken", 5), Skill("nl.written", 8)),
    (Membership("orders", 0), Membership("invoices", 1)),
    (AgentChannel("chat", 50, 2), AgentChannel("task", None, None)),
    80,
)


def test_the_examples_are_the_same_agents() -> None:
    in_yaml, in_csv = (load_agents(EXAMPLES / f"agents.{form}", POLICY) for form in ("yaml", "csv"))
    assert len(in_yaml) == 40
    assert in_yaml == in_csv


@pytest.mark.parametrize("language", ["nl", "fr", "de", "en"])
def test_every_queue_of_the_example_is_staffed_in_every_language(language: str) -> None:
    agents = load_agents(EXAMPLES / "agents.csv", POLICY)
    for queue in POLICY.queues:
        needed = {f"{language}.written": 5} | {requirement.skill: requirement.level for requirement in queue.requirements}
        for channel in ("chat", "task", "mail", "form", "webhook"):
            able = [
                agent
                for agent in agents
                if queue.name in {membership.queue for membership in agent.queues}
                and channel in {enabled.channel for enabled in agent.channels}
                and all(
                    {skill.skill: skill.level for skill in agent.skills}.get(skill, 0) >= level for skill, level in needed.items()
                )
            ]
            assert len(able) >= 3, (queue.name, channel)


SHORT_YAML = """\
agents:
  j.devries:
    name: Joost de Vries
    skills: nl.written:8 de.spoken:5
    queues: orders invoices:1
    channels: chat:50x2 task
    capacity: 80
"""
LISTED_YAML = """\
agents:
  j.devries:
    name: 'Joost de Vries'
    skills: [nl.written:8, 'de.spoken:5']
    queues: [orders, invoices:1]
    channels: [chat:50x2, task]
    capacity: '80'
"""
MAPPED_YAML = """\
agents:
  j.devries:
    name: Joost de Vries
    skills: {nl.written: 8, de.spoken: 5}
    queues: {orders: , invoices: 1}
    channels: {chat: {cost: 50, max_concurrent: 2}, task: }
    capacity: 80
"""
BLOCK_YAML = """\
agents:
  j.devries:
    name: Joost de Vries
    skills:
      - nl.written: 8
      - de.spoken: 5
    queues:
      - orders
      - invoices: 1
    channels:
      - task
      - chat: {max_concurrent: 2, cost: 50}
    capacity: 80
"""
LINE = "j.devries,Joost de Vries,nl.written:8 de.spoken:5,orders invoices:1,chat:50x2 task,80"


@pytest.mark.parametrize("text", [SHORT_YAML, LISTED_YAML, MAPPED_YAML, BLOCK_YAML])
def test_yaml_in_all_spellings(text: str) -> None:
    assert loads_agents(text, "yaml", POLICY) == [JOOST]


@pytest.mark.parametrize(
    "text",
    [
        HEADER + LINE + "\n",
        "\ufeff" + HEADER + '"j.devries","Joost de Vries","nl.written:8, de.spoken:5","orders:0|invoices:1",chat:50x2 task, 80 ',
        (HEADER + LINE + "\n").replace(",", ";").replace("\n", "\r\n"),
        "Person\tCapacity\tName\tChannels\tQueues\tSkills\n"
        "j.devries\t80\tJoost de Vries\ttask chat:50x2\tinvoices:1 orders\tde.spoken:5 nl.written:8\n",
        "# comment\n\n" + HEADER + ",,,,,\n# another\n" + LINE + "\n",
    ],
)
def test_csv_as_spreadsheets_write_it(text: str) -> None:
    assert loads_agents(text, "csv", POLICY) == [JOOST]


def test_columns_may_be_left_out() -> None:
    assert loads_agents("person,name\nboss,The Boss\n", "csv", POLICY) == [AgentSheet("boss", "The Boss")]
    assert loads_agents("agents:\n  boss:\n", "yaml", POLICY) == [AgentSheet("boss")]


def test_nobody_is_a_wish_too() -> None:
    assert loads_agents(HEADER, "csv", POLICY) == []
    assert loads_agents("agents: {}\n", "yaml", POLICY) == []


def test_a_quoted_value_may_hold_anything() -> None:
    sheets = loads_agents(HEADER + 'a,"Anna ""Ann"" O\'Hara, Dr.",,,,\nb,Bo,,,,\n', "csv", POLICY)
    assert [sheet.name for sheet in sheets] == ['Anna "Ann" O\'Hara, Dr.', "Bo"]


# (the line, column, part of the message, suggestion)
CSV_CASES = [
    ("a,A,nl.writen:5,orders,chat,", 5, "unknown skill `nl.writen`", "did you mean `nl.written`?"),
    ("a,A,nl.written:5 de.spoke:3,orders,chat,", 18, "unknown skill `de.spoke`", "did you mean `de.spoken`?"),
    ('a,A,"nl.written:5, de.spoke:3",orders,chat,', 20, "unknown skill `de.spoke`", "did you mean `de.spoken`?"),
    ("a,A,nl.written,orders,chat,", 5, "skill `nl.written` has no level", "write `nl.written:5`; 10 is best"),
    ("a,A,nl.written:,orders,chat,", 5, "skill `nl.written` has no level", "write `nl.written:5`; 10 is best"),
    ("a,A,nl.written:11,orders,chat,", 5, "level `11` is out of bounds", "write a level from 1 to 10"),
    ("a,A,nl.written:5 nl.written:6,orders,chat,", 18, "skill `nl.written` stands twice", "keep one of them"),
    ("a,A,,order,chat,", 6, "unknown queue `order`", "did you mean `orders`?"),
    ("a,A,,orders:100,chat,", 6, "rank `100` is out of bounds", "write a rank from 0 to 99"),
    ("a,A,,orders,fax,", 13, "unknown channel `fax`", "write one of `chat`, `form`, `mail`, `task`, `voice`, `webhook`"),
    ("a,A,,orders,chat:fast,", 13,
     "neither cost nor maximum", "write `chat`, `chat:50` (cost) or `chat:50x2` (cost, and at most 2 at once)"),
    ("a,A,,orders,chat:x0,", 13, "a maximum of 0 is out of bounds", "write 1 to 1000"),
    ("a,A,,orders,chat:101,", 13, "more than the agent's whole capacity of 100", "write `chat:100`, or leave the channel out"),
    ("a,A,,orders,chat,20", 13, "more than the agent's whole capacity of 20", "write `chat:20`, or leave the channel out"),
    ("a,A,,orders,chat,lots", 18, "`lots` is out of bounds", "write a whole number from 0 to 10000"),
    ("a,A,,orders,,", 1, "queues but no channels", "write `chat form mail task voice webhook`"),
    ("a b,A,,orders,chat,", 1, "no person's id", "write 1 to 128 characters without spaces: a personnel number, or a mail address"),
    (",A,,orders,chat,", 1, "no person's id", "write 1 to 128 characters without spaces: a personnel number, or a mail address"),
    ("first,A,,orders,chat,", 1, "`first` stands twice", "it is on line 2 already: keep one of them"),
    ("a,A,,orders,chat,100,more", 22, "7 values in 6 columns", "put a value that contains the separator in quotes"),
    ('a,"A,,orders,chat,100', 3, "a quote is not closed", 'end the value with ", and write " inside it as ""'),
    ('a,"A"B,,orders,chat,100', 6, "text after a closing quote", 'write " inside a value as ""'),
    ("a," + "A" * 129 + ",,orders,chat,", 3, "is no name", "write at most 128 characters on one line"),
]  # fmt: skip


@pytest.mark.parametrize("case", CSV_CASES, ids=[case[0][:40] for case in CSV_CASES])
def test_csv_problem(case: tuple[str, int, str, str]) -> None:
    line, column, message, suggestion = case
    problems = _problems(f"{HEADER}first,First,,,,\n{line}\n", "csv")
    assert [(problem.line, problem.column, problem.suggestion) for problem in problems] == [(3, column, suggestion)]
    assert message in problems[0].message


YAML_CASES = [
    ("agents:\n  a: {skills: nl.writen:5}\n", 2, 15, "unknown skill", "did you mean `nl.written`?"),
    ("agents:\n  a: {skills: {nl.writen: 5}}\n", 2, 16, "unknown skill", "did you mean `nl.written`?"),
    ("agents:\n  a: {skills: ['nl.writen:5']}\n", 2, 17, "unknown skill", "did you mean `nl.written`?"),
    ("agents:\n  a: {skils: []}\n", 2, 7, "unknown part of an agent `skils`", "did you mean `skills`?"),
    ("agents:\n  a: {queues: orders, channels: {chat: {price: 5}}}\n", 2, 41,
     "unknown setting", "write one of `cost`, `max_concurrent`"),
    ("agents:\n  a: {name: [A]}\n", 2, 13, "`name` is one value", "write it on the same line"),
    ("agents:\n  a: A\n", 2, 6, "an agent is a mapping", "write `skills:`, `queues:` and `channels:` below it"),
    ("agents:\n  a: {}\n  a: {}\n", 3, 3, "`a` stands twice", "it is on line 2 already: keep one of them"),
    ("agents: [a, b]\n", 1, 9, "a mapping from each person's id", "write `j.devries:` and the rest below it"),
    ("a: {}\n", 1, 1, "no mapping with the one key `agents`", "begin with `agents:`, then the persons below it"),
    ("", 1, 1, "the file is empty", "begin with `agents:`; to retire everybody, write `agents: {}`"),
]  # fmt: skip


@pytest.mark.parametrize("case", YAML_CASES, ids=[case[0][8:48] for case in YAML_CASES])
def test_yaml_problem(case: tuple[str, int, int, str, str]) -> None:
    text, line, column, message, suggestion = case
    problems = _problems(text, "yaml")
    assert [(problem.line, problem.column, problem.suggestion) for problem in problems] == [(line, column, suggestion)]
    assert message in problems[0].message


def test_csv_header_problems() -> None:
    assert _problems("", "csv")[0].message == "the file is empty"
    assert _problems("name,skils\n", "csv")[0].suggestion == "begin with the line `person,name,skills,queues,channels,capacity`"
    assert _problems("person,skils\n", "csv")[0].suggestion == "did you mean `skills`?"
    assert _problems("person,name,name\n", "csv")[0].message == "column `name` stands twice"


def test_lines_are_right_after_a_value_of_several_lines() -> None:
    problems = _problems(HEADER + 'a,A,"nl.written:5\nde.spoken:5",,,\nb,B,oops:1,,,\n', "csv")
    assert [(problem.line, problem.column) for problem in problems] == [(4, 5)]


def test_thousands_of_agents() -> None:
    lines = "".join(
        f"agent{number},Agent {number},nl.written:{number % 10 + 1},orders:{number % 3},chat task,\n" for number in range(5_000)
    )
    sheets = loads_agents(HEADER + lines, "csv", POLICY)
    assert len(sheets) == 5_000
    assert loads_agents(dump_agents_csv(sheets), "csv", POLICY) == sheets


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PolicyErrors, match="neither YAML nor CSV"):
        load_agents(tmp_path / "agents.xlsx", POLICY)


def test_export_reads_back() -> None:
    agents = load_agents(EXAMPLES / "agents.yaml", POLICY)
    agents.append(AgentSheet("odd:one#1", 'Ann "A," O\'Hara: *&!'))
    assert loads_agents(dump_agents_csv(agents), "csv", POLICY) == agents
    assert loads_agents(dump_agents_yaml(agents), "yaml", POLICY) == agents
    assert loads_agents(dump_agents_yaml([]), "yaml", POLICY) == []


def test_diff() -> None:
    anna, bo, carl = (AgentSheet(person, person.title(), (Skill("nl.written", 5),)) for person in ("anna", "bo", "carl"))
    better = replace(bo, skills=(Skill("nl.written", 6),), capacity=90)
    diff = diff_agents([anna, bo, JOOST], [better, carl, replace(JOOST, name="")], POLICY)
    assert diff.declared == (carl,)
    assert [(change.old, change.new, change.what) for change in diff.changed] == [(bo, better, ("skills", "capacity"))]
    assert diff.retired == (anna,)
    assert diff.unchanged == 1
    assert diff
    assert not diff_agents([anna], [anna], POLICY)


def test_diff_fills_in_what_the_policy_says() -> None:
    """The router reports every default filled in; that is no difference."""
    wanted = AgentSheet("anna", "Anna", channels=(AgentChannel("chat"),))
    current = replace(wanted, channels=(AgentChannel("chat", 33, 3),), capacity=100)
    assert not diff_agents([current], [wanted], POLICY)
    assert diff_agents([current], [replace(wanted, channels=(AgentChannel("chat", 34),))], POLICY).changed[0].what == ("channels",)


def test_export_leaves_to_the_policy_what_is_the_policys() -> None:
    for sheet in load_agents(EXAMPLES / "agents.csv", POLICY):
        filled = fill_in(sheet, POLICY)
        assert filled.capacity is not None
        assert leave_out(filled, POLICY) == (replace(sheet, capacity=None) if sheet.capacity == POLICY.capacity else sheet)


def _problems(text: str, form: str) -> list:
    with pytest.raises(PolicyErrors) as caught:
        loads_agents(text, form, POLICY)
    return list(caught.value.problems)
