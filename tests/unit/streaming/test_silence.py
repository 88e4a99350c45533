"""When a stream counts as silent on the wire, and when it only seems so."""

from datetime import timedelta

import pytest
from support.streaming import START, audio_chunk, received

from moderation.clock import ManualClock
from moderation.streaming.silence import LogSilence
from moderation.streaming.transport import FetchState

PARTITION = ("voice-audio", 0)


class Bench:
    """A partition that is looked at every quarter of a second."""

    def __init__(self) -> None:
        self.clock = ManualClock(START)
        self.silence = LogSilence(self.clock, event_s=10.0)
        self.last = received(audio_chunk(0), 0)
        self.answers = 0

    def look(
        self, *, position: int = 1, highwater: int = 1, answered: bool = True, routed: int | None = 0, fetched: int = 0
    ) -> None:
        self.clock.advance(0.25)
        self.answers += answered
        state = FetchState(position=position, highwater=highwater, answered_ms=self.answers, last_fetched=fetched)
        self.silence.sample({PARTITION: state}, routed={} if routed is None else {PARTITION: routed})

    def is_silent(self) -> bool:
        return self.silence.has_lasted(self.last, wall_s=2.0)


def test_a_stream_is_silent_when_the_end_of_the_log_was_seen_long_enough_after_its_last_chunk() -> None:
    bench = Bench()
    for _ in range(9):
        bench.look()
        assert not bench.is_silent()
    bench.look()
    assert bench.is_silent()


@pytest.mark.parametrize(
    "state",
    [
        {"highwater": 2},
        {"fetched": 1, "position": 2, "highwater": 2},
        {"answered": False},
        {"routed": None},
    ],
    ids=["the log goes on", "messages are on their way", "the broker does not answer", "nothing was taken in"],
)
def test_a_stream_is_not_silent_while_the_worker_is_behind(state: dict[str, object]) -> None:
    bench = Bench()
    for _ in range(100):
        bench.look(**state)
    assert not bench.is_silent()


def test_the_time_of_an_outage_does_not_count() -> None:
    bench = Bench()
    for _ in range(4):
        bench.look()
    for _ in range(40):
        bench.look(answered=False)
    for _ in range(8):
        bench.look()
        assert not bench.is_silent()
    bench.look()
    bench.look()
    assert bench.is_silent()


def test_other_streams_timestamps_make_a_stream_silent_in_a_backlog() -> None:
    bench = Bench()
    bench.clock.advance(3600)
    for _ in range(10):
        bench.look(highwater=10_000)
    bench.silence.routed(PARTITION, START + timedelta(seconds=9))
    assert not bench.is_silent()
    bench.silence.routed(PARTITION, START + timedelta(seconds=10))
    assert bench.is_silent()


def test_a_timestamp_of_the_future_counts_as_now() -> None:
    bench = Bench()
    for _ in range(20):
        bench.look(highwater=10_000)
    bench.silence.routed(PARTITION, START + timedelta(days=365))
    assert not bench.is_silent()


def test_what_was_known_of_the_time_in_a_partition_does_not_outlast_a_rebalance() -> None:
    bench = Bench()
    bench.clock.advance(3600)
    bench.silence.routed(PARTITION, START + timedelta(seconds=60))
    bench.silence.forget()
    for _ in range(20):
        bench.look(highwater=10_000)
    assert not bench.is_silent()


def test_messages_without_timestamps_say_nothing() -> None:
    bench = Bench()
    for _ in range(100):
        bench.look(highwater=10_000)
    bench.silence.routed(PARTITION, None)
    assert not bench.is_silent()
