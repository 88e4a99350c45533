"""The scenario that ships keeps what the demo promises."""

from pathlib import Path

from moderation.demo.manifest import clips_folder, load_manifest
from moderation.demo.scenario import load_scenario
from moderation.demo.sound_file import decode_clip
from moderation.demo.timeline import place_all
from moderation.events import AudioEncoding

SCENARIO, MANIFEST = load_scenario(), load_manifest()
DURATIONS_MS = {
    path.stem: len(decode_clip(path.read_bytes(), 16_000)) // 16 for path in Path(str(clips_folder())).glob("*.ogg")
}
PLACED = place_all(SCENARIO, DURATIONS_MS)


def test_at_least_eight_streams_in_two_sessions_speak_for_half_a_minute():
    assert len({plan.stream_id for plan in SCENARIO.streams}) == len(SCENARIO.streams) >= 8
    assert len({plan.session_id for plan in SCENARIO.streams}) == 2
    assert 25 <= SCENARIO.duration_s <= 35


def test_opus_pcm_and_others_are_sent():
    encodings = {plan.encoding for plan in SCENARIO.streams}
    assert {AudioEncoding.OPUS, AudioEncoding.PCM_S16LE} < encodings


def test_some_streams_hint_at_their_language_and_some_do_not():
    assert {plan.language_hint is None for plan in SCENARIO.streams} == {True, False}


def test_every_play_fits_into_the_scenario():
    assert len(PLACED) == sum(len(plan.plays) for plan in SCENARIO.streams)


def test_a_speaker_has_one_voice():
    for plan in SCENARIO.streams:
        assert {MANIFEST.clip(play.clip).voice for play in plan.plays} <= {plan.speaker_id, None}


def test_at_most_half_of_the_time_is_talk():
    talk_ms = sum(one.end_ms - one.start_ms for one in PLACED if MANIFEST.clip(one.clip_id).voice)
    assert talk_ms <= 0.5 * SCENARIO.duration_s * 1000 * len(SCENARIO.streams)


def test_a_speaker_pauses_long_enough_to_end_an_utterance():
    assert all(play.gap_s >= 1 for plan in SCENARIO.streams for play in plan.plays[1:])


def test_every_kind_of_clip_is_played():
    kinds = {clip.id.split("-")[0] for clip in MANIFEST.clips}
    assert kinds == {one.clip_id.split("-")[0] for one in PLACED}
