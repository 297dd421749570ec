"""Python reads and writes every golden vector; what is wrong with a word never gets past the codec."""

import os
import re
from pathlib import Path

import msgspec
import pytest

from cordboard import codec
from cordboard.errors import InvalidInput
from cordboard.events.verdict import QUARANTINES, REFUSALS
from tests.golden import bless, flaws, samples, vectors

if os.environ.get("CORDBOARD_BLESS"):
    bless.main()
COMMITTED = vectors.read(vectors.WORDS.read_text())


def name(vector: vectors.Vector) -> str:
    return f"{vector.kind}-{vector.name}-{vector.variant}"


@pytest.mark.parametrize("vector", COMMITTED, ids=name)
def test_reads_and_writes(vector: vectors.Vector) -> None:
    word = vectors.DECODERS[vector.kind].decode(vector.data)
    assert vectors.show(word) == vector.value
    assert codec.encode(word) == vector.again


def test_the_file_is_todays() -> None:
    """`make bless` after a change of the words, and read the diff."""
    assert vectors.write(vectors.bless(COMMITTED)) == vectors.WORDS.read_text()
    assert flaws.write() == vectors.FLAWS.read_text()


def test_every_word_has_its_vectors() -> None:
    variants: dict[tuple[str, str], set[str]] = {}
    for vector in COMMITTED:
        variants.setdefault((vector.kind, vector.name), set()).add(vector.variant)
    for kind, word, cls in samples.words():
        wanted = {"full", "minimal", "newer"}
        if any(not field.required for field in msgspec.structs.fields(cls)):
            wanted.add("old")
        assert wanted <= variants[kind, word]
    assert {("input", f"Input/{cls.__name__}") for cls in samples.VERDICTS} <= variants.keys()


@pytest.mark.parametrize(("reason", "what", "data"), flaws.CASES, ids=[what for _, what, _ in flaws.CASES])
def test_flaws_are_no_facts(reason: str, what: str, data: bytes) -> None:
    with pytest.raises(InvalidInput):
        codec.decode_fact(data)


@pytest.mark.parametrize("vector", [each for each in COMMITTED if each.kind == "fact"], ids=name)
def test_fact_id_without_decoding(vector: vectors.Vector) -> None:
    found = codec.fact_id(vector.data)
    if vector.variant == "loose":
        assert found is None
    else:
        assert found == codec.decode_fact(vector.data).fact_id


def test_reasons_are_those_the_core_gives() -> None:
    """Every word that the core's decisions spell is a reason listed in Python, and every listed reason is spelled there."""
    core = Path(__file__).parents[2] / "rust/core/src"
    sources = [*sorted((core / "decide").glob("*.rs")), core / "codec.rs"]
    spelled = {word for source in sources for word in re.findall(r'"([a-z][a-z_]+)"', source.read_text())}
    # Not-ready reasons of the engine's own, half of a sentence, and a kind of effect.
    no_reasons = {"missed", "technical", "off", "dial"}
    assert spelled - no_reasons == REFUSALS.keys() | QUARANTINES.keys()
