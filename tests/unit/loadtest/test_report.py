from datetime import UTC, datetime, timedelta

from support.events import a_flag

from loadtest.clips import Clip
from loadtest.conversation import Turn
from loadtest.report import PlannedTurn, SeenFlag, percentile, summarise

START = datetime(2026, 1, 1, tzinfo=UTC)
FIGURES = {"streams": 1, "seconds": 10.0, "chunks_sent": 50, "producer_late_ms_max": 0.0, "dead_letters": 0}


def planned(start_s: float, end_s: float, *, flagged: bool = True) -> PlannedTurn:
    return PlannedTurn(
        stream_id="m",
        turn=Turn(
            clip=Clip(clip_id="c", packets=(), flagged=flagged), start_ms=int(start_s * 1000), end_ms=int(end_s * 1000)
        ),
        started_at=START + timedelta(seconds=start_s),
        ended_at=START + timedelta(seconds=end_s),
    )


def seen(flag_id: str, start_s: float, end_s: float, *, stream_id: str = "m", delay_ms: int = 500) -> SeenFlag:
    ended_at = START + timedelta(seconds=end_s)
    flag = a_flag(
        flag_id=flag_id, stream_id=stream_id, started_at=START + timedelta(seconds=start_s), ended_at=ended_at
    )
    return SeenFlag(flag=flag, published_at=ended_at + timedelta(milliseconds=delay_ms))


def test_a_flag_counts_as_found_when_it_overlaps_a_planted_turn_of_its_stream() -> None:
    report = summarise([planned(1, 3)], [seen("f", 0.9, 2.9)], FIGURES)
    assert (report.flags_planted, report.flags_found, report.false_flags) == (1, 1, 0)


def test_a_flag_about_harmless_talk_or_another_stream_is_false() -> None:
    turns = [planned(1, 3), planned(5, 7, flagged=False)]
    report = summarise(turns, [seen("f", 5, 7), seen("g", 1, 3, stream_id="other")], FIGURES)
    assert (report.flags_found, report.false_flags) == (0, 2)


def test_a_redelivered_flag_is_counted_once_and_reported_as_duplicate() -> None:
    report = summarise([planned(1, 3)], [seen("f", 1, 3), seen("f", 1, 3, delay_ms=9_000)], FIGURES)
    assert (report.flags_seen, report.duplicate_flags, report.p95_ms) == (1, 1, 500.0)


def test_percentiles_of_nothing_are_nothing() -> None:
    assert percentile([], 0.95) is None
    assert percentile([1.0, 2.0, 3.0, 4.0], 0.5) == 3.0
