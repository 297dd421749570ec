"""A message's envelope: what its answer needs to find the way back. Stored beside the message, sealed like it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from cordboard.errors import InvalidInput
from cordboard.vault.refs import content_ref
from cordboard.vault.words import TEXT_MAX, Content

if TYPE_CHECKING:
    from cordboard.vault.vault import Vault

ENVELOPE = "envelope"


class Envelope(msgspec.Struct, frozen=True):
    """`to`: where an answer goes (a mail address; a webhook's source). `own`: the address or webhook of ours that it came to.

    `name`, `subject`, `message_id`, `references` and `thread` are the other side's own words: trust none of them.
    """

    transport: Literal["mail", "webhook"]
    to: str
    name: str = ""
    own: str = ""
    subject: str = ""
    message_id: str = ""
    references: list[str] = []
    language: str | None = None
    thread: str | None = None


_decoder = msgspec.json.Decoder(Envelope)


def envelope_content(message: bytes, envelope: Envelope) -> Content:
    """What to store in the draft of `message`. Raises InvalidInput if it is longer than a text may be."""
    try:
        text = msgspec.json.encode(envelope).decode()
    except UnicodeEncodeError as error:
        raise InvalidInput("an envelope holds lone surrogates, which no encoding can carry") from error
    if len(text.encode()) > TEXT_MAX:
        raise InvalidInput(f"an envelope has more than {TEXT_MAX} bytes", reason="text_too_long")
    return Content(content_ref(message, ENVELOPE), ENVELOPE, text)


async def read_envelopes(vault: "Vault", messages: Sequence[bytes]) -> dict[bytes, Envelope]:
    """The envelopes of those `messages` that have one (and are not erased). Raises VaultUnavailable."""
    refs = {content_ref(message, ENVELOPE): message for message in messages}
    found = await vault.read(list(refs))
    return {refs[ref]: _decoder.decode(content.text) for ref, content in found.items()}
