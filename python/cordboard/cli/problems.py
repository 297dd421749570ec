"""Shows what is wrong with a file, as a compiler does: place, message, the line with a caret, what to write instead."""

from rich.console import Console
from rich.markup import escape

from cordboard.cli.output import print_json, stderr
from cordboard.policy import PolicyErrors, Problem

LINE_MAX = 120
"""Columns of a source line that are shown, around the caret."""


def show_problems(errors: PolicyErrors, *, as_json: bool) -> None:
    """On stderr for people; one JSON document on stdout for programs."""
    if as_json:
        problems = [
            {"line": p.line, "column": p.column, "path": p.path, "message": p.message, "suggestion": p.suggestion}
            for p in errors.problems
        ]
        print_json({"ok": False, "file": errors.source, "problems": problems})
        return
    lines = errors.text.removeprefix("\ufeff").splitlines()
    for problem in errors.problems:
        _show(problem, errors.source, lines, stderr)
    count = len(errors.problems)
    stderr.print(
        f"[bold red]{count} problem{'' if count == 1 else 's'}[/] in {escape(errors.source or 'the document')}", soft_wrap=True
    )


def _show(problem: Problem, source: str, lines: list[str], console: Console) -> None:
    place = f"{source}:{problem.line}:{problem.column}"
    path = f" [cyan]{escape(problem.path)}[/]" if problem.path else ""
    console.print(f"[bold]{escape(place)}[/]:{path} {escape(problem.message)}", soft_wrap=True)
    if 0 < problem.line <= len(lines):
        line, column = _window(lines[problem.line - 1], problem.column)
        gutter = f"{problem.line:>6} │ "
        console.print(f"[dim]{gutter}[/]{escape(line)}", soft_wrap=True)
        console.print(f"[dim]{'│':>8} [/]{' ' * (column - 1)}[bold red]^[/]", soft_wrap=True)
    if problem.suggestion:
        console.print(f"[green]{'=':>8} {escape(problem.suggestion)}[/]", soft_wrap=True)
    console.print()


def _window(line: str, column: int) -> tuple[str, int]:
    """The part of a long line round the column, and the column in it. Tabs become one space, so that the caret stands right."""
    flat = "".join(char if char.isprintable() else " " for char in line)
    start = max(0, min(column - 1 - LINE_MAX // 2, len(flat) - LINE_MAX))
    return flat[start : start + LINE_MAX], column - start
