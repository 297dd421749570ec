"""Secrets of the web chat, all derived from one key: nothing needs storing, and everything outlives a restart.

A chat's contact id carries a mark by which its gateway knows it again in the journal; the mark is no protection. The resume
token is: contact id and a MAC over it.
"""

import base64
import binascii
import hashlib
import hmac
from typing import Literal

from cordboard.events.bounds import ID_BYTES
from cordboard.gateway.entrance.marks import ContactMarks

_MAC_BYTES = 24

Purpose = Literal["recorder", "filler"]
"""Of a link: to send the recording of a voicemail, to fill in a form."""


class ChatKeys:
    """`secret` is 32 bytes (the vault derives it); `name` tells apart gateways that share a vault."""

    def __init__(self, secret: bytes, name: str) -> None:
        self._secret = secret
        marks = ContactMarks(secret, name)
        self.new_contact, self.owns = marks.new_contact, marks.owns

    def token(self, contact: bytes) -> str:
        """The resume token: 54 characters, URL-safe."""
        return base64.urlsafe_b64encode(contact + self._digest(b"token", contact, _MAC_BYTES)).rstrip(b"=").decode()

    def contact_of(self, token: str) -> bytes | None:
        """The contact whose token this is; None if it is nobody's."""
        return self._contact_of(token, b"token")

    def _contact_of(self, token: str, purpose: bytes) -> bytes | None:
        try:
            data = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        contact, mac = data[:ID_BYTES], data[ID_BYTES:]
        return contact if hmac.compare_digest(mac, self._digest(purpose, contact, _MAC_BYTES)) else None

    def link_token(self, contact: bytes, purpose: Purpose) -> str:
        """By which a customer who may choose does one thing, and resumes no chat."""
        return base64.urlsafe_b64encode(contact + self._digest(purpose.encode(), contact, _MAC_BYTES)).rstrip(b"=").decode()

    def linked(self, token: str, purpose: Purpose) -> bytes | None:
        """The contact whose customer has the link; None if it is nobody's."""
        return self._contact_of(token, purpose.encode())

    def recording(self, contact: bytes, data: bytes) -> bytes:
        """The reference of what was said: the same recording has the same one."""
        return self._digest(b"recording", contact + hashlib.blake2b(data).digest(), ID_BYTES)

    def start_id(self, client_id: str) -> str:
        """The external id of a start: the client's id is a secret, so the vault's row holds a hash of it."""
        return "start:" + self._digest(b"start", client_id.encode(), 16).hex()

    def _digest(self, purpose: bytes, data: bytes, size: int) -> bytes:
        return hashlib.blake2b(data, key=self._secret, person=purpose, digest_size=size).digest()
