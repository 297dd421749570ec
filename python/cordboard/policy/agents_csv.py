"""Agents from CSV, as a spreadsheet saves it: `person,name,skills,queues,channels,capacity`, commas, semicolons or tabs between.

A line that begins with # is a comment. Columns may stand in any order; all but `person` may be left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from cordboard.policy.agents_sheet import COLUMNS, Draft, split_tokens
from cordboard.policy.problems import Problems
from cordboard.policy.tree import Scalar

CELLS_MAX = 64


@dataclass(frozen=True, slots=True)
class Cell:
    """One value with the place of its first character."""

    at: tuple[int, int]
    text: str


def read_agents_csv(text: str, problems: Problems) -> list[Draft]:
    """The agents as written; lines that make no sense are in `problems`."""
    rows = _rows(text, problems)
    header = next(rows, None)
    if header is None:
        problems.add((1, 1), "", "the file is empty", "begin with the line `" + ",".join(COLUMNS) + "`")
        return []
    columns = _columns(header, problems)
    if columns is None:
        return []
    return [draft for row in rows if (draft := _draft(columns, row, problems)) is not None]


def _columns(header: list[Cell], problems: Problems) -> list[str] | None:
    columns = [cell.text.strip().lower() for cell in header]
    before = problems.count
    for cell, column in zip(header, columns, strict=True):
        if column not in COLUMNS:
            problems.unknown(cell.at, "", "column", column, COLUMNS)
        elif columns.count(column) > 1:
            problems.add(cell.at, "", f"column `{column}` stands twice", "keep one of them")
    if "person" not in columns:
        problems.add(header[0].at, "", "no column `person`", "begin with the line `" + ",".join(COLUMNS) + "`")
    return columns if problems.count == before else None


def _draft(columns: list[str], row: list[Cell], problems: Problems) -> Draft | None:
    if len(row) > len(columns):
        extra = row[len(columns)]
        problems.add(
            extra.at, "", f"{len(row)} values in {len(columns)} columns", "put a value that contains the separator in quotes"
        )
        return None
    cells = dict(zip(columns, row, strict=False))
    person = cells.get("person", Cell(row[0].at, ""))
    draft = Draft(person.at, person.text.strip(), f"agents.{person.text.strip()}")
    if cell := cells.get("name"):
        draft.name = Scalar(cell.at, cell.text, plain=not cell.text.strip())
    if cell := cells.get("capacity"):
        draft.capacity = Scalar(cell.at, cell.text.strip())
    for part in draft.tokens:
        if cell := cells.get(part):
            draft.tokens[part] = split_tokens(cell.text, cell.at)
    return draft


def _rows(text: str, problems: Problems) -> Iterator[list[Cell]]:
    """RFC 4180 with any line ending: rows of cells, blank and comment lines left out."""
    separator = _separator(text)
    position, line, start = 0, 1, 0
    while position < len(text):
        row: list[Cell] = []
        while True:
            at = (line, position - start + 1)
            if text.startswith('"', position):
                value, position, line, start, closed = _quoted(text, position, line, start)
                if not closed:
                    problems.add(at, "", "a quote is not closed", 'end the value with ", and write " inside it as ""')
                    return
                at = (at[0], at[1] + 1)
            else:
                value, position = _bare(text, position, separator)
            row.append(Cell(at, value))
            if len(row) > CELLS_MAX:
                problems.add(at, "", f"more than {CELLS_MAX} values on a line", None)
                return
            if not text.startswith(separator, position):
                break
            position += 1
        end = position
        while end < len(text) and text[end] not in "\r\n":  # whatever follows a closing quote
            end += 1
        if end > position:
            problems.add((line, position - start + 1), "", "text after a closing quote", 'write " inside a value as ""')
        position = end + (2 if text.startswith("\r\n", end) else 1)
        if any(cell.text.strip() for cell in row) and not row[0].text.startswith("#"):
            yield row
        line, start = line + 1, position


def _quoted(text: str, position: int, line: int, start: int) -> tuple[str, int, int, int, bool]:
    """A quoted value from its opening quote: (value, position after it, line, start of that line, closed?)."""
    parts: list[str] = []
    position += 1
    while (end := text.find('"', position)) >= 0:
        parts.append(text[position:end])
        line += text.count("\n", position, end)
        newline = text.rfind("\n", position, end)
        start = newline + 1 if newline >= 0 else start
        if not text.startswith('""', end):
            return "".join(parts), end + 1, line, start, True
        parts.append('"')
        position = end + 2
    return "", len(text), line, start, False


def _bare(text: str, position: int, separator: str) -> tuple[str, int]:
    end = position
    while end < len(text) and text[end] not in "\r\n" and text[end] != separator:
        end += 1
    return text[position:end], end


def _separator(text: str) -> str:
    """What stands between the column names: spreadsheets in many countries write semicolons."""
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            return max(",;\t", key=line.count)
    return ","
