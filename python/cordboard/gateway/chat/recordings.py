"""What customers say into a voicemail: they chose it in the chat, and send the recording by the link that came with the choice.

The recording is a file of a message in the contact that follows: stored, shown and erased as every file that customers send.
"""

import asyncio
import secrets
from collections.abc import Callable, Collection, Sequence
from typing import Any

from litestar import Request, Response, post, route
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from cordboard import codec, metrics
from cordboard.errors import Conflict, CordboardError, FactRefused, InvalidInput, NotFound
from cordboard.events.bounds import ID_BYTES
from cordboard.events.fact import MessagePosted
from cordboard.gateway.answers import Answers
from cordboard.gateway.chat.tokens import ChatKeys
from cordboard.gateway.limits import RECORDING, RECORDING_MAX, Limits, TokenBuckets
from cordboard.gateway.posts import HEADERS, Admitted, body_of, client_of, is_own, refuse, refuse_http, refuse_with
from cordboard.next_steps import NextSteps
from cordboard.room import Room
from cordboard.vault import Attachment, Content, Draft, Vault
from cordboard.vault.intake import Intake

VOICEMAIL = "voicemail"
_SHAPES: dict[str, tuple[str, tuple[tuple[int, bytes], ...]]] = {
    "audio/ogg": ("ogg", ((0, b"OggS"),)),
    "audio/webm": ("webm", ((0, b"\x1a\x45\xdf\xa3"),)),
    "audio/mp4": ("m4a", ((4, b"ftyp"),)),
    "audio/x-m4a": ("m4a", ((4, b"ftyp"),)),
    "audio/mpeg": ("mp3", ((0, b"ID3"), (0, b"\xff\xfb"), (0, b"\xff\xf3"), (0, b"\xff\xf2"))),
    "audio/wav": ("wav", ((0, b"RIFF"),)),
    "audio/x-wav": ("wav", ((0, b"RIFF"),)),
}
"""By media type: the ending of the file's name, and how such files begin (one of these, at this place)."""


class Recordings:
    """Those of one gateway's chats. `steps` is the fold that knows who chose what."""

    def __init__(
        self,
        name: str,
        vault: Vault,
        keys: ChatKeys,
        steps: NextSteps,
        answers: Answers,
        intake: Callable[[], Intake],
        within_s: float,
    ) -> None:
        self._name, self._vault, self._keys, self._steps, self._answers = name, vault, keys, steps, answers
        self._intake, self._within_s = intake, within_s

    async def keep(self, token: str, media_type: str, data: bytes) -> bytes:
        """The contact that the recording belongs to, once it is durable and the router has it. The same one again is the same.

        Raises NotFound (nobody chose to leave one, or long ago), InvalidInput (no recording), Conflict (there is another one),
        FactRefused (`contact_gone`), OutcomeUnknown, Overloaded, LogUnavailable, VaultUnavailable.
        """
        contact = self._left_by(token)
        ending = _ending(media_type, data)
        message, external_id = self._keys.recording(contact, data), f"{contact.hex()}:@recording"
        before = await self._vault.find(self._name, external_id)
        fact = codec.decode_fact(before.fact) if before is not None else None
        if fact is None:
            fact = MessagePosted(fact_id=secrets.token_bytes(ID_BYTES), contact=contact, message=message, author="customer")
        if not isinstance(fact, MessagePosted) or fact.message != message:
            raise Conflict("there is a recording already", reason="recording_exists")
        draft = Draft(
            gateway=self._name,
            external_id=external_id,
            contact=contact,
            fact_id=fact.fact_id,
            fact=codec.check_fact(fact),
            contents=(Content(message, "message", ""),),
            attachments=(Attachment(secrets.token_bytes(ID_BYTES), message, f"recording.{ending}", media_type, data),),
        )
        try:
            await self._answers.decided(draft, self._intake(), self._within_s)
        except FactRefused:
            await self._vault.withdraw(contact, message)
            raise
        return contact

    def _left_by(self, token: str) -> bytes:
        """The contact that follows from the choice of a token's owner."""
        chooser = self._keys.linked(token, "recorder")
        choice = None if chooser is None else self._steps.get(chooser)
        taken = None if choice is None else choice.taken
        if taken is None or taken.kind != VOICEMAIL or taken.successor is None:
            raise NotFound("nobody left a voicemail by this link, or long ago", reason="unknown_voicemail")
        return taken.successor


def recording_routes(
    recordings: Recordings, limits: Limits, origins: Collection[str], *, behind_proxy: bool
) -> Sequence[HTTPRouteHandler]:
    """`/chat/recording/<token>`."""
    bodies, buckets = Room(limits.recordings), TokenBuckets(limits.posts_per_s, limits.posts_burst)

    def cors(request: Request[Any, Any, Any]) -> dict[str, str] | None:
        """None: pages of this origin send nothing."""
        origin = request.headers.get("origin")
        if origin is None:
            return {"vary": "origin"}
        allowed = origin in origins or is_own(origin, request.headers.get("host"))
        return {"vary": "origin", "access-control-allow-origin": origin} if allowed else None

    async def kept(token: str, request: Request[Any, Any, Any]) -> Response[Any]:
        if not buckets.take(client_of(request, behind_proxy=behind_proxy), asyncio.get_running_loop().time()):
            metrics.REFUSED.labels(VOICEMAIL, "rate_limited").inc()
            return refuse_with(429, "rate_limited", "too many from one address, slow down", limits.retry_after_ms)
        try:
            with metrics.admission(VOICEMAIL), bodies.place():
                data = await body_of(request)
                media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
                contact = await recordings.keep(token, media_type, data)
        except NotARecording as error:
            return refuse_with(415, error.reason, str(error))
        except (Conflict, FactRefused) as error:
            return refuse_with(409, error.reason, str(error))
        except CordboardError as error:
            return refuse(error, limits.retry_after_ms)
        return Response(Admitted(contact.hex()), status_code=201, headers=dict(HEADERS))

    @post(
        RECORDING + "/{token:str}",
        status_code=201,
        request_max_body_size=RECORDING_MAX,
        exception_handlers={HTTPException: refuse_http},
        summary="What is said into a voicemail that was chosen in the chat: one recording, by the link that came with the choice",
    )
    async def recording(token: FromPath[str], request: Request[Any, Any, Any]) -> Response[Any]:
        headers = cors(request)
        if headers is None:
            return refuse_with(403, "origin_not_allowed", "pages of this origin send no recordings")
        response = await kept(token, request)
        response.headers.update(headers)
        return response

    @route(RECORDING + "/{token:str}", http_method="OPTIONS", sync_to_thread=False, include_in_schema=False)
    def asked_beforehand(token: FromPath[str], request: Request[Any, Any, Any]) -> Response[Any]:  # noqa: ARG001 - of the path
        headers = cors(request)
        if headers is None:
            return Response(b"", status_code=403, headers={"vary": "origin"})
        allowed = {"access-control-allow-methods": "POST", "access-control-allow-headers": "content-type"}
        return Response(b"", status_code=204, headers=headers | allowed | {"access-control-max-age": "600"})

    return [asked_beforehand, recording]


class NotARecording(InvalidInput):
    """Of no type that is taken, or not what its type says."""

    reason = "not_a_recording"


def _ending(media_type: str, data: bytes) -> str:
    ending, begins = _SHAPES.get(media_type, ("", ()))
    if not any(data[place : place + len(mark)] == mark for place, mark in begins):
        raise NotARecording(f"a recording is of {', '.join(_SHAPES)}, and begins as such a file does")
    return ending
