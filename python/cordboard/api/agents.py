"""AgentService: presence, offers, engagements, messages, wrap-up. What it shows is in desk_watch."""

import json
from collections.abc import AsyncIterator

from cordboard import codec
from cordboard.api.alarms import refuse_unknown_groups
from cordboard.api.desk_watch import watch_desk
from cordboard.api.guard import Context
from cordboard.api.ids import fact_id, message_ref
from cordboard.api.outcomes import Outcome
from cordboard.api.site import GATEWAY, Site
from cordboard.api.translate.check import ATTEMPT_MAX, Check
from cordboard.api.translate.desk import SIGNALS, park_time
from cordboard.api.translate.words import PARK_KINDS, PRESENCES, TO_PRESENCE
from cordboard.errors import FactRefused, JournalCorrupt
from cordboard.events.bounds import DURATION_MAX_MS
from cordboard.events.event import ContactParked, EngagementEnded, MessageRelayed, OfferAccepted, PresenceChanged, WrapUpExtended
from cordboard.events.fact import (
    ChannelSwitched,
    ContactConnected,
    EngagementEndRequested,
    MessagePosted,
    OfferAnswered,
    ParkRequested,
    PresenceRequested,
    WrapUpEndRequested,
    WrapUpExtensionRequested,
)
from cordboard.events.verdict import REFUSALS
from cordboard.v1 import agent_service_pb2 as pb
from cordboard.v1 import desk_pb2 as desk_pb
from cordboard.v1.agent_service_pb2_grpc import AgentServiceServicer
from cordboard.vault import Content, Draft
from cordboard.vault.clock import now_ms

MESSAGE_MAX = 8_192
NOTE_MAX = 8_192
GROUPS_MAX = 20


class AgentService(AgentServiceServicer):
    """Every command waits for the router's verdict; a refusal comes back as a status with its reason."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def SetPresence(self, request: pb.SetPresenceRequest, context: Context) -> pb.SetPresenceResponse:
        check = Check()
        request_id = check.uuid("request_id", request.request_id)
        presence = check.choice("presence", request.presence, PRESENCES, "offline")
        reason = check.name_or_none("reason", request.reason)
        if reason is not None and presence != "not_ready":
            check.wrong("reason", "only not_ready has a reason")
        agent = await self._agent(check, request.agent)
        fact = PresenceRequested(fact_id=fact_id("SetPresence", request_id), agent=agent, presence=presence, reason=reason)
        outcome = await self._site.command(fact)
        changed = outcome.first(PresenceChanged)
        effective = changed.effective if changed is not None else self._site.desks.desk(agent).effective
        return pb.SetPresenceResponse(consistency_token=self._token(outcome), effective=TO_PRESENCE[effective])

    async def SwitchChannel(self, request: pb.SwitchChannelRequest, context: Context) -> pb.SwitchChannelResponse:
        check = Check()
        request_id = check.uuid("request_id", request.request_id)
        channel = check.name("channel", request.channel)
        agent = await self._agent(check, request.agent)
        fact = ChannelSwitched(fact_id=fact_id("SwitchChannel", request_id), agent=agent, channel=channel, on=request.on)
        return pb.SwitchChannelResponse(consistency_token=self._token(await self._site.command(fact)))

    async def WatchDesk(self, request: pb.WatchDeskRequest, context: Context) -> AsyncIterator[desk_pb.WatchDeskResponse]:
        check = Check()
        check.count("groups", len(request.groups), 0, GROUPS_MAX)
        groups = [check.name(f"groups[{index}]", name) for index, name in enumerate(request.groups[:GROUPS_MAX])]
        agent = await self._agent(check, request.agent)
        await self._site.reach(request.consistency_token)
        await refuse_unknown_groups(self._site, groups)
        async for message in watch_desk(self._site, request.agent, agent, groups):
            yield message

    async def AcceptOffer(self, request: pb.AcceptOfferRequest, context: Context) -> pb.AcceptOfferResponse:
        outcome = await self._answer("AcceptOffer", request, accepted=True)
        accepted = outcome.first(OfferAccepted)
        return pb.AcceptOfferResponse(
            consistency_token=self._token(outcome), connect_by_ms=accepted.connect_by_ms if accepted is not None else 0
        )

    async def DeclineOffer(self, request: pb.DeclineOfferRequest, context: Context) -> pb.DeclineOfferResponse:
        outcome = await self._answer("DeclineOffer", request, accepted=False, reason=request.reason)
        return pb.DeclineOfferResponse(consistency_token=self._token(outcome))

    async def _answer(
        self, method: str, request: pb.AcceptOfferRequest | pb.DeclineOfferRequest, *, accepted: bool, reason: str = ""
    ) -> Outcome:
        check = Check()
        request_id = check.uuid("request_id", request.request_id)
        contact = check.id("contact_id", request.contact_id)
        attempt = check.number("attempt", request.attempt, 1, ATTEMPT_MAX)
        word = check.name_or_none("reason", reason)
        agent = await self._agent(check, request.agent)
        return await self._site.command(
            OfferAnswered(
                fact_id=fact_id(method, request_id), contact=contact, attempt=attempt, agent=agent, accepted=accepted, reason=word
            )
        )

    async def ConfirmConnected(self, request: pb.ConfirmConnectedRequest, context: Context) -> pb.ConfirmConnectedResponse:
        check = Check()
        request_id = check.uuid("request_id", request.request_id)
        contact = check.id("contact_id", request.contact_id)
        attempt = check.number("attempt", request.attempt, 1, ATTEMPT_MAX)
        agent = await self._agent(check, request.agent)
        fact = ContactConnected(fact_id=fact_id("ConfirmConnected", request_id), contact=contact, attempt=attempt, agent=agent)
        return pb.ConfirmConnectedResponse(consistency_token=self._token(await self._site.command(fact)))

    async def SendMessage(self, request: pb.SendMessageRequest, context: Context) -> pb.SendMessageResponse:
        check = Check()
        request_id = check.uuid("request_id", request.request_id)
        contact = check.id("contact_id", request.contact_id)
        check.text("text", request.text, MESSAGE_MAX, 1)
        agent = await self._agent(check, request.agent)
        await self._refuse_stranger(contact, agent)
        message = message_ref("SendMessage", request_id)
        fact = MessagePosted(
            fact_id=fact_id("SendMessage", request_id), contact=contact, message=message, author="agent", agent=agent
        )
        draft = self._draft("SendMessage", str(request_id), fact, Content(message, "message", request.text))
        outcome = await self._site.submit(draft)
        relayed = outcome.first(MessageRelayed)
        if relayed is None:
            raise JournalCorrupt(f"commit {outcome.seq} accepts a message without relaying it")
        return pb.SendMessageResponse(consistency_token=self._token(outcome), message_id=message.hex(), ordinal=relayed.ordinal)

    async def SendSignal(self, request: pb.SendSignalRequest, context: Context) -> pb.SendSignalResponse:
        check = Check()
        contact = check.id("contact_id", request.contact_id)
        kind = check.choice("kind", request.kind, SIGNALS, "typing")
        about = check.id("message_id", request.message_id) if kind != "typing" else b""
        agent = await self._agent(check, request.agent)
        await self._refuse_stranger(contact, agent)
        said = {"author": "agent"} if kind == "typing" else {"author": "agent", "message": about.hex(), "state": kind}
        topic = "typing" if kind == "typing" else "receipt"
        await self._site.log.whisper(f"{topic}.{contact.hex()}", json.dumps(said).encode())
        return pb.SendSignalResponse()

    async def EndEngagement(self, request: pb.EndEngagementRequest, context: Context) -> pb.EndEngagementResponse:
        outcome = await self._finish("EndEngagement", EngagementEndRequested, request)
        ended = outcome.first(EngagementEnded)
        until = ended.wrap_until_ms if ended is not None else None
        return pb.EndEngagementResponse(consistency_token=self._token(outcome), wrap_until_ms=until or 0)

    async def FinishWrapUp(self, request: pb.FinishWrapUpRequest, context: Context) -> pb.FinishWrapUpResponse:
        outcome = await self._finish("FinishWrapUp", WrapUpEndRequested, request)
        return pb.FinishWrapUpResponse(consistency_token=self._token(outcome))

    async def _finish(
        self,
        method: str,
        kind: type[EngagementEndRequested] | type[WrapUpEndRequested],
        request: pb.EndEngagementRequest | pb.FinishWrapUpRequest,
    ) -> Outcome:
        check = Check()
        request_id = check.uuid("request_id", request.request_id)
        contact = check.id("contact_id", request.contact_id)
        disposition = check.name_or_none("disposition", request.disposition)
        check.text("note", request.note, NOTE_MAX)
        agent = await self._agent(check, request.agent)
        note = message_ref(method, request_id) if request.note else None
        fact = kind(fact_id=fact_id(method, request_id), contact=contact, agent=agent, disposition=disposition, note=note)
        if note is None:
            return await self._site.command(fact)
        return await self._site.submit(self._draft(method, str(request_id), fact, Content(note, "note", request.note)))

    async def ExtendWrapUp(self, request: pb.ExtendWrapUpRequest, context: Context) -> pb.ExtendWrapUpResponse:
        check = Check()
        request_id = check.uuid("request_id", request.request_id)
        contact = check.id("contact_id", request.contact_id)
        extra_ms = check.number("extra_ms", request.extra_ms, 1, DURATION_MAX_MS)
        agent = await self._agent(check, request.agent)
        fact = WrapUpExtensionRequested(
            fact_id=fact_id("ExtendWrapUp", request_id), contact=contact, agent=agent, extra_ms=extra_ms
        )
        outcome = await self._site.command(fact)
        extended = outcome.first(WrapUpExtended)
        return pb.ExtendWrapUpResponse(
            consistency_token=self._token(outcome), until_ms=extended.until_ms if extended is not None else 0
        )

    async def ParkContact(self, request: pb.ParkContactRequest, context: Context) -> pb.ParkContactResponse:
        check = Check()
        request_id = check.uuid("request_id", request.request_id)
        contact = check.id("contact_id", request.contact_id)
        kind = check.choice("kind", request.kind, PARK_KINDS, "snooze")
        for_ms = park_time(check, request, now_ms())
        check.text("note", request.note, NOTE_MAX)
        agent = await self._agent(check, request.agent)
        note = message_ref("ParkContact", request_id) if request.note else None
        fact = ParkRequested(
            fact_id=fact_id("ParkContact", request_id), contact=contact, agent=agent, kind=kind, for_ms=for_ms, note=note
        )
        if note is None:
            outcome = await self._site.command(fact)
        else:
            content = Content(note, "note", request.note)
            outcome = await self._site.submit(self._draft("ParkContact", str(request_id), fact, content))
        parked = outcome.first(ContactParked)
        return pb.ParkContactResponse(consistency_token=self._token(outcome), until_ms=parked.until_ms if parked is not None else 0)

    # Shared steps

    async def _agent(self, check: Check, person: str) -> bytes:
        """The last check of a request: everything wrong is reported before the vault is asked."""
        check.person("agent", person)
        check.finish()
        return await self._site.people.ref(person)

    async def _refuse_stranger(self, contact: bytes, agent: bytes) -> None:
        """Spare the vault and the log what is hopeless. Only a contact this process knows can be judged; the router decides."""
        if self._is_stranger(contact, agent):
            # Perhaps the agent got it, or was brought in, elsewhere a moment ago.
            await self._site.catch_up()
            if self._is_stranger(contact, agent):
                raise FactRefused(REFUSALS["not_engaged"], reason="not_engaged")

    def _is_stranger(self, contact: bytes, agent: bytes) -> bool:
        """The contact is engaged with others, as far as this process knows. Who is consulted does not talk with the customer."""
        live = self._site.desks.contact(contact)
        return (
            live is not None
            and live.state == "engaged"
            and not any(
                other == agent and work.state == "engaged" and work.role in ("primary", "conference")
                for other, work in self._site.desks.in_hand(contact)
            )
        )

    def _draft(
        self,
        method: str,
        request_id: str,
        fact: MessagePosted | EngagementEndRequested | WrapUpEndRequested | ParkRequested,
        content: Content,
    ) -> Draft:
        # Whose key seals it, the vault knows better than we: the customer may be erased or merged by now.
        return Draft(
            gateway=GATEWAY,
            external_id=f"{method}/{request_id}",
            contact=fact.contact,
            fact_id=fact.fact_id,
            fact=codec.check_fact(fact),
            contents=(content,),
        )

    def _token(self, outcome: Outcome) -> str:
        return self._site.token(outcome.seq)
