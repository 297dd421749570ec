"""What one gateway process allows, and the bucket that meters a socket. Every size and time has a bound here."""

from collections import OrderedDict
from dataclasses import dataclass

FRAME_MAX = 16 * 1024
"""Longest frame a client may send, bytes; longer ones are answered `too_large`."""
WIRE_FRAME_MAX = 64 * 1024
"""Longest frame the WebSocket layer reads at all; beyond it the socket is closed with 1009."""
TEXT_MAX = 4_000
"""Longest text of one chat message, characters."""
FORM_MAX = 512 * 1024
"""Longest body of a form, bytes: what its fields allow, with every character percent-encoded."""
WEBHOOK_MAX = 256 * 1024
"""Longest body of a webhook, bytes."""
BOOKING_MAX = 16 * 1024
"""Longest body of a booking, bytes."""
RECORDING_MAX = 5 * 1024 * 1024
"""Longest recording of a voicemail, bytes: some ten minutes as browsers record."""
RECORDING = "/chat/recording"
"""Where recordings are posted."""
BODY_S = 20.0
"""A body that has not come within this time is not waited for (408)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of chat, forms and webhooks. Times are seconds unless the name says otherwise."""

    sockets: int = 10_000
    connections: int = 12_000
    """Of all kinds, sockets of chats included; beyond, a request is answered 503 before anybody looks at it."""
    bodies: int = 1_024
    """Posts to forms whose bodies are coming, and as many to webhooks (to one a quarter, to names without secrets together as
    much); beyond, 503 before anything is read."""
    letters: int = 256
    """Letters of one kind (mail, form, webhook) on their way into vault and log; beyond, refused (`overloaded`)."""
    recordings: int = 16
    """Recordings of voicemails on their way: each stands in memory as a whole. Beyond, refused (`overloaded`)."""
    starts: int = 512
    """Chats that wait for vault, log and verdict; beyond, new ones are refused (`overloaded`)."""
    patience_s: float = 5.0
    """When some of those have been on their way for so long, new ones are refused, too."""
    live: int = 20_000
    """Chats that have not ended, their sockets open or not; beyond, new ones are refused (`overloaded`)."""
    choices_a_client: int = 100
    """Customers from one network address who were turned away and choose what to do instead; beyond, new chats from there are
    refused (`rate_limited`)."""
    frames_per_s: float = 10.0
    frames_burst: int = 30
    typing_every_s: float = 1.0
    bad_frames: int = 20
    """So many broken, unknown or too frequent frames on one socket, then it is closed (1008)."""
    idle_s: float = 60.0
    """A socket that neither starts nor resumes within this time is closed (1008)."""
    send_s: float = 10.0
    """A client that does not take one frame within this time is too slow (1013)."""
    replies: int = 64
    """Replies that may wait for one socket; more and the client is too slow (1013)."""
    lag_lines: int = 512
    """Journal lines that may wait for one socket after it has caught up; more and the client is too slow (1013)."""
    messages: int = 2_000
    """Messages of one conversation, both sides together; the customer is refused beyond."""
    verdict_s: float = 15.0
    """How long a start waits for the router's verdict before it answers `outcome_unknown`."""
    backlog_frames: int = 2_000
    backlog_age_ms: int = 5_000
    """The router further behind than this: new chats are refused (`overloaded`), running ones go on."""
    retry_after_ms: int = 5_000
    ended_ms: int = 15 * 60_000
    ended_max: int = 10_000
    """Ended conversations can be resumed (to read how they ended) for so long, and so many of them."""
    wait_every_s: float = 10.0
    """How often a waiting customer's expected wait is looked at again."""
    posts_per_s: float = 1.0
    posts_burst: int = 20
    """Posts to a form from one network address; more are answered 429."""
    looks_per_s: float = 5.0
    looks_burst: int = 100
    """Questions by one network address how entry points stand, and changes of callbacks by their links; more are answered 429."""
    bookings_per_s: float = 0.02
    bookings_burst: int = 10
    """Callbacks booked by one network address; more are answered 429 …"""
    numbers_per_s: float = 0.002
    numbers_burst: int = 3
    """… and for one telephone number …"""
    door_bookings_per_s: float = 1.0
    door_bookings_burst: int = 60
    """… and at one entry point, all together."""
    promises_a_number: int = 3
    """Calls that one number may be promised at a time, however they were booked."""
    moves: int = 20
    """So often a customer moves one promise."""
    demand_every_s: float = 10.0
    """How often customers who were turned away at a door are told the journal."""
    webhooks_per_s: float = 50.0
    webhooks_burst: int = 200
    """Posts to a webhook by one source, told apart by its name, once their signatures hold; more are answered 429."""


class TokenBucket:
    """`take(now)` is True at most `rate` times a second on average, `burst` at once. `now` is any monotonic clock, seconds."""

    __slots__ = ("_at", "_burst", "_left", "_rate")

    def __init__(self, rate: float, burst: int) -> None:
        self._rate = rate
        self._burst = float(burst)
        self._left = float(burst)
        self._at: float | None = None

    def take(self, now: float) -> bool:
        if self._at is not None:
            self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True

    @property
    def wait_s(self) -> float:
        """So long after it was last taken from it has something again."""
        return max(0.0, 1.0 - self._left) / self._rate


class TokenBuckets:
    """A bucket a key, of the `most` keys that were last used: who was forgotten begins with a full one."""

    def __init__(self, rate: float, burst: int, most: int = 10_000) -> None:
        self._rate, self._burst, self._most = rate, burst, most
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    def take(self, key: str, now: float) -> bool:
        bucket = self._buckets.setdefault(key, TokenBucket(self._rate, self._burst))
        self._buckets.move_to_end(key)
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        return bucket.take(now)

    def wait_s(self, key: str) -> float:
        """How long who was just refused has to wait."""
        bucket = self._buckets.get(key)
        return 0.0 if bucket is None else bucket.wait_s
