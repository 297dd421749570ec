"""Self-contained HTML pages and scripts out of pages/, and the headers that keep everything else out of them."""

import base64
import hashlib
import re
from importlib import resources


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


def _digest(body: str) -> str:
    return base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
