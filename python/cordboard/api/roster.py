"""Who the agents are: declared in bulk, retired, listed; and how old their references are."""

import asyncio

from cordboard.api.ids import fact_id
from cordboard.api.periods import DAY_MS
from cordboard.api.site import Site
from cordboard.api.status import code_of, message_of, reason_of
from cordboard.api.tokens import HexId
from cordboard.api.translate import desk as to_pb
from cordboard.api.translate.check import PERSON_MAX, Check
from cordboard.api.translate.words import channels_from, memberships_from, skills_from
from cordboard.errors import CordboardError
from cordboard.events.bounds import CAPACITY_MAX
from cordboard.events.fact import AgentDeclared, AgentRetired
from cordboard.v1 import staff_service_pb2 as pb

DECLARED_MAX = 500
AT_ONCE = 128
PAGE_MAX = 1_000
PAGE_DEFAULT = 100
_NOBODY = bytes(16)


async def declare_agents(site: Site, request: pb.DeclareAgentsRequest) -> pb.DeclareAgentsResponse:
    """Each on its own: a wrong one does not keep the others out."""
    check = Check()
    request_id = check.uuid("request_id", request.request_id)
    check.count("agents", len(request.agents), 1, DECLARED_MAX)
    persons = [declaration.person for declaration in request.agents]
    if len(set(persons)) < len(persons):
        check.wrong("agents", "names a person more than once")
    check.finish()
    results = [pb.DeclarationResult(person=person[:PERSON_MAX]) for person in persons]
    room = asyncio.Semaphore(AT_ONCE)

    async def one(index: int) -> None:
        declaration, result = request.agents[index], results[index]
        async with room:
            try:
                fact = _fact(declaration, index, fact_id("DeclareAgents", request_id, declaration.person))
                agent = await site.people.declare(declaration.person, declaration.name or None)
                result.agent_id = agent.hex()
                await site.command(_of(fact, agent))
            except CordboardError as error:
                result.code, result.reason, result.message = code_of(error), reason_of(error), message_of(error)

    async with asyncio.TaskGroup() as group:
        for index in range(len(results)):
            group.create_task(one(index))
    failed = sum(result.code != 0 for result in results)
    return pb.DeclareAgentsResponse(
        results=results, accepted_count=len(results) - failed, failed_count=failed, consistency_token=site.token()
    )


def _fact(declaration: pb.AgentDeclaration, index: int, fact: bytes) -> AgentDeclared:
    check = Check()
    at = f"agents[{index}]"
    check.person(f"{at}.person", declaration.person)
    check.text(f"{at}.name", declaration.name, PERSON_MAX)
    declared = AgentDeclared(
        fact_id=fact,
        agent=_NOBODY,
        skills=skills_from(check, f"{at}.skills", declaration.skills),
        memberships=memberships_from(check, f"{at}.memberships", declaration.memberships),
        channels=channels_from(check, f"{at}.channels", declaration.channels),
        capacity=check.number(f"{at}.capacity", declaration.capacity, 0, CAPACITY_MAX)
        if declaration.HasField("capacity")
        else None,
    )
    check.finish()
    return declared


def _of(fact: AgentDeclared, agent: bytes) -> AgentDeclared:
    return AgentDeclared(fact.fact_id, agent, fact.skills, fact.memberships, fact.channels, fact.capacity)


async def retire_agent(site: Site, request: pb.RetireAgentRequest) -> pb.RetireAgentResponse:
    check = Check()
    request_id = check.uuid("request_id", request.request_id)
    check.person("agent", request.agent)
    check.finish()
    agent = await site.people.ref(request.agent)
    outcome = await site.command(AgentRetired(fact_id=fact_id("RetireAgent", request_id), agent=agent))
    return pb.RetireAgentResponse(consistency_token=site.token(outcome.seq))


async def list_agents(site: Site, request: pb.ListAgentsRequest) -> pb.ListAgentsResponse:
    check = Check()
    page_size = check.number("page_size", request.page_size or PAGE_DEFAULT, 1, PAGE_MAX)
    check.finish()
    cursor = site.tokens.cursor(b"ListAgents", request.page_token, tuple[HexId])
    await site.reach(request.consistency_token)
    seq = site.feed.position
    found = site.declared.agents_after(None if cursor is None else bytes.fromhex(cursor[0]), page_size + 1)
    page = [(agent, event, site.desks.desk(agent)) for agent, event in found[:page_size]]
    people = await site.people.of(agent for agent, _, _ in page)
    shown = site.shown.rules.individual_live
    return pb.ListAgentsResponse(
        agents=[to_pb.agent(agent, people[agent], event, desk if shown else None) for agent, event, desk in page],
        next_page_token=site.tokens.page(b"ListAgents", (page[-1][0].hex(),)) if len(found) > page_size else "",
        consistency_token=site.token(seq),
    )


async def list_periods(site: Site) -> pb.ListPeriodsResponse:
    """How old agents' references are. How many are in use is a figure about those agents."""
    days, least = site.shown.rules.agent_detail_days, site.shown.least
    periods = await site.vault.periods.all()
    found = []
    for number, period in enumerate(periods):
        in_use = sum(site.declared.registered(ref) is not None for ref in period.refs)
        told = pb.Period(name=period.name, began_at_ms=period.began_ms, references=len(period.refs))
        if in_use == 0 or in_use >= least:
            told.in_use = in_use
        if period.left_ms is not None:
            told.left_at_ms = period.left_ms
            if days and number:
                told.forgotten_at_ms = period.left_ms + days * DAY_MS
        found.append(told)
    return pb.ListPeriodsResponse(periods=found, agent_detail_days=days)
