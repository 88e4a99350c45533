"""How much audio the encoder is shown.

Whisper was trained on 30 s windows, and the cost of encoding grows with the window. A decoder that sees nothing behind
a short window says the text again or goes on inventing. So either the window is not too short and much of it is
silence, or the decoder is shown what the encoder makes of silence behind it: that is known beforehand.
"""

import math

from moderation.asr.recognition import SAMPLE_RATE_HZ

FULL_WINDOW_S = 30
"""The window that Whisper was trained on."""

SHORTEST_WINDOW_S = 10
WINDOW_STEP_S = 2
TRAILING_SILENCE_S = 2
LONGEST_PIECE_S = FULL_WINDOW_S - TRAILING_SILENCE_S
"""Longer audio is cut into pieces of at most this length, so that silence always follows."""

SHORTEST_SHORT_WINDOW_S = 6.0
SHORT_WINDOW_STEP_S = 0.5


def window_s(samples: int) -> float:
    """The window for so many samples of audio, in seconds: the audio and 2 s, at least 10 s, a multiple of 2 s."""
    return _stepped_s(samples, TRAILING_SILENCE_S, step_s=WINDOW_STEP_S, least_s=SHORTEST_WINDOW_S)


def short_window_s(samples: int) -> float:
    """The window where the decoder is shown silence behind it: the audio and 0.5 to 1 s, at least 6 s."""
    return _stepped_s(samples, SHORT_WINDOW_STEP_S, step_s=SHORT_WINDOW_STEP_S, least_s=SHORTEST_SHORT_WINDOW_S)


def _stepped_s(samples: int, behind_s: float, *, step_s: float, least_s: float) -> float:
    wanted_s = samples / SAMPLE_RATE_HZ + behind_s
    return min(max(math.ceil(wanted_s / step_s) * step_s, least_s), FULL_WINDOW_S)
