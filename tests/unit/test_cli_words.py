"""What the command line reads and writes: instants, durations, states and topics."""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import grpc
import pytest
import typer
from typer.testing import CliRunner

from cordboard.cli import calls, quarantine
from cordboard.cli.commands import COMMANDS, Commands
from cordboard.cli.contacts import named, state_word, topic_word
from cordboard.cli.instants import instant, parse_instant, parse_promised, parse_span
from cordboard.cli.parking import files
from cordboard.cli.topics import row, share
from cordboard.client import Client, ClientError
from cordboard.main import app
from cordboard.v1.contact_service_pb2 import Contact, GetTopicReportResponse, Park, TimelineEntry, TopicOutcome, TopicTotal
from cordboard.v1.desk_pb2 import Message
from cordboard.v1.types_pb2 import CONTACT_STATE_ENDED, CONTACT_STATE_PARKED, PARK_KIND_THIRD_PARTY, Attachment
from cordboard.vault.kek import load_kek


@pytest.mark.parametrize(
    ("text", "at_ms"),
    [
        ("1970-01-02", 86_400_000),
        ("1970-01-01T00:00:01.5", 1_500),
        ("1970-01-01T01:00+01:00", 0),
        ("1970-01-01T00:00:01Z", 1_000),
    ],
)
def test_instants_are_utc_unless_they_say_otherwise(text: str, at_ms: int) -> None:
    assert parse_instant(text) == at_ms
    assert parse_instant(instant(at_ms)) == at_ms if at_ms else not instant(at_ms), "what is shown can be given"


def test_a_history_whose_database_fails_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "views.db").write_bytes(b"no database, but as long as the head of one would be" * 20)
    url = f"sqlite+aiosqlite:///{tmp_path / 'views.db'}"
    done = CliRunner().invoke(app, ["history", "abandon", "--views-url", url])
    assert done.exit_code == 1 and isinstance(done.exception, SystemExit)
    assert "the history's database failed" in " ".join(done.output.split())


def test_tools_make_neither_key_nor_vault(tmp_path: Path) -> None:
    url, kek = f"sqlite+aiosqlite:///{tmp_path / 'vault.db'}", tmp_path / "kek"
    words = [
        "archive",
        "republish",
        "--since",
        "1970-01-02",
        "--vault-url",
        url,
        "--kek-file",
        str(kek),
        "--data-dir",
        str(tmp_path),
    ]
    assert CliRunner().invoke(app, words, env={"CORDBOARD_KEK": ""}).exit_code == 1
    assert not list(tmp_path.iterdir())
    load_kek(kek)
    done = CliRunner().invoke(app, words, env={"CORDBOARD_KEK": ""})
    assert done.exit_code == 1 and "is no vault" in " ".join(done.output.split())
    assert [file.name for file in tmp_path.iterdir()] == ["kek"]


def test_decisions_made_before_the_connection_broke_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def step(_client: Client, quarantine_id: str) -> dict[str, Any]:
        if quarantine_id == "2.0":
            raise ClientError(grpc.StatusCode.UNAVAILABLE, "", "the connection broke")
        return {"outcome": "discarded"}

    def call(_target: str, work: Callable[[Any], Coroutine[Any, Any, None]]) -> None:
        asyncio.run(work(None))

    told: list[object] = []
    monkeypatch.setattr(quarantine, "call", call)
    monkeypatch.setattr(quarantine, "print_json", told.append)
    with pytest.raises(ClientError):
        quarantine._decide(["1.0", "2.0", "3.0"], False, "", True, step)
    assert told == [[{"quarantine_id": "1.0", "outcome": "discarded"}]]


def test_spans_are_written_as_in_the_policy() -> None:
    assert (parse_span("1h30m"), parse_span("3d")) == (5_400_000, 259_200_000)


def test_what_is_promised_names_its_clock() -> None:
    assert parse_promised("2026-11-23T14:00+01:00") == parse_instant("2026-11-23T13:00Z")
    for text in ("2026-11-23T14:00", "2026-11-23"):
        with pytest.raises(typer.BadParameter, match="which clock"):
            parse_promised(text)


@pytest.mark.parametrize(("reads", "text"), [(parse_instant, "tomorrow"), (parse_instant, ""), (parse_span, "3"), (parse_span, "")])
def test_what_cannot_be_read_is_refused_with_what_to_write(reads: object, text: str) -> None:
    with pytest.raises(typer.BadParameter, match="write"):
        reads(text)  # type: ignore[operator]


def test_a_state_says_why() -> None:
    assert state_word(Contact(state=CONTACT_STATE_ENDED, end_reason="completed")) == "ended (completed)"
    parked = Contact(state=CONTACT_STATE_PARKED, park=Park(kind=PARK_KIND_THIRD_PARTY, until_ms=86_400_000))
    assert state_word(parked) == "parked (third_party, until 1970-01-02 00:00:00.000Z)"


def test_a_corrected_topic_shows_the_first_one() -> None:
    assert topic_word(Contact(topic="boots", topic_first="shoes")) == "boots (was shoes)"
    assert topic_word(Contact(topic="boots", topic_first="boots")) == topic_word(Contact(topic="boots")) == "boots"


def test_a_timeline_names_people_where_the_journal_has_references() -> None:
    one, other = "ab" * 16, "cd" * 16
    entry = TimelineEntry(detail_json=f'{{"by":"{one}","preferred":["{other}"]}}', people={one: "nora", other: ""})
    assert named(entry) == f'{{"by":"nora","preferred":["{other}"]}}'


def test_a_timeline_says_in_words_why_somebody_was_chosen() -> None:
    entry = TimelineEntry(detail_json='{"rank":0,"why":{"looked":"contact"}}', sentence="Anna was idle longest, before Ben.")
    assert named(entry) == 'Anna was idle longest, before Ben. {"rank":0}'


def test_a_report_has_a_figure_a_disposition() -> None:
    total = TopicTotal(topic="shoes", contacts=3, changed=1, changed_permille=333)
    report = GetTopicReportResponse(
        outcomes=[
            TopicOutcome(topic="shoes", contacts=1),
            TopicOutcome(topic="shoes", disposition="solved", contacts=2, changed=1),
            TopicOutcome(topic="boots", disposition="solved", contacts=9),
        ],
        topics=[total],
    )
    assert row(total, ["", "lost", "solved"], report) == ("shoes", 1, 0, 2, 3, 1, "33.3 %")
    assert share(TopicTotal()) == "–"


def test_attachments_stand_a_line_each() -> None:
    message = Message(attachments=[Attachment(name="a.png", size=3, attachment_id="ab"), Attachment(name="b", attachment_id="cd")])
    assert files(message) == "a.png (3 bytes) ab\nb (0 bytes) cd"


def test_every_command_can_be_found_and_says_what_it_does() -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, Commands)
    context = typer.Context(group)
    for name in COMMANDS:
        command = group.get_command(context, name)
        assert command is not None and command.help, name
    assert group.get_command(context, "agnts") is None
    assert "Did you mean 'agents'" in CliRunner().invoke(app, ["agnts"]).output


@pytest.mark.parametrize("command", [["doors"], ["top"]])
def test_who_waits_for_a_server_that_is_away_is_told_so(command: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "QUIET_S", 0.01)
    monkeypatch.setattr(calls, "READY_S", 0.02)
    done = CliRunner().invoke(app, [*command, "--target", "127.0.0.1:1"])
    assert done.exit_code == 1
    assert "waiting for 127.0.0.1:1" in done.output and "nothing answers at 127.0.0.1:1" in done.output


def test_an_archive_in_which_nothing_is_is_not_called_sound(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["archive", "check", "--archive", str(tmp_path), "--site", "shop"])
    assert done.exit_code == 1
    assert "nothing is archived of site `shop`" in done.output and "sound" not in done.output


def test_a_command_is_imported_alone() -> None:
    """What a person asks of a running site shall answer at once: no gateway, no database, no demo."""
    heavy = ("sqlalchemy", "faststream", "litestar", "cordboard.gateway", "cordboard.router")
    look = f"""if True:
        import sys
        from cordboard.main import main
        try:
            main()
        except SystemExit:
            print([name for name in {heavy} if name in sys.modules])
    """
    done = subprocess.run([sys.executable, "-c", look, "agents", "list", "--help"], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n"), done.stdout[-200:]


def test_a_role_imports_what_it_needs_and_nothing_more(tmp_path: Path) -> None:
    """Each replica of a router is a process of its own, which shall not hold web servers, databases and mail."""
    play = """if True:
        import asyncio, sys
        import cordboard.main
        import cordboard.cli.up
        from cordboard.archive import Archive, open_storage
        from cordboard.cli.roles import keep_archive, lead
        from cordboard.cli.vitals import Vitals, serve_vitals
        from cordboard.log.memory import MemoryLog

        async def play() -> None:
            vitals, log = Vitals.of(("router", "archiver")), MemoryLog("default")
            archive = Archive(open_storage(sys.argv[1]), "default")
            async with asyncio.TaskGroup() as group:
                health = serve_vitals(vitals, "127.0.0.1", 0, insecure_listen=False)
                roles = lead(log, vitals, at_once=True), keep_archive(log, archive, vitals), health
                tasks = [group.create_task(role) for role in roles]
                while any(map(vitals.why_not, vitals.unready)):
                    await asyncio.sleep(0.01)
                for task in tasks:
                    task.cancel()

        asyncio.run(play())
        print(*sys.modules)
        import cordboard.projections.history
        print(*sys.modules)
    """
    done = subprocess.run([sys.executable, "-c", play, str(tmp_path)], capture_output=True, text=True, check=True)
    router_or_archiver, projector = (set(line.split()) for line in done.stdout.splitlines())
    doors = {"grpc", "google.protobuf", "litestar", "aiosmtpd", "aiosmtplib", "httpx", "lingua", "selectolax"}
    assert not doors & (projector | router_or_archiver)
    stores = {"sqlalchemy", "faststream", "pydantic", "cryptography", "ruamel.yaml", "cordboard.vault", "cordboard.policy"}
    assert not stores & router_or_archiver
    assert {"cordboard.router", "cordboard.archive"} <= router_or_archiver, "they did run"
    assert "sqlalchemy" in projector
