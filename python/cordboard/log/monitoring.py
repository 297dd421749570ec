"""What NATS servers tell of themselves: their monitoring, an HTTP port of each."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import urllib.error
import urllib.request
from typing import Any

from cordboard.errors import ConfigurationError

MONITOR_ENV = "CORDBOARD_NATS_MONITOR_URL"
_TIMEOUT_S = 3.0
_ANSWER_MAX = 16 * 1024 * 1024
# Monitoring is reached directly: a proxy in the environment is for the outside world.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def monitoring_urls(given: str | None) -> list[str]:
    """One for each server: those that are `given`, comma separated, or the environment's."""
    return [url.strip().rstrip("/") for url in (given or os.environ.get(MONITOR_ENV, "")).split(",") if url.strip()]


async def ask(url: str, path: str) -> dict[str, Any]:
    """The answer of the server at `url` to `path` (`/varz`). Raises ConfigurationError if nothing sensible comes."""
    try:
        return await asyncio.to_thread(_get, url, path)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise ConfigurationError(f"NATS monitoring at {url} gives no answer: {error!r}") from error


def _get(url: str, path: str) -> dict[str, Any]:
    if not url.startswith(("http://", "https://")):
        raise ValueError("a monitoring URL starts with http:// or https://")
    with _opener.open(url + path, timeout=_TIMEOUT_S) as answer:
        told = json.loads(answer.read(_ANSWER_MAX))
    if not isinstance(told, dict):
        raise ValueError(f"{path} is no object")
    return told
