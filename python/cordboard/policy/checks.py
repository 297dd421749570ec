"""What the document says as a whole: references to things that are not there, and settings that contradict each other."""

from cordboard.policy.check_calendars import check_calendars
from cordboard.policy.check_conversation import check_conversation
from cordboard.policy.check_doors import check_doors
from cordboard.policy.check_moving import check_moving
from cordboard.policy.check_next_steps import check_next_steps
from cordboard.policy.check_queues import check_waiting
from cordboard.policy.check_rules import check_rules
from cordboard.policy.check_slas import check_slas
from cordboard.policy.document import BUILT_IN_REASONS, LIVE_OFFER_TTL_MAX_MS
from cordboard.policy.duration import format_duration
from cordboard.policy.entry import Entry
from cordboard.policy.kinds import Placed
from cordboard.policy.problems import Problems
from cordboard.policy.references import check_requirements
from cordboard.policy.sections import Document


def check_document(document: Document, problems: Problems) -> None:
    """Add every contradiction. Only values that could be read are looked at, so no mistake is reported twice."""
    for word, channel in document.named["channels"].items():
        path = f"channels.{word}"
        _check_capacity(document, channel, path, problems)
        _check_presence(channel, path, problems)
        _check_wrap_up(channel, path, problems)
        check_conversation(document, word, channel, path, problems)
    for word, queue in document.named["queues"].items():
        _check_queue(document, queue, f"queues.{word}", problems)
        check_waiting(document, word, queue, f"queues.{word}", problems)
    check_calendars(document, problems)
    check_slas(document, problems)
    _check_reasons(document, problems)
    _check_routing(document.blocks["routing"], problems)
    check_doors(document, problems)
    check_next_steps(document, problems)
    check_moving(document, problems)
    check_rules(document, problems)


def _check_capacity(document: Document, channel: Entry, path: str, problems: Problems) -> None:
    cost, capacity = channel.get("cost"), document.site.get("capacity")
    if cost is not None and capacity is not None and cost > capacity:
        problems.add(
            channel.place("cost"),
            f"{path}.cost",
            f"costs {cost}, more than an agent's whole capacity of {capacity}: it could never be offered",
            f"write a cost of at most {capacity}, or raise `capacity`",
        )


def _check_presence(channel: Entry, path: str, problems: Problems) -> None:
    """Settings that make sense only if a customer is there, or only if none is."""
    presence, klass = channel.get("presence"), channel.get("class")
    if presence == "async" and klass is not None and klass < 2:
        problems.add(
            channel.place("class"),
            f"{path}.class",
            f"class {klass} is for customers who wait live: async work would go before every call and chat",
            "write `class: 3` (deferrable) or `class: 2`",
        )
    if presence == "live" and klass == 3:
        problems.add(
            channel.place("class"),
            f"{path}.class",
            "class 3 is deferrable: a live customer would wait behind all session work",
            "write `class: 1`, or `presence: async`",
        )
    if presence == "async" and "on_missed" in channel.values and channel.get("on_missed") == "not_ready":
        problems.add(
            channel.place("on_missed"),
            f"{path}.on_missed",
            "a missed piece of async work would take the agent away from live channels too",
            "write `on_missed: switch_off`",
        )
    ttl_ms = channel.get("offer_ttl")
    if presence == "live" and ttl_ms is not None and ttl_ms > LIVE_OFFER_TTL_MAX_MS:
        problems.add(
            channel.place("offer_ttl"),
            f"{path}.offer_ttl",
            f"a live customer would wait {format_duration(ttl_ms)} for one agent to answer",
            f"write at most {format_duration(LIVE_OFFER_TTL_MAX_MS)}; 20s is usual",
        )


def _check_wrap_up(channel: Entry, path: str, problems: Problems) -> None:
    wrap_up_ms, longest_ms = channel.get("wrap_up"), channel.get("wrap_up_max")
    if longest_ms is None or wrap_up_ms is None:
        return
    if longest_ms and not wrap_up_ms:
        problems.add(
            channel.place("wrap_up_max"),
            f"{path}.wrap_up_max",
            "there is no wrap-up to extend",
            "add `wrap_up: 60s`, or remove `wrap_up_max`",
        )
    elif 0 < longest_ms < wrap_up_ms:
        problems.add(
            channel.place("wrap_up_max"),
            f"{path}.wrap_up_max",
            f"{format_duration(longest_ms)} is shorter than the wrap-up itself ({format_duration(wrap_up_ms)})",
            f"write {format_duration(wrap_up_ms)} or more, or 0s to forbid extensions",
        )


def _check_queue(document: Document, queue: Entry, path: str, problems: Problems) -> None:
    check_requirements(document, queue.get("requires") or [], f"{path}.requires", problems)
    channels = document.named["channels"]
    targets: dict[str, Placed] = queue.get("targets") or {}
    if queue.get("strategy") == "fewest_today" and not document.site.get("timezone"):
        problems.add(
            queue.place("strategy"),
            f"{path}.strategy",
            "`fewest_today` counts by the day, and no day begins without a time zone",
            "write `timezone: Europe/Amsterdam` at the top",
        )
    for channel, placed in targets.items():
        if channel not in channels:
            problems.unknown(placed.at, f"{path}.targets.{channel}", "channel", channel, channels)


def _check_reasons(document: Document, problems: Problems) -> None:
    for word in BUILT_IN_REASONS:
        entry = document.named["reasons"].get(word)
        if entry is not None and entry.get("class") not in (None, "system"):
            problems.add(
                entry.place("class"),
                f"reasons.{word}",
                f"the engine gives `{word}` itself, with class system",
                "write `class: system`",
            )


def _check_routing(routing: Entry, problems: Problems) -> None:
    earliest_ms, cooldown_ms = routing.get("reoffer_min"), routing.get("decline_cooldown")
    if earliest_ms is not None and cooldown_ms is not None and earliest_ms > cooldown_ms:
        problems.add(
            routing.place("reoffer_min" if "reoffer_min" in routing.values else "decline_cooldown"),
            "routing.reoffer_min",
            f"{format_duration(earliest_ms)} is longer than decline_cooldown ({format_duration(cooldown_ms)})",
            f"write at most {format_duration(cooldown_ms)}",
        )
