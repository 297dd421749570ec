"""`cordboard topics`: what contacts were thought to be about, beside what became of them."""

from typing import Annotated

import typer

from cordboard.cli.calls import call
from cordboard.cli.contacts import plain
from cordboard.cli.instants import parse_instant
from cordboard.cli.output import DEFAULT_TARGET, AsJson, Target, print_json, print_table
from cordboard.v1.contact_service_pb2 import GetTopicReportResponse, TopicTotal


def topics(
    from_: Annotated[str, typer.Option("--from", help="Contacts that arrived at or after: 2026-11-22 (UTC).")] = "",
    until: Annotated[str, typer.Option(help="Contacts that arrived before.")] = "",
    target: Target = DEFAULT_TARGET,
    as_json: AsJson = False,
) -> None:
    """First topic by disposition of ended contacts, and how often agents found another topic."""
    from_ms, until_ms = (parse_instant(text) if text else 0 for text in (from_, until))
    report = call(target, lambda client: client.topic_report(from_ms, until_ms))
    if as_json:
        print_json(plain(report))
        return
    words = sorted({outcome.disposition for outcome in report.outcomes})
    columns = ("first topic", *(word or "(none)" for word in words), "contacts", "reclassified", "share")
    rows = [row(topic, words, report) for topic in report.topics]
    figures = ["" for _ in words]
    rows.append(("all", *figures, report.total.contacts, report.total.changed, share(report.total)))
    print_table("Topics", columns, rows, right=columns[1:])


def row(topic: TopicTotal, words: list[str], report: GetTopicReportResponse) -> tuple[object, ...]:
    """One first topic, a figure a disposition."""
    by_word = {outcome.disposition: outcome.contacts for outcome in report.outcomes if outcome.topic == topic.topic}
    return (topic.topic or "(none)", *(by_word.get(word, 0) for word in words), topic.contacts, topic.changed, share(topic))


def share(total: TopicTotal) -> str:
    return f"{total.changed_permille / 10:.1f} %" if total.contacts else "–"
