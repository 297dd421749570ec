"""Forms as next steps of a chat: who fills in the page behind the link that came with the step has taken it."""

import secrets
from collections.abc import Callable
from typing import Final

from cordboard import codec
from cordboard.errors import FactRefused, InvalidInput
from cordboard.events.bounds import ID_BYTES
from cordboard.events.next_steps import NextStepChosen
from cordboard.gateway.answers import Answers
from cordboard.gateway.chat.next_steps import ChatSteps
from cordboard.gateway.entrance.letter import Letter
from cordboard.gateway.entrance.matters import key_of
from cordboard.gateway.entrance.papers import contents_of
from cordboard.gateway.form.http import Filling
from cordboard.next_steps import Choice
from cordboard.vault import Draft, Vault
from cordboard.vault.intake import Intake
from cordboard.vault.words import EXTERNAL_ID_MAX, Acceptance

FORM: Final = "form"


class ChatForms(Filling):
    """Those of one gateway's chats."""

    def __init__(
        self, name: str, vault: Vault, steps: ChatSteps, answers: Answers, intake: Callable[[], Intake], within_s: float
    ) -> None:
        self._name, self._vault, self._steps, self._answers = name, vault, steps, answers
        self._intake, self._within_s = intake, within_s

    async def began(self, token: str) -> str:
        chooser = self._steps.keys.linked(token, "filler")
        choice = None if chooser is None else self._steps.fold.get(chooser)
        return await self._steps.first_text(choice.contact) if choice is not None and choice.open else ""

    async def fill(self, token: str, letter: Letter) -> bytes | None:
        chooser = self._steps.keys.linked(token, "filler")
        choice = None if chooser is None else self._steps.fold.get(chooser)
        if choice is None:
            return None
        external_id = key_of(f"@form:{choice.contact.hex()}:{letter.external_id}", EXTERNAL_ID_MAX)
        before = await self._vault.find(self._name, external_id)
        if before is not None:
            return await self._again(choice, letter, external_id, before)
        if not choice.open or (FORM, letter.entry_point) not in [(step.kind, step.to) for step in choice.steps]:
            return None
        try:
            return await self._taken(await self._draft(choice, external_id, letter))
        except InvalidInput as error:
            if error.reason != "unknown_customer":
                raise
            # Erased a moment ago, and known again from now on by another reference.
            return await self._taken(await self._draft(choice, external_id, letter))

    async def _again(self, choice: Choice, letter: Letter, external_id: str, before: Acceptance) -> bytes | None:
        """A repeat: what was decided then, or is now."""
        if choice.taken is not None and choice.taken.successor == before.contact:
            return before.contact
        first = codec.decode_fact(before.fact)
        assert isinstance(first, NextStepChosen) and first.message is not None
        if not await self._vault.read([first.message]):
            return None  # refused before, and forgotten: it was a letter like any other, and is the same again
        return await self._taken(self._draft_of(first, external_id, letter))

    async def _taken(self, draft: Draft) -> bytes | None:
        try:
            await self._answers.decided(draft, self._intake(), self._within_s)
        except FactRefused:
            await self._steps.forget(draft)
            return None
        return draft.contact

    async def _draft(self, choice: Choice, external_id: str, letter: Letter) -> Draft:
        successor, message, fact_id = self._steps.keys.new_contact(), secrets.token_bytes(ID_BYTES), secrets.token_bytes(ID_BYTES)
        sender = letter.sender
        customer = await self._vault.customer(sender.kind, sender.address, source=self._name) if sender is not None else None
        fact = NextStepChosen(
            fact_id=fact_id,
            contact=choice.contact,
            kind=FORM,
            successor=successor,
            to=letter.entry_point,
            message=message,
            customer=customer,
        )
        return self._draft_of(fact, external_id, letter)

    def _draft_of(self, fact: NextStepChosen, external_id: str, letter: Letter) -> Draft:
        assert fact.message is not None
        return Draft(
            gateway=self._name,
            external_id=external_id,
            contact=fact.successor,
            fact_id=fact.fact_id,
            fact=codec.check_fact(fact),
            customer=fact.customer,
            contents=contents_of(letter, fact.successor, fact.message),
            about=fact.contact,
        )
