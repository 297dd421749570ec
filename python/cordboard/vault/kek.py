"""The key-encryption key: 32 bytes that open the vault. It never stands in a database."""

import base64
import binascii
import os
from collections.abc import Mapping
from pathlib import Path

from cordboard.errors import ConfigurationError
from cordboard.settings import check_private
from cordboard.vault.seal import KEY_BYTES

VARIABLE = "CORDBOARD_KEK"
MODE = 0o600


def load_kek(file: Path | str | None = None, environment: Mapping[str, str] | None = None, *, make: bool = True) -> bytes:
    """The key from the variable CORDBOARD_KEK (base64), which wins, or from `file` (base64), which is made if it is missing.

    `make=False`: a missing file is an error. A tool looks at a vault that is there, and no new key opens that.

    Raises ConfigurationError if there is neither, if it is not 32 bytes, or if others may read the file.
    """
    given = (os.environ if environment is None else environment).get(VARIABLE)
    if given:
        return _decode(given, f"the variable {VARIABLE}")
    if file is None:
        raise ConfigurationError(f"no key-encryption key: set {VARIABLE} to 32 random bytes in base64, or name a key file")
    path = Path(file)
    if not make:
        return _read(path)
    try:
        return _create(path)
    except FileExistsError:
        return _read(path)
    except OSError as error:
        raise ConfigurationError(f"the key file {path} cannot be made: {error.strerror}") from error


def _create(path: Path) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Written apart and linked into place: a crash in between never leaves half a key behind, nor does a race make two.
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    if path.exists():
        raise FileExistsError(path)
    key = os.urandom(KEY_BYTES)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, MODE)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(base64.b64encode(key) + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
        os.link(fresh, path)
    finally:
        fresh.unlink()
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
    return key


def _read(path: Path) -> bytes:
    try:
        check_private(path)
        return _decode(path.read_text("ascii"), f"the key file {path}")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"the key file {path} cannot be read: {error}") from error


def _decode(given: str, source: str) -> bytes:
    try:
        key = base64.b64decode(given.strip(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ConfigurationError(f"{source} does not hold base64") from error
    if len(key) != KEY_BYTES:
        raise ConfigurationError(f"{source} holds {len(key)} bytes; a key-encryption key has {KEY_BYTES}")
    return key
