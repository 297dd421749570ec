"""The mail server that takes our answers: from one URL."""

from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from cordboard.errors import ConfigurationError

Tls = Literal["never", "offered", "required", "implicit"]
EXAMPLE = "smtp://user:password@mail.example:587?tls=required"
_PORTS = {"smtp": 25, "smtps": 465}
_CHOICES: tuple[Tls, ...] = ("never", "offered", "required")


@dataclass(frozen=True, slots=True)
class Relay:
    """`tls`: `offered` uses STARTTLS where the server has it, `required` goes nowhere without, `implicit` is smtps."""

    host: str
    port: int
    tls: Tls = "offered"
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def from_url(cls, url: str) -> "Relay":
        """`smtp[s]://[user:password@]host[:port][?tls=never|offered|required]`. Raises ConfigurationError, without the password."""
        parts = urlsplit(url)
        port = _port(parts)
        query = parse_qs(parts.query, keep_blank_values=True)
        tls = query.pop("tls", query.pop("starttls", ["offered"]))
        if parts.scheme not in _PORTS or not parts.hostname or parts.path not in ("", "/") or query or len(tls) != 1:
            raise ConfigurationError(f"the SMTP relay must be a URL such as {EXAMPLE}, or smtps://mail.example")
        if (parts.username is None) != (parts.password is None):
            raise ConfigurationError("the SMTP relay's URL must have a user and a password, or neither")
        user = None if parts.username is None else unquote(parts.username)
        password = None if parts.password is None else unquote(parts.password)
        return cls(parts.hostname, port or _PORTS[parts.scheme], _tls(parts.scheme, tls[0], user), user, password)


def _port(parts: SplitResult) -> int | None:
    try:
        return parts.port
    except ValueError as error:
        raise ConfigurationError("the SMTP relay's port must be a number up to 65535") from error


def _tls(scheme: str, wanted: str, user: str | None) -> Tls:
    if scheme == "smtps":
        return "implicit"
    choice = next((choice for choice in _CHOICES if choice == wanted), None)
    if choice is None:
        raise ConfigurationError(f"the SMTP relay's tls must be one of {', '.join(_CHOICES)}")
    # A password must never travel in the clear because somebody on the way hides STARTTLS.
    return "required" if user is not None and choice == "offered" else choice
