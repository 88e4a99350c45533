"""How much audio the encoder is shown.

Whisper was trained on 30 s windows, and the cost of encoding grows with the window. A decoder that sees nothing behind
a short window says the text again or goes on inventing. So either the window is not too short and much of it is
silence, or few positions stand for all the silence up to a full window (`encoder_graph`).
"""

import math

import numpy as np
import numpy.typing as npt

from moderation.asr.recognition import SAMPLE_RATE_HZ

FULL_WINDOW_S = 30
"""The window that Whisper was trained on."""

SHORTEST_WINDOW_S = 10
WINDOW_STEP_S = 2
TRAILING_SILENCE_S = 2
LONGEST_PIECE_S = FULL_WINDOW_S - TRAILING_SILENCE_S
"""Longer audio is cut into pieces of at most this length, so that silence always follows."""

POSITIONS_PER_S = 50
"""What the encoder tells apart."""

_POSITIONS = FULL_WINDOW_S * POSITIONS_PER_S
_SILENCE_HEARD_S = 0.3
_FEWEST_HEARD = POSITIONS_PER_S
_HEARD_STEP = 5
"""Lengths in steps: ONNX Runtime remembers a plan for its memory for each."""

STRIDE = 25
"""Positions of silence, half a second, that one of them stands for. With twice as many, more texts are doubtful and
must be decoded again."""


def window_s(samples: int) -> int:
    """The window for so many samples of audio, in seconds: the audio and 2 s, at least 10 s, a multiple of 2 s."""
    wanted_s = samples / SAMPLE_RATE_HZ + TRAILING_SILENCE_S
    return min(max(math.ceil(wanted_s / WINDOW_STEP_S) * WINDOW_STEP_S, SHORTEST_WINDOW_S), FULL_WINDOW_S)


def heard_positions(samples: int) -> int:
    """How many positions are encoded one by one: the audio and 0.3 to 0.4 s of silence, at least 1 s."""
    wanted = (samples / SAMPLE_RATE_HZ + _SILENCE_HEARD_S) * POSITIONS_PER_S
    return min(max(math.ceil(wanted / _HEARD_STEP) * _HEARD_STEP, _FEWEST_HEARD), _POSITIONS)


def places_of_silence(heard: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Where behind so many positions the silence is encoded, up to a full window, and for how many positions each."""
    starts = np.arange(heard, _POSITIONS, STRIDE)
    ends = np.minimum(starts + STRIDE, _POSITIONS)
    return (starts + ends - 1) // 2, ends - starts
