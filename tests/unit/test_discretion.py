"""Logs name places and kinds of errors, never what somebody wrote."""

from __future__ import annotations

import logging
import subprocess
import sys
import textwrap
from collections.abc import Iterator

import pytest

from cordboard.cli.discretion import DiscreetFormatter, kind
from cordboard.cli.process import set_up_logging
from cordboard.errors import InvalidInput, LogUnavailable, NotFound, VaultUnavailable
from cordboard.log import wire

SECRET = "grutto@privacy.example"


@pytest.fixture
def kept_logging() -> Iterator[None]:
    root, own = logging.getLogger(), logging.getLogger("cordboard")
    handlers, level, own_level = root.handlers[:], root.level, own.level
    yield
    root.handlers[:], root.level, own.level = handlers, level, own_level
    logging.getLogger().manager._clear_cache()  # type: ignore[attr-defined]  # levels are remembered


def failed() -> BaseException:  # type: ignore[return]  # it raises what it returns
    """An error of ours, from one that quotes, inside a group."""
    try:
        try:
            try:
                int(SECRET)
            except ValueError as error:
                raise VaultUnavailable("the vault's database failed: ValueError") from error
        except VaultUnavailable as error:
            raise ExceptionGroup(SECRET, [error, KeyError(SECRET)])  # noqa: B904  a context, not a cause
    except ExceptionGroup as group:
        return group


def logged(error: BaseException) -> str:
    record = logging.LogRecord("x", logging.ERROR, __file__, 1, "it failed", (), (type(error), error, error.__traceback__))
    return DiscreetFormatter("%(message)s").format(record)


def test_a_traceback_tells_places_and_kinds_but_not_what_errors_say() -> None:
    text = logged(failed())
    assert SECRET not in text and "int(SECRET)" in text
    assert "ValueError" in text and "KeyError" in text and "Traceback (most recent call last):" in text
    assert "cordboard.errors.VaultUnavailable: the vault's database failed: ValueError" in text


def test_an_error_without_traceback_and_one_that_caused_itself_are_told_too() -> None:
    error = ValueError(SECRET)
    other = KeyError(SECRET)
    error.__cause__, other.__cause__ = other, error
    assert logged(error).count("Traceback") == 2
    assert kind(error) == "ValueError"


def test_a_callers_mistake_is_told_without_what_the_caller_said() -> None:
    assert kind(InvalidInput(f"Invalid value '{SECRET}'", reason="bad_message")) == "cordboard.errors.InvalidInput: bad_message"
    assert kind(NotFound(f"there is no queue {SECRET}")) == "cordboard.errors.NotFound: not_found"


@pytest.mark.usefixtures("kept_logging")
def test_libraries_may_warn_and_no_more_however_verbose_we_are(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging(verbose=True)
    for library in ("mail.log", "aiosqlite", "aiosmtplib", "httpcore.http11", "asyncio", "multipart", "grpc", "unheard.of"):
        logging.getLogger(library).info("RCPT TO %s", SECRET)
        logging.getLogger(library).debug("RCPT TO %s", SECRET)
    logging.getLogger("cordboard.anything").debug("of our own")
    logging.getLogger("uvicorn.error").error("in the application", exc_info=ValueError(SECRET))
    said = capsys.readouterr().err
    assert SECRET not in said and "of our own" in said and "in the application" in said


PROCESS = """
    import asyncio, gc, sys, threading
    from cordboard.cli.process import run_until_signalled, set_up_logging

    SECRET = "grutto@" + "privacy.example"

    class Bad:
        def __del__(self):
            raise ValueError(SECRET)

    async def fail():
        raise ValueError(SECRET)

    async def main():
        task = asyncio.create_task(fail(), name="forgotten")
        await asyncio.sleep(0)
        del task
        gc.collect()
        asyncio.get_running_loop().create_future().set_exception(KeyError(SECRET))
        asyncio.get_running_loop().call_soon(int, SECRET)
        thread = threading.Thread(target=int, args=(SECRET,))
        thread.start()
        thread.join()
        bad = Bad()
        del bad
        gc.collect()
        await asyncio.sleep(0)
        async with asyncio.TaskGroup() as group:
            group.create_task(fail())

    set_up_logging(True)
    run_until_signalled(main())
"""


def test_a_process_that_fails_in_every_way_quotes_nobody() -> None:
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(PROCESS)], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode != 0 and done.stdout == ""
    assert SECRET not in done.stderr, done.stderr
    for told in ("forgotten", "a thread failed", "nobody could be told", "ended by an error of its own", "ValueError", "KeyError"):
        assert told in done.stderr, told


async def test_the_password_of_a_nats_url_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "CONNECT_S", 0.05)
    urls = "nats://user:hunter2@127.0.0.1:1, nats://tok3n@127.0.0.1:1"
    with pytest.raises(LogUnavailable) as silent:
        async with wire.open_wire(urls, "test"):
            pass
    said = str(silent.value)
    assert "127.0.0.1:1" in said and "hunter2" not in said and "tok3n" not in said
