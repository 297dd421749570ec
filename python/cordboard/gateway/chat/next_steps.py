"""What customers of chats can do whom nobody can help: offered, chosen, and what follows (docs/overflow.md)."""

import asyncio
import json
import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from cordboard import codec
from cordboard.errors import FactRefused, InvalidInput, OutcomeUnknown, Overloaded, VaultUnavailable
from cordboard.events import Commit
from cordboard.events.bounds import ID_BYTES
from cordboard.events.fact import MessagePosted
from cordboard.events.next_steps import NextStepChosen
from cordboard.events.policy import NextStep
from cordboard.events.verdict import Refused
from cordboard.gateway.chat.choosers import Choosers
from cordboard.gateway.chat.protocol import Choose
from cordboard.gateway.chat.tokens import ChatKeys
from cordboard.gateway.chat.verdicts import Verdicts
from cordboard.gateway.form.form import is_email
from cordboard.gateway.policy_view import PolicyView
from cordboard.next_steps import Choice, NextSteps, told
from cordboard.vault import Content, Draft, Vault
from cordboard.vault.address import PHONE, spelled
from cordboard.vault.clock import now_ms
from cordboard.vault.intake import Intake
from cordboard.vault.refs import content_ref

logger = logging.getLogger(__name__)

FIRST = "@first"
"""Stands for the client id of a start's text; no client can choose it."""
EMAIL = "email"
_ANSWERED_BY_MAIL = ("form", "mail")


class Calls(Protocol):
    """Customers are called back from here."""

    async def check_number(self, door: str, given: str) -> str:
        """The number as it is dialled, at an entry point. Raises InvalidInput (`bad_number`), or CordboardError if there are too
        many."""

    def link(self, contact: bytes) -> str:
        """The path by which the customer of a promise looks after it."""


@dataclass(frozen=True, slots=True)
class Offered:
    """What a customer is shown: only steps that they can take from here."""

    steps: tuple[NextStep, ...]
    until_ms: int
    told: str
    open: bool
    forms: Mapping[str, str]
    """Paths of forms' pages, by name."""


class TurnedAway(FactRefused):
    """A start that its queue did not take; the customer may do something else instead."""

    def __init__(self, choice: Choice, offered: Offered) -> None:
        reason = f"queue_{choice.cause}"
        super().__init__(f"the router refused: {reason}", reason=reason)
        self.contact, self.offered = choice.contact, offered


class ChatSteps:
    """Those of one gateway's chats. Its owner attaches `apply` to the feed, before whoever hears verdicts. `calls` None:
    nobody is called back from here. `most` may be choosing from one network address."""

    def __init__(
        self,
        name: str,
        vault: Vault,
        keys: ChatKeys,
        policy: PolicyView,
        verdicts: Verdicts,
        calls: Calls | None,
        most: int,
    ) -> None:
        self.fold = NextSteps()
        self.choosers = Choosers(self.fold, most)
        self._name, self._vault, self.keys, self._policy, self._verdicts = name, vault, keys, policy, verdicts
        self._calls = calls

    def apply(self, seq: int, commit: Commit) -> None:
        self.fold.apply(seq, commit)
        self.choosers.apply(seq, commit)

    def shown(self, choice: Choice) -> Offered:
        door = None if choice.entry_point is None else self._policy.door(choice.entry_point)
        text = "" if door is None else told(door.messages, choice.language)
        steps = tuple(step for step in choice.steps if step.kind != "callback" or self._calls is not None)
        forms = {step.to: self._form(choice, step.to) for step in steps if step.kind == "form" and step.to is not None}
        links = {to: link for to, link in forms.items() if link}
        return Offered(steps if choice.open else (), choice.until_ms, text, choice.open, links)

    def _form(self, choice: Choice, name: str) -> str:
        """The path of a form's page, where filling it in takes the step; empty if the policy has no such page."""
        language = "" if choice.language is None else f"&lang={choice.language}"
        token = self.keys.link_token(choice.contact, "filler")
        return f"/form/{name}?step={token}{language}" if self._policy.form(name) is not None else ""

    def call_link(self, choice: Choice) -> str | None:
        """The path by which the customer looks after the call that was promised; None: none was, or not from here."""
        promised = None if choice.taken is None or choice.due_ms is None else choice.taken.successor
        return None if promised is None or self._calls is None else self._calls.link(promised)

    def refuse(self, contact: bytes, client: str) -> None:
        """Raises TurnedAway if this contact was; `client` has the choice."""
        choice = self.fold.get(contact)
        if choice is not None:
            self.choosers.hold(client, choice)
            raise TurnedAway(choice, self.shown(choice))

    async def choose(self, intake: Intake, contact: bytes, frame: Choose, within_s: float) -> Choice:
        """What became of it. Chosen again, it is the same.

        Raises InvalidInput, FactRefused (also `callback_full`, with the choice still open), OutcomeUnknown, and what `intake` does.
        """
        choice = self.fold.get(contact)
        if choice is None:
            raise InvalidInput("there is nothing to choose", reason="no_next_step")
        if choice.taken is not None and (choice.taken.kind, choice.taken.to, choice.by) == (frame.kind, frame.to, "customer"):
            return choice
        if (frame.kind, frame.to) not in [(step.kind, step.to) for step in self.shown(choice).steps]:
            raise InvalidInput("that was not offered, or not any more", reason="next_step_not_offered")
        draft = await self._draft(choice, frame)
        verdict = self._verdicts.future(contact, draft.fact_id)
        try:
            await intake.submit(draft)
            async with asyncio.timeout(within_s):
                decided = await verdict
        except TimeoutError:
            raise OutcomeUnknown("stored, but not decided yet: choose again") from None
        finally:
            verdict.cancel()
        if isinstance(decided, Refused):
            await self.forget(draft)
            raise FactRefused(f"the router refused: {decided.reason}", reason=decided.reason)
        after = self.fold.get(contact)
        if after is None or after.taken is None:
            await self.forget(draft)
            raise FactRefused("nobody can call then any more: choose something else", reason="callback_full")
        return after

    async def forget(self, draft: Draft) -> None:
        """Nothing follows from the choice: number and text are kept for nothing."""
        kept = [content.ref for content in draft.contents]
        try:
            if draft.contact != draft.about:
                await self._vault.discard(draft.contact, (), kept)
                return
            for message in kept:
                await self._vault.withdraw(draft.contact, message)
        except (VaultUnavailable, Overloaded) as error:
            logger.warning("what belongs to a choice that came to nothing stays in the vault: %s", error)

    async def _draft(self, choice: Choice, frame: Choose) -> Draft:
        contact, successor, fact_id = choice.contact, self.keys.new_contact(), secrets.token_bytes(ID_BYTES)
        kind, address = await self._address(choice, frame)
        # Who waits has said the first words in this chat: it goes on in another queue.
        stays = frame.kind == "queue" and choice.waits
        text = frame.text or ("" if stays else await self.first_text(contact))
        message = secrets.token_bytes(ID_BYTES) if frame.kind == "queue" and text else None
        contents: list[Content] = []
        if message is not None:
            contents.append(Content(ref=message, kind="message", text=text))
        elif text and frame.kind != "message":
            contents.append(Content(content_ref(successor, "text"), "text", text))
        customer = None
        if address:
            customer = await self._vault.customer(kind, address, source=self._name)
            shown = json.dumps({"kind": kind, "address": address, "name": ""}, ensure_ascii=False)
            contents.append(Content(content_ref(successor, "customer"), "customer", shown))
        number = content_ref(successor, "number") if frame.kind == "callback" else None
        if number is not None:
            contents.append(Content(number, "number", address))
        fact = NextStepChosen(
            fact_id=fact_id,
            contact=contact,
            kind=frame.kind,
            successor=successor,
            to=frame.to,
            message=message,
            customer=customer,
            wish_ms=now_ms() if number is not None else 0,
            address=number,
        )
        return Draft(
            gateway=self._name,
            external_id=f"{contact.hex()}:@step:{fact_id.hex()}",
            contact=contact if stays else successor,
            fact_id=fact_id,
            fact=codec.check_fact(fact),
            customer=customer,
            contents=tuple(contents),
            about=contact,
        )

    async def _address(self, choice: Choice, frame: Choose) -> tuple[str, str]:
        """Kind and address by which the customer can be reached; empty if it is not needed."""
        if frame.kind == "callback":
            assert self._calls is not None, "else it is not shown"
            return PHONE, await self._calls.check_number(choice.entry_point or "", frame.number or "")
        if frame.kind in _ANSWERED_BY_MAIL:
            if not is_email(frame.email or ""):
                raise InvalidInput("that is no mail address", reason="not_an_email")
            return spelled(EMAIL, frame.email or "")
        return EMAIL, ""

    async def first_text(self, contact: bytes) -> str:
        """What the chat began with."""
        posted = await self._vault.find(self._name, f"{contact.hex()}:{FIRST}")
        fact = codec.decode_fact(posted.fact) if posted is not None else None
        if not isinstance(fact, MessagePosted):
            return ""
        found = (await self._vault.read([fact.message])).get(fact.message)
        return "" if found is None else found.text
