"""After half a minute of digital silence a worker let the first sounds of a noisy utterance pass, and its successor,
which had begun to listen only just before, did not: the utterance began 0.7 s earlier, under another id.
"""

from pathlib import Path

import numpy as np
import pytest
from support.audio import encoded_chunks, take_all, utterances_of

import moderation.demo
from moderation.audio.intake import StreamIntake
from moderation.audio.vad import SileroVad
from moderation.demo.sound_file import decode_clip
from moderation.events import AudioEncoding
from moderation.settings import AudioSettings

RATE_HZ = 8_000
CLIP = Path(moderation.demo.__file__).parent / "clips" / "noisy-clean-babble.ogg"


@pytest.fixture(scope="module")
def vad() -> SileroVad:
    return SileroVad()


def heard_after(vad: SileroVad, silence_ms: int) -> tuple[int, int]:
    """Where the utterance of the clip begins and ends, in ms of the clip."""
    clip = decode_clip(CLIP.read_bytes(), RATE_HZ)
    audio = np.concatenate([np.zeros(silence_ms * RATE_HZ // 1000, np.float32), clip, np.zeros(12_000, np.float32)])
    chunks = encoded_chunks(audio, AudioEncoding.MULAW, RATE_HZ, chunk_ms=200)
    first, *_ = utterances_of(take_all(StreamIntake(AudioSettings(), vad), chunks))
    return first.start_ms - silence_ms, first.end_ms - silence_ms


@pytest.mark.parametrize("silence_ms", [2_000, 20_020, 36_020])
def test_an_utterance_begins_at_the_same_place_however_long_the_silence_before(vad: SileroVad, silence_ms: int) -> None:
    assert heard_after(vad, silence_ms) == heard_after(vad, 1_000)
