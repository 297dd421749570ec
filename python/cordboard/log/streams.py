"""The two streams of a site, declared idempotently. What exists is compared; what would endanger it is refused."""

import asyncio
import json
import logging
import re
import secrets
from dataclasses import dataclass
from typing import Any

from cordboard.errors import ConfigurationError, Conflict, NotFound, SiteMissing
from cordboard.events.bounds import FRAME_MAX
from cordboard.events.commit import COMMIT_MAX
from cordboard.log import subjects
from cordboard.log.backoff import Backoff
from cordboard.log.wire import ERR_NAME_IN_USE, ERR_NO_PEERS, ERR_STREAM_NOT_FOUND, ApiError, Wire

_log = logging.getLogger(__name__)

HEADERS_MAX = 1024
"""Bytes for headers on top of a frame or a commit; the server counts both together."""
INBOX_ID_KEY = "cordboard.inbox_id"
_DUPLICATES_NS = 120 * 1_000_000_000
_GIB = 1024**3
_PEERS_S = 10.0
_INBOX_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """What an operator may choose. None: keep what exists, or the default when the stream is created."""

    replicas: int | None = None
    """1 (default) embedded; 3 in production."""
    inbox_max_bytes: int | None = None
    """Default 2 GiB. A full stream refuses; it never forgets."""
    journal_max_bytes: int | None = None
    """Default 16 GiB."""


DEFAULTS = StreamSettings()


@dataclass(frozen=True, slots=True)
class Declared:
    """`inbox_id`: 16 bytes. `replicas`: as many copies as the journal has, which everything beside it should have too."""

    inbox_id: bytes
    replicas: int


async def declare_streams(wire: Wire, site: str, settings: StreamSettings = DEFAULTS, *, create: bool = False) -> Declared:
    """Check INBOX_<site> and JOURNAL_<site>, and let them grow; with `create`, make them on a server that has nothing of the site.

    Raises SiteMissing if one is not there and `create` is False; Conflict if `create` would begin anew beside what there is;
    ConfigurationError if a stream exists with a setting that we cannot work with, and names the field.
    """
    if create and await _missing(wire, site):
        try:
            await require_nothing(wire, site)
        except Conflict:
            # Another process may have been quicker, and have begun to write.
            if await _missing(wire, site):
                raise
    inbox = _config(
        subjects.inbox_stream(site), subjects.inbox_subject(site), FRAME_MAX, settings.inbox_max_bytes or 2 * _GIB, settings
    )
    inbox["metadata"] = {INBOX_ID_KEY: secrets.token_bytes(16).hex()}
    journal = _journal(site, settings)
    try:
        have = await declare_stream(wire, inbox, settings.replicas, settings.inbox_max_bytes, create=create)
        kept = await declare_stream(wire, journal, settings.replicas, settings.journal_max_bytes, create=create)
    except NotFound as missing:
        raise SiteMissing(
            f"the NATS server has no {missing}. If site {site!r} is new, make it: `cordboard site create`. "
            "If it is not, these are not its disks: put them back, or restore its archive (`cordboard archive restore`)"
        ) from None
    inbox_id = (have.get("metadata") or {}).get(INBOX_ID_KEY, "")
    if not _INBOX_ID.fullmatch(inbox_id):
        raise ConfigurationError(
            f"stream {inbox['name']}: metadata {INBOX_ID_KEY!r} must be 32 random hexadecimal digits, it is {inbox_id!r}"
        )
    return Declared(bytes.fromhex(inbox_id), int(kept["num_replicas"]))


async def declare_journal(wire: Wire, site: str, settings: StreamSettings, first_seq: int) -> None:
    """Create JOURNAL_<site> beginning at `first_seq`, for a journal that is restored; one that exists is checked and left."""
    await declare_stream(wire, _journal(site, settings) | {"first_seq": first_seq}, settings.replicas, settings.journal_max_bytes)


async def require_nothing(wire: Wire, site: str) -> None:
    """Raises Conflict if the server holds any message of the site: in its streams, among its snapshots, in its work queues."""
    ours = {subjects.inbox_stream(site), subjects.journal_stream(site), f"OBJ_{subjects.snapshot_bucket(site)}"}
    names: list[str] = []
    while True:
        page = await wire.call_until_answered("STREAM.NAMES", {"offset": len(names)})
        names += page.get("streams") or []
        if len(names) >= page.get("total", 0) or not page.get("streams"):
            break
    for name in names:
        if name in ours or name.startswith(f"WORK_{site}_"):
            info = await wire.call_until_answered(f"STREAM.INFO.{name}")
            if name not in ours and not _is_work_of(site, info["config"]):
                continue
            if held := info["state"]["messages"]:
                raise Conflict(
                    f"the server has {name} with {held} messages: "
                    "a site is made, or its journal restored, only where the site has none"
                )


def _is_work_of(site: str, config: dict[str, Any]) -> bool:
    """Its subjects say so: by its name alone, WORK_shop_eu_mail could be site shop's or site shop_eu's."""
    return any(subject.startswith(f"cordboard.{site}.work.") for subject in config.get("subjects") or [])


async def _missing(wire: Wire, site: str) -> list[str]:
    names = (subjects.inbox_stream(site), subjects.journal_stream(site))
    return [name for name in names if await _existing(wire, name) is None]


def _journal(site: str, settings: StreamSettings) -> dict[str, Any]:
    name, subject = subjects.journal_stream(site), subjects.journal_subject(site)
    return _config(name, subject, COMMIT_MAX, settings.journal_max_bytes or 16 * _GIB, settings)


def _config(name: str, subject: str, message_max: int, max_bytes: int, settings: StreamSettings) -> dict[str, Any]:
    return {
        "name": name,
        "subjects": [subject],
        "storage": "file",
        "retention": "limits",
        "discard": "new",
        "deny_delete": True,
        # Purging stays possible on both: they are trimmed below an archived snapshot, and never otherwise.
        "deny_purge": False,
        "allow_rollup_hdrs": False,
        "allow_direct": False,
        "compression": "none",
        "num_replicas": settings.replicas or 1,
        "max_bytes": max_bytes,
        "max_msg_size": message_max + HEADERS_MAX,
        "max_msgs": -1,
        "max_msgs_per_subject": -1,
        "max_consumers": -1,
        "max_age": 0,
        "duplicate_window": _DUPLICATES_NS,
    }


async def declare_stream(
    wire: Wire, want: dict[str, Any], replicas: int | None, max_bytes: int | None, *, create: bool = True
) -> dict[str, Any]:
    """Create the stream `want`, or check the one that exists and let it grow; returns its configuration.

    Raises NotFound, with the name alone, if there is none and `create` is False.
    """
    name = want["name"]
    have = await _existing(wire, name)
    if have is None:
        # Decided here, by the very answer that counts: servers that have lost their disks contradict those that have not.
        if not create:
            raise NotFound(name)
        have = await _create(wire, want)
    _check(want, have)
    grown = {}
    if replicas is not None and have["num_replicas"] < replicas:
        grown["num_replicas"] = replicas
    if max_bytes is not None and have["max_bytes"] < max_bytes:
        grown["max_bytes"] = max_bytes
    if grown:
        _log.info("stream %s grows: %s", name, grown)
        answer = await _change(wire, f"STREAM.UPDATE.{name}", have | grown)
        have = answer["config"]
    return have


async def _existing(wire: Wire, name: str) -> dict[str, Any] | None:
    try:
        config: dict[str, Any] = (await wire.call_until_answered(f"STREAM.INFO.{name}"))["config"]
        return config
    except ApiError as error:
        if error.code == ERR_STREAM_NOT_FOUND:
            return None
        raise ConfigurationError(f"stream {name}: {error}") from error


async def _create(wire: Wire, want: dict[str, Any]) -> dict[str, Any]:
    name = want["name"]
    loop = asyncio.get_running_loop()
    until_s, backoff = loop.time() + _PEERS_S, Backoff()
    while True:
        try:
            config: dict[str, Any] = (await wire.call_until_answered(f"STREAM.CREATE.{name}", want))["config"]
            _log.info("created stream %s", name)
            _log.debug("stream %s: %s", name, json.dumps(config))
            return config
        except ApiError as error:
            # Another process may have been quicker, with another inbox id: the first one counts.
            if error.code == ERR_NAME_IN_USE and (have := await _existing(wire, name)) is not None:
                return have
            # A cluster that has just come up does not know all of its servers yet.
            if error.code != ERR_NO_PEERS or loop.time() >= until_s:
                raise ConfigurationError(f"stream {name} cannot be created: {error}") from error
        await asyncio.sleep(backoff.next_s())


async def _change(wire: Wire, verb: str, config: dict[str, Any]) -> dict[str, Any]:
    try:
        return await wire.call_until_answered(verb, config)
    except ApiError as error:
        raise ConfigurationError(f"stream {config['name']} cannot be changed: {error}") from error


def _check(want: dict[str, Any], have: dict[str, Any]) -> None:
    """Fields that must be as we declare them: with another value the stream would forget, refuse, or not be ours."""
    fields = (
        "subjects",
        "storage",
        "retention",
        "discard",
        "deny_delete",
        "compression",
        "max_msgs",
        "max_msgs_per_subject",
        "max_age",
    )
    for field in fields:
        if have.get(field, want[field] if want[field] in (False, 0) else None) != want[field]:
            _refuse(want["name"], field, have.get(field), want[field])
    for field in ("mirror", "sources", "subject_transform", "republish", "sealed", "no_ack", "allow_msg_ttl", "allow_rollup_hdrs"):
        if have.get(field):
            _refuse(want["name"], field, have[field], "nothing")
    if have.get("persist_mode") not in (None, "", "default"):
        _refuse(want["name"], "persist_mode", have["persist_mode"], "default")
    if 0 <= have["max_msg_size"] < want["max_msg_size"]:
        _refuse(want["name"], "max_msg_size", have["max_msg_size"], f"at least {want['max_msg_size']}")


def _refuse(name: str, field: str, has: object, wants: object) -> None:
    raise ConfigurationError(
        f"stream {name} exists with {field} = {has!r}; Cordboard needs {wants!r} and changes nothing by itself"
    )
