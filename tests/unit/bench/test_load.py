from dataclasses import replace

import pytest

from moderation.bench.load import Load, finding, notes, table
from moderation.events import AudioEncoding

LOAD = Load(
    engine="whisper:tiny.en",
    encoding=AudioEncoding.OPUS,
    language="en",
    spoken_language="en",
    talk_s=50.0,
    audio_s=60.0,
    cpu_s=2.02,
    muted_ms_per_s=2.0,
    model_mb=43.4,
)


def test_breaths_cost_what_a_muted_stream_costs() -> None:
    assert LOAD.speech_ms_per_s == pytest.approx((2_020 - 10 * 2) / 50)


def test_a_core_is_divided_by_what_its_streams_cost() -> None:
    assert LOAD.streams_per_core(1.0) == 17  # 700 ms of a second, 40 ms a stream
    assert LOAD.streams_per_core(0.25) == 60  # 0.25 * 40 + 0.75 * 2
    assert LOAD.streams_per_core(0.0) == 350


def test_what_costs_nothing_measurable_carries_no_number() -> None:
    assert replace(LOAD, cpu_s=0.0, muted_ms_per_s=0.0).streams_per_core(0.25) == 0


def test_the_table_has_a_row_a_load() -> None:
    rows = [row.split() for row in table([LOAD, replace(LOAD, engine="vosk:ko", cpu_s=5.02)])]
    assert rows[1] == ["whisper:tiny.en", "opus", "40.0", "2.00", "17", "60", "43"]
    assert rows[2][:3] == ["vosk:ko", "opus", "100.0"]
    assert len(rows) == 3


def test_the_notes_say_what_the_figures_are_and_what_measures_better() -> None:
    told = " ".join(notes([LOAD], cores=2, worker_mb=198.4))
    assert "Estimates from processor time" in told
    assert "python -m loadtest capacity" in told
    assert "Cores here: 2. A worker takes 198 MB" in told
    assert "--speech" not in told


def test_an_engine_that_heard_another_language_is_named() -> None:
    told = notes([LOAD, replace(LOAD, engine="vosk:ko", language="ko")], cores=2, worker_mb=1.0)
    assert [line for line in told if "vosk:ko" in line and "--speech" in line]


def test_programs_read_a_finding_with_figures() -> None:
    told = finding(LOAD)
    assert (told["area"], told["level"], told["advice"]) == ("bench", "ok", None)
    assert "17 talking streams or 60 voice sessions" in told["what"]
    figures = told["figures"]
    assert (figures["talking_streams_per_core"], figures["sessions_per_core"]) == (17, 60)
    assert (figures["cpu_ms_per_s_of_speech"], figures["cpu_ms_per_muted_s"], figures["model_mb"]) == (40.0, 2.0, 43)
