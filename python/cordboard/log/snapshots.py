"""Snapshots in a JetStream object store, one bucket a site."""

import asyncio
import io
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from nats import errors as nats_errors
from nats.js import api
from nats.js import errors as js_errors
from nats.js.client import JetStreamContext
from nats.js.object_store import ObjectStore

from cordboard.errors import InvalidInput, LogUnavailable, NotFound
from cordboard.log.obedient import obedient
from cordboard.log.wire import Wire

T = TypeVar("T")

SNAPSHOT_MAX = 1024 * 1024 * 1024
_NAME_MAX = 256
_TIMEOUT_S = 120.0


class BucketSnapshots:
    """The `Snapshots` port on a bucket. Created on first use, so that a site without snapshots has no stream for them."""

    def __init__(self, wire: Wire, bucket: str, replicas: int) -> None:
        self._js: JetStreamContext = wire.client.jetstream(timeout=10.0)
        self._bucket = bucket
        self._replicas = replicas
        self._store: ObjectStore | None = None

    async def put(self, name: str, data: bytes) -> None:
        """Store or replace. Raises LogUnavailable if it may not be stored."""
        _check(name)
        if len(data) > SNAPSHOT_MAX:
            raise InvalidInput(f"a snapshot of {len(data)} bytes is too large")
        await _answered(self._put(name, data))

    async def get(self, name: str) -> bytes:
        """Raises NotFound; LogUnavailable also when the bytes do not match their digest."""
        _check(name)
        return await _answered(self._get(name))

    async def names(self) -> list[str]:
        """Sorted."""
        return await _answered(self._names())

    async def delete(self, name: str) -> None:
        """Does nothing if there is none of that name."""
        _check(name)
        await _answered(self._delete(name))

    async def _put(self, name: str, data: bytes) -> None:
        store = await self._open()
        await store.put(name, data)

    async def _get(self, name: str) -> bytes:
        store = await self._open()
        into = io.BytesIO()
        try:
            await store.get(name, writeinto=into)  # anything with write() will do
        except (js_errors.ObjectNotFoundError, js_errors.NotFoundError) as error:
            raise NotFound(f"no snapshot {name}") from error
        return into.getvalue()

    async def _names(self) -> list[str]:
        store = await self._open()
        try:
            return sorted(info.name for info in await store.list(ignore_deletes=True) if info.name)
        except js_errors.NotFoundError:
            return []

    async def _delete(self, name: str) -> None:
        store = await self._open()
        with suppress(js_errors.NotFoundError):
            await store.delete(name)

    async def _open(self) -> ObjectStore:
        if self._store is None:
            config = api.ObjectStoreConfig(storage=api.StorageType.FILE, replicas=self._replicas)
            try:
                self._store = await self._js.object_store(self._bucket)
            except js_errors.NotFoundError:
                self._store = await self._js.create_object_store(self._bucket, config)
        return self._store


async def _answered(question: Coroutine[Any, Any, T]) -> T:
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            return await obedient(question)
    except TimeoutError as error:
        raise LogUnavailable("the snapshot store does not answer") from error
    except (nats_errors.Error, OSError) as error:
        raise LogUnavailable(f"the snapshot store: {error!r}") from error


def _check(name: str) -> None:
    if not 0 < len(name) <= _NAME_MAX or not name.isprintable():
        raise InvalidInput(f"not a snapshot's name: {name!r}")
