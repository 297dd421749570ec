"""What a process says of itself in numbers: every metric by name, served at /metrics of the health port (docs/metrics.md).

Names follow Prometheus: base units, `_total` for what only grows. Labels are words of the code (a stream, a channel, an error's
class), of the configuration (a server of the cluster) or of the policy (a queue), never an id nor anything that came from outside,
so that their number is bounded. What is hot counts once a batch.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics
from prometheus_client.exposition import choose_encoder

from cordboard.errors import CordboardError

disable_created_metrics()  # type: ignore[no-untyped-call]  # the library leaves it untyped
REGISTRY = CollectorRegistry(auto_describe=True)
ProcessCollector(registry=REGISTRY)

Follower = Literal["router", "boards", "history", "archive"]
"""Who reads the journal: the router that stands by or leads, boards and desks of API and gateway, the projector, the archiver."""
Stream = Literal["inbox", "journal", "snapshots"]

FACTS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
SHORT_S = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5)
WAITS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


def _counter(name: str, text: str, *labels: str) -> Counter:
    return Counter(name, text, labels, registry=REGISTRY)


def _gauge(name: str, text: str, *labels: str) -> Gauge:
    return Gauge(name, text, labels, registry=REGISTRY)


def _histogram(name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
    return Histogram(name, text, labels, registry=REGISTRY, buckets=buckets)


# -- every role ---------------------------------------------------------------------------------------------------------
READY = _gauge("cordboard_ready", "1: the role does its work, as /readyz says", "role")
ALARMS = _gauge("cordboard_alarms", "Alarms that stand now, as /readyz says: they make nobody unready")
STREAM_BYTES = _gauge("cordboard_stream_bytes", "Bytes that the stream holds", "stream")
STREAM_MAX_BYTES = _gauge("cordboard_stream_max_bytes", "Bytes that the stream may hold; 0: as many as the disk has", "stream")
STREAM_MISSING = _gauge(
    "cordboard_stream_missing_messages", "Messages that the server's copy of the stream lacks", "server", "stream"
)
POSITION = _gauge("cordboard_follower_position", "The last commit of the journal that the follower has taken in", "follower")
LAG = _gauge("cordboard_follower_lag_commits", "Commits of the journal that the follower has not taken in", "follower")
LAG_S = _gauge("cordboard_follower_lag_seconds", "How long the oldest of those is known to be there", "follower")
BACKLOG = _gauge("cordboard_inbox_backlog_frames", "Frames of the inbox that no commit has consumed, as this process sees it")
BACKLOG_S = _gauge("cordboard_inbox_backlog_seconds", "How long the oldest of those is known to be there")
CONNECTIONS_LOST = _counter("cordboard_log_connections_lost", "Times that the connection to NATS was lost")
GAPS = _counter(
    "cordboard_log_gaps", "Times that a server showed a later message than the next one, as one does that has not caught up"
)

# -- router -------------------------------------------------------------------------------------------------------------
LEADING = _gauge("cordboard_router_leading", "1: this router leads; 0: it stands by, or reads the journal")
EPOCH = _gauge("cordboard_router_epoch", "The newest epoch that this router knows")
TAKE_OVERS = _counter("cordboard_router_take_overs", "Times that this router took over")
OVERTAKEN = _counter("cordboard_router_overtaken", "Times that another router took over from this one")
COMMITS = _counter("cordboard_router_commits", "Commits that this router decided")
COMMIT_BYTES = _counter("cordboard_router_commit_bytes", "Their bytes")
FRAMES = _counter("cordboard_router_frames", "Frames of the inbox that this router decided")
ROUTED_FACTS = _counter(
    "cordboard_router_facts", "Facts that this router decided, by verdict; a frame that cannot be read is one", "verdict"
)
STEP_S = _histogram("cordboard_router_step_seconds", "One turn of the core: frames in, commits out", SHORT_S)
APPEND_S = _histogram(
    "cordboard_router_append_seconds", "One commit: from its sending until the journal has acknowledged it", WAITS_S
)
SNAPSHOT = _gauge("cordboard_router_snapshot_position", "The newest snapshot that this router knows to be stored")
SNAPSHOT_AT = _gauge("cordboard_router_snapshot_timestamp_seconds", "When it learned of that one (Unix time); 0: of none yet")

# -- publishers (gateway, API, effects) -----------------------------------------------------------------------------------
FRAME_FACTS = _histogram("cordboard_publisher_frame_facts", "Facts in one frame", FACTS, "publisher")
ACK_S = _histogram("cordboard_publisher_ack_seconds", "One frame: from its sending until the inbox has it", WAITS_S, "publisher")
RESENDS = _counter("cordboard_publisher_resends", "Frames that were sent once more", "publisher")
WAITING = _gauge("cordboard_publisher_waiting_facts", "Facts that wait for a frame", "publisher")
IN_FLIGHT = _gauge("cordboard_publisher_in_flight_facts", "Facts in the frame that is under way", "publisher")
PUBLISHER_REFUSED = _counter("cordboard_publisher_refused_facts", "Facts refused because too many wait already", "publisher")

# -- gateway ------------------------------------------------------------------------------------------------------------
ACCEPTED = _counter("cordboard_gateway_accepted", "Contacts and letters that a sender was told are taken", "channel")
REFUSED = _counter(
    "cordboard_gateway_refused", "Those whose sender was told otherwise, by the class of the reason", "channel", "reason"
)

# -- API ----------------------------------------------------------------------------------------------------------------
CALLS = _counter(
    "cordboard_api_calls", "Calls that have ended, by gRPC code; a watch that its client leaves is CANCELLED", "method", "code"
)
CALL_S = _histogram("cordboard_api_call_seconds", "One call that is not a watch", WAITS_S, "method")
STREAMS = _gauge("cordboard_api_streams", "Watches that are open", "method")
OUTCOMES = _gauge("cordboard_api_awaited_outcomes", "Facts whose verdict somebody waits for")
OUTCOME_S = _histogram("cordboard_api_outcome_seconds", "From a fact's being sent until its outcome is known", WAITS_S)

POLICY_DAYS = _gauge(
    "cordboard_policy_days_left", "Days of which the policy knows when they begin and which are holidays; +Inf: it has none of both"
)
# Every role shows it, and only those that keep boards set it: no other may look as if its policy had run out.
POLICY_DAYS.set(float("inf"))
SLAS_AT_RISK = _gauge("cordboard_slas_at_risk", "Clocks of SLA promises that are at risk now")
SLAS_ENDED = _gauge(
    "cordboard_slas_ended", "Those that ended so since the journal began; nothing until this process has read it all", "outcome"
)
THRESHOLDS_REACHED = _gauge(
    "cordboard_thresholds_reached",
    "Contacts that reached it since the policy has it; nothing until this process has read the whole journal",
    "queue",
    "threshold",
    "group",
)
MATTERS_REPEATED = _gauge(
    "cordboard_matters_repeated", "Arrivals in a matter that came back as often as `repeat_count` says, counted likewise", "queue"
)
QUARANTINE_OPEN = _gauge("cordboard_quarantine_open", "Messages and facts that could not be read, and nobody has decided of")

# -- projector ----------------------------------------------------------------------------------------------------------
HISTORY_COMMITS = _counter("cordboard_history_commits", "Commits whose rows were written")
HISTORY_FACTS = _counter("cordboard_history_facts", "Facts in those commits, by the router's verdict", "verdict")
HISTORY_PROMISES = _counter(
    "cordboard_history_promises", "Promised calls in those commits: made, at risk, or how they ended", "outcome"
)
HISTORY_BATCH_S = _histogram("cordboard_history_batch_seconds", "One transaction: fold, rows and checkpoint", WAITS_S)
REBUILT = _gauge("cordboard_history_rebuild_position", "The last commit in the tables of a rebuild that is under way; 0: none is")
REBUILDS = _counter("cordboard_history_rebuilds", "Times that rebuilt tables were put in the place of the live ones")
HISTORY_SPELLS = _counter(
    "cordboard_history_subscriptions", "Times that the journal was subscribed to: 1, and one for each renewal"
)

# -- archiver -----------------------------------------------------------------------------------------------------------
ARCHIVE_FAILURES = _counter("cordboard_archive_failures", "Times that the storage did not take what came; it is tried again")

# -- dialler ------------------------------------------------------------------------------------------------------------
DIALS = _counter("cordboard_dialler_dials", "Attempts at promised calls that this process made, by what came of them", "outcome")
RINGING = _gauge("cordboard_dialler_ringing", "Calls that ring now")

_positions: dict[Follower, int] = {}
_inbox_read = 0


def at(follower: Follower, seq: int) -> None:
    """`follower` has taken in every commit up to `seq`. Once a batch."""
    _positions[follower] = seq
    POSITION.labels(follower).set(seq)


def position(follower: Follower) -> int | None:
    """Where it stands; None: it has not begun."""
    return _positions.get(follower)


def inbox_read(seq: int) -> None:
    """This process's router has consumed the inbox up to frame `seq`. Once a batch."""
    global _inbox_read
    _inbox_read = seq


def inbox_position() -> int:
    """The last of those."""
    return _inbox_read


@contextmanager
def admission(channel: str) -> Iterator[None]:
    """Counts what came in by `channel`: taken if the block ends, else refused by the class of what it raises."""
    try:
        yield
    except Exception as error:
        REFUSED.labels(channel, type(error).reason if isinstance(error, CordboardError) else "internal").inc()
        raise
    ACCEPTED.labels(channel).inc()


def exposition(accept: str) -> tuple[bytes, str]:
    """All metrics as a scraper that accepts `accept` wants them, and the content type."""
    encode, content_type = choose_encoder(accept)
    return encode(REGISTRY), content_type
