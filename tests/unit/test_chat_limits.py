"""The token bucket."""

from cordboard.gateway.limits import TokenBucket


def test_a_burst_then_the_rate() -> None:
    bucket = TokenBucket(rate=2.0, burst=3)
    assert [bucket.take(10.0) for _ in range(4)] == [True, True, True, False]
    assert not bucket.take(10.4)
    assert bucket.take(10.5)
    assert not bucket.take(10.5)


def test_a_pause_saves_up_no_more_than_the_burst() -> None:
    bucket = TokenBucket(rate=2.0, burst=3)
    assert all(bucket.take(0.0) for _ in range(3))
    assert [bucket.take(1_000.0) for _ in range(4)] == [True, True, True, False]
