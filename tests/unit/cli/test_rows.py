"""How flags and transcripts look in a table."""

from dataclasses import replace
from pathlib import Path

import pytest

from moderation.cli.flags import flag_cells
from moderation.cli.transcripts import transcript_cells
from moderation.contracts.catalogue import locate
from moderation.contracts.codecs import Codecs, load_codecs
from moderation.events import MissingAudio
from moderation.settings import Settings


@pytest.fixture
def codecs() -> Codecs:
    return load_codecs(Settings())


def _example(path: str) -> bytes:
    return Path(locate("schemas") / "examples" / path).read_bytes()


def test_the_row_of_a_flag_has_the_worst_category_first_and_the_time_since_speech(codecs: Codecs) -> None:
    flag = codecs.flags.decode(_example("moderation_flag.v1/insult.bin"))
    texts = [text for text, _ in flag_cells(flag)]
    assert texts == [
        "20:15:30.250",
        "match-4711",
        "player-7",
        "en",
        "medium",
        "warn",
        "insult 0.91, PHONE 1.00",
        "you are an idiot call [PHONE]",
        "0.70 s",
    ]


def test_the_row_of_a_provisional_flag_says_so(codecs: Codecs) -> None:
    flag = codecs.flags.decode(_example("moderation_flag.v1/provisional.bin"))
    assert flag_cells(flag)[7][0].endswith("(provisional)")


def test_the_row_of_a_flag_that_was_withdrawn_says_so(codecs: Codecs) -> None:
    flag = codecs.flags.decode(_example("moderation_flag.v2/withdrawn.bin"))
    cells = [text for text, _ in flag_cells(flag)]
    assert cells[4:7] == ["none", "none", ""]
    assert cells[7].endswith("(withdrawn)")


def test_a_category_that_was_found_twice_is_shown_once_with_its_best_score(codecs: Codecs) -> None:
    flag = codecs.flags.decode(_example("moderation_flag.v1/insult.bin"))
    twice = replace(flag, detections=(replace(flag.detections[0], score=0.7), flag.detections[0]))
    assert flag_cells(twice)[6][0] == "insult 0.91"


def test_the_row_of_a_transcript_names_its_engine(codecs: Codecs) -> None:
    transcript = codecs.transcripts.decode(_example("transcript.v1/final.bin"))
    texts = [text for text, _ in transcript_cells(transcript)]
    assert texts[4:] == ["whisper:tiny.en", "you are an idiot call [PHONE]", "2.00 s"]


def test_the_rows_of_a_transcript_and_of_a_flag_say_how_much_audio_is_missing(codecs: Codecs) -> None:
    gaps = (MissingAudio(at_ms=2600, duration_ms=200), MissingAudio(at_ms=3600, duration_ms=1000))
    transcript = replace(codecs.transcripts.decode(_example("transcript.v2/gap.bin")), missing=gaps)
    assert transcript_cells(transcript)[5][0] == "you are idiot call [PHONE] [1.20 s of audio missing]"
    flag = replace(codecs.flags.decode(_example("moderation_flag.v2/gap.bin")), missing=gaps, provisional=True)
    assert flag_cells(flag)[7][0] == "you are idiot call [PHONE] [1.20 s of audio missing] (provisional)"
