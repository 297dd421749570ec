"""Agents from CSV, as a spreadsheet saves it: `person,name,skills,queues,channels,capacity` (csv_rows.py has the form)."""

from cordboard.policy.agents_sheet import COLUMNS, Draft, split_tokens
from cordboard.policy.csv_rows import Cell, read_csv
from cordboard.policy.problems import Problems
from cordboard.policy.tree import Scalar


def read_agents_csv(text: str, problems: Problems) -> list[Draft]:
    """The agents as written; lines that make no sense are in `problems`."""
    return [_draft(cells) for cells in read_csv(text, COLUMNS, ("person",), problems)]


def _draft(cells: dict[str, Cell]) -> Draft:
    person = cells.get("person") or Cell(next(iter(cells.values())).at, "")
    draft = Draft(person.at, person.text.strip(), f"agents.{person.text.strip()}")
    if cell := cells.get("name"):
        draft.name = Scalar(cell.at, cell.text, plain=not cell.text.strip())
    if cell := cells.get("capacity"):
        draft.capacity = Scalar(cell.at, cell.text.strip())
    for part in draft.tokens:
        if cell := cells.get(part):
            draft.tokens[part] = split_tokens(cell.text, cell.at)
    return draft
