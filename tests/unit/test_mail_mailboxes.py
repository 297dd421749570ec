"""The file that names mailboxes: what it may say, and who may read it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from cordboard.errors import ConfigurationError
from cordboard.gateway.mail.mailbox import Mailbox, read_mailboxes, tls_of

ONE = """
- address: klantenservice@webshop.example
  host: imap.webshop.example
  user: klantenservice
  password: geheim
  move_to: Verwerkt
"""


def written(directory: Path, text: str, mode: int = 0o600) -> Path:
    file = directory / "mailboxes.yaml"
    file.write_text(text)
    file.chmod(mode)
    return file


def test_a_mailbox_and_what_it_does_not_say(tmp_path: Path) -> None:
    (box,) = read_mailboxes(written(tmp_path, ONE))
    assert (box.host, box.port, box.folder, box.move_to, box.tls) == ("imap.webshop.example", 993, "INBOX", "Verwerkt", True)
    assert tls_of(box) is not None
    assert read_mailboxes(written(tmp_path, "")) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- host: x", "required field `address`"),
        (ONE + "  prot: 143", "unknown field `prot`"),
        (ONE + "  port: 99999", "<= 65535"),
        ("a: [", "no YAML"),
        (ONE + "  tls: false", "without TLS"),
        (ONE + "  ca_file: /nowhere.pem", "cannot be used"),
    ],
)
def test_mistakes_are_told_without_the_password(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as error:
        read_mailboxes(written(tmp_path, text))
    assert "geheim" not in str(error.value)


def test_others_may_not_read_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="others may read"):
        read_mailboxes(written(tmp_path, ONE, 0o644))
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_mailboxes(tmp_path / "none.yaml")


def test_without_the_library_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aioimaplib", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'cordboard\[imap\]'"):
        read_mailboxes(written(tmp_path, ONE))
    assert read_mailboxes(written(tmp_path, "[]")) == []


def test_a_server_on_this_machine_needs_no_tls() -> None:
    assert tls_of(Mailbox(address="a@b.example", host="127.0.0.1", user="a", password="b", tls=False)) is None
