"""Inbox against journal: what is lost, repeated, changed or invented is found, however the two are fed."""

from __future__ import annotations

import pytest

from cordboard import codec
from cordboard.events.commit import Input
from cordboard.events.verdict import Accepted, Quarantined
from cordboard.log.port import Stored
from cordboard.router.audit import InboxAudit

FRAMES = [
    Stored(1, 0, codec.encode_frame([b"a", b"b"])),
    Stored(2, 0, codec.encode_frame([])),
    Stored(3, 0, codec.encode_frame([b"c"])),
]
INPUTS = [
    Input(1, 0, 0, b"a", Accepted()),
    Input(1, 1, 0, b"b", Accepted()),
    Input(2, 0, 0, b"", Quarantined("not_a_frame", bytes(32))),  # a frame without facts is none
    Input(3, 0, 0, b"c", Accepted()),
]


class Auditor:
    def __init__(self, *begin: int) -> None:
        self.found: list[str] = []
        self.audit = InboxAudit(*(begin or (1, 0)), lambda seq, what: self.found.append(what))  # type: ignore[arg-type]


@pytest.mark.parametrize("frames_first", [True, False])
def test_all_is_there(frames_first: bool) -> None:
    auditor = Auditor()
    for step in (0, 1) if frames_first else (1, 0):
        if step == 0:
            auditor.audit.frames(FRAMES)
        else:
            auditor.audit.inputs(1, INPUTS)
    auditor.audit.end(1, 4, 0)
    assert (auditor.found, auditor.audit.lost, auditor.audit.wanted) == ([], 0, None)


@pytest.mark.parametrize("missing", [0, 1, 2, 3])
def test_a_missing_input_is_a_lost_fact(missing: int) -> None:
    auditor = Auditor()
    auditor.audit.inputs(1, INPUTS[:missing] + INPUTS[missing + 1 :])
    auditor.audit.frames(FRAMES)
    auditor.audit.end(1, 4, 0)
    assert (auditor.audit.lost, len(auditor.found)) == (1, 1)


def test_what_is_not_consumed_is_not_lost() -> None:
    auditor = Auditor()
    auditor.audit.frames(FRAMES)
    auditor.audit.inputs(1, INPUTS[:1])
    auditor.audit.end(1, 1, 1)
    assert (auditor.found, auditor.audit.lost) == ([], 0)


def test_a_repeated_or_invented_input_is_found() -> None:
    auditor = Auditor()
    auditor.audit.frames(FRAMES)
    auditor.audit.inputs(1, [INPUTS[0], INPUTS[0], *INPUTS[1:], Input(3, 1, 0, b"d", Accepted())])
    auditor.audit.end(1, 4, 0)
    assert (len(auditor.found), auditor.audit.lost) == (2, 0)


def test_changed_bytes_are_found_but_not_in_quarantine() -> None:
    auditor = Auditor()
    auditor.audit.frames([*FRAMES, Stored(4, 0, b"\xc1 no frame")])
    auditor.audit.inputs(1, [Input(1, 0, 0, b"A", Accepted()), *INPUTS[1:]])
    auditor.audit.inputs(2, [Input(4, 0, 0, b"", Quarantined("not_a_frame", bytes(32)))])
    auditor.audit.end(2, 5, 0)
    assert len(auditor.found) == 1 and "differs" in auditor.found[0]


def test_it_may_begin_inside_a_frame() -> None:
    auditor = Auditor(1, 1)
    auditor.audit.inputs(9, INPUTS[1:])
    assert auditor.audit.wanted is not None
    auditor.audit.frames(FRAMES)
    auditor.audit.end(9, 4, 0)
    assert (auditor.found, auditor.audit.lost) == ([], 0)
