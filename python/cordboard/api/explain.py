"""ExplainService: why a contact waits, and why an agent is not offered it."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from cordboard.api import sentences
from cordboard.api.guard import Context
from cordboard.api.people import called
from cordboard.api.site import Site
from cordboard.api.status import BadRequest
from cordboard.api.translate.check import Check
from cordboard.api.translate.contacts import person
from cordboard.api.translate.words import TO_PARK_KIND, TO_PRESENCE, TO_STATE, requirements_to
from cordboard.api.turned_away import open_steps
from cordboard.errors import FactRefused, InvalidInput, NotFound
from cordboard.events.bounds import COUNT_MAX, INSTANT_MAX_MS
from cordboard.events.verdict import REFUSALS
from cordboard.router.explain import NOW, SHOWN_MAX, AgentExplained, ContactExplained, Hindered, Moment, Promised
from cordboard.v1 import explain_service_pb2 as pb
from cordboard.v1.contact_service_pb2 import Park
from cordboard.v1.explain_service_pb2_grpc import ExplainServiceServicer

SHOWN = 20


class ExplainService(ExplainServiceServicer):
    """Reads from a fold of the journal of its own."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def ExplainContact(self, request: pb.ExplainContactRequest, context: Context) -> pb.ExplainContactResponse:
        check = Check()
        contact = check.id("contact_id", request.contact_id)
        moment, limit = _when(check, request.position, request.at_ms, request.limit)
        check.finish()
        found = await self._explained_contact(contact, moment, limit)
        shown = self._site.shown
        single = shown.single(at_position=moment != NOW)
        agents = found.agents if single else []
        fit = None if single or moment != NOW else self._site.declared.fit(found.queue, found.channel, found.requirements)
        people = await shown.who([*_concerned(found), *(each.id for each in agents)], single)
        named = (lambda agent: called(people, agent)) if single else None
        offer, parked = found.offer, found.parked
        choice = open_steps(self._site, contact) if moment == NOW else None
        return pb.ExplainContactResponse(
            position=found.seq,
            at_ms=found.at_ms,
            contact_id=found.contact.hex(),
            state=TO_STATE[found.state],
            channel=found.channel,
            queue=found.queue,
            queued_at_ms=found.queued_at_ms,
            due_ms=found.due_ms,
            ahead=found.ahead,
            requirements=requirements_to(found.requirements),
            agent=person(people, found.agent),
            hindrances={str(word): count for word, count in found.hindrances.items()} if single else {},
            agents=[_obstacle(people[each.id].person, each, found.at_ms) for each in agents],
            folded_from=found.folded_from,
            sentences=[*sentences.of_contact(found, named, fit), *sentences.of_steps(choice, found.at_ms)],
            promise=None if found.promise is None else _promise(found.promise),
            overdue=[pb.OverdueStep(what=each.what, at_ms=each.at_ms) for each in found.due],
            next_steps=choice,
            offer_until_ms=0 if offer is None else offer.until_ms,
            also_offered=[people[each].person for each in offer.others] if offer is not None and single else [],
            park=None if parked is None else Park(kind=TO_PARK_KIND[parked.kind], until_ms=parked.until_ms),
            parked_at_ms=0 if parked is None else parked.since_ms,
            owner="" if parked is None else person(people, parked.owner),
            reserved_agent=person(people, found.reserved),
        )

    async def ExplainAgent(self, request: pb.ExplainAgentRequest, context: Context) -> pb.ExplainAgentResponse:
        check = Check()
        asked = check.person("agent", request.agent)
        moment, limit = _when(check, request.position, request.at_ms, request.limit)
        check.finish()
        self._site.shown.refuse_single_now()
        if moment != NOW:
            self._site.shown.refuse_single_before()
        with _known(moment):
            found = await self._explained(asked, moment, limit)
        people = await self._site.people.of([found.agent])
        return pb.ExplainAgentResponse(
            position=found.seq,
            at_ms=found.at_ms,
            agent=asked,
            requested=TO_PRESENCE[found.requested],
            effective=TO_PRESENCE[found.effective],
            idle_since_ms=found.idle_since_ms,
            load=found.load,
            capacity=found.capacity,
            waiting=found.waiting,
            hindrances={str(word): count for word, count in found.hindrances.items()},
            contacts=[_obstacle(each.id.hex(), each, found.at_ms) for each in found.contacts],
            folded_from=found.folded_from,
            sentences=sentences.of_agent(found, called(people, found.agent)),
            overdue=[pb.OverdueStep(what=each.what, at_ms=each.at_ms) for each in found.due],
            outside=found.outside,
            reserved_for="" if found.reserved is None else found.reserved.hex(),
        )

    async def _explained_contact(self, contact: bytes, moment: Moment, limit: int) -> ContactExplained:
        """Raises NotFound; of one that is over by now FactRefused(contact_gone)."""
        try:
            with _known(moment):
                return await self._site.explainer.contact(contact, moment, limit)
        except NotFound:
            if moment == NOW and await self._site.history.get_contact(contact) is not None:
                raise FactRefused(REFUSALS["contact_gone"], reason="contact_gone") from None
            raise

    async def _explained(self, person: str, moment: Moment, limit: int) -> AgentExplained:
        """Under whatever reference the agent was declared there. Raises NotFound if under none that is known."""
        *older, oldest = await self._site.people.refs(person)
        for ref in older:
            with suppress(NotFound):
                return await self._site.explainer.agent(ref, moment, limit)
        return await self._site.explainer.agent(oldest, moment, limit)


@contextmanager
def _known(moment: Moment) -> Iterator[None]:
    """A moment that the journal does not have is the caller's mistake."""
    try:
        yield
    except InvalidInput as error:
        raise BadRequest.of("at_ms" if moment.position is None else "position", str(error)) from error


def _when(check: Check, position: int, at_ms: int, limit: int) -> tuple[Moment, int]:
    check.number("position", position, 0, COUNT_MAX)
    check.number("at_ms", at_ms, 0, INSTANT_MAX_MS)
    if position and at_ms:
        check.wrong("at_ms", "must not be given with a position: that is as of its commit")
    return Moment(position or None, at_ms or None), check.number("limit", limit or SHOWN, 1, SHOWN_MAX)


def _concerned(found: ContactExplained) -> Iterator[bytes | None]:
    """The agents who have to do with the contact, besides those whom something keeps from it."""
    yield from (found.agent, found.reserved, *found.preferred)
    if found.offer is not None:
        yield from found.offer.others
    if found.parked is not None:
        yield found.parked.owner


def _promise(found: Promised) -> pb.ExplainedPromise:
    begin_ms, end_ms = found.slot or (0, 0)
    return pb.ExplainedPromise(
        kind=found.kind,
        stage=found.stage,
        made_at_ms=found.made_ms,
        due_ms=found.due_ms,
        from_ms=found.from_ms,
        until_ms=found.until_ms,
        slot_begin_ms=begin_ms,
        slot_end_ms=end_ms,
        next_at_ms=found.next_ms or 0,
        returned_contact_id="" if found.returned is None else found.returned.hex(),
        attempts=found.attempts,
        at_risk=found.at_risk,
    )


def _obstacle(name: str, found: Hindered, at_ms: int) -> pb.Obstacle:
    return pb.Obstacle(
        id=name,
        queue=found.queue,
        rank=found.rank,
        hindrance=found.hindrance,
        until_ms=found.until_ms or 0,
        need=requirements_to([found.need])[0] if found.need is not None else None,
        sentence=sentences.obstacle(found, at_ms),
        reserved_for="" if found.reserved is None else found.reserved.hex(),
    )
