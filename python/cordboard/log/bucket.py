"""The stream under an object store, as far as the NATS client leaves it alone: what it holds, how much it may hold, and what a
writer that died half-way left in it."""

from __future__ import annotations

import base64
import json
import logging
from datetime import datetime
from typing import Any

from nats.js import api
from nats.js import errors as js_errors
from nats.js.client import JetStreamContext

from cordboard.errors import LogUnavailable
from cordboard.log.stream import Unanswered
from cordboard.log.usage import Usage
from cordboard.log.wire import ERR_NO_MESSAGE, ERR_NO_PEERS, ERR_NOT_STORED, ERR_STREAM_NOT_FOUND, ApiError, Wire

_log = logging.getLogger(__name__)

BUCKET_MAX = 4 * 1024**3
SWEPT_MAX = 200
"""So many leftovers go at a time; the others wait for the next one."""
_NO_ROOM = (10023, 10047, ERR_NO_PEERS)
"""The server, or every server of the cluster, has not so much to promise to a stream."""
ERR_FULL = (10002, 10023, 10047, ERR_NOT_STORED)
"""What a message is refused with that has no place: in the account, on the server, in the stream."""


class Bucket:
    """Raises LogUnavailable if the server does not answer, or refuses."""

    def __init__(self, wire: Wire, jetstream: JetStreamContext, name: str, replicas: int) -> None:
        self.name = name
        self.stream = f"OBJ_{name}"
        self.chunks = f"$O.{name}.C."
        self.descriptions = f"$O.{name}.M."
        self._wire = wire
        self._js = jetstream
        self._replicas = replicas

    async def declare(self) -> None:
        """Create it, or bound the one that exists; it gets as many copies as the journal has."""
        info = await self._ask("STREAM.INFO")
        if info is None:
            await self._create()
            return
        config, wanted = info["config"], dict[str, Any]()
        if config["max_bytes"] <= 0:
            # Never less than it holds: the server would make it fit.
            wanted["max_bytes"] = max(BUCKET_MAX, 2 * int(info["state"]["bytes"]))
        if config["num_replicas"] < self._replicas:
            wanted["num_replicas"] = self._replicas
        for field, value in wanted.items():  # each by itself: one may be refused
            try:
                await self._ask("STREAM.UPDATE", config | {field: value})
                config[field] = value
            except LogUnavailable as error:
                _log.warning("%s stays as it is, without %s = %d: %s", self.stream, field, value, error)

    async def usage(self) -> Usage | None:
        """How full it is; None: there is none."""
        info = await self._ask("STREAM.INFO")
        if info is None:
            return None
        return Usage(self.stream, int(info["state"]["bytes"]), int(info["config"]["max_bytes"]))

    async def held(self, pattern: str) -> dict[str, int]:
        """How many messages it has of each subject that matches; empty if there is no bucket."""
        held: dict[str, int] = {}
        while True:
            page = await self._ask("STREAM.INFO", {"subjects_filter": pattern, "offset": len(held)})
            more = page and page["state"].get("subjects")
            held |= more or {}
            if not page or not more or len(held) >= page.get("total", 0):
                return held

    async def remove(self, name: str) -> None:
        """Take away what is called `name`, if there is one. Nothing is written for that, which a full stream would refuse; and the
        description goes first, so that nobody takes for damaged what is on its way out."""
        described = self.descriptions + base64.urlsafe_b64encode(name.encode()).decode()
        newest = await self._newest(described)
        if newest is None:
            return
        await self._purge(described, newest)
        try:
            nuid = json.loads(base64.b64decode(newest.get("data", ""))).get("nuid")
        except (ValueError, AttributeError) as error:
            _log.debug("%s says nothing: %r", described, error)  # its chunks are swept
            return
        if isinstance(nuid, str) and nuid.isalnum():
            await self._ask("STREAM.PURGE", {"filter": self.chunks + nuid})

    async def sweep(self, older_s: float) -> None:
        """Take away what no snapshot needs: chunks that nothing describes, and the marks of what was deleted. Younger ones stay:
        somebody may be writing them."""
        needed, marks = await self._described()
        idle = [subject for subject in await self.held(f"{self.chunks}>") if subject.removeprefix(self.chunks) not in needed]
        if not idle and not marks:
            return
        info = await self._ask("STREAM.INFO")
        now = datetime.fromisoformat(info["ts"]) if info else None
        swept = 0
        for subject in [*marks, *idle][:SWEPT_MAX]:
            newest = await self._newest(subject)
            if now is None or newest is None or (now - datetime.fromisoformat(newest["time"])).total_seconds() < older_s:
                continue
            await self._purge(subject, newest)
            swept += subject not in marks
        if swept:
            _log.info("%s: what %d unfinished snapshots left is taken away", self.stream, swept)

    async def _described(self) -> tuple[set[str], list[str]]:
        """The chunks that snapshots consist of, and the subjects of those that were deleted."""
        needed, marks = set[str](), list[str]()
        for subject in await self.held(f"{self.descriptions}>"):
            newest = await self._newest(subject)
            try:
                info = json.loads(base64.b64decode(newest.get("data", ""))) if newest else {}
                if info.get("deleted"):
                    marks.append(subject)
                else:
                    needed.add(str(info.get("nuid")))
            except (ValueError, AttributeError) as error:
                _log.debug("%s says nothing: %r", subject, error)
        return needed, marks

    async def _newest(self, subject: str) -> dict[str, Any] | None:
        answer = await self._ask("STREAM.MSG.GET", {"last_by_subj": subject})
        return answer and answer["message"]

    async def _purge(self, subject: str, newest: dict[str, Any]) -> None:
        """All of a subject up to `newest`: not what was stored under the same name since."""
        await self._ask("STREAM.PURGE", {"filter": subject, "seq": newest["seq"] + 1})

    async def _create(self) -> None:
        config = api.ObjectStoreConfig(storage=api.StorageType.FILE, replicas=self._replicas, max_bytes=BUCKET_MAX)
        try:
            await self._js.create_object_store(self.name, config)
        except js_errors.APIError as error:
            if error.err_code not in _NO_ROOM:
                raise
            _log.warning("%s has no bound: the server has not %d bytes to spare", self.stream, BUCKET_MAX)
            await self._js.create_object_store(self.name, config.evolve(max_bytes=-1))

    async def _ask(self, verb: str, request: dict[str, Any] | None = None) -> dict[str, Any] | None:
        """The answer; None if there is no such stream or message."""
        try:
            return await self._wire.call(f"{verb}.{self.stream}", request)
        except ApiError as error:
            if error.code in (ERR_STREAM_NOT_FOUND, ERR_NO_MESSAGE):
                return None
            raise LogUnavailable(f"the snapshot store: {error}") from error
        except Unanswered as error:
            raise LogUnavailable(f"the snapshot store: {error}") from error
