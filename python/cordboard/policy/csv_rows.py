"""CSV as a spreadsheet saves it, with the place of every value: commas, semicolons or tabs between, a header, # before comments."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cordboard.policy.problems import Problems

CELLS_MAX = 64


@dataclass(frozen=True, slots=True)
class Cell:
    """One value with the place of its first character."""

    at: tuple[int, int]
    text: str


def read_csv(text: str, known: Sequence[str], required: Sequence[str], problems: Problems) -> Iterator[dict[str, Cell]]:
    """The values of each line by column; those it leaves out at its end are missing. `known` columns may stand in any order,
    and all but the `required` ones may be left out. What makes no sense is in `problems` once all is read."""
    rows = _rows(text, problems)
    header = next(rows, None)
    if header is None:
        problems.add((1, 1), "", "the file is empty", "begin with the line `" + ",".join(known) + "`")
        return
    columns = _columns(header, known, required, problems)
    if columns is None:
        return
    for row in rows:
        if len(row) > len(columns):
            message = f"{len(row)} values in {len(columns)} columns"
            problems.add(row[len(columns)].at, "", message, "put a value that contains the separator in quotes")
            continue
        # The first column stands there always, so that every line has a place.
        yield dict(zip(columns, row, strict=False))


def _columns(header: list[Cell], known: Sequence[str], required: Sequence[str], problems: Problems) -> list[str] | None:
    columns = [cell.text.strip().lower() for cell in header]
    before = problems.count
    for cell, column in zip(header, columns, strict=True):
        if column not in known:
            problems.unknown(cell.at, "", "column", column, known)
        elif columns.count(column) > 1:
            problems.add(cell.at, "", f"column `{column}` stands twice", "keep one of them")
    for column in required:
        if column not in columns:
            problems.add(header[0].at, "", f"no column `{column}`", "begin with the line `" + ",".join(known) + "`")
    return columns if problems.count == before else None


def _rows(text: str, problems: Problems) -> Iterator[list[Cell]]:
    """RFC 4180 with any line ending: rows of cells, blank and comment lines left out."""
    separator = _separator(text)
    position, line, start = 0, 1, 0
    while position < len(text):
        if text[position] == "#":  # quotes and separators mean nothing in a comment
            position = _behind_line(text, position)
            line, start = line + 1, position
            continue
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
        if position < len(text) and text[position] not in "\r\n":
            problems.add((line, position - start + 1), "", "text after a closing quote", 'write " inside a value as ""')
        position = _behind_line(text, position)
        if any(cell.text.strip() for cell in row):
            yield row
        line, start = line + 1, position


def _behind_line(text: str, position: int) -> int:
    """Where the next line begins."""
    while position < len(text) and text[position] not in "\r\n":
        position += 1
    return position + (2 if text.startswith("\r\n", position) else 1)


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
