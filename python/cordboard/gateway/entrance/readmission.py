"""Arrivals that were acknowledged and then refused, because the policy changed in between, are submitted again until they stand.

The first time as the rules say by now, the second time without anything a policy could refuse, then again with each new policy.
Everything follows from the journal and the vault, so that a restart goes on where this stopped, and does nothing twice.
"""

import asyncio
import json
import logging

from msgspec.structs import replace

from cordboard import codec
from cordboard.errors import CordboardError
from cordboard.events.fact import ContactArrived
from cordboard.gateway.entrance.marks import ContactMarks
from cordboard.gateway.entrance.papers import CUSTOMER, FIELDS, SUBJECT
from cordboard.gateway.entrance.refusals import Refusal, Refusals
from cordboard.gateway.entrance.sorting import TEXT_MAX, classify, plain
from cordboard.gateway.policy_view import PolicyView
from cordboard.policy.classify import Signals
from cordboard.vault import Draft, Vault
from cordboard.vault.intake import Intake
from cordboard.vault.refs import content_ref

logger = logging.getLogger(__name__)

TRIES_MAX = 2
"""Under one policy."""
_RETRY_S = 1.0


class Readmission:
    """Of one gateway's refusals."""

    def __init__(self, gateway: str, vault: Vault, policy: PolicyView, marks: ContactMarks, refusals: Refusals) -> None:
        self._gateway = gateway
        self._vault = vault
        self._policy = policy
        self._marks = marks
        self._refusals = refusals

    async def run(self, intake: Intake) -> None:
        """For ever."""
        while True:
            refusal = await self._refusals.next()
            try:
                await self._once_more(refusal, intake)
            except CordboardError as error:
                logger.warning("%s is not readmitted yet: %s", refusal.contact.hex(), error.reason)
                await asyncio.sleep(_RETRY_S)
                self._refusals.again(refusal)

    async def _once_more(self, refusal: Refusal, intake: Intake) -> None:
        contact = refusal.contact.hex()
        if refusal.tries > TRIES_MAX:
            logger.error("arrival %s is refused (%s) whatever is tried; it is kept for the next policy", contact, refusal.reason)
            return
        logger.warning("arrival %s was acknowledged, but refused: %s; it is submitted again", contact, refusal.reason)
        fact = await self._anew(refusal)
        if fact is None:
            logger.warning("arrival %s was erased meanwhile; it is dropped", contact)
            self._refusals.over(refusal.contact)
            return
        number = f"{contact}:{refusal.count}"
        fact = replace(fact, fact_id=self._marks.derive(b"again", number.encode()))
        await intake.submit(
            Draft(self._gateway, f"again:{number}", fact.contact, fact.fact_id, codec.check_fact(fact), customer=None)
        )

    async def _anew(self, refusal: Refusal) -> ContactArrived | None:
        """The fact as the policy in force would have it; None if its message is erased."""
        fact = refusal.fact
        signals = await self._signals(fact)
        if signals is None:
            return None
        first = refusal.tries < TRIES_MAX
        found = classify(self._policy, signals) if first else plain(self._policy, fact.entry_point)
        known = first and fact.entry_point is not None and self._policy.door(fact.entry_point) is not None
        return replace(
            fact,
            queue=found.queue,
            requirements=found.requirements,
            priority=found.priority,
            entry_point=fact.entry_point if known else None,
            topic=found.topic,
            rule=found.rule,
            language=found.language,
        )

    async def _signals(self, fact: ContactArrived) -> Signals | None:
        """What the rules look at, out of the vault; quotations are not told apart any more."""
        subject, customer, fields = (content_ref(fact.contact, kind) for kind in (SUBJECT, CUSTOMER, FIELDS))
        refs = [ref for ref in (fact.message, subject, customer, fields) if ref is not None]
        texts = {ref: content.text for ref, content in (await self._vault.read(refs)).items()}
        if fact.message is not None and fact.message not in texts:
            return None
        sender = json.loads(texts.get(customer, "{}"))
        segment = await self._vault.segment(fact.customer) if fact.customer is not None else None
        return Signals(
            channel=fact.channel,
            entry_point=fact.entry_point,
            address=sender["address"].lower() if sender.get("kind") == "email" else None,
            text=f"{texts.get(subject, '')}\n{texts.get(fact.message or b'', '')}"[:TEXT_MAX],
            language=fact.language,
            fields=json.loads(texts.get(fields, "{}")),
            segment=segment,
            automatic=fact.author == "system" or not fact.reopens,
        )
