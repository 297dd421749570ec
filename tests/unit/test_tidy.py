"""Rules of style that no linter knows, checked on the source itself."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
LINES_MAX = 500
BANNED_NAMES = re.compile(r"\b(?:class|struct|enum)\s+\w*(?:Manager|Handler|Helper|Util|Base)\b")
PROJECT_TEXT = (".py", ".rs", ".md", ".toml", ".proto", ".yaml", ".txt", ".html")


def tracked(*endings: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    return [ROOT / name for name in listed.splitlines() if name.endswith(endings) and (ROOT / name).is_file()]


def own_source() -> list[Path]:
    return [path for path in tracked(".py", ".rs") if "cordboard/v1/" not in path.as_posix()]


@pytest.mark.parametrize("path", own_source(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_file_holds_one_concept(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= LINES_MAX, "split it along its concepts"
    assert not BANNED_NAMES.search(text), "name it after what it is in the field"


def test_every_python_class_of_the_core_is_frozen() -> None:
    for path in (ROOT / "rust" / "bindings").rglob("*.rs"):
        for attribute in re.findall(r"#\[pyclass[^\]]*\]", path.read_text()):
            assert "frozen" in attribute, f"{path.name}: {attribute}"


def test_the_core_knows_nothing_of_python() -> None:
    assert "pyo3" not in (ROOT / "rust" / "core" / "Cargo.toml").read_text()


def test_nothing_is_left_of_a_merge() -> None:
    marker = re.compile(r"^(?:<{7} |={7}$|>{7} )", re.MULTILINE)
    for path in tracked(*PROJECT_TEXT):
        assert not marker.search(path.read_text()), path.relative_to(ROOT)


def test_the_text_speaks_of_the_project_alone() -> None:
    elsewhere = re.compile(r"\.\./" + "shared|/" + r"work/|/" + r"root/")
    for path in tracked(*PROJECT_TEXT):
        assert not elsewhere.search(path.read_text()), path.relative_to(ROOT)
