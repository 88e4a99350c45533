import pytest

from loadtest.overhead.figures import Spent, idle, muted, talking

IDLE = Spent(seconds=10.0, chunks=0, worker={"main": 0.05, "consumer": 0.05}, aiokafka=0.02, faust=0.04)


def test_a_muted_stream_is_told_with_and_without_what_an_idle_worker_spends() -> None:
    spent = Spent(
        seconds=20.0, chunks=1_000, worker={"main": 0.3, "consumer": 0.08, "python": 0.02}, aiokafka=0.05, faust=0.1
    )
    figures = muted(10, IDLE, spent)
    assert figures["worker_ms_per_stream_s"] == pytest.approx(2.0)
    assert figures["worker_without_idle_ms_per_stream_s"] == pytest.approx(1.0)
    assert figures["worker_ms_per_chunk"] == pytest.approx(0.4)
    assert (figures["aiokafka_ms_per_chunk"], figures["faust_ms_per_chunk"]) == (0.05, 0.1)
    assert figures["faust_to_aiokafka"] == 2.0
    assert list(figures["worker_by_thread_ms_per_chunk"]) == ["main", "consumer", "python"]


def test_recognition_is_what_neither_the_loop_nor_the_client_spent() -> None:
    worker = {"main": 0.2, "consumer": 0.1, "python": 1.2}
    figures = talking(5, Spent(seconds=10.0, chunks=250, worker=worker, aiokafka=0.05, faust=0.1))
    assert figures["recognition_ms_per_stream_s"] == pytest.approx(24.0)
    assert figures["rest_ms_per_stream_s"] == pytest.approx(6.0)
    assert figures["rest_to_recognition"] == pytest.approx(0.25)


def test_an_idle_worker_is_told_per_second() -> None:
    assert idle(IDLE) == {"worker_ms_per_s": 10.0, "faust_ms_per_s": 4.0, "aiokafka_ms_per_s": 2.0}
