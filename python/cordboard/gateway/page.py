"""Self-contained HTML pages and scripts out of pages/, the headers that keep everything else out of them, and their language."""

import base64
import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from html import escape
from importlib import resources
from typing import Any

from litestar import Request

FALLBACK = "en"
_ACCEPTED_MAX = 20
_WEIGHT = re.compile(r"\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*")


def read_page(name: str, *, form_action: str = "'none'", cache: str = "no-cache") -> tuple[str, dict[str, str]]:
    """A page and its headers: no script or style runs but the page's own, which the policy names by digest."""
    html = (resources.files("cordboard.gateway") / "pages" / name).read_text("utf-8")
    scripts, styles = (
        " ".join(f"'sha256-{_digest(body)}'" for body in re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)) or "'none'"
        for tag in ("script", "style")
    )
    connect = "'self'" if scripts != "'none'" else "'none'"
    policy = f"default-src 'none'; script-src {scripts}; style-src {styles}; connect-src {connect}"
    return html, {
        "content-security-policy": f"{policy}; base-uri 'none'; form-action {form_action}; frame-ancestors 'none'",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cache-control": cache,
    }


def read_script(name: str) -> tuple[str, str]:
    """A script for other sites' pages, and its ETag."""
    script = (resources.files("cordboard.gateway") / "pages" / name).read_text("utf-8")
    return script, f'"{hashlib.sha256(script.encode()).hexdigest()[:24]}"'


def language_for(known: Collection[str], *wishes: str | None, otherwise: str = FALLBACK) -> str:
    """The first language wished for that is `known`, or whose base language is (`nl` for `nl-BE`); else English, or `otherwise`."""
    for wish in wishes:
        tag = (wish or "").strip().lower()
        for language in (tag, tag.partition("-")[0]):
            if language in known:
                return language
    return otherwise


def read_by(request: Request[Any, Any, Any]) -> list[str]:
    """The languages that the browser's user reads, the best first."""
    weighed = []
    for part in request.headers.get("accept-language", "").split(",")[:_ACCEPTED_MAX]:
        tag, _, weight = part.partition(";")
        found = _WEIGHT.fullmatch(weight)
        weighed.append((float(found[1]) if found is not None else 1.0, tag.strip()))
    return [tag for weight, tag in sorted(weighed, key=lambda one: -one[0]) if weight > 0]


def words_for(say: Mapping[str, str], names: Iterable[str] | None = None) -> str:
    """An element out of whose `dataset` the page's script reads what it says: a script that the headers name must not change."""
    told = " ".join(f'data-{name}="{escape(say[name])}"' for name in (say if names is None else names))
    return f'<div id="words" {told} hidden></div>'


def _digest(body: str) -> str:
    return base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
