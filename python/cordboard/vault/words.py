"""What goes into the vault and comes out of it, and the limits."""

from collections.abc import Sequence
from dataclasses import dataclass

from cordboard.errors import InvalidInput
from cordboard.events.bounds import FRAME_MAX, ID_BYTES, NAME_MAX

TEXT_MAX = 64 * 1024
CONTENTS_MAX = 16
EXTERNAL_ID_MAX = 200
ADDRESS_MAX = 320
PERSON_MAX = 200
FACT_MAX = FRAME_MAX - 128
READ_MAX = 10_000
ATTACHMENTS_MAX = 64
ATTACHMENT_MAX = 25 * 1024 * 1024
"""Bytes of all attachments of a draft together."""
FILE_NAME_MAX = 255
MEDIA_TYPE_MAX = 127
THREADS_MAX = 128
THREAD_KEY_MAX = 1_000
SOURCE_MAX = 200
BY_MAX = 200
REASON_MAX = 500


@dataclass(frozen=True, slots=True)
class Content:
    """A text that people wrote. `ref` (16 bytes, random) is what the journal calls it; `kind` a word such as `message`, `note`."""

    ref: bytes
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came with `message`. `ref` is 16 random bytes; name and media type are the sender's words: trust neither."""

    ref: bytes
    message: bytes
    name: str
    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class AttachmentInfo:
    """An attachment without its bytes; `size` counts them."""

    ref: bytes
    name: str
    media_type: str
    size: int


@dataclass(frozen=True, slots=True)
class Draft:
    """A fact about to be published, and the contents it refers to. (`gateway`, `external_id`) makes a repeat harmless.

    `threads` are the keys under which later messages will name this one (a Message-ID); they come to mean `case`, the contact
    itself if None. A key that means a case already keeps its meaning. `about` is another contact, and of the same customer as this
    one if nothing else says whose it is: what came back from somebody must not be kept as nobody's.
    """

    gateway: str
    external_id: str
    contact: bytes
    fact_id: bytes
    fact: bytes
    customer: bytes | None = None
    contents: tuple[Content, ...] = ()
    threads: tuple[str, ...] = ()
    case: bytes | None = None
    attachments: tuple[Attachment, ...] = ()
    about: bytes | None = None


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What stands in the vault for a draft: the *first* one's ids if it is a repeat (`fresh` false).

    `published`: the log has acknowledged the fact. Until then it is republished, the same bytes, by the sweep.
    """

    contact: bytes
    fact_id: bytes
    fact: bytes
    published: bool
    fresh: bool


@dataclass(frozen=True, slots=True)
class Person:
    """Who an agent reference is: `person` is the identity at login, `name` what colleagues and customers see."""

    person: str
    name: str


def check_draft(draft: Draft) -> None:
    """Raises InvalidInput."""
    check_word(draft.gateway, "gateway")
    check_text(draft.external_id, "external_id", EXTERNAL_ID_MAX)
    for name, ref in (("contact", draft.contact), ("fact_id", draft.fact_id)):
        check_ref(ref, name)
    if draft.customer is not None:
        check_ref(draft.customer, "customer")
    if not 0 < len(draft.fact) <= FACT_MAX:
        raise InvalidInput(f"the fact has {len(draft.fact)} bytes; at most {FACT_MAX} fit a frame")
    if len(draft.contents) > CONTENTS_MAX:
        raise InvalidInput(f"{len(draft.contents)} contents in one draft; at most {CONTENTS_MAX}")
    for content in draft.contents:
        check_content(content)
    for name, other in (("case", draft.case), ("about", draft.about)):
        if other is not None:
            check_ref(other, name)
    check_threads(draft.threads)
    check_attachments(draft.attachments)


def check_content(content: Content) -> None:
    """Raises InvalidInput."""
    check_ref(content.ref, "content")
    check_word(content.kind, "kind of content")
    try:
        size = len(content.text.encode())
    except UnicodeEncodeError as error:
        raise InvalidInput("a text holds lone surrogates, which no encoding can carry") from error
    if size > TEXT_MAX:
        raise InvalidInput(f"a text has {size} bytes; at most {TEXT_MAX}", reason="text_too_long")


def check_threads(keys: Sequence[str]) -> None:
    """Raises InvalidInput."""
    if len(keys) > THREADS_MAX:
        raise InvalidInput(f"{len(keys)} thread keys at once; at most {THREADS_MAX}")
    for key in keys:
        check_text(key, "thread key", THREAD_KEY_MAX)


def check_attachments(attachments: Sequence[Attachment]) -> None:
    """Raises InvalidInput; `too_large` for what a sender can mend by sending less."""
    if len(attachments) > ATTACHMENTS_MAX:
        raise InvalidInput(f"{len(attachments)} attachments; at most {ATTACHMENTS_MAX}", reason="too_large")
    total = sum(len(attachment.data) for attachment in attachments)
    if total > ATTACHMENT_MAX:
        raise InvalidInput(f"the attachments have {total} bytes together; at most {ATTACHMENT_MAX}", reason="too_large")
    for attachment in attachments:
        check_ref(attachment.ref, "attachment")
        check_ref(attachment.message, "message")
        check_text(attachment.name, "file name", FILE_NAME_MAX)
        check_text(attachment.media_type, "media type", MEDIA_TYPE_MAX)


def check_ref(ref: bytes, name: str) -> None:
    """Raises InvalidInput unless it is 16 bytes."""
    if len(ref) != ID_BYTES:
        raise InvalidInput(f"{name} has {len(ref)} bytes; an id has {ID_BYTES}")


def check_word(word: str, name: str) -> None:
    """Raises InvalidInput unless it is a short word in ASCII."""
    if not 0 < len(word) <= NAME_MAX or not word.isascii() or not word.isprintable():
        raise InvalidInput(f"{name} must be 1 to {NAME_MAX} printable ASCII characters")


def check_text(text: str, name: str, most: int) -> None:
    """Raises InvalidInput unless it has 1 to `most` characters that can be stored. The text is not quoted: it may be personal."""
    if not 0 < len(text) <= most:
        raise InvalidInput(f"{name} has {len(text)} characters; 1 to {most} are allowed")
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise InvalidInput(f"{name} holds characters that cannot be stored")
