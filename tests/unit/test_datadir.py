"""What is told of an embedded server that ended: the line that says why, wherever it wrote it."""

from pathlib import Path

import pytest

from cordboard.log.datadir import DataDir

BEFORE = "[1] 2026/11/23 09:00:00.000000 [INF] Server Exiting..\n"
STARTING = "[2] 2026/11/23 10:00:00.000000 [INF] Starting nats-server\n"
TAKEN = "[2] 2026/11/23 10:00:00.100000 [FTL] Error listening on port: 127.0.0.1:4222\n"


@pytest.mark.parametrize(
    ("log", "output", "said"),
    [
        (TAKEN, "", "Error listening on port: 127.0.0.1:4222"),
        (STARTING, TAKEN, "Error listening on port: 127.0.0.1:4222"),
        (STARTING + TAKEN + STARTING, "", "Error listening on port: 127.0.0.1:4222"),
        (STARTING, "exec format error\n", "exec format error"),
        (STARTING, "", STARTING.strip()),
        ("", "\n", ""),
    ],
)
def test_the_last_words_of_a_server(tmp_path: Path, log: str, output: str, said: str) -> None:
    directory = DataDir(tmp_path)
    directory.create()
    directory.log.write_text(BEFORE)
    before = directory.written()
    directory.log.write_text(BEFORE + log)
    directory.output.write_text(output)
    assert directory.last_words(before) == said
