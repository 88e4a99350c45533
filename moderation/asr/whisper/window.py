"""How much audio the encoder is shown.

Whisper was trained on 30 s windows, and the cost of encoding grows with the window. Shorter windows are as accurate
when silence follows the speech and when the window is not too short; steps keep the number of distinct shapes small.
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


def window_s(samples: int) -> int:
    """The window for so many samples of audio, in seconds: the audio and 2 s, at least 10 s, a multiple of 2 s."""
    wanted_s = samples / SAMPLE_RATE_HZ + TRAILING_SILENCE_S
    stepped_s = math.ceil(wanted_s / WINDOW_STEP_S) * WINDOW_STEP_S
    return min(max(stepped_s, SHORTEST_WINDOW_S), FULL_WINDOW_S)
