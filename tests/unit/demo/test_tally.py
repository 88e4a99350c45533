"""What came back is added up right."""

from typing import Any

import pytest

from moderation.demo.manifest import Clip, Manifest
from moderation.demo.tally import Latency, Summary, Tally, latency_of
from moderation.demo.timeline import Placed
from moderation.events import Severity

VOICE = {"pace": 1.0, "shift": 1.0, "noise_scale": 0.6, "noise_width": 0.8}
BAD = {"flagged": True, "severity": "medium", "toxicity": ["insult", "toxicity"]}
MANIFEST = Manifest.model_validate(
    {
        "version": 1,
        "voices": {"oak": VOICE},
        "babble": [],
        "clips": [
            {"id": "bad", "voice": "oak", "text": "You fool.", "expect": BAD},
            {"id": "good", "voice": "oak", "text": "Hello.", "expect": {"flagged": False}},
        ],
    }
)
PLACED = [
    Placed(stream_id="s", clip_id="bad", start_ms=500, end_ms=2000),
    Placed(stream_id="s", clip_id="good", start_ms=4000, end_ms=6000),
]


def summarise(tally: Tally) -> Summary:
    return tally.summarise(PLACED, MANIFEST, streams=2, sessions=1)


def tally_of(*flags: Any) -> Tally:
    tally = Tally()
    for flag in flags:
        tally.add_flag(flag)
    return tally


def outcomes(tally: Tally) -> dict[str, tuple[bool, bool, set[str]]]:
    return {clip.clip_id: (clip.expected, clip.flagged, set(clip.missed)) for clip in summarise(tally).clips}


def test_a_flag_counts_for_the_clip_that_was_playing(flag):
    tally = tally_of(flag(start_ms=300, end_ms=2200))
    assert outcomes(tally) == {"bad": (True, True, {"toxicity"}), "good": (False, False, set())}


def test_a_clip_that_ought_to_be_flagged_and_is_not_misses_everything():
    assert outcomes(Tally())["bad"] == (True, False, {"insult", "toxicity"})


def test_a_clip_flagged_without_need_is_told(flag):
    assert outcomes(tally_of(flag(start_ms=4100, end_ms=5900)))["good"] == (False, True, set())


def test_a_flag_where_nobody_spoke_is_a_stray(flag):
    summary = summarise(tally_of(flag("f1", start_ms=2500, end_ms=3000), flag("f2", start_ms=500, end_ms=2000)))
    assert (summary.flags, summary.strays) == (2, 1)


def test_categories_of_several_flags_of_one_clip_join(flag):
    first = flag("f1", start_ms=500, end_ms=1000)
    second = flag("f2", start_ms=1200, end_ms=1900, detections=(("toxicity", 0.9, Severity.LOW),))
    assert outcomes(tally_of(first, second))["bad"] == (True, True, set())


def test_a_later_revision_takes_the_place_of_an_earlier_one(flag):
    provisional = flag(revision=0, provisional=True, latency_ms=100)
    final = flag(revision=1, latency_ms=900, detections=(("threat", 0.9, Severity.HIGH),))
    for order in ((provisional, final), (final, provisional)):
        summary = summarise(tally_of(*order))
        assert (summary.flags, summary.by_category, summary.by_severity) == (1, {"threat": 1}, {"high": 1})
        assert summary.latency == Latency(p50_ms=900, p95_ms=900, max_ms=900)


def test_a_flag_that_was_withdrawn_counts_nowhere(flag):
    provisional = flag(revision=3000, provisional=True, start_ms=4100, end_ms=5900)
    withdrawn = flag(revision=9001, start_ms=4100, end_ms=5900, detections=())
    for order in ((provisional, withdrawn), (withdrawn, provisional)):
        tally = tally_of(*order)
        summary = summarise(tally)
        assert (summary.flags, summary.by_category, summary.by_severity, summary.latency) == (0, {}, {}, None)
        assert outcomes(tally)["good"] == (False, False, set())
        assert tally.counts == (0, 0, 0)


def test_utterances_are_counted_once_and_partials_not_at_all(transcript):
    tally = Tally()
    for one in (transcript("a"), transcript("a"), transcript("b"), transcript("c", is_final=False)):
        tally.add_transcript(one)
    tally.add_dead_letter()
    assert tally.counts == (2, 0, 1)
    assert (summarise(tally).utterances, summarise(tally).dead_letters) == (2, 1)


def test_clips_in_which_somebody_speaks_are_counted_apart_from_noise():
    hum = {"id": "hum", "sound": {"kind": "hum", "level_db": -30, "duration_s": 2}, "expect": {"flagged": False}}
    manifest = MANIFEST.model_copy(update={"clips": (*MANIFEST.clips, Clip.model_validate(hum))})
    placed = [*PLACED, Placed(stream_id="t", clip_id="hum", start_ms=0, end_ms=2000)]
    assert Tally().summarise(placed, manifest, streams=2, sessions=1).spoken == 2


def test_latency_is_the_time_from_the_end_of_speech_to_the_arrival(flag):
    assert flag(latency_ms=850).latency_ms == pytest.approx(850)


def test_percentiles_are_nearest_ranks():
    assert latency_of([float(n) for n in range(100, 0, -1)]) == Latency(p50_ms=50, p95_ms=95, max_ms=100)
    assert latency_of([7.0]) == Latency(p50_ms=7, p95_ms=7, max_ms=7)
    assert latency_of([]) is None
