"""The people outside: customers who write and give up, agents who answer, and a house that has work to do. They retry with the same
ids, now and then repeat what was done already, and write down what they are told."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any

from cordboard import codec
from cordboard.errors import CordboardError, FactRefused, InvalidInput, NotFound
from cordboard.events import fact as f
from cordboard.gateway.entrance.letter import Letter, Sender
from cordboard.projections.live import Desk, Work
from tests.sim.ledger import Ledger, Told
from tests.sim.process import Gone, Process
from tests.sim.roles import ApiRole, GatewayRole, SourceRole
from tests.sim.site import AGENTS, POLICY, an_agent, another, declared

PATIENCE_S = 4.0
"""A caller's deadline; then the same once more."""
Api = tuple[Process, ApiRole]


class People:
    """`living` ends all loops when it turns false; what was begun is brought to its end."""

    def __init__(
        self,
        dice: random.Random,
        ledger: Ledger,
        apis: list[Api],
        gateway: tuple[Process, GatewayRole],
        sources: list[tuple[Process, SourceRole]],
        say: Callable[[str], None],
    ) -> None:
        self.living = True
        self._dice, self._ledger, self._say = dice, ledger, say
        self._apis, self._gateway, self._sources = apis, gateway, sources
        self._open_chats: list[bytes] = []

    # -- who there is ---------------------------------------------------------------------------------------------------

    def everybody(self) -> list[Coroutine[Any, Any, None]]:
        dice = self._dice
        letters = [self.writes(number, dice.uniform(1.0, 12.0)) for number in range(dice.randrange(2, 5))]
        chats = [self.chats(dice.uniform(1.0, 14.0)) for _ in range(dice.randrange(2, 6))]
        agents = [self.works(name) for name in AGENTS[: dice.randrange(1, len(AGENTS) + 1)]]
        return [*agents, *letters, *chats, self.house(), self.rules_change()]

    async def begin(self) -> None:
        """The policy and the agents: nothing works before."""
        await self.command(f.PolicyPublished(self._id(), codec.encode(POLICY)))
        await asyncio.gather(*(self.command(declared(name, self._id())) for name in AGENTS))

    # -- lives ----------------------------------------------------------------------------------------------------------

    async def writes(self, number: int, at_s: float) -> None:
        """A mail; perhaps the same mail again, perhaps another one on the same matter."""
        await asyncio.sleep(at_s)
        await self.mails(number, ())
        if self._dice.random() < 0.4:
            await self.mails(number, ())
        if self.living and self._dice.random() < 0.5:
            await asyncio.sleep(self._dice.uniform(0.0, 3.0))
            await self.mails(100 + number, (f"<{number}@customer.example>",))

    async def mails(self, number: int, replies_to: tuple[str, ...]) -> None:
        """Until it is acknowledged; but some senders try once only, and what the vault has by then goes its way nevertheless."""
        own = f"<{number}@customer.example>"
        letter = Letter(
            channel="mail",
            entry_point="service",
            external_id=own,
            sender=Sender("email", f"bo{number % 100}@customer.example", "Bo"),
            subject="My order",
            text=f"Where is it? {'urgent' if number % 2 else ''}",
            threads=(own,),
            replies_to=replies_to,
        )
        process, role = self._gateway
        while True:
            entrance = role.serving
            try:
                if entrance is None:
                    raise Gone(process.name)
                async with asyncio.timeout(2 * PATIENCE_S):
                    admitted = await process.call(lambda entrance=entrance: entrance.admit(letter))  # type: ignore[misc]
            except (Gone, TimeoutError):
                pass
            except NotFound:
                pass  # the gateway has not read the policy yet
            except CordboardError as error:
                self._check(error)
            else:
                self._ledger.admitted(role.name, own, admitted.contact, admitted.fact_id)
                return
            if self._dice.random() < 0.3:
                return
            await asyncio.sleep(self._dice.uniform(0.2, 1.0))

    async def chats(self, at_s: float) -> None:
        """A chat that some other system brings; its customer may give up."""
        await asyncio.sleep(at_s)
        contact = self._id()
        channel, queue = ("chat", "chat") if self._dice.random() < 0.7 else ("task", "orders")
        arrived = f.ContactArrived(self._id(), contact, channel, queue, priority=self._dice.randrange(3))
        asked = [self.source(arrived)]
        if self._dice.random() < 0.5:  # both at once: group commit, or another publisher that overtakes
            asked.append(self.source(f.MessagePosted(self._id(), contact, self._id(), "customer")))
        await asyncio.gather(*asked)
        if self._dice.random() < 0.3:
            await asyncio.sleep(self._dice.uniform(0.0, 6.0))
            gone = f.ContactAbandoned(self._id(), contact)
            await (self.source(gone) if self._dice.random() < 0.5 else self.command(gone))

    async def house(self) -> None:
        """Now and then something is said about a contact that nobody knows, or twice at the same time by two."""
        while self.living:
            await asyncio.sleep(self._dice.uniform(1.0, 4.0))
            fact = f.PriorityRequested(self._id(), self._id(), 3)
            if self._dice.random() < 0.5:
                await asyncio.gather(self.command(fact), self.command(fact), self.source(fact))
            else:
                await self.command(fact)

    async def rules_change(self) -> None:
        """A new policy now and then; one without the queue that letters go to has those refused that were acknowledged already, and
        they must be admitted again."""
        for version in range(2, 2 + self._dice.randrange(3)):
            await asyncio.sleep(self._dice.uniform(2.0, 6.0))
            await self.command(
                f.PolicyPublished(self._id(), codec.encode(another(version, without_post=self._dice.random() < 0.5)))
            )

    async def works(self, name: str) -> None:
        agent = an_agent(name)
        while self.living:
            await asyncio.sleep(self._dice.uniform(0.3, 1.5))
            _, api = self._dice.choice(self._apis)
            if api.serving is None:
                continue
            fact = self._next(agent, api.serving.desks.desk(agent))
            if fact is not None:
                await self.command(fact)

    def _next(self, agent: bytes, desk: Desk) -> f.Fact | None:
        if not desk.declared:
            return None
        if desk.effective != "ready":
            return f.PresenceRequested(self._id(), agent, "ready")
        if not desk.work:
            return None
        work = self._dice.choice(desk.work)
        return self._about(agent, work)

    def _about(self, agent: bytes, work: Work) -> f.Fact | None:
        chance = self._dice.random()
        if work.state == "offered":
            if chance < 0.12:
                return None
            return f.OfferAnswered(self._id(), work.contact, work.attempt, agent, chance < 0.88)
        if work.state == "connecting":
            return f.ContactConnected(self._id(), work.contact, work.attempt, agent)
        if work.state == "wrapping":
            return f.WrapUpEndRequested(self._id(), work.contact, agent, "solved") if chance < 0.6 else None
        if chance < 0.35:
            return f.MessagePosted(self._id(), work.contact, self._id(), "agent", agent)
        if chance < 0.45:
            return f.TransferRequested(self._id(), work.contact, "post", agent)
        return f.EngagementEndRequested(self._id(), work.contact, agent, "solved")

    # -- how they ask ---------------------------------------------------------------------------------------------------

    async def command(self, fact: f.Fact) -> None:
        """Until an outcome is told, by whichever API process; once in a while asked again after that."""
        while True:
            process, role = self._dice.choice(self._apis)
            try:
                if role.serving is None:
                    raise Gone(process.name)
                async with asyncio.timeout(PATIENCE_S):
                    seq, events = await process.call(lambda role=role: role.command(fact))  # type: ignore[misc]
            except FactRefused as refused:
                self._tell(fact, None, (), refused.reason)
                return
            except (Gone, TimeoutError):
                pass
            except CordboardError as error:
                self._check(error)
            else:
                self._tell(fact, seq, events, None)
                if self._dice.random() > 0.1:
                    return
            await asyncio.sleep(self._dice.uniform(0.1, 1.0))

    async def source(self, fact: f.Fact) -> None:
        """Until it is acknowledged."""
        data = codec.check_fact(fact)
        while True:
            process, role = self._dice.choice(self._sources)
            publish = role.serving
            try:
                if publish is None:
                    raise Gone(process.name)
                await process.call(lambda publish=publish: publish(data))  # type: ignore[misc]
                return
            except Gone:
                pass
            except CordboardError as error:
                self._check(error)
            await asyncio.sleep(self._dice.uniform(0.1, 1.0))

    def _tell(self, fact: f.Fact, seq: int | None, events: tuple[object, ...], reason: str | None) -> None:
        self._ledger.told.append(Told(fact.fact_id, seq, events, reason))

    def _check(self, error: CordboardError) -> None:
        """What somebody outside may be told in bad weather; anything else is a finding."""
        if isinstance(error, InvalidInput) or error.reason in ("journal_corrupt", "error", "unanswered"):
            self._ledger.broken.append(f"a caller was told {type(error).__name__} ({error.reason}): {error}")
        self._say(f"a caller was told {error.reason}")

    def _id(self) -> bytes:
        return self._dice.randbytes(16)
