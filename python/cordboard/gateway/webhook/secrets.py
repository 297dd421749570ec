"""The secrets that webhooks are signed with: a file of their own, since a policy is read by many."""

import base64
import binascii
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from cordboard.errors import ConfigurationError
from cordboard.events.bounds import Name
from cordboard.settings import check_private

PREFIX = "whsec_"
SECRETS_MAX = 2
BYTES_MIN, BYTES_MAX = 24, 64
_HOW = (
    f"write `<webhook>: [{PREFIX}…]` with one or two secrets, each {PREFIX} and {BYTES_MIN} to {BYTES_MAX} random bytes in base64"
)

_Secrets = dict[Name, Annotated[list[str], msgspec.Meta(min_length=1, max_length=SECRETS_MAX)]]


def read_webhook_secrets(path: Path) -> Mapping[str, tuple[str, ...]]:
    """By webhook; the first one signs what goes out, either may have signed what comes in.

    Raises ConfigurationError: the file cannot be read, others may read it, or it says something else. Secrets are not quoted.
    """
    try:
        check_private(path)
        found = YAML(typ="safe", pure=True).load(path.read_text("utf-8"))
        secrets = msgspec.convert({} if found is None else found, _Secrets)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"the webhook secrets {path} cannot be read: {error}") from error
    except (YAMLError, msgspec.ValidationError, RecursionError):
        raise ConfigurationError(f"the webhook secrets {path} are not as they should be: {_HOW}") from None
    for name, values in secrets.items():
        for value in values:
            check_secret(name, value)
    return {name: tuple(values) for name, values in secrets.items()}


def check_secret(name: str, secret: str) -> None:
    """Raises ConfigurationError unless it is a Standard Webhooks secret of a decent length."""
    try:
        size = len(base64.b64decode(secret.removeprefix(PREFIX), validate=True)) if secret.startswith(PREFIX) else 0
    except (binascii.Error, ValueError):
        size = 0
    if not BYTES_MIN <= size <= BYTES_MAX:
        raise ConfigurationError(f"a secret of the webhook {name} is not one: {_HOW}")
