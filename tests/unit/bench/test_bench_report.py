from moderation.bench import toxicity, vosk, whisper
from moderation.bench.cpu import Timing
from moderation.bench.hearing import Group, Heard
from moderation.bench.memory import StreamMemory
from moderation.bench.overhead import BROKER, SPEECH, SUM, TOXICITY, VAD, Overhead
from moderation.bench.report import as_json, markdown


def timing(name: str, *cpu_s: float) -> Timing:
    return Timing(name=name, cpu_s=cpu_s)


def heard(name: str, *cpu_s: float, said: int = 100, errors: int = 5, texts: int = 0) -> Heard:
    return Heard(timing=timing(name, *cpu_s), errors=errors, said=said, clips_with_text=texts, characters=texts * 7)


MEASURED = as_json(
    runs=2,
    speech=[
        Group(
            name="chat",
            clips=3,
            audio_s=10.0,
            heard={
                whisper.OURS: heard(whisper.OURS, 0.25, 0.25),
                whisper.STOCK: heard(whisper.STOCK, 1.0, 1.0, errors=6),
            },
        ),
        Group(
            name="no speech",
            clips=9,
            audio_s=20.0,
            heard={
                whisper.OURS: heard(whisper.OURS, 0.5, 0.5, said=0, errors=0),
                whisper.STOCK: heard(whisper.STOCK, 1.0, 1.0, said=0, errors=0, texts=2),
            },
        ),
    ],
    korean=Group(
        name="vosk",
        clips=4,
        audio_s=40.0,
        heard={
            vosk.OURS: heard(vosk.OURS, 4.0, 4.0, errors=14),
            vosk.BARE_NEW: heard(vosk.BARE_NEW, 8.0, 8.0, errors=15),
        },
    ),
    texts=toxicity.Scored(
        texts=10,
        timings={
            toxicity.OURS: timing(toxicity.OURS, 0.06, 0.06),
            toxicity.DETOXIFY_BATCHED: timing(toxicity.DETOXIFY_BATCHED, 0.3, 0.3),
        },
        scoring=toxicity.Spread(p50_ms=2.0, p95_ms=2.5),
        stages=toxicity.Spread(p50_ms=2.25, p95_ms=3.0),
        largest_difference=0.00000123,
    ),
    overhead=Overhead(
        engine="whisper:tiny.en",
        talk_s=100.0,
        audio_s=120.0,
        timings={
            VAD: timing(VAD, 0.5, 0.5),
            SPEECH: timing(SPEECH, 3.0, 3.0),
            TOXICITY: timing(TOXICITY, 0.5, 0.5),
            BROKER: timing(BROKER, 5.0, 5.2),
        },
    ),
    memory=[StreamMemory(encoding="OPUS", idle_streams=200, idle_mb=0.178, talking_streams=50, talking_mb=0.82)],
)


def test_ratios_say_how_many_times_less_ours_takes() -> None:
    chat, nothing = MEASURED["whisper"]
    assert chat["ways"][whisper.OURS]["times_less_than_stock"] == 4.0
    assert chat["ways"][whisper.OURS]["cpu_s_per_s_of_audio"] == 0.025
    assert chat["ways"][whisper.OURS]["wer_percent"] == 5.0
    assert nothing["ways"][whisper.STOCK]["clips_with_text_where_nothing_is_said"] == 2
    assert MEASURED["vosk"]["ways"][vosk.OURS]["times_less_than_bare"] == 2.0
    assert MEASURED["toxicity"]["ways"][toxicity.OURS]["ms_per_text"] == 2.0
    assert MEASURED["toxicity"]["ways"][toxicity.OURS]["times_less_than_batched_detoxify"] == 5.0
    assert MEASURED["toxicity"]["scoring"] == {"p50_ms": 2.0, "p95_ms": 2.5}
    assert MEASURED["toxicity"]["all_text_stages"]["p95_ms"] == 3.0


def test_the_tables_show_every_way() -> None:
    told = markdown(MEASURED)
    assert "| chat (3, 10 s) | ours, one at a time | 0.025 | 4.00 | 5.0 % |" in told
    assert "| no speech (9, 20 s) | faster-whisper | 0.050 | 1.00 | 14 characters in 2 clips |" in told
    assert "| ours, a process an utterance | 0.100 | 2.00 | 14.0 % |" in told
    assert "| ours, one by one | 2.00 | 5.00 |" in told
    assert "personal data, policy, masking): p50 2.2 ms, p95 3.0 ms." in told
    assert "Detoxify's is 1e-06." in told


def test_the_overhead_is_a_ratio_to_the_sum_of_the_bare_models() -> None:
    ways = MEASURED["overhead"]["ways"]
    assert ways[SUM]["times_bare_models"] == 1.0
    assert ways[SUM]["cpu_ms_per_s_of_speech"] == 40.0
    assert ways[SPEECH]["times_bare_models"] == 0.75
    assert ways[BROKER]["times_bare_models"] == 1.27
    assert ways[BROKER]["cpu_s"] == [5.0, 5.2]


def test_the_tables_of_the_worker_end_with_what_costs_most() -> None:
    told = markdown(MEASURED)
    assert f"| {SUM} | 40.0 | 1.00 |\n| {BROKER} | 51.0 | 1.27 |" in told
    assert "| OPUS (200 and 50 streams) | 0.18 | 0.82 |" in told


def test_without_english_clips_there_is_no_overhead() -> None:
    assert "bare models" not in markdown({**MEASURED, "overhead": None})


def test_without_korean_clips_there_is_no_table_of_vosk() -> None:
    assert "Korean" not in markdown({**MEASURED, "vosk": None})
