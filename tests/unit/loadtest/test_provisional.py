import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import yaml
from support.events import a_flag
from support.streaming import a_detection

from loadtest.clips import PACKET_MS, Clip
from loadtest.conversation import Turn
from loadtest.provisional.outcome import summarise
from loadtest.provisional.talk import LISTED, make_track, word_list
from loadtest.report import PlannedTurn, SeenFlag
from loadtest.sounds import Sounds
from moderation.events import AudioEncoding, DetectionKind, ModerationFlag
from moderation.vocabulary.filter import VocabularyFilter

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
TURN = PlannedTurn(
    stream_id="m",
    turn=Turn(clip=Clip(clip_id="c", packets=(), flagged=True), start_ms=0, end_ms=12_000),
    started_at=BEGAN,
    ended_at=BEGAN + timedelta(seconds=12),
)


def flag(word_ends_ms: int | None = 3_000, **changes: object) -> ModerationFlag:
    found = a_detection(kind=DetectionKind.VOCABULARY, start_ms=2_700, end_ms=word_ends_ms)
    values = {
        "flag_id": "f",
        "revision": 12_401,
        "started_at": BEGAN,
        "ended_at": BEGAN + timedelta(seconds=12),
        "detections": (found,) if word_ends_ms else (),
    }
    return a_flag(**(values | changes))


def seen(at_s: float, of: ModerationFlag) -> SeenFlag:
    return SeenFlag(flag=of, published_at=BEGAN + timedelta(seconds=at_s))


EARLY = flag(revision=3_800, provisional=True, ended_at=BEGAN + timedelta(seconds=3.8))


def test_the_delay_counts_from_the_end_of_the_word_to_the_first_flag_that_names_it() -> None:
    early = [seen(4.1, EARLY), seen(5.0, replace(EARLY, revision=5_200))]
    told = summarise([TURN], early, [seen(13.0, flag())], worker_cores=0.5)
    assert (told.found, told.early, told.late, told.unfounded) == (1, 1, 0, 0)
    assert (told.p50_ms, told.listening_p50_ms, told.telling_p50_ms) == (1_100.0, 800.0, 300.0)
    assert told.final_p50_ms == 10_000.0


def test_a_provisional_flag_about_something_else_does_not_count() -> None:
    told = summarise([TURN], [seen(4.1, flag(None, provisional=True))], [seen(13.0, flag())], worker_cores=0.5)
    assert (told.found, told.early, told.late, told.p50_ms) == (1, 0, 1, 10_000.0)


def test_an_utterance_whose_word_was_not_recognised_is_not_found() -> None:
    told = summarise([TURN], [seen(4.1, EARLY)], [], worker_cores=0.5)
    assert (told.utterances, told.found, told.unfounded, told.p50_ms) == (1, 0, 1, None)


def test_of_a_flag_that_was_told_twice_the_first_counts() -> None:
    told = summarise(
        [TURN], [seen(9.0, EARLY), seen(4.1, EARLY)], [seen(14.0, flag()), seen(13.0, flag())], worker_cores=0
    )
    assert (told.found, told.p50_ms, told.final_p50_ms) == (1, 1_100.0, 10_000.0)


def frames(count: int, level: int) -> tuple[bytes, ...]:
    return (np.full(16 * PACKET_MS, level, "<i2").tobytes(),) * count


def a_clip(clip_id: str, level: int) -> Clip:
    return Clip(clip_id=clip_id, packets=(*frames(5, 0), *frames(100, level), *frames(5, 0)), flagged=False)


@pytest.mark.parametrize("seed", range(5))
def test_an_utterance_is_as_long_as_asked_for_without_a_pause_and_holds_its_listed_clip_whole(seed: int) -> None:
    clips = (a_clip("clean-library", 9_000), a_clip("game-boss", 5_000), a_clip("pii-phone", 1_000))
    sounds = Sounds(encoding=AudioEncoding.PCM_S16LE, clips=clips, silence=frames(1, 0)[0])
    track = make_track(sounds, random.Random(seed), utterances=2, utterance_ms=12_000)
    for turn in track.turns:
        assert turn.end_ms - turn.start_ms == 12_000
        said = [np.frombuffer(frame, "<i2")[0] for frame in turn.clip.packets]
        assert sorted(set(said)) == [5_000, 9_000]
        assert said.count(9_000) == 100
        assert track.packets[turn.start_ms // PACKET_MS : turn.end_ms // PACKET_MS] == turn.clip.packets


def test_the_list_is_one_that_the_filter_takes(tmp_path) -> None:
    path = tmp_path / "words.yaml"
    path.write_text(word_list())
    assert yaml.safe_load(word_list())["entries"]
    found = VocabularyFilter.from_files([path]).match("the cat is in the kitchen", "en")
    assert [match.category for match in found] == ["listed"]
    assert len(set(LISTED.values())) == len(LISTED)
