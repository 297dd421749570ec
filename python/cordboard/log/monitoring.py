"""What NATS servers tell of themselves: their monitoring, an HTTP port of each."""

from __future__ import annotations

import asyncio
import contextlib
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


async def ailment(url: str) -> str:
    """What the server at `url` says is wrong with it; empty: nothing, or it says nothing."""
    return await asyncio.to_thread(_ailment, url)


def _ailment(url: str) -> str:
    try:
        with contextlib.suppress(http.client.HTTPException, ValueError):
            _get(url, "/healthz")
    except urllib.error.HTTPError as refused:
        with refused, contextlib.suppress(OSError, http.client.HTTPException, ValueError):
            told = json.loads(refused.read(_ANSWER_MAX))
            return str(told.get("error", "")) if isinstance(told, dict) else ""
    except OSError:
        pass  # it is starting, or ending
    return ""


def _get(url: str, path: str) -> dict[str, Any]:
    if not url.startswith(("http://", "https://")):
        raise ValueError("a monitoring URL starts with http:// or https://")
    with _opener.open(url + path, timeout=_TIMEOUT_S) as answer:
        told = json.loads(answer.read(_ANSWER_MAX))
    if not isinstance(told, dict):
        raise ValueError(f"{path} is no object")
    return told
