"""Callbacks that customers book, move and cancel by themselves. Numbers, names and texts go to the vault, references to the log.

Nothing is answered before the router has decided: what a customer is told stands in the journal.
"""

import asyncio
import hashlib
import json
import logging
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

import msgspec

from cordboard import codec, metrics
from cordboard.alternatives import LOOKED_AT_MAX, Alternatives
from cordboard.errors import CordboardError, FactRefused, InvalidInput, NotFound, Overloaded, VaultUnavailable
from cordboard.events.bounds import ID_BYTES
from cordboard.events.policy import EntryPoint
from cordboard.events.promises import (
    CallbackCancelled,
    CallbackDeclined,
    CallbackRequested,
    CallbackRescheduled,
    DeclineReason,
)
from cordboard.gateway.answers import Answers, Events
from cordboard.gateway.callbacks.tokens import Holding, ManageTokens
from cordboard.gateway.entrance.marks import ContactMarks
from cordboard.gateway.entrance.sorting import plain
from cordboard.gateway.limits import Limits, TokenBuckets
from cordboard.gateway.policy_view import PolicyView
from cordboard.log.port import Backlog, Publisher
from cordboard.missed import MissedContact, MissedContacts
from cordboard.numbers import CallableNumbers
from cordboard.promises import Promise, Promises, Slot
from cordboard.room import Room
from cordboard.vault import Acceptance, Content, Draft, Vault
from cordboard.vault.address import PHONE
from cordboard.vault.clock import now_ms
from cordboard.vault.intake import Intake
from cordboard.vault.refs import content_ref

CHANNEL = "voice"
"""By which customers are called; its entry points are those of callbacks."""
SLOTS_MAX = 1_500
"""Slots of an answer: it is made in the loop that serves the chats."""
AHEAD_HOURS = 24 * 90
"""How far ahead slots are shown at all: no policy promises anything later."""
logger = logging.getLogger(__name__)
_KINDS = ("text", "customer")
_TOO_MANY = "too many callbacks, please try again later"
"""Whether of the number or of others: who asks for another's is not told that calls are promised to it."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a customer asks for, checked. `begin_ms`: that slot or none; None: as soon as there is room."""

    number: str
    begin_ms: int | None
    name: str
    text: str


class Declined(CordboardError):
    """It cannot be promised then; `alternatives` begin at these Unix ms, the nearest first."""

    def __init__(self, queue: str, reason: DeclineReason, alternatives: list[int]) -> None:
        super().__init__("that cannot be promised", reason=reason if reason == "no_callbacks" else f"callback_{reason}")
        self.queue, self.alternatives = queue, alternatives


class TooMany(CordboardError):
    """More than one customer needs. Whose number is known here is not told apart from who asks too often."""

    reason = "rate_limited"


class Over(CordboardError):
    """The promise cannot be changed any more: `reason` says why."""


class Bookings:
    """Those of one gateway process. Its owner attaches `promises.apply`, `missed.apply`, then `answers.apply` to the feed, and
    opens it when the feed has caught up. `name` stands in the vault beside its external ids; keep it over restarts."""

    def __init__(
        self,
        name: str,
        site: str,
        vault: Vault,
        policy: PolicyView,
        numbers: CallableNumbers,
        answers: Answers,
        limits: Limits,
        clock_ms: Callable[[], int] = now_ms,
    ) -> None:
        self.name, self.site, self.policy, self.limits = name, site, policy, limits
        self.promises, self.missed, self.answers = Promises(), MissedContacts(), answers
        self.numbers = numbers
        self._vault, self._clock_ms = vault, clock_ms
        secret = vault.derive_key("callbacks")
        self.tokens = ManageTokens(secret, site)
        self._marks = ContactMarks(secret, name)
        self._room = Room(limits.letters, limits.patience_s)
        self._of_number = TokenBuckets(limits.numbers_per_s, limits.numbers_burst)
        self._of_door = TokenBuckets(limits.door_bookings_per_s, limits.door_bookings_burst)
        self._intake: Intake | None = None
        self._publisher: Publisher | None = None
        self._backlog: Callable[[], Backlog] | None = None

    def open(self, intake: Intake, publisher: Publisher, backlog: Callable[[], Backlog]) -> None:
        """Its answers are open."""
        self._intake, self._publisher, self._backlog = intake, publisher, backlog

    def close(self) -> None:
        """Take no more."""
        self._intake = None

    # -- what could be had ------------------------------------------------------------------------------------------------

    def door(self, name: str) -> tuple[EntryPoint, str]:
        """An entry point at which calls are promised, and its queue. Raises NotFound (`unknown_entry_point`), Overloaded."""
        if self._intake is None:
            raise Overloaded("still reading the journal", reason="not_ready")
        door = self.policy.door(name) if self.numbers else None
        queue = plain(self.policy, name).queue if door is not None and door.channel == CHANNEL else ""
        if door is None or self.promises.callbacks(queue) is None:
            raise NotFound("no calls are promised at such an entry point", reason="unknown_entry_point")
        return door, queue

    def zone(self, queue: str) -> ZoneInfo:
        """By whose clock its slots are shown: its calendar's, the site's, UTC."""
        policy = self.policy.in_force()
        calendar = next((one.calendar for one in policy.queues if one.name == queue), None)
        own = next((one.timezone for one in policy.calendars if one.name == calendar), "")
        return ZoneInfo(own or policy.timezone or "UTC")

    def slot_ms(self, queue: str) -> int:
        """0: the queue promises nothing any more."""
        callbacks = self.promises.callbacks(queue)
        return 0 if callbacks is None else callbacks.slot_ms

    def slots(self, queue: str, from_ms: int, hours: int) -> Iterator[Slot]:
        """Those with room from `from_ms` (Unix ms) on, for so many hours; fewer if slots are short and the first ones are full."""
        now = max(self.promises.at_ms, self._clock_ms())
        until_ms = max(from_ms, now) + hours * 3_600_000
        every = takewhile(lambda slot: slot.begin_ms < until_ms, self.promises.slots(queue, from_ms, (), now))
        return islice((slot for slot in islice(every, LOOKED_AT_MAX) if slot.room), SLOTS_MAX)

    def alternatives(self, promise: Promise) -> list[int]:
        """When slots begin that its customer may have instead."""
        return sorted(Alternatives(self.promises, self.missed, self._clock_ms()).of(promise))

    # -- promises ---------------------------------------------------------------------------------------------------------

    async def book(self, name: str, wish: Wish, key: str) -> tuple[Holding, Promise]:
        """Promise a call. The same wish with the same key is the same promise.

        Raises NotFound, Declined, TooMany, FactRefused, Overloaded, LogUnavailable, VaultUnavailable, OutcomeUnknown.
        """
        with metrics.admission("callback"), self._room.place():
            door, queue = self.door(name)
            external_id = _external_id("book", name, key, msgspec.json.encode((wish.number, wish.begin_ms, wish.name, wish.text)))
            first = await self._vault.find(self.name, external_id)
            if first is not None:
                return await self._again(external_id, first, None)
            self._check_room()
            self._check_rates(name, wish.number)
            try:
                return await self._promised(await self._draft(door, queue, wish, external_id))
            except InvalidInput as error:
                if error.reason != "unknown_customer":
                    raise
                # Erased a moment ago, and known again from now on by another reference.
                return await self._promised(await self._draft(door, queue, wish, external_id))

    async def check_number(self, door: str, given: str) -> str:
        """A number that a customer gives elsewhere, as it is dialled, if it may be called once more. Raises InvalidInput
        (`bad_number`), TooMany."""
        number = self.numbers.number(given)
        if number is None:
            raise InvalidInput("that is no number that can be called from here", reason="bad_number")
        self._check_rates(door, number)
        self._check_promises(await self._vault.customers.find(PHONE, number))
        return number

    def link(self, contact: bytes) -> str:
        """The path by which its customer looks after a promise that was made elsewhere."""
        return self.tokens.link(Holding(contact, contact, 0))

    async def _draft(self, door: EntryPoint, queue: str, wish: Wish, external_id: str) -> Draft:
        contact, fact_id = self._marks.new_contact(), secrets.token_bytes(ID_BYTES)
        customer = await self._vault.customer(PHONE, wish.number, source=self.name)
        self._check_promises(customer)
        shown = json.dumps({"kind": PHONE, "address": wish.number, "name": wish.name}, ensure_ascii=False)
        said = {"text": wish.text, "customer": shown, "number": wish.number}
        contents = tuple(Content(content_ref(contact, kind), kind, words) for kind, words in said.items() if words)
        fact = CallbackRequested(
            fact_id=fact_id,
            contact=contact,
            channel=CHANNEL,
            queue=queue,
            wish_ms=self._clock_ms() if wish.begin_ms is None else wish.begin_ms,
            customer=customer,
            entry_point=door.name,
            topic=door.topic,
            language=door.language,
            exact=wish.begin_ms is not None,
            address=content_ref(contact, "number"),
        )
        return Draft(self.name, external_id, contact, fact_id, codec.check_fact(fact), customer, contents)

    def holding(self, token: str) -> tuple[Holding, Promise]:
        """The promise that a link stands for, or the one that took its place. Raises NotFound (`unknown_promise`), Overloaded."""
        if self._intake is None:
            raise Overloaded("still reading the journal", reason="not_ready")
        holding = self.tokens.holding(token)
        while holding is not None and (successor := self._successor(holding.contact)) is not None:
            holding = Holding(successor, holding.first, holding.moves + 1)
        promise = None if holding is None else self.promises.get(holding.contact)
        if holding is None or promise is None:
            raise NotFound("nothing is promised by this link any more", reason="unknown_promise")
        return holding, promise

    def _successor(self, contact: bytes) -> bytes | None:
        """The promise that took this one's place: it was moved, or not needed any more, or missed."""
        missed = self.missed.get(contact)
        again = missed.successor if missed is not None else None
        return self.promises.successor(contact) or (again if again is not None and self.promises.get(again) is not None else None)

    async def move(self, token: str, begin_ms: int, key: str) -> tuple[Holding, Promise]:
        """Promise that slot instead; if there is no room, the old promise stands. One that was missed is followed by a new one.
        Raises as `book`, and Over."""
        with self._room.place():
            holding, promise = self.holding(token)
            external_id = _external_id("move", token, key, str(begin_ms).encode())
            first = await self._vault.find(self.name, external_id)
            if first is not None:
                return await self._again(external_id, first, token)
            self._check_room()
            if holding.moves >= self.limits.moves:
                raise TooMany("moved too often")
            if (missed := self.missed.get(promise.contact)) is not None and missed.open:
                draft = await self._again_after(promise, missed, begin_ms, external_id)
                try:
                    return await self._promised(draft, holding)
                except InvalidInput as error:
                    # Somebody else promises them a call at this moment, or they are forgotten.
                    raise Over("this promise has ended", reason="promise_ended") from error
            _check_open(promise)
            successor, fact_id = self._marks.new_contact(), secrets.token_bytes(ID_BYTES)
            fact = CallbackRescheduled(fact_id, promise.contact, successor, begin_ms, exact=True)
            draft = Draft(
                gateway=self.name,
                external_id=external_id,
                contact=successor,
                fact_id=fact_id,
                fact=codec.check_fact(fact),
                contents=await self._said_of(promise.contact, successor),
                about=promise.contact,
            )
            return await self._promised(draft, holding)

    async def _again_after(self, promise: Promise, missed: MissedContact, begin_ms: int, external_id: str) -> Draft:
        """A new promise to whom the old one was not kept, about the same. Its contact follows from the old one, so that there is
        one such promise, whoever else calls them back at this moment. Raises Over, TooMany."""
        kept = {} if promise.address is None else await self._vault.read([promise.address])
        if promise.address not in kept:
            raise Over("nobody knows the number any more", reason="promise_ended")
        self._check_promises(promise.customer)
        successor, fact_id = missed.successor, secrets.token_bytes(ID_BYTES)
        number = Content(content_ref(successor, "number"), "number", kept[promise.address].text)
        fact = CallbackRequested(
            fact_id=fact_id,
            contact=successor,
            channel=promise.channel,
            queue=promise.queue,
            wish_ms=begin_ms,
            requirements=list(missed.requirements),
            priority=missed.priority,
            customer=promise.customer,
            entry_point=promise.entry_point,
            topic=promise.topic,
            case=promise.case or promise.contact,
            language=promise.language,
            exact=True,
            address=number.ref,
            mode=promise.mode,
        )
        said = await self._said_of(promise.contact, successor)
        return Draft(
            gateway=self.name,
            external_id=external_id,
            contact=successor,
            fact_id=fact_id,
            fact=codec.check_fact(fact),
            customer=promise.customer,
            contents=(*said, number),
        )

    async def _said_of(self, contact: bytes, successor: bytes) -> tuple[Content, ...]:
        """What is known of the old contact is said of the new one, too, for the agent who calls."""
        known = await self._vault.read([content_ref(contact, kind) for kind in _KINDS])
        return tuple(Content(content_ref(successor, content.kind), content.kind, content.text) for content in known.values())

    async def cancel(self, token: str) -> tuple[Holding, Promise]:
        """Nobody is called any more; again, the same. Raises as `move`."""
        with self._room.place():
            holding, promise = self.holding(token)
            if promise.outcome == "cancelled":
                return holding, promise
            _check_open(promise)
            # However often, it is one fact; but another one once the promise has changed. Else a refusal, because somebody was just
            # calling, would be the answer for as long as the router remembers, whatever came of that call.
            moment = promise.contact + promise.changed_seq.to_bytes(8, "big")
            fact = CallbackCancelled(self._marks.derive(b"cancel", moment), promise.contact)
            with self.answers.expect(fact.fact_id) as outcome:
                assert self._publisher is not None
                await self._publisher.publish(codec.check_fact(fact))
                try:
                    await outcome(self.limits.verdict_s)
                except FactRefused as error:
                    raise _over(error) from error
            return holding, self.promises.get(promise.contact) or promise

    # -- inside -----------------------------------------------------------------------------------------------------------

    async def _promised(self, draft: Draft, before: Holding | None = None) -> tuple[Holding, Promise]:
        """Vault, log, verdict; the promise as it was made. `before`: what it replaces."""
        try:
            events = await self._submit(draft)
        except FactRefused as error:
            await self._forget(draft.contact)
            raise _over(error) from error
        declined = next((event for event in events if isinstance(event, CallbackDeclined)), None)
        if declined is not None:
            await self._forget(draft.contact)
            raise Declined(declined.queue, declined.reason, list(declined.alternatives))
        promise = self.promises.get(draft.contact)
        if promise is None:
            raise Over("that promise has long ended", reason="promise_ended")
        holding = Holding(draft.contact, draft.contact, 0)
        return holding if before is None else Holding(draft.contact, before.first, before.moves + 1), promise

    async def _forget(self, contact: bytes) -> None:
        """Nobody is promised a call: number and text are kept for nothing."""
        try:
            await self._vault.discard(contact, (*_KINDS, "number"))
        except (VaultUnavailable, Overloaded) as error:
            logger.warning("what belongs to a wish that was declined stays in the vault: %s", error)

    async def _again(self, external_id: str, first: Acceptance, token: str | None) -> tuple[Holding, Promise]:
        """A repeat: what was promised then, as it is now."""
        holding, _ = await self._promised(Draft(self.name, external_id, first.contact, first.fact_id, first.fact))
        return self.holding(token or self.tokens.token(holding))

    async def _submit(self, draft: Draft) -> Events:
        """The events of its fact; none if what it made is known already."""
        if self._intake is None:
            raise Overloaded("starting or stopping, please try again soon", reason="not_ready")
        with self.answers.expect(draft.fact_id) as outcome:
            acceptance = await self._intake.submit(draft)
            if acceptance.fresh or acceptance.fact_id == draft.fact_id:
                if not acceptance.fresh and self.promises.get(acceptance.contact) is not None:
                    return ()
                if not acceptance.fresh:
                    return await self.answers.repeated(acceptance, outcome, self.limits.verdict_s)
                return await outcome(self.limits.verdict_s)
        raise Overloaded("the same is being asked at this moment", reason="in_progress")

    def _check_room(self) -> None:
        assert self._backlog is not None
        backlog = self._backlog()
        if backlog.frames > self.limits.backlog_frames or backlog.age_ms > self.limits.backlog_age_ms:
            raise Overloaded("too many are asking at this moment, please try again soon")

    def _check_promises(self, customer: bytes | None) -> None:
        mine = sum(promise.customer == customer for promise in self.promises.live()) if customer is not None else 0
        if mine >= self.limits.promises_a_number:
            raise TooMany(_TOO_MANY)

    def _check_rates(self, door: str, number: str) -> None:
        now = asyncio.get_running_loop().time()
        if not (self._of_number.take(number, now) and self._of_door.take(door, now)):
            raise TooMany(_TOO_MANY)


def _check_open(promise: Promise) -> None:
    if promise.state == "ended":
        raise Over("this promise has ended", reason="promise_ended")
    if promise.state == "calling":
        raise Over("you are being called", reason="callback_in_progress")


def _over(error: FactRefused) -> CordboardError:
    """Of two changes at once the later one finds another promise, or none."""
    return Over("this promise has ended", reason="promise_ended") if error.reason == "contact_gone" else error


def _external_id(what: str, whose: str, key: str, values: bytes) -> str:
    """The key is the client's secret, and belongs to the values: the vault's row holds a hash of both."""
    whole = "\0".join((what, whose, key)).encode() + b"\0" + values
    return f"{what}:{hashlib.blake2b(whole, digest_size=20).hexdigest()}"
