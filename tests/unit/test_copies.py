"""Copies that lack messages: told from those that are only behind, or trimmed a moment later."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest

from cordboard.log import copies as module
from cordboard.log.copies import Copy, Look, Watch, lacking, say
from cordboard.metrics import REGISTRY

INBOX = "INBOX_default"
WHOLE = Copy("n1", INBOX, 1, 100, 100)


@pytest.mark.parametrize(
    ("copy", "missing"),
    [
        (Copy("n2", INBOX, 1, 100, 100), 0),
        (Copy("n2", INBOX, 1, 40, 40), 0),  # behind
        (Copy("n2", INBOX, 0, 0, 0), 0),  # new, and nothing came yet
        (Copy("n2", INBOX, 1, 100, 97), 3),  # a hole
        (Copy("n2", INBOX, 1, 100, 0), 100),  # all that the index remembers is gone
        (Copy("n2", INBOX, 61, 100, 40), 60),  # its beginning is gone
        (Copy("n2", "JOURNAL_default", 61, 100, 40), 0),  # of another stream, which begins there
    ],
)
def test_what_lacks(copy: Copy, missing: int) -> None:
    assert lacking([WHOLE, copy]) == ({copy: missing} if missing else {})


def test_a_server_that_was_not_trimmed_with_the_others_makes_none_of_them_incomplete() -> None:
    cut_off = Copy("n3", INBOX, 1, 6_000, 6_000)
    trimmed = [Copy(server, INBOX, 5_001, 9_000, 4_000) for server in ("n1", "n2")]
    assert lacking([*trimmed, cut_off]) == {}
    assert lacking([*trimmed, Copy("n3", INBOX, 1, 6_000, 5_990)]) == {Copy("n3", INBOX, 1, 6_000, 5_990): 10}


async def test_a_monitoring_url_of_several_servers_is_believed_of_none(monkeypatch: pytest.MonkeyPatch) -> None:
    servers = itertools.cycle(("A", "B"))

    async def ask(url: str, path: str) -> dict[str, Any]:
        stream = {"name": INBOX, "state": {"first_seq": 1, "last_seq": 9, "messages": 3}}
        account = {"name": "$G", "stream_detail": [stream]}
        return {"server_id": next(servers), "server_name": "n1", "account_details": [account]}

    monkeypatch.setattr(module, "ask", ask)
    assert await module.copies("http://nats:8222", "default") == Look(silent=["http://nats:8222"])
    servers = itertools.cycle("A")
    assert await module.copies("http://nats:8222", "default") == Look([Copy("n1", INBOX, 1, 9, 3)], on=["n1"])


def test_each_account_has_streams_of_its_own() -> None:
    ours = [Copy(server, INBOX, 1, 100, 100, "ours") for server in ("n1", "n2", "n3")]
    theirs = [Copy(server, INBOX, 5_001, 9_000, 4_000, "theirs") for server in ("n1", "n2")]
    hole = Copy("n3", INBOX, 5_001, 9_000, 3_998, "theirs")
    assert lacking([*ours, *theirs, hole]) == {hole: 2}
    assert say(hole, 2).startswith("n3 lacks 2 messages of INBOX_default of account theirs. ")


async def notices(monkeypatch: pytest.MonkeyPatch, looks: list[Look]) -> list[str]:
    """What a watch says before each of these looks, and after the last."""
    said, over = list[str](), asyncio.Event()

    async def look(monitor_url: str | None, site: str) -> Look:
        assert (monitor_url, site) == ("http://n1:8222", "default")
        said.append(watch.notice())
        if not looks:
            over.set()
            await asyncio.Event().wait()
        return looks.pop(0)

    monkeypatch.setattr(module, "copies", look)
    watch = Watch("http://n1:8222", "default", look_s=0)
    task = asyncio.create_task(watch.run())
    await over.wait()
    task.cancel()
    return said


async def test_it_is_said_at_the_second_look_and_until_it_is_mended(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    hole = Copy("n2", INBOX, 1, 100, 97)
    looks = [
        Look([WHOLE, hole], on=["n1", "n2"]),
        Look([WHOLE, hole], on=["n1", "n2"]),
        Look([WHOLE], on=["n1"], silent=["http://n2:8222"]),
        Look([WHOLE, Copy("n2", INBOX, 1, 100, 100)], on=["n1", "n2"]),
    ]
    caplog.set_level("INFO", "cordboard.log.copies")
    said = await notices(monkeypatch, looks)
    text = "n2 lacks 3 messages of INBOX_default"
    assert [notice[: len(text)] for notice in said] == ["", "", text, text, ""], "of a silent server stands what was known"
    assert [(record.levelname, record.message[:11]) for record in caplog.records] == [
        ("WARNING", "n2 lacks 3 "),
        ("WARNING", "nobody coun"),
        ("INFO", "INBOX_defau"),
    ]
    assert REGISTRY.get_sample_value("cordboard_stream_missing_messages", {"server": "n2", "stream": "inbox"}) == 0


async def test_a_server_whose_jetstream_is_off_is_said_at_the_second_look_and_until_it_is_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    off, on = Look([WHOLE], off=["n2"], on=["n1"]), Look([WHOLE], on=["n1", "n2"])
    said = await notices(monkeypatch, [off, off, off, on])
    assert [notice[:13] for notice in said] == ["", "", "n2 has no cop", "n2 has no cop", ""], (
        "a server that starts has none for a moment"
    )
