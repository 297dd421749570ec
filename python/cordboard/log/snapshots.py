"""Snapshots in a JetStream object store, one bucket a site."""

import asyncio
import base64
import binascii
import io
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from nats import errors as nats_errors
from nats.js import api
from nats.js import errors as js_errors
from nats.js.client import JetStreamContext
from nats.js.object_store import ObjectStore

from cordboard.errors import InvalidInput, LogUnavailable, NotFound, SnapshotDamaged, StoreFull
from cordboard.log.bucket import ERR_FULL, Bucket
from cordboard.log.obedient import obedient
from cordboard.log.usage import Usage
from cordboard.log.wire import ERR_NOT_STORED, Wire

T = TypeVar("T")

SNAPSHOT_MAX = 1024 * 1024 * 1024
_NAME_MAX = 256
_TIMEOUT_S = 120.0
ABANDONED_S = 2 * _TIMEOUT_S
"""What nobody has added to for so long, nobody is writing."""
_ANSWER_S = 15.0
_SLOWEST = 10 * 1024 * 1024
"""Bytes a second: of a store that gives fewer, after _ANSWER_S, nothing more is expected."""


class BucketSnapshots:
    """The `Snapshots` port on a bucket. Created with its first snapshot: who only reads makes none.

    The client believes whatever an object's description says, and waits for chunks that are not there. So they are counted first.
    """

    def __init__(self, wire: Wire, bucket: str, replicas: int) -> None:
        jetstream: JetStreamContext = wire.client.jetstream(timeout=10.0)
        self._bucket = Bucket(wire, jetstream, bucket, replicas)
        self._store = ObjectStore(bucket, self._bucket.stream, jetstream)
        self._declared = False

    async def put(self, name: str, data: bytes) -> None:
        """Store or replace. Raises StoreFull, or LogUnavailable if it may not be stored."""
        _check(name)
        if len(data) > SNAPSHOT_MAX:
            raise InvalidInput(f"a snapshot of {len(data)} bytes is too large")
        try:
            if not self._declared:
                await _answered(self._bucket.declare())
            # First, so that leftovers cannot keep a snapshot out.
            await _answered(self._bucket.sweep(ABANDONED_S))
            await _answered(self._put(name, data))
            self._declared = True
        except StoreFull:
            raise
        except LogUnavailable:
            self._declared = False  # somebody may have taken the bucket away
            raise

    async def get(self, name: str) -> bytes:
        """Raises NotFound; SnapshotDamaged if what is there is not what was put, or not all of it; LogUnavailable."""
        _check(name)
        info = await _answered(self._whole(name), _ANSWER_S)
        return await _answered(self._get(info), _ANSWER_S + (info.size or 0) / _SLOWEST)

    async def names(self) -> list[str]:
        """Sorted."""
        return await _answered(self._names())

    async def delete(self, name: str) -> None:
        """Does nothing if there is none of that name."""
        _check(name)
        await _answered(self._bucket.remove(name))

    async def usage(self) -> Usage | None:
        """How full the bucket is; None: there is none, or it does not say."""
        with suppress(LogUnavailable):
            return await self._bucket.usage()
        return None

    async def _put(self, name: str, data: bytes) -> None:
        await self._store.put(name, data)

    async def _whole(self, name: str) -> api.ObjectInfo:
        """The description of a snapshot whose chunks are all there."""
        info = await self._info(name)
        held = sum((await self._bucket.held(self._bucket.chunks + info.nuid)).values())
        if held != info.chunks:
            # Whoever thins them out says so first, and takes the chunks away then.
            if (await self._info(name)).nuid != info.nuid:
                raise LogUnavailable(f"snapshot {name} was replaced while it was read")
            raise SnapshotDamaged(f"{held} of its {info.chunks} chunks are there")
        return info

    async def _info(self, name: str) -> api.ObjectInfo:
        """Its description. Raises NotFound; SnapshotDamaged if it makes no sense."""
        try:
            info = await self._store.get_info(name)
        except js_errors.NotFoundError as error:
            raise NotFound(f"no snapshot {name}") from error
        except js_errors.BadObjectMetaError as error:
            raise SnapshotDamaged("its description cannot be read") from error
        numbers = isinstance(info.size, int) and 0 <= info.size <= SNAPSHOT_MAX and isinstance(info.chunks, int)
        if not numbers or info.name != name or info.is_link() or not (isinstance(info.nuid, str) and isinstance(info.digest, str)):
            raise SnapshotDamaged("its description makes no sense")
        return info

    async def _get(self, info: api.ObjectInfo) -> bytes:
        into = io.BytesIO()
        try:
            await self._store.get(info.name, writeinto=into)  # anything with write() will do
        except js_errors.NotFoundError as error:
            raise NotFound(f"no snapshot {info.name}") from error
        except (js_errors.DigestMismatchError, binascii.Error) as error:
            raise SnapshotDamaged("its bytes do not match their digest") from error
        return into.getvalue()

    async def _names(self) -> list[str]:
        prefix, names = self._bucket.descriptions, list[str]()
        for subject in await self._bucket.held(f"{prefix}>"):
            with suppress(js_errors.NotFoundError, js_errors.BadObjectMetaError, ValueError):
                name = base64.urlsafe_b64decode(subject.removeprefix(prefix)).decode()
                await self._store.get_info(name)
                names.append(name)
        return sorted(names)


async def _answered(question: Coroutine[Any, Any, T], most_s: float = _TIMEOUT_S) -> T:
    try:
        async with asyncio.timeout(most_s):
            return await obedient(question)
    except TimeoutError as error:
        raise LogUnavailable("the snapshot store does not answer") from error
    except js_errors.APIError as error:
        # Whatever a stream cannot store has the same code: a broken disk is no reason to give up the past.
        full = error.err_code in ERR_FULL and (error.err_code != ERR_NOT_STORED or "maximum bytes" in (error.description or ""))
        refused = StoreFull if full else LogUnavailable
        raise refused(f"the snapshot store: {error.description} ({error.err_code})") from error
    except (nats_errors.Error, OSError) as error:
        raise LogUnavailable(f"the snapshot store: {error!r}") from error


def _check(name: str) -> None:
    if not 0 < len(name) <= _NAME_MAX or not name.isprintable():
        raise InvalidInput(f"not a snapshot's name: {name!r}")
