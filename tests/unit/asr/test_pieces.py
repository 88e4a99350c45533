import numpy as np

from moderation.asr.whisper.pieces import pieces

RATE_HZ = 16_000


def test_audio_that_fits_is_one_piece() -> None:
    assert [len(piece) for piece in pieces(np.ones(28 * RATE_HZ, dtype=np.float32))] == [28 * RATE_HZ]


def test_empty_audio_is_one_empty_piece() -> None:
    assert [len(piece) for piece in pieces(np.zeros(0, dtype=np.float32))] == [0]


def test_longer_audio_is_cut_where_it_is_quietest() -> None:
    audio = np.ones(40 * RATE_HZ, dtype=np.float32)
    audio[int(24.9 * RATE_HZ) : int(25.2 * RATE_HZ)] = 0.0
    first, second = pieces(audio)
    assert 24.9 <= len(first) / RATE_HZ <= 25.2
    assert len(first) + len(second) == len(audio)


def test_of_equally_quiet_places_the_last_is_cut() -> None:
    first, _ = pieces(np.zeros(30 * RATE_HZ, dtype=np.float32))
    assert len(first) / RATE_HZ > 27.9
