from dataclasses import replace

import pytest

from moderation.errors import BrokerAway, ConsumerStuck, MemoryCapPassed, NoProgress, TransientError
from moderation.settings import AudioSettings, Settings, StreamingSettings
from moderation.streaming.process_memory import MIB, default_cap_mb
from moderation.streaming.supervision import (
    LAGGARD_PATIENCE,
    MEMORY_SAMPLES,
    PartitionSample,
    Supervision,
    SupervisionLimits,
    WorkerSample,
)

A, B = ("voice-audio", 0), ("voice-audio", 1)
LIMITS = SupervisionLimits(stuck_after_s=60.0, max_utterance_s=15.0, broker_away_s=30.0, max_memory_mb=100)
IDLE = PartitionSample(position=10, end=10, last_fetched=9, committable=10, answered=0)
SAMPLE = WorkerSample(
    partitions={A: IDLE},
    consumer_answered=True,
    broker_answered=True,
    is_intake_paused=False,
    memory_bytes={"worker": 50 * MIB},
)


class Watch:
    """Shows one sample after another to supervision, at its interval."""

    def __init__(self) -> None:
        self.supervision = Supervision(LIMITS)
        self.now_s = 1_000.0

    def see(self, sample: WorkerSample, *, after_s: float = LIMITS.interval_s) -> TransientError | None:
        self.now_s += after_s
        return self.supervision.judge(self.now_s, sample)

    def see_for(self, seconds: float, sample: WorkerSample) -> TransientError | None:
        """The first error within that time, if any."""
        for _ in range(int(seconds / LIMITS.interval_s) + 1):
            if error := self.see(sample):
                return error
        return None


def worker(*, a: PartitionSample = IDLE, b: PartitionSample | None = None, **changes: object) -> WorkerSample:
    return replace(SAMPLE, partitions={A: a} if b is None else {A: a, B: b}, **changes)


def partition(**changes: object) -> PartitionSample:
    return replace(IDLE, **changes)


def test_a_worker_with_nothing_to_do_may_stay() -> None:
    assert Watch().see_for(3_600, SAMPLE) is None


def test_a_consumer_that_reads_nothing_though_there_is_something_is_stuck() -> None:
    error = Watch().see_for(70, worker(a=partition(end=11)))
    assert isinstance(error, ConsumerStuck)
    assert "partition 0 of voice-audio" in str(error)
    assert "MODERATION_STREAMING__STUCK_AFTER_S" in str(error)


def test_a_consumer_is_given_its_time() -> None:
    assert Watch().see_for(50, worker(a=partition(end=11))) is None


def test_a_consumer_that_reads_on_is_not_stuck_however_far_the_end_is() -> None:
    watch = Watch()
    for position in range(10, 200):
        read = partition(position=position, end=10_000, last_fetched=position - 1, committable=position)
        assert watch.see(worker(a=read)) is None


def test_a_consumer_that_waits_for_a_bound_is_not_stuck() -> None:
    assert Watch().see_for(3_600, worker(a=partition(end=11), is_intake_paused=True)) is None


def test_one_stuck_partition_is_enough() -> None:
    watch = Watch()
    for position in range(10, 40):
        read = partition(position=position, end=1_000, last_fetched=position - 1, committable=position)
        if error := watch.see(worker(a=read, b=partition(end=11))):
            assert isinstance(error, ConsumerStuck)
            assert "partition 1 of" in str(error)
            return
    pytest.fail("the partition that is not read was not noticed")


def test_control_records_at_the_end_of_the_log_are_nothing_to_finish() -> None:
    """The position has passed them, they are acked by nobody, and the commit stays before them."""
    assert Watch().see_for(3_600, worker(a=partition(position=12, end=12, last_fetched=9, committable=10))) is None


def test_a_log_with_control_records_alone_is_nothing_to_finish() -> None:
    state = partition(position=2, end=2, last_fetched=None, committable=None)
    assert Watch().see_for(3_600, worker(a=state)) is None


HELD = partition(position=20, end=20, last_fetched=19, committable=10)


def test_messages_in_hand_that_are_never_finished_end_the_worker() -> None:
    error = Watch().see_for(LIMITS.patience_s + 5, worker(a=HELD))
    assert isinstance(error, NoProgress)
    assert "delivered again" in str(error)


def test_messages_that_nobody_took_in_are_in_hand_too() -> None:
    """Fetched, then lost within the worker: no acker knows of them."""
    error = Watch().see_for(LIMITS.patience_s + 5, worker(a=partition(committable=None)))
    assert isinstance(error, NoProgress)


def test_nothing_is_finished_while_the_longest_utterance_is_open() -> None:
    assert Watch().see_for(LIMITS.stuck_after_s + LIMITS.max_utterance_s - LIMITS.interval_s, worker(a=HELD)) is None


def test_overload_that_finishes_a_message_now_and_then_is_progress() -> None:
    watch = Watch()
    for done in range(10, 30):
        slow = partition(position=500, end=10_000, last_fetched=499, committable=done)
        assert watch.see_for(LIMITS.stuck_after_s, worker(a=slow, is_intake_paused=True)) is None


def test_intake_that_is_paused_for_ever_is_no_progress() -> None:
    error = Watch().see_for(LIMITS.patience_s + 5, worker(a=replace(HELD, end=100), is_intake_paused=True))
    assert isinstance(error, NoProgress)


def test_a_partition_left_behind_while_others_move_has_longer() -> None:
    watch, patience_s = Watch(), LIMITS.patience_s * LAGGARD_PATIENCE
    for done in range(10, 1_000):
        moving = partition(position=1_000, end=1_000, last_fetched=999, committable=done)
        error = watch.see(worker(a=HELD, b=moving))
        if (done - 10) * LIMITS.interval_s < patience_s:
            assert error is None
        elif error is not None:
            assert isinstance(error, NoProgress)
            return
    pytest.fail("the partition that stands still was not noticed")


def test_partitions_that_change_hands_begin_anew() -> None:
    watch = Watch()
    for _ in range(20):
        assert watch.see_for(LIMITS.patience_s / 2, worker(a=HELD)) is None
        assert watch.see(replace(SAMPLE, partitions={})) is None


def test_time_in_which_the_worker_was_suspended_does_not_count() -> None:
    watch = Watch()
    watch.see(worker(a=HELD))
    assert watch.see(worker(a=HELD, broker_answered=False), after_s=3_600) is None


def test_a_broker_that_answers_nothing_ends_the_worker() -> None:
    watch = Watch()
    watch.see(SAMPLE)
    error = watch.see_for(40, worker(broker_answered=False))
    assert isinstance(error, BrokerAway)
    assert "MODERATION_BROKER" in str(error)
    assert watch.now_s - 1_000 <= LIMITS.broker_away_s + 2 * LIMITS.interval_s


def test_a_broker_that_is_there_from_time_to_time_is_not_away() -> None:
    watch = Watch()
    for _ in range(10):
        assert watch.see_for(LIMITS.broker_away_s - 2 * LIMITS.interval_s, worker(broker_answered=False)) is None
        assert watch.see(SAMPLE) is None


def test_an_answer_to_a_fetch_shows_that_the_broker_is_there() -> None:
    watch = Watch()
    for stamp in range(100):
        assert watch.see(worker(a=partition(answered=stamp, end=None), broker_answered=False)) is None


def test_a_broker_that_is_away_is_noticed_without_partitions_too() -> None:
    assert isinstance(Watch().see_for(40, replace(SAMPLE, partitions={}, broker_answered=False)), BrokerAway)


def test_a_consumer_that_does_not_say_how_far_it_is_is_stuck() -> None:
    error = Watch().see_for(LIMITS.patience_s + 5, replace(SAMPLE, partitions={}, consumer_answered=False))
    assert isinstance(error, ConsumerStuck)


def test_a_moment_in_which_the_consumer_says_nothing_restarts_no_count() -> None:
    watch = Watch()
    errors = []
    for _ in range(20):
        errors += [watch.see(worker(a=HELD)), watch.see(replace(SAMPLE, partitions={}, consumer_answered=False))]
    assert any(isinstance(error, NoProgress) for error in errors)


def test_memory_above_the_cap_ends_the_worker_when_it_lasts() -> None:
    watch, large = Watch(), worker(memory_bytes={"worker": 60 * MIB, "engine": 41 * MIB})
    errors = [watch.see(large) for _ in range(MEMORY_SAMPLES)]
    assert errors[:-1] == [None] * (MEMORY_SAMPLES - 1)
    assert isinstance(errors[-1], MemoryCapPassed)
    assert "101 MiB" in str(errors[-1])
    assert "MODERATION_STREAMING__MAX_RSS_MB" in str(errors[-1])


def test_a_model_that_is_there_twice_for_a_moment_is_no_leak() -> None:
    watch, large = Watch(), worker(memory_bytes={"worker": 101 * MIB})
    for _ in range(10):
        assert watch.see(large) is None
        assert watch.see(SAMPLE) is None


def test_limits_follow_the_settings() -> None:
    settings = Settings(
        audio=AudioSettings(max_utterance_s=7.0),
        streaming=StreamingSettings(stuck_after_s=42.0, broker_away_s=12.0, max_rss_mb=999),
    )
    assert SupervisionLimits.of(settings) == SupervisionLimits(
        stuck_after_s=42.0, max_utterance_s=7.0, broker_away_s=12.0, max_memory_mb=999
    )


def test_without_a_setting_the_cap_follows_the_machine() -> None:
    assert SupervisionLimits.of(Settings()).max_memory_mb == default_cap_mb() > 0


@pytest.mark.parametrize(("stuck_s", "away_s", "interval_s"), [(90.0, 60.0, 5.0), (90.0, 6.0, 1.0), (3.0, 60.0, 0.5)])
def test_several_samples_fall_within_every_limit(stuck_s: float, away_s: float, interval_s: float) -> None:
    limits = replace(LIMITS, stuck_after_s=stuck_s, broker_away_s=away_s)
    assert limits.interval_s == pytest.approx(interval_s)
