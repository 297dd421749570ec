"""The token bucket."""

from cordboard.gateway.limits import TokenBucket, TokenBuckets


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


def test_each_key_has_a_bucket_of_its_own_as_long_as_it_is_remembered() -> None:
    buckets = TokenBuckets(1.0, 1, most=2)
    assert [buckets.take(key, 0.0) for key in ("a", "a", "b", "b")] == [True, False, True, False]
    assert buckets.take("c", 0.0)  # the third: "a" is forgotten
    assert [buckets.take(key, 0.0) for key in ("b", "a")] == [False, True]
