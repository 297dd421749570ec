"""One WebSocket: reads frames and does what they ask, writes replies and the journal's lines.

It holds no text but what is on its way. A reader and a writer run side by side; whichever has a reason to end the socket raises
SocketEnded.
"""

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Callable, Sequence

from cordboard.errors import CordboardError, InvalidInput
from cordboard.events.bounds import ID_BYTES
from cordboard.gateway.chat import protocol
from cordboard.gateway.chat.chat import Chat
from cordboard.gateway.chat.choosers import TooManyChoosing
from cordboard.gateway.chat.conversations import (
    Conversation,
    EndedLine,
    JoinedLine,
    Line,
    MessageLine,
    NoticeLine,
    QueuedLine,
    StepsLine,
    TakenLine,
)
from cordboard.gateway.chat.frames import steps_frame, taken_frame, waiting_frames
from cordboard.gateway.chat.next_steps import TurnedAway
from cordboard.gateway.chat.ports import AgentSide, Socket, SocketEnded, first_of
from cordboard.gateway.limits import RECORDING, TokenBucket
from cordboard.next_steps import Choice

logger = logging.getLogger(__name__)

_LINES_AT_ONCE = 32
_OUTSTANDING = 64
_LATER = ("overloaded", "not_ready", "log_unavailable", "vault_unavailable", "outcome_unknown")


class Session:
    """`run` serves the socket to its end."""

    def __init__(self, socket: Socket, chat: Chat, agent_side: AgentSide, client: str = "") -> None:
        """`client`: the network address from which the customer comes."""
        limits = chat.limits
        self._client = client
        self._socket = socket
        self._chat = chat
        self._agent_side = agent_side
        self._limits = limits
        self._frames = TokenBucket(limits.frames_per_s, limits.frames_burst)
        self._typing = TokenBucket(1.0 / limits.typing_every_s, 1)
        self._bad = 0
        self._replies: deque[protocol.ServerFrame] = deque()
        self._news = asyncio.Event()
        self._ending: SocketEnded | None = None
        self._conversation: Conversation | None = None
        self._turned_away: bytes | None = None
        self._choosing = False
        self._unwatch: Callable[[], None] = _nothing
        self._place = 0
        self._behind = True
        self._sent: dict[bytes, str] = {}
        self._expected_ms: int | None = None

    # -- called from the fold and from whispers -------------------------------------------------------------------------

    def wake(self) -> None:
        """There are new lines. A client that was up to date and is now too far behind is too slow."""
        conversation = self._conversation
        if conversation is not None and not self._behind and len(conversation.lines) - self._place > self._limits.lag_lines:
            self.close(1013, "too slow, resume later")
        self._news.set()

    def close(self, code: int, reason: str) -> None:
        if self._ending is None:
            self._ending = SocketEnded(code, reason)
        self._news.set()

    def say(self, frame: protocol.ServerFrame) -> None:
        """Send this soon, ahead of lines that are not on their way yet."""
        if len(self._replies) >= self._limits.replies:
            self.close(1013, "too slow, resume later")
            return
        self._replies.append(frame)
        self._news.set()

    def hint(self, frame: protocol.ServerFrame) -> None:
        """Send this soon, if there is room: a lost hint is no loss, and however many come, they end no socket."""
        if len(self._replies) < self._limits.replies // 2:
            self.say(frame)

    def expect(self, expected_ms: int | None) -> None:
        """The expected wait as the boards have it, told if it is shorter than what was said in this visit, and only where the
        router itself says nothing."""
        conversation = self._conversation
        waiting = conversation is not None and conversation.queue is not None and conversation.said_ms is None
        if waiting and expected_ms is not None and (self._expected_ms is None or expected_ms < self._expected_ms):
            self._expected_ms = expected_ms
            self.say(protocol.Wait(expected_ms=expected_ms))

    @property
    def conversation(self) -> Conversation | None:
        return self._conversation

    # -- life -----------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Returns when the socket is closed, by whichever side. A defect here ends this socket (1011) and no other."""
        ended = SocketEnded(1011, "internal error")
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._read())
                group.create_task(self._write())
        except* SocketEnded as group_ended:
            ended = first_of(group_ended)
        except* Exception as failures:
            logger.error("a chat session failed", exc_info=failures)
        finally:
            self._unwatch()
            if self._conversation is not None:
                self._chat.detach(self._conversation, self)
        if ended.code is not None:
            await self._close(ended.code, ended.reason)

    async def _close(self, code: int, reason: str) -> None:
        try:
            async with asyncio.timeout(1.0):
                await self._socket.close(code, reason)
        except TimeoutError:
            logger.info("a chat socket did not take its close frame")

    # -- reading --------------------------------------------------------------------------------------------------------

    async def _read(self) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            frame = await self._receive()
            if not self._frames.take(clock()):
                self._refuse("rate_limited", "too many frames, slow down", retry_after_ms=1_000)
                continue
            try:
                await self._do(protocol.decode(frame))
            except InvalidInput as error:
                self._refuse(error.reason, str(error))

    async def _receive(self) -> str | bytes:
        try:
            async with asyncio.timeout(self._patience_s()):
                frame = await self._socket.receive()
        except TimeoutError:
            raise SocketEnded(1008, "neither started nor resumed") from None
        if frame is None:
            raise SocketEnded(None)
        return frame

    def _patience_s(self) -> float | None:
        """How long a client may be silent: as long as it likes in a chat, and as long as its customer may choose before one."""
        if self._conversation is not None:
            return None
        choosing_s = 0.0 if self._turned_away is None else self._chat.steps.choosers.open_s(self._turned_away)
        return self._limits.idle_s + choosing_s

    async def _do(self, frame: protocol.ClientFrame) -> None:
        client_id = frame.client_id if isinstance(frame, protocol.Start | protocol.Post) else None
        try:
            if isinstance(frame, protocol.Start | protocol.Resume):
                await self._begin(frame)
            elif isinstance(frame, protocol.Choose):
                await self._choose(frame)
            elif self._conversation is None:
                raise InvalidInput("start or resume first", reason="not_started")
            else:
                await self._go_on(frame, self._conversation)
        except InvalidInput as error:
            self._refuse(error.reason, str(error), client_id)
        except TurnedAway as error:
            self._lead_on(error.contact)
            steps = steps_frame(error.offered)
            self.say(protocol.Problem(reason=error.reason, message=str(error), client_id=client_id, next_steps=steps))
        except CordboardError as error:
            later = self._limits.retry_after_ms if error.reason in _LATER else None
            if isinstance(error, TooManyChoosing):
                later = error.retry_after_ms
            self.say(protocol.Problem(reason=error.reason, message=str(error), client_id=client_id, retry_after_ms=later))

    async def _begin(self, frame: protocol.Start | protocol.Resume) -> None:
        if self._conversation is not None:
            raise InvalidInput("this socket serves a chat already", reason="already_started")
        if isinstance(frame, protocol.Start):
            conversation, posted = await self._chat.start(frame, self._client)
            self._lead_on(None)
            self._sent[posted.message] = frame.client_id
            self._say_started(conversation, resumed=False)
            self.say(protocol.Receipt(client_id=frame.client_id, message=posted.message.hex(), state="stored"))
        else:
            conversation = await self._chat.resume(frame.token)
            self._place, standing = conversation.resume(frame.seen)
            self._say_started(conversation, resumed=True)
            if isinstance(standing, QueuedLine):
                for told in waiting_frames(standing):
                    self.say(told)
            elif standing is not None:
                self.say(protocol.AgentJoined((await self._names([standing])).get(standing.agent)))
            self._say_open_steps(conversation)
        self._conversation = conversation
        self._chat.attach(conversation, self)
        self._news.set()

    def _say_started(self, conversation: Conversation, *, resumed: bool) -> None:
        contact = conversation.contact
        token = self._chat.keys.token(contact)
        self.say(protocol.Started(contact=contact.hex(), token=token, resumed=resumed, ordinal=conversation.ordinal))

    def _say_open_steps(self, conversation: Conversation) -> None:
        """What the customer may still choose, unless a later line says it."""
        choice = self._chat.steps.fold.get(conversation.contact)
        if choice is not None and choice.open and StepsLine() not in conversation.lines[self._place :]:
            self.say(steps_frame(self._chat.steps.shown(choice)))

    def _lead_on(self, contact: bytes | None) -> None:
        """This one was turned away, and its customer chooses on this socket; None: nobody does any more."""
        self._unwatch()
        self._turned_away = contact
        self._unwatch = _nothing if contact is None else self._chat.steps.choosers.watch(contact, self._is_over)

    def _is_over(self, choice: Choice) -> None:
        """Time is up, or it was chosen elsewhere."""
        if choice.taken is not None and choice.by is not None and not self._choosing:
            self.say(self._taken(choice.contact, choice.taken.kind, choice.taken.to, choice.by))

    def _taken(self, contact: bytes, kind: str, to: str | None, by: str) -> protocol.Taken:
        choice = self._chat.steps.fold.get(contact)
        offered = None if choice is None else self._chat.steps.shown(choice)
        call = None if choice is None else self._chat.steps.call_link(choice)
        recording = f"{RECORDING}/{self._chat.keys.link_token(contact, 'recorder')}"
        return taken_frame(kind, to, by, choice, offered, recording, call)

    async def _choose(self, frame: protocol.Choose) -> None:
        """Instead of a chat that was turned away, or of waiting on."""
        contact = self._turned_away if self._conversation is None else self._conversation.contact
        if contact is None:
            raise InvalidInput("there is nothing to choose", reason="no_next_step")
        self._choosing = True
        try:
            choice, conversation = await self._chat.choose(contact, frame)
        except CordboardError:
            over = self._chat.steps.fold.get(contact)
            if contact == self._turned_away and over is not None and over.taken is not None and over.by == "time":
                # Time was up meanwhile, and nothing was said of it.
                self.say(self._taken(contact, over.taken.kind, over.taken.to, "time"))
            raise
        finally:
            self._choosing = False
        if self._conversation is not None:
            return  # the journal's line says it
        assert choice.taken is not None
        self.say(self._taken(contact, choice.taken.kind, choice.taken.to, "customer"))
        if conversation is not None:
            self._lead_on(None)
            self._say_started(conversation, resumed=False)
            self._conversation = conversation
            self._chat.attach(conversation, self)
            self._news.set()

    async def _go_on(
        self, frame: protocol.Post | protocol.Typing | protocol.Read | protocol.Leave, conversation: Conversation
    ) -> None:
        match frame:
            case protocol.Post():
                await self._post(frame, conversation)
            case protocol.Typing():
                if conversation.agent is not None and self._typing.take(asyncio.get_running_loop().time()):
                    await self._agent_side.typing(conversation.contact)
            case protocol.Read(message=text):
                line = conversation.messages.get(bytes.fromhex(text))
                if line is None or line.author != "agent":
                    raise InvalidInput("the agent sent no such message", reason="unknown_message")
                await self._agent_side.received(conversation.contact, line.message, "read")
            case protocol.Leave():
                if conversation.ended is None:
                    self._chat.departures.leave(conversation.contact)

    async def _post(self, frame: protocol.Post, conversation: Conversation) -> None:
        client_id = frame.client_id
        if conversation.ordinal >= self._limits.messages:
            raise InvalidInput("this chat has too many messages", reason="too_many_messages")
        if len(self._sent) >= _OUTSTANDING:
            raise InvalidInput("too many messages on their way", reason="rate_limited")

        def refused(reason: str) -> None:
            self._sent.pop(message, None)
            self.say(protocol.Problem(reason=reason, message="the message was not relayed", client_id=client_id))

        message = secrets.token_bytes(ID_BYTES)
        self._sent[message] = client_id
        try:
            posted = await self._chat.post(conversation.contact, client_id, frame.text, message=message, refused=refused)
        except BaseException:
            self._sent.pop(message, None)
            raise
        if posted.message != message:  # sent before, under another reference
            self._sent.pop(message, None)
            if posted.ordinal is None:
                self._sent[posted.message] = client_id
            else:
                self._say_relayed(client_id, posted.message, posted.ordinal)
                return
        # If the journal's line was faster than the log's ack, `relayed` has been said, and says more.
        if posted.message in self._sent:
            self.say(protocol.Receipt(client_id=client_id, message=posted.message.hex(), state="stored"))

    def _say_relayed(self, client_id: str, message: bytes, ordinal: int) -> None:
        self.say(protocol.Receipt(client_id=client_id, message=message.hex(), state="relayed", ordinal=ordinal))

    def _refuse(self, reason: str, message: str, client_id: str | None = None, retry_after_ms: int | None = None) -> None:
        self.say(protocol.Problem(reason=reason, message=message, client_id=client_id, retry_after_ms=retry_after_ms))
        self._bad += 1
        if self._bad >= self._limits.bad_frames:
            self.close(1008, "too many bad frames")

    # -- writing --------------------------------------------------------------------------------------------------------

    async def _write(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            try:
                while await self._write_some():
                    pass
            except CordboardError as error:  # the vault does not answer: the lines stay, so a resume goes on from here
                raise SocketEnded(1013, f"{error.reason}, resume later") from error

    async def _write_some(self) -> bool:
        """Everything that was to be said, then some lines; False if there are none left."""
        while self._replies:
            await self._send(self._replies.popleft())
        if self._ending is not None:
            raise self._ending
        conversation = self._conversation
        lines = conversation.lines[self._place : self._place + _LINES_AT_ONCE] if conversation is not None else []
        if conversation is None or not lines:
            self._behind = conversation is None
            return False
        names = await self._names(lines)
        texts = await self._texts(lines)
        for line in lines:
            await self._write_line(conversation, line, names, texts)
            self._place += 1
        return True

    async def _write_line(self, conversation: Conversation, line: Line, names: dict[bytes, str], texts: dict[bytes, str]) -> None:
        match line:
            case QueuedLine():
                self._expected_ms = None
                for frame in waiting_frames(line):
                    await self._send(frame)
            case JoinedLine(agent=agent):
                await self._send(protocol.AgentJoined(names.get(agent)))
            case MessageLine() if (client_id := self._sent.pop(line.message, None)) is not None:
                receipt = protocol.Receipt(client_id=client_id, message=line.message.hex(), state="relayed", ordinal=line.ordinal)
                await self._send(receipt)
            case MessageLine(ordinal=ordinal, author=author, message=message, at_ms=at_ms):
                text = texts.get(message)
                await self._send(protocol.Told(ordinal=ordinal, author=author, text=text, message=message.hex(), at_ms=at_ms))
                if author == "agent":
                    await self._agent_side.received(conversation.contact, message, "delivered")
            case NoticeLine(message=message, at_ms=at_ms):
                await self._send(protocol.Notice(text=texts.get(message), at_ms=at_ms))
            case StepsLine() if (choice := self._chat.steps.fold.get(conversation.contact)) is not None and choice.open:
                await self._send(steps_frame(self._chat.steps.shown(choice)))
            case TakenLine(kind=kind, to=to, by=by):
                await self._send(self._taken(conversation.contact, kind, to, by))
            case EndedLine(reason=reason):
                await self._send(protocol.Ended(reason))
                raise SocketEnded(1000, "ended")

    async def _texts(self, lines: list[Line]) -> dict[bytes, str]:
        refs = [line.message for line in lines if isinstance(line, MessageLine | NoticeLine) and line.message not in self._sent]
        contents = await self._chat.vault.read(refs) if refs else {}
        return {ref: content.text for ref, content in contents.items()}

    async def _names(self, lines: Sequence[Line]) -> dict[bytes, str]:
        refs = [line.agent for line in lines if isinstance(line, JoinedLine)]
        people = await self._chat.vault.agents(refs) if refs else {}
        # Without a name to show, a person is known by their login, which is not for customers.
        return {ref: person.name for ref, person in people.items() if person.name != person.person}

    async def _send(self, frame: protocol.ServerFrame) -> None:
        try:
            async with asyncio.timeout(self._limits.send_s):
                await self._socket.send(protocol.encode(frame))
        except TimeoutError:
            raise SocketEnded(1013, "too slow, resume later") from None
        except ConnectionError:
            raise SocketEnded(None) from None


def _nothing() -> None:
    """Nobody is watched."""
