"""Web chat: outside → facts. What a session asks for becomes durable here, in vault and log, before anything is confirmed.

Texts and names go to the vault, only references to the log. Not here: the sockets themselves (session.py), who left
(departures.py), what the journal says (conversations.py).
"""

import asyncio
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import msgspec

from cordboard import codec, metrics
from cordboard.errors import FactRefused, NotFound, OutcomeUnknown, Overloaded
from cordboard.events.bounds import ID_BYTES
from cordboard.events.fact import ContactArrived, MessagePosted
from cordboard.events.verdict import Refused, Verdict
from cordboard.gateway.answers import Answers
from cordboard.gateway.chat.conversations import Conversation, Conversations
from cordboard.gateway.chat.departures import Departures
from cordboard.gateway.chat.forms import ChatForms
from cordboard.gateway.chat.next_steps import FIRST, Calls, ChatSteps
from cordboard.gateway.chat.protocol import Choose, Start
from cordboard.gateway.chat.recordings import Recordings
from cordboard.gateway.chat.tokens import ChatKeys
from cordboard.gateway.chat.verdicts import Verdicts
from cordboard.gateway.entrance.sorting import classify
from cordboard.gateway.limits import Limits
from cordboard.gateway.policy_view import PolicyView
from cordboard.log.port import Backlog
from cordboard.next_steps import Choice
from cordboard.policy.classify import Signals
from cordboard.room import Room
from cordboard.vault import Content, Draft, Vault
from cordboard.vault.intake import Intake
from cordboard.vault.refs import content_ref

CHANNEL = "chat"


class Attached(Protocol):
    """A socket that serves a conversation."""

    def wake(self) -> None:
        """There are new lines."""

    def close(self, code: int, reason: str) -> None:
        """Close it soon."""


@dataclass(frozen=True, slots=True)
class Posted:
    """A customer's message that is durable: its reference, and its ordinal if the journal has it in the conversation already."""

    message: bytes
    ordinal: int | None


class Chat:
    """The chats of one gateway process. Its owner attaches `apply` to the feed, and opens it when the feed has caught up."""

    def __init__(
        self,
        name: str,
        vault: Vault,
        keys: ChatKeys,
        policy: PolicyView,
        limits: Limits,
        grace_s: float,
        take_ticket: Callable[[str, str, str], bool],
        answers: Answers,
        calls: Calls | None = None,
    ) -> None:
        """`take_ticket`: whether a ticket promises a place at an entry point to who starts with this client id."""
        self._take_ticket = take_ticket
        self.keys = keys
        self.limits = limits
        self.policy = policy
        self.vault = vault
        self.verdicts = Verdicts()
        self.conversations = Conversations(CHANNEL, keys.owns, limits, self._changed)
        self.departures = Departures(grace_s, self.verdicts)
        self.steps = ChatSteps(name, vault, keys, policy, self.verdicts, calls, limits.choices_a_client)
        self.recordings = Recordings(name, vault, keys, self.steps.fold, answers, self._open_intake, limits.verdict_s)
        self.forms = ChatForms(name, vault, self.steps, answers, self._open_intake, limits.verdict_s)
        self._name = name
        self._starting = Room(limits.starts, limits.patience_s)
        self._sockets: dict[bytes, Attached] = {}
        self._appearing: dict[bytes, set[asyncio.Event]] = {}
        self._serving = asyncio.Event()
        self._intake: Intake | None = None
        self._backlog: Callable[[], Backlog] | None = None

    # -- life -----------------------------------------------------------------------------------------------------------

    def open(self, intake: Intake, backlog: Callable[[], Backlog]) -> None:
        """Serve. Chats of an earlier life are abandoned from here on, unless their customers come back in time."""
        self._intake, self._backlog = intake, backlog
        self._serving.set()
        for conversation in self.conversations.live():
            if conversation.contact not in self._sockets:
                self.departures.gone(conversation.contact)

    @property
    def serving(self) -> bool:
        return self._serving.is_set()

    def close(self) -> None:
        """Take no more, abandon nobody, send every client away: they resume here after the restart."""
        self._serving.clear()
        self.departures.close()
        for socket in list(self._sockets.values()):
            socket.close(1012, "restarting")

    # -- sockets --------------------------------------------------------------------------------------------------------

    def attach(self, conversation: Conversation, socket: Attached) -> None:
        """`socket` serves the conversation from now on; another one that did is sent away."""
        previous = self._sockets.get(conversation.contact)
        self._sockets[conversation.contact] = socket
        self.departures.back(conversation.contact)
        if previous is not None and previous is not socket:
            previous.close(4001, "resumed elsewhere")

    def detach(self, conversation: Conversation, socket: Attached) -> None:
        """`socket` is closed: the grace time begins, unless another one serves the chat."""
        if self._sockets.get(conversation.contact) is socket:
            del self._sockets[conversation.contact]
            if conversation.ended is None and self.serving:
                self.departures.gone(conversation.contact)

    def socket(self, contact: bytes) -> Attached | None:
        return self._sockets.get(contact)

    def waiting(self) -> list[tuple[Conversation, Attached]]:
        """Chats in a queue, with their sockets."""
        found = ((self.conversations.get(contact), socket) for contact, socket in self._sockets.items())
        return [(conversation, socket) for conversation, socket in found if conversation is not None and conversation.queue]

    # -- customers ------------------------------------------------------------------------------------------------------

    async def start(self, frame: Start, client: str = "") -> tuple[Conversation, Posted]:
        """A chat whose arrival and first message are durable, accepted by the router and seen in the journal.

        The same client id gives the same chat. `client`: the network address from which it comes. Raises CordboardError; nothing
        was written if the mistake is the client's or the router is too far behind, and `outcome_unknown` or `log_unavailable`
        mean: try again with the same client id.
        """
        with metrics.admission(CHANNEL):
            return await self._start(frame, client)

    async def _start(self, frame: Start, client: str) -> tuple[Conversation, Posted]:
        draft = self._arrival(frame)
        with self._starting.place():
            intake = await self._room_for(draft.external_id, client)
            verdict = self.verdicts.future(draft.contact, draft.fact_id)
            try:
                acceptance = await intake.submit(draft)
                posted = await self.post(acceptance.contact, FIRST, frame.text, message=secrets.token_bytes(ID_BYTES))
                if acceptance.fresh:
                    await self._accepted(verdict)
            finally:
                verdict.cancel()
            if self.conversations.get(acceptance.contact) is None:
                self.steps.refuse(acceptance.contact, client)
            return await self._appearance(acceptance.contact), posted

    async def post(
        self, contact: bytes, client_id: str, text: str, *, message: bytes, refused: Callable[[str], None] | None = None
    ) -> Posted:
        """The customer's message, durable, under the new reference `message`; the same client id is the same message (under its
        first reference). `refused` hears the router's reason if it will not be relayed. Raises CordboardError."""
        intake = self._open_intake()
        fact_id = secrets.token_bytes(ID_BYTES)
        fact = MessagePosted(fact_id=fact_id, contact=contact, message=message, author="customer")
        draft = Draft(
            gateway=self._name,
            external_id=f"{contact.hex()}:{client_id}",
            contact=contact,
            fact_id=fact_id,
            fact=codec.check_fact(fact),
            customer=None,
            contents=(Content(ref=message, kind="message", text=text),),
        )

        def hear(verdict: Verdict) -> None:
            if isinstance(verdict, Refused) and refused is not None:
                refused(verdict.reason)

        drop = self.verdicts.expect(contact, fact_id, hear)
        fresh = False
        try:
            acceptance = await intake.submit(draft)
            fresh = acceptance.fresh
        finally:
            if not fresh:
                drop()
        first = codec.decode_fact(acceptance.fact)
        assert isinstance(first, MessagePosted)
        conversation = self.conversations.get(contact)
        line = conversation.messages.get(first.message) if conversation is not None else None
        return Posted(first.message, line.ordinal if line is not None else None)

    async def choose(self, contact: bytes, frame: Choose) -> tuple[Choice, Conversation | None]:
        """The customer takes a next step: what became of it, and the chat that goes on if it was turned away before. Raises as
        `ChatSteps.choose`."""
        choice = await self.steps.choose(self._open_intake(), contact, frame, self.limits.verdict_s)
        assert choice.taken is not None
        successor = choice.taken.successor
        if choice.taken.kind != "queue" or successor is None or successor == contact:
            return choice, None
        return choice, await self._appearance(successor)

    async def resume(self, token: str) -> Conversation:
        """The conversation of a token. Raises NotFound: nobody's token, or the chat ended long ago."""
        try:
            async with asyncio.timeout(self.limits.verdict_s):
                await self._serving.wait()
        except TimeoutError:
            raise Overloaded("still reading the journal", reason="not_ready") from None
        contact = self.keys.contact_of(token)
        conversation = self.conversations.get(contact) if contact is not None else None
        if conversation is None:
            raise NotFound("this chat is over, or never was", reason="unknown_contact")
        return conversation

    # -- inside ---------------------------------------------------------------------------------------------------------

    def _arrival(self, frame: Start) -> Draft:
        contact, fact_id = self.keys.new_contact(), secrets.token_bytes(ID_BYTES)
        fact = self._placed(frame, contact, fact_id)
        door = None if frame.entry_point is None else self.policy.entry_point(frame.entry_point, CHANNEL)
        # The place is in the queue whose door was open: neither a rule nor the client makes it one in another.
        if frame.ticket is not None and door is not None and fact.queue == door.queue:
            ticket = self._take_ticket(frame.ticket, door.name, frame.client_id)
            fact = msgspec.structs.replace(fact, ticket=ticket)
        contents: tuple[Content, ...] = ()
        if frame.name is not None:
            customer = json.dumps({"kind": CHANNEL, "address": frame.name}, ensure_ascii=False)
            contents = (Content(ref=content_ref(contact, "customer"), kind="customer", text=customer),)
        return Draft(
            gateway=self._name,
            external_id=self.keys.start_id(frame.client_id),
            contact=contact,
            fact_id=fact_id,
            fact=codec.check_fact(fact),
            customer=None,
            contents=contents,
        )

    def _placed(self, frame: Start, contact: bytes, fact_id: bytes) -> ContactArrived:
        """In the queue that the start names, or else where the policy's rules put its entry point and text. Raises NotFound."""
        self.policy.channel(CHANNEL)
        if frame.entry_point is not None:
            # Checked even beside a queue: whatever stands in it goes into the journal, where nothing can be erased.
            self.policy.entry_point(frame.entry_point, CHANNEL)
        requirements = self.policy.requirements(frame.language)
        if frame.queue is not None:
            queue = self.policy.queue(frame.queue)
            return ContactArrived(
                fact_id, contact, CHANNEL, queue, requirements, entry_point=frame.entry_point, language=frame.language
            )
        signals = Signals(channel=CHANNEL, entry_point=frame.entry_point, text=frame.text, language=frame.language)
        found = classify(self.policy, signals)
        return ContactArrived(
            fact_id,
            contact,
            CHANNEL,
            found.queue,
            found.requirements,
            found.priority,
            entry_point=frame.entry_point,
            topic=found.topic,
            rule=found.rule,
            language=found.language,
        )

    async def _room_for(self, external_id: str, client: str) -> Intake:
        """Raises Overloaded for new chats when the router is too far behind or too many live, or so many from this address choose
        something else already; a repeated start is no new chat."""
        intake = self._open_intake()
        assert self._backlog is not None
        backlog = self._backlog()
        behind = backlog.frames > self.limits.backlog_frames or backlog.age_ms > self.limits.backlog_age_ms
        full = self.conversations.live_count >= self.limits.live
        crowded = self.steps.choosers.crowded(client)
        if (behind or full or crowded is not None) and await self.vault.find(self._name, external_id) is None:
            raise crowded or Overloaded("too many are asking at this moment, please try again soon")
        return intake

    def _open_intake(self) -> Intake:
        if self._intake is None or not self.serving:
            raise Overloaded("starting or stopping, please try again soon", reason="not_ready")
        return self._intake

    async def _accepted(self, verdict: "asyncio.Future[Verdict]") -> None:
        try:
            async with asyncio.timeout(self.limits.verdict_s):
                decided = await verdict
        except TimeoutError:
            raise OutcomeUnknown("stored, but not decided yet: start again with the same client_id") from None
        if isinstance(decided, Refused):
            raise FactRefused(f"the router refused: {decided.reason}", reason=decided.reason)

    async def _appearance(self, contact: bytes) -> Conversation:
        """The conversation, once the fold has it."""
        # Each waits for an event of its own: a repeated start must not take away the first one's.
        appeared = asyncio.Event()
        waiting = self._appearing.setdefault(contact, set())
        waiting.add(appeared)
        try:
            async with asyncio.timeout(self.limits.verdict_s):
                while (conversation := self.conversations.get(contact)) is None:
                    await appeared.wait()
        except TimeoutError:
            raise OutcomeUnknown("not seen in the journal: over long ago, refused, or not decided yet") from None
        finally:
            waiting.discard(appeared)
            if not waiting:
                self._appearing.pop(contact, None)
        return conversation

    def _changed(self, conversation: Conversation) -> None:
        """The fold has a new line."""
        contact = conversation.contact
        for appeared in self._appearing.get(contact, ()):
            appeared.set()
        socket = self._sockets.get(contact)
        if socket is not None:
            socket.wake()
        if conversation.ended is not None:
            self.departures.over(contact)
        elif socket is None and self.serving:
            self.departures.gone(contact)
