import numpy as np
import pytest

from moderation.audio.silence import is_silent, silence


def test_silence_is_shared_and_cannot_be_written_to() -> None:
    assert silence(320) is silence(320)
    assert silence(320).shape == (320,)
    with pytest.raises(ValueError, match="read-only"):
        silence(320)[0] = 1.0


@pytest.mark.parametrize("samples", [silence(5), np.zeros(5, np.float32)])
def test_zeros_are_silent_wherever_they_come_from(samples: np.ndarray) -> None:
    assert is_silent(samples)


def test_one_sample_that_is_not_zero_is_a_sound() -> None:
    samples = np.zeros(5, np.float32)
    samples[3] = -1e-6
    assert not is_silent(samples)
