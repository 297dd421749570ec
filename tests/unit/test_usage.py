"""Streams that fill up: somebody is told in time, once and not at every look."""

from __future__ import annotations

import asyncio

import pytest

from cordboard.errors import LogUnavailable
from cordboard.log.usage import Usage, alarm, watch_usage

MIB = 1024 * 1024


@pytest.mark.parametrize(("held", "told"), [(0, False), (79, False), (80, True), (100, True)])
@pytest.mark.parametrize("stream", ["INBOX_default", "JOURNAL_default", "OBJ_SNAPSHOTS_default"])
def test_the_alarm_sounds_from_80_percent_on(stream: str, held: int, told: bool) -> None:
    text = alarm(Usage(stream, held * MIB, 100 * MIB))
    assert (text is not None) == told
    if text is not None:
        assert f"{stream} holds {held} of 100 MiB ({held} %)" in text and "docs/archive.md" in text
        assert ("cordboard archive trim" in text) == (not stream.startswith("OBJ_")), "snapshots are never trimmed"


def test_a_stream_without_a_limit_is_never_full() -> None:
    assert alarm(Usage("INBOX_default", 10**15, -1)) is None


class Streams:
    """Shows one look after the other; None: the log does not answer. Ends the watch with the last one."""

    def __init__(self, *percents: int | None) -> None:
        self.left = list(percents)
        self.over = asyncio.Event()

    async def usage(self) -> list[Usage]:
        if not self.left:
            self.over.set()
            await asyncio.Event().wait()
        percent = self.left.pop(0)
        if percent is None:
            raise LogUnavailable("away")
        return [Usage("INBOX_default", percent * MIB, 100 * MIB), Usage("JOURNAL_default", MIB, 100 * MIB)]


async def test_it_is_said_at_every_look_and_logged_when_it_begins_and_ends(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "cordboard.log.usage")
    streams, said = Streams(10, 85, None, 90, 70, 81), []
    watch = asyncio.create_task(watch_usage(streams, said.append, look_s=0))
    await streams.over.wait()
    watch.cancel()
    assert [sorted(alarms) for alarms in said] == [[], ["INBOX_default"], ["INBOX_default"], [], ["INBOX_default"]]
    levels = [(record.levelname, record.message.split(":")[0][:17]) for record in caplog.records]
    assert levels == [("WARNING", "INBOX_default hol"), ("INFO", "INBOX_default has"), ("WARNING", "INBOX_default hol")]
