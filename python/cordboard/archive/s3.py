"""An archive in S3-compatible storage. A put is atomic there, and conditional (`If-None-Match: *`) it is put-if-absent."""

import re
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qs, urlsplit

import obstore
from obstore import exceptions
from obstore.store import S3Store

from cordboard.archive.storage import FILE_MAX
from cordboard.errors import ArchiveUnavailable, ConfigurationError, InvalidInput, NotFound

if TYPE_CHECKING:
    from obstore.store import S3Config

T = TypeVar("T")
_REGION = "us-east-1"
_OPTIONS = {"endpoint", "region", "virtual_hosted"}
_SAID_MAX = 300
_RETRIES = 3
_REFUSED = re.compile(r"status code: 40[13]\b")


class S3Storage:
    """The `Storage` port on `s3://bucket/prefix?endpoint=https://host:port&region=…&virtual_hosted=true`.

    Credentials come from the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, a web identity, the role of
    an instance), never from the URL. Raises ConfigurationError if the URL is not of this form.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        options = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        if unknown := sorted(options.keys() - _OPTIONS):
            raise ConfigurationError(
                f"archive {parts.scheme}://{parts.hostname}: unknown option {unknown[0]!r}; there are {sorted(_OPTIONS)}"
            )
        if not parts.hostname or parts.username is not None or parts.password is not None:
            raise ConfigurationError(
                "an archive in S3 is s3://bucket/prefix; credentials come from AWS_… variables, not from the URL"
            )
        prefix = parts.path.strip("/")
        self._where = f"s3://{parts.hostname}" + (f"/{prefix}" if prefix else "")
        endpoint = options.get("endpoint")
        config: S3Config | None = {"endpoint": endpoint} if endpoint else None
        self._store = S3Store(
            parts.hostname,
            prefix=prefix or None,
            region=options.get("region", _REGION),
            virtual_hosted_style_request=options.get("virtual_hosted") == "true",
            client_options={"allow_http": bool(endpoint and endpoint.startswith("http://")), "timeout": "60s"},
            retry_config={"max_retries": _RETRIES},
            config=config,
        )

    @property
    def where(self) -> str:
        return self._where

    async def put_if_absent(self, key: str, data: bytes) -> bool:
        if len(data) > FILE_MAX:
            raise InvalidInput(f"{key}: {len(data)} bytes are too many for one file")
        try:
            # In one request: parts of a multipart upload have no condition.
            await self._answered(obstore.put_async(self._store, key, data, mode="create", use_multipart=False))
        except exceptions.AlreadyExistsError:
            return False
        return True

    async def get(self, key: str) -> bytes:
        return await self._answered(self._get(key))

    async def head(self, key: str, size: int) -> bytes:
        return await self._answered(self._head(key, size))

    async def keys(self, prefix: str) -> list[str]:
        return await self._answered(self._keys(prefix))

    async def delete(self, key: str) -> None:
        await self._answered(self._delete(key))

    async def _get(self, key: str) -> bytes:
        return bytes(await (await obstore.get_async(self._store, key)).bytes_async())

    async def _head(self, key: str, size: int) -> bytes:
        length = (await obstore.head_async(self._store, key))["size"]
        if not length:
            return b""
        return bytes(await obstore.get_range_async(self._store, key, start=0, end=min(size, length)))

    async def _keys(self, prefix: str) -> list[str]:
        listed = await obstore.list(self._store, prefix.rstrip("/")).collect_async()
        return sorted(each["path"] for each in listed)

    async def _delete(self, key: str) -> None:
        try:
            await obstore.delete_async(self._store, key)
        except FileNotFoundError:
            return

    async def _answered(self, question: Coroutine[Any, Any, T]) -> T:
        try:
            return await question
        except exceptions.AlreadyExistsError:
            raise
        except FileNotFoundError as error:
            if "NoSuchBucket" in str(error):
                raise ConfigurationError(f"{self._where}: there is no such bucket") from error
            raise NotFound(f"the archive has no such file: {_said(error)}") from error
        except (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError, PermissionError) as error:
            raise ConfigurationError(f"{self._where} does not let us in: {_said(error)}") from error
        except (exceptions.BaseError, OSError) as error:
            # Of a listing the library tells everything alike.
            if "NoSuchBucket" in str(error):
                raise ConfigurationError(f"{self._where}: there is no such bucket") from error
            if _REFUSED.search(str(error)):
                raise ConfigurationError(f"{self._where} does not let us in: {_said(error)}") from error
            raise ArchiveUnavailable(f"{self._where}: {_said(error)}") from error


def _said(error: BaseException) -> str:
    """Its first lines: what the library knows of the request fills pages."""
    return " ".join(str(error).split("Debug source")[0].split())[:_SAID_MAX]
