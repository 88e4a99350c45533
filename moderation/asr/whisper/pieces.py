"""Cut audio that is longer than one window at its quietest places."""

from moderation.asr.engine import Samples
from moderation.asr.quiet import quietest_place
from moderation.asr.recognition import SAMPLE_RATE_HZ
from moderation.asr.whisper.window import LONGEST_PIECE_S

_SEARCHED_S = 8


def pieces(samples: Samples, longest_s: int = LONGEST_PIECE_S) -> list[Samples]:
    """The audio in pieces of at most `longest_s`, which joined are the audio.

    A piece that has to be cut ends in the middle of the quietest 100 ms of its last 8 s, the last of them where several
    are as quiet. Audio that fits, empty audio included, is one piece.
    """
    longest = longest_s * SAMPLE_RATE_HZ
    found: list[Samples] = []
    while len(samples) > longest:
        cut = quietest_place(samples, longest - _SEARCHED_S * SAMPLE_RATE_HZ, longest)
        found.append(samples[:cut])
        samples = samples[cut:]
    return [*found, samples]
