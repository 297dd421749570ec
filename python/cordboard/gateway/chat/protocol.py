"""The chat protocol: JSON objects, one a WebSocket text frame, told apart by `type` (docs/chat-protocol.md).

Unknown members are ignored, so that both sides may be newer than the other; unknown types are refused. Ids are 32 hex digits.
"""

from typing import Annotated, Any, Literal

import msgspec

from cordboard.errors import InvalidInput
from cordboard.events.bounds import Name
from cordboard.events.policy import StepKind
from cordboard.gateway.limits import FRAME_MAX, TEXT_MAX

SUBPROTOCOL = "cordboard.chat.v1"

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=TEXT_MAX, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$")]
"""What people write: no control characters but tab and line ends, since it is shown on others' screens."""
PersonName = Annotated[str, msgspec.Meta(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]*(?!\n)$")]
Language = Annotated[str, msgspec.Meta(pattern=r"^[a-z]{2,3}(?!\n)$", max_length=3)]
StartId = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{22,64}(?!\n)$", max_length=64)]
"""Random, 128 bits or more (a UUID): whoever knows it can resume the chat, as with the token."""
ClientId = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,64}(?!\n)$", max_length=64)]
HexId = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}(?!\n)$", max_length=32)]
Token = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
Ordinal = Annotated[int, msgspec.Meta(ge=0, le=1 << 31)]
Author = Literal["customer", "agent"]
State = Literal["stored", "relayed", "delivered", "read"]


# -- client → server --------------------------------------------------------------------------------------------------------


class Start(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="start"):
    """Begin a chat in `queue`, or where the policy's rules put `entry_point` and text.

    The same `client_id` again gives the same chat, never a second.
    """

    client_id: StartId
    text: Text
    queue: Name | None = None
    entry_point: Name | None = None
    language: Language | None = None
    name: PersonName | None = None
    ticket: Token | None = None
    """Of an open `entry_point`: a promised place. One that does not hold (any more) is no mistake: the chat begins without."""


class Post(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="message"):
    """The customer writes. `client_id` is unique within the chat: sent again, it is the same message."""

    client_id: ClientId
    text: Text


class Typing(msgspec.Struct, frozen=True, tag_field="type", tag="typing"):
    """The customer is typing."""


class Read(msgspec.Struct, frozen=True, tag_field="type", tag="read"):
    """The customer has seen the agent's `message`."""

    message: HexId


class Leave(msgspec.Struct, frozen=True, tag_field="type", tag="leave"):
    """The customer closes the chat for good."""


class Resume(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="resume"):
    """Go on with the chat of `token`; messages after ordinal `seen` are sent again."""

    token: Token
    seen: Ordinal = 0


class Choose(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="choose"):
    """The customer takes a next step that was offered: before a chat begins, if it was turned away, or while it waits.

    `number`: to call, of a callback. `email`: where the answer goes, of a form or mail. `text`: instead of what the chat began
    with.
    """

    kind: StepKind
    to: Name | None = None
    number: Annotated[str, msgspec.Meta(max_length=60)] | None = None
    email: Annotated[str, msgspec.Meta(max_length=254)] | None = None
    text: Text | None = None


ClientFrame = Start | Post | Typing | Read | Leave | Resume | Choose


# -- server → client --------------------------------------------------------------------------------------------------------


class Started(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="started"):
    """The chat stands in the journal. Keep `token`; `ordinal` is the newest message there is (after a resume)."""

    contact: str
    token: str
    resumed: bool = False
    ordinal: int = 0


class Queued(msgspec.Struct, frozen=True, tag_field="type", tag="queued"):
    """Waiting in `queue`: at first, and again after a transfer."""

    queue: str


class AgentJoined(msgspec.Struct, frozen=True, tag_field="type", tag="agent_joined"):
    """An agent is connected."""

    name: str | None = None


class Told(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="message"):
    """A message at its place in the conversation (`ordinal` from 1, no gaps). `text` is null if it was erased."""

    ordinal: int
    author: Literal["customer", "agent", "system"]
    text: str | None
    message: str
    at_ms: int


class Notice(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="notice"):
    """Something that everybody who waits is told. It is no message of the conversation; `text` is null if it was erased."""

    text: str | None
    at_ms: int


class Receipt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="receipt"):
    """How far the customer's message came: stored (durable), relayed (in the conversation, at `ordinal`), delivered, read."""

    message: str
    state: State
    client_id: str | None = None
    ordinal: int | None = None


class AgentTyping(msgspec.Struct, frozen=True, tag_field="type", tag="typing"):
    """The agent is typing."""

    author: Author = "agent"


class Wait(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type", tag="wait"):
    """What to expect while queued; never raised within one stay in a queue."""

    expected_ms: int | None = None
    position: int | None = None


class Ended(msgspec.Struct, frozen=True, tag_field="type", tag="ended"):
    """The chat is over: completed, abandoned, cancelled, failed …. The server closes with 1000."""

    reason: str


class Step(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that can be done: callback, queue, voicemail, form, mail, or to be told (message). `url`: of a form, the path of
    its page; who fills that in has chosen it."""

    kind: str
    to: str | None = None
    url: str | None = None


class Steps(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="next_steps"):
    """Nobody can help: one of these can be chosen until `until_ms`; then the customer is told `told`."""

    steps: tuple[Step, ...]
    until_ms: int
    told: str = ""


class Taken(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="next_step"):
    """What was chosen, by the customer, or (`time`) because nobody chose. `due_ms`: when they are called; `manage` and `calendar`:
    paths by which they move or cancel that call, and put it into a calendar. `recording`: of a voicemail, the path to which what
    they say is posted."""

    kind: str
    by: str
    to: str | None = None
    told: str = ""
    due_ms: int | None = None
    recording: str | None = None
    manage: str | None = None
    calendar: str | None = None


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="error"):
    """What the client sent was not done. `reason` is a stable word, `message` is for people."""

    reason: str
    message: str
    client_id: str | None = None
    retry_after_ms: int | None = None
    next_steps: Steps | None = None
    """What can be done instead of a chat that was turned away."""


ServerFrame = Started | Queued | AgentJoined | Told | Notice | Receipt | AgentTyping | Wait | Ended | Steps | Taken | Problem

_client: msgspec.json.Decoder[ClientFrame] = msgspec.json.Decoder(ClientFrame)
_encoder = msgspec.json.Encoder()


def decode(frame: str | bytes) -> ClientFrame:
    """A client's frame. Raises InvalidInput with reason `too_large`, `bad_json` or `bad_message`."""
    data = frame.encode("utf-8", "surrogatepass") if isinstance(frame, str) else frame
    if len(data) > FRAME_MAX:
        raise InvalidInput(f"the frame has {len(data)} bytes, {FRAME_MAX} are allowed", reason="too_large")
    try:
        return _client.decode(data)
    except msgspec.ValidationError as error:
        raise InvalidInput(str(error), reason="bad_message") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(str(error), reason="bad_json") from None
    except RecursionError:
        raise InvalidInput("nested too deeply", reason="bad_json") from None


def encode(frame: ServerFrame) -> str:
    """A server's frame as it goes over the wire."""
    return _encoder.encode(frame).decode()


def schema() -> dict[str, Any]:
    """JSON Schema of both directions: `{"client": …, "server": …, "$defs": …}`."""
    (client, server), components = msgspec.json.schema_components([ClientFrame, ServerFrame], ref_template="#/$defs/{name}")
    return {"client": client, "server": server, "$defs": components}
