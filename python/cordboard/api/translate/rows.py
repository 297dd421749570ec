"""Rows of the boards, as protobuf."""

from collections.abc import Mapping

from cordboard.api.groups import Figures, enough
from cordboard.api.translate.words import TO_PRESENCE
from cordboard.projections.rows import AgentRow, QueueRow, SiteRow
from cordboard.v1 import board_service_pb2 as pb
from cordboard.vault import Person

OF_WORK = ("offering", "engaged", "wrapping", "handled", "reserved", "aht_ms", "expected_base_ms")
OF_AGENTS = ("members_ready", "occupancy_permille", "expected_base_ms")
"""What a queue's row says of those who serve it: of the work that it gives them, and of themselves. The expected wait is reckoned
from both."""


def queue_row(row: QueueRow, told: Figures) -> pb.QueueRow:
    """Without the figures that are not told."""
    message = pb.QueueRow(
        queue=row.queue or "",
        channel=row.channel or "",
        waiting=row.waiting,
        offering=row.offering,
        engaged=row.engaged,
        wrapping=row.wrapping,
        parked=row.parked,
        reserved=row.reserved,
        mode=row.mode or "",
        close_at_ms=row.close_at_ms,
        oldest_since_ms=row.oldest_since_ms,
        visits=row.visits,
        answered=row.answered,
        answered_in_target=row.answered_in_target,
        abandoned=row.abandoned,
        short_abandoned=row.short_abandoned,
        abandoned_after_transfer=row.abandoned_after_transfer,
        flowed_out=row.flowed_out,
        requeued=row.requeued,
        closed=row.closed,
        slas_at_risk=row.slas_at_risk,
        slas_met=row.slas_met,
        slas_broken=row.slas_broken,
        handled=row.handled,
        answered_wait_ms=row.answered_wait_ms,
        asa_ms=row.asa_ms,
        aht_ms=row.aht_ms,
        wait_p50_ms=row.wait_p50_ms,
        wait_p90_ms=row.wait_p90_ms,
        wait_p99_ms=row.wait_p99_ms,
        wait_max_ms=row.wait_max_ms,
        members=row.members,
        members_ready=row.members_ready,
        expected_base_ms=row.expected_base_ms,
        service_level_permille=row.service_level_permille,
        service_level_goal_percent=row.service_level_percent,
        occupancy_permille=row.occupancy_permille,
    )
    message.work_withheld, message.agents_withheld = not told.work, not told.agents
    for figure in (() if told.work else OF_WORK) + (() if told.agents else OF_AGENTS):
        message.ClearField(figure)  # type: ignore[arg-type]  # the stub knows literals only
    return message


def agent_row(row: AgentRow, people: Mapping[bytes, Person]) -> pb.AgentRow:
    """`people` must know the agent."""
    person = people[row.agent]
    return pb.AgentRow(
        agent_id=row.agent.hex(),
        person=person.person,
        name=person.name,
        effective=TO_PRESENCE[row.effective],
        effective_reason=row.effective_reason or "",
        requested=TO_PRESENCE[row.requested],
        requested_reason=row.requested_reason or "",
        since_ms=row.since_ms,
        idle_since_ms=row.idle_since_ms,
        queues=row.queues,
        channels=[
            pb.ChannelLoad(
                channel=load.channel,
                on=load.on,
                offered=load.offered,
                connecting=load.connecting,
                engaged=load.engaged,
                wrapping=load.wrapping,
                load=load.load,
                max_concurrent=load.max_concurrent,
            )
            for load in row.channels
        ],
        load=row.load,
        capacity=row.capacity,
        offered=sum(load.offered for load in row.channels),
        connecting=sum(load.connecting for load in row.channels),
        engaged=sum(load.engaged for load in row.channels),
        wrapping=sum(load.wrapping for load in row.channels),
        handled=row.handled,
        occupancy_permille=row.occupancy_permille,
        parked=row.parked,
        outside=row.outside,
        desk_lost=row.desk_lost,
        leaves_at_ms=row.leaves_ms,
        reserved_for=row.reserved_for.hex() if row.reserved_for is not None else "",
    )


def site_row(row: SiteRow, *, whole: bool, least: int) -> pb.SiteRow:
    """Not `whole`: without the figures that say what agents do. Reasons of absence of fewer than `least` are left out."""
    others = row.agents - row.agents_ready - sum(row.absences.values())
    return pb.SiteRow(
        policy_version=row.policy_version,
        contacts=row.contacts,
        open=row.open,
        ended=row.ended,
        agents=row.agents,
        agents_ready=row.agents_ready if whole else 0,
        occupancy_permille=row.occupancy_permille if whole else None,
        figures_withheld=not whole,
        parked=row.parked,
        days_left=row.days_left,
        effects_open=row.effects_open,
        effects_failed=row.effects_failed,
        absences=enough(row.absences, others, least) if whole else {},
    )
