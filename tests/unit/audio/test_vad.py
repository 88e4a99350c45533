import numpy as np
import pytest
from support.audio import silence, voiced, with_noise

from moderation.audio.vad import FRAME_SAMPLES, SileroVad, fresh_state


def whole_frames(samples: np.ndarray) -> np.ndarray:
    return samples[: len(samples) // FRAME_SAMPLES * FRAME_SAMPLES]


def test_a_voice_scores_high_and_a_quiet_room_low(vad: SileroVad) -> None:
    speech, _ = vad.score(fresh_state(), whole_frames(with_noise(voiced(1))))
    quiet, _ = vad.score(fresh_state(), whole_frames(with_noise(silence(1))))
    assert np.median(speech) > 0.8
    assert max(quiet) < 0.3


@pytest.mark.parametrize("frames_a_call", [1, 2, 3, 6, 7, 16])
def test_spreading_frames_over_calls_changes_no_bit(vad: SileroVad, frames_a_call: int) -> None:
    samples = whole_frames(with_noise(np.concatenate([silence(0.5), voiced(1)])))
    together, _ = vad.score(fresh_state(), samples)
    state = fresh_state()
    apart: list[float] = []
    step = frames_a_call * FRAME_SAMPLES
    for start in range(0, len(samples), step):
        probabilities, state = vad.score(state, samples[start : start + step])
        apart += probabilities
    assert apart == list(together)


def test_no_frames_leave_the_state_alone(vad: SileroVad) -> None:
    state = fresh_state()
    assert vad.score(state, silence(0)) == ((), state)
