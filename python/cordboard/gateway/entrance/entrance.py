"""The one entrance of every written channel: a letter becomes a contact, or joins one, durably before its sender is told so.

Texts, names and files go to the vault, only references to the log. Mail, forms and webhooks make the letters. What a letter is
about, the policy says (classification); which case it goes on with, vault and journal say together.
"""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import replace

from cordboard import codec, metrics
from cordboard.errors import InvalidInput, Overloaded
from cordboard.events import Commit
from cordboard.events.bounds import ID_BYTES
from cordboard.events.fact import ContactArrived
from cordboard.gateway.entrance.cases import Cases
from cordboard.gateway.entrance.letter import File, Letter, Sender
from cordboard.gateway.entrance.marks import ContactMarks
from cordboard.gateway.entrance.matters import Matter, Matters, key_of, keys_of
from cordboard.gateway.entrance.papers import contents_of, files_of
from cordboard.gateway.entrance.readmission import Readmission
from cordboard.gateway.entrance.refusals import Refusals
from cordboard.gateway.entrance.sorting import classify, signals_of
from cordboard.gateway.limits import Limits
from cordboard.gateway.policy_view import PolicyView
from cordboard.log.port import Backlog
from cordboard.room import Room
from cordboard.vault import Acceptance, Draft, Vault
from cordboard.vault.intake import Intake
from cordboard.vault.words import EXTERNAL_ID_MAX

__all__ = ["Entrance", "File", "Letter", "Sender"]

RELATED = "related_case"
"""The field that tells agents which case a stranger's letter named."""


class Entrance:
    """One gateway's. `name` stands in the vault beside its external ids; keep it over restarts.

    Its owner attaches `apply` to the feed behind the policy's and the cases', opens it when the feed has caught up, and runs `run`.
    """

    def __init__(self, name: str, vault: Vault, policy: PolicyView, cases: Cases, limits: Limits) -> None:
        self.name = name
        self.policy = policy
        self._vault = vault
        self._cases = cases
        self._matters = Matters(vault, cases)
        self._limits = limits
        self._room = Room(limits.letters, limits.patience_s)
        self._marks = ContactMarks(vault.derive_key("entrance"), name)
        self._refusals = Refusals(self._marks.owns)
        self._arriving: dict[str, asyncio.Future[None]] = {}
        self._intake: Intake | None = None
        self._backlog: Callable[[], Backlog] | None = None

    # -- life -----------------------------------------------------------------------------------------------------------

    def apply(self, seq: int, commit: Commit) -> None:
        self._refusals.apply(seq, commit)

    def open(self, intake: Intake, backlog: Callable[[], Backlog]) -> None:
        self._intake, self._backlog = intake, backlog

    def close(self) -> None:
        """Take no more."""
        self._intake = None

    @property
    def serving(self) -> bool:
        return self._intake is not None

    async def run(self) -> None:
        """Once open: sees that nothing it has acknowledged stays refused, for ever."""
        await Readmission(self.name, self._vault, self.policy, self._marks, self._refusals).run(self._open_intake())

    # -- letters --------------------------------------------------------------------------------------------------------

    async def admit(self, letter: Letter) -> Acceptance:
        """The letter, durable in vault and log when this returns; the same external id again is the same letter.

        Raises Overloaded, LogUnavailable, VaultUnavailable: nothing may be confirmed, the same letter may be sent again. Raises
        NotFound (no such channel or entry point) and InvalidInput (an address or a file out of bounds): nothing was written.
        """
        with metrics.admission(self.name):
            return await self._admit(letter)

    # -- inside ---------------------------------------------------------------------------------------------------------

    async def _admit(self, letter: Letter) -> Acceptance:
        intake = self._open_intake()
        external_id = key_of(letter.external_id, EXTERNAL_ID_MAX)
        with self._room.place():  # repeats, too: a vault that stands still keeps them as long as new ones
            first = await self._vault.find(self.name, external_id)
            if first is not None:  # whatever the policy says by now
                return await intake.submit(Draft(self.name, external_id, first.contact, first.fact_id, first.fact))
            self._check_room()
            return await self._admit_new(letter, external_id, intake)

    async def _admit_new(self, letter: Letter, external_id: str, intake: Intake) -> Acceptance:
        self.policy.entry_point(letter.entry_point, letter.channel)
        contact = self._marks.new_contact()
        keys = keys_of(letter.threads)
        earlier = next((self._arriving[key] for key in keys_of(letter.replies_to) if key in self._arriving), None)
        stands: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        mine = [key for key in keys if key not in self._arriving]
        self._arriving.update(dict.fromkeys(mine, stands))
        try:
            draft = await self._draft(letter, external_id, contact, earlier)
            acceptance = await self._submit(intake, draft)
            if acceptance is None:  # the customer was erased between two steps of ours: this letter is of a new one
                draft = await self._draft(letter, external_id, contact, earlier)
                acceptance = await intake.submit(draft)
            return acceptance
        finally:
            stands.set_result(None)
            for key in mine:
                del self._arriving[key]

    def _open_intake(self) -> Intake:
        if self._intake is None:
            raise Overloaded("starting or stopping, please try again soon", reason="not_ready")
        return self._intake

    def _check_room(self) -> None:
        assert self._backlog is not None
        backlog = self._backlog()
        if backlog.frames > self._limits.backlog_frames or backlog.age_ms > self._limits.backlog_age_ms:
            raise Overloaded("too many are asking at this moment, please try again soon")

    async def _submit(self, intake: Intake, draft: Draft) -> Acceptance | None:
        """None: the customer is not known any more."""
        if draft.case is None:
            self._cases.coming(draft.contact)
        try:
            return await intake.submit(draft)
        except InvalidInput as error:
            if error.reason != "unknown_customer":
                raise
            return None

    async def _draft(self, letter: Letter, external_id: str, contact: bytes, earlier: "asyncio.Future[None] | None") -> Draft:
        """`earlier`: a letter that is just coming in, and that this one goes on with; the vault knows it when it stands."""
        sender = letter.sender
        customer = await self._vault.customer(sender.kind, sender.address, source=self.name) if sender is not None else None
        segment = await self._vault.segment(customer) if customer is not None else None
        found = classify(self.policy, signals_of(letter, segment))
        if found.new_case and not letter.no_action:
            matter = Matter(keys=keys_of(letter.threads))
        else:
            if earlier is not None:
                await asyncio.wait({earlier})
            matter = await self._matters.of(letter, customer)
        if matter.related is not None:
            letter = replace(letter, fields={**letter.fields, RELATED: matter.related.hex()})
        owner = matter.owner
        if owner is not None:  # who may be called otherwise by now
            owner = (await self._vault.current_agents([owner])).get(owner, owner)
        message, fact_id = secrets.token_bytes(ID_BYTES), secrets.token_bytes(ID_BYTES)
        fact = ContactArrived(
            fact_id=fact_id,
            contact=contact,
            channel=letter.channel,
            queue=found.queue,
            requirements=found.requirements,
            priority=found.priority,
            customer=customer,
            preferred=[owner] if owner is not None else [],
            entry_point=letter.entry_point,
            topic=found.topic,
            case=matter.case,
            message=message,
            author="system" if matter.stranger else letter.author,  # a customer's message says where answers go
            reopens=not (letter.no_action and matter.case is not None),
            rule=found.rule,
            language=found.language,
            segment=segment,
        )
        return Draft(
            gateway=self.name,
            external_id=external_id,
            contact=contact,
            fact_id=fact_id,
            fact=codec.check_fact(fact),
            customer=customer,
            contents=contents_of(letter, contact, message),
            threads=matter.keys,
            case=matter.case,
            attachments=files_of(letter, message),
            about=matter.related if letter.author == "system" else None,
        )
