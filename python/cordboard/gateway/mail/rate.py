"""How often one sender may write to one of our addresses: machines that answer each other are slowed down, nothing is lost."""

from collections import OrderedDict

from cordboard.gateway.limits import TokenBucket


class SenderRate:
    """`per_minute` mails of one sender to one address; the `most` pairs that wrote last are remembered."""

    def __init__(self, per_minute: int, most: int) -> None:
        self._per_minute = per_minute
        self._most = most
        self._buckets: OrderedDict[tuple[str, str], TokenBucket] = OrderedDict()

    def take(self, sender: str, address: str, now: float) -> bool:
        """Whether this mail may come now. `now`: any monotonic clock, seconds."""
        pair = (sender.lower(), address.lower())
        bucket = self._buckets.pop(pair, None) or TokenBucket(self._per_minute / 60, self._per_minute)
        self._buckets[pair] = bucket
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        return bucket.take(now)
