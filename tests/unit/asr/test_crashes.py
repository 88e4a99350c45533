import pytest

from moderation.asr.vosk.crashes import CrashHistory


def crashed(*times_s: float) -> CrashHistory:
    history = CrashHistory(max_crashes=3, window_s=60.0)
    for time_s in times_s:
        history.record(time_s)
    return history


def test_the_first_restart_is_immediate() -> None:
    assert crashed(10.0).wait_s(10.0) == 0


@pytest.mark.parametrize(("crashes", "wait_s"), [(2, 0.1), (3, 0.2), (5, 0.8), (9, 5.0), (20, 5.0)])
def test_each_further_crash_doubles_the_wait_up_to_five_seconds(crashes: int, wait_s: float) -> None:
    assert crashed(*[10.0] * crashes).wait_s(10.0) == pytest.approx(wait_s)


def test_time_that_passed_is_not_waited_again() -> None:
    assert crashed(10.0, 10.0).wait_s(10.06) == pytest.approx(0.04)
    assert crashed(10.0, 10.0).wait_s(11.0) == 0


def test_more_crashes_than_allowed_are_hopeless() -> None:
    assert not crashed(1.0, 2.0, 3.0).is_hopeless(4.0)
    assert crashed(1.0, 2.0, 3.0, 4.0).is_hopeless(4.0)


def blamed(*utterances: int | None) -> CrashHistory:
    history = CrashHistory(max_crashes=3, window_s=60.0)
    for utterance in utterances:
        history.record(1.0, utterance)
    return history


def test_an_utterance_that_caused_most_of_the_crashes_is_at_fault_itself() -> None:
    assert not blamed(*[7] * 20).is_hopeless(1.0)
    assert not blamed(7, 7, 7, 8, None).is_hopeless(1.0)


def test_crashes_of_many_utterances_are_the_engine_s_fault() -> None:
    assert blamed(7, 7, 8, 9).is_hopeless(1.0)
    assert blamed(*[7] * 9, *[8] * 9).is_hopeless(1.0)
    assert not blamed(7, 8, 9).is_hopeless(1.0)


def test_crashes_before_the_window_do_not_count() -> None:
    history = crashed(1.0, 2.0, 3.0, 4.0)
    assert not history.is_hopeless(61.5)
    assert history.wait_s(200.0) == 0
