"""Whether to believe what was decoded. Pure functions.

The first three limits are those of the paper's long-form decoding (Radford et al. 2022, arXiv:2212.04356, section 4.5).
The others were chosen on trimmed windows with tiny.en and base: over read, spontaneous and commanded speech the
no-speech probability stayed below 0.36 and the mean log-probability above -0.85; over room tone, game sounds, keyboards
and instruments one of the two mostly gave the sound away. Isolated digits at 8 kHz look like sounds to these limits:
about a quarter of them is dropped. No noisy or far-field speech was among the clips.
"""

import math
import zlib
from dataclasses import dataclass, field

from moderation.asr.whisper.spoken import Spoken

HIGHEST_COMPRESSION_RATIO = 2.4
LOWEST_AVERAGE_LOG_PROBABILITY = -1.0
HIGHEST_NO_SPEECH_PROBABILITY = 0.6

SURE_LOG_PROBABILITY = -0.3
"""Above this, text counts although the model hears no speech."""
SUSPECT_NO_SPEECH_PROBABILITY = 0.3
"""Above this, text that is still doubtful after every attempt is taken for a sound."""
HOPELESS_LOG_PROBABILITY = -1.5
"""Below this, text that is still doubtful after every attempt is a guess."""

_TOKENS_AT_ONCE = 12
_TOKENS_PER_SECOND_ENGLISH = 8
_TOKENS_PER_SECOND_ANY = 16
_MOST_TOKENS = 224
"""Half of the decoder's 448 positions; Whisper itself never says more about one window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One decoding of one window. `tokens` are text tokens only; `spoken` tells when they were said, where known."""

    tokens: tuple[int, ...]
    text: str
    average_log_probability: float
    no_speech_probability: float
    reached_limit: bool
    spoken: Spoken | None = field(default=None, repr=False, compare=False)

    @property
    def loops(self) -> bool:
        """Whether it goes round in circles."""
        return self.reached_limit or compression_ratio(self.text) > HIGHEST_COMPRESSION_RATIO

    @property
    def is_silence(self) -> bool:
        """Whether the text holds no word, or the model hears no speech and is not sure of its text."""
        unsure = self.loops or self.average_log_probability < SURE_LOG_PROBABILITY
        no_speech = self.no_speech_probability > HIGHEST_NO_SPEECH_PROBABILITY
        return (unsure and no_speech) or not any(letter.isalnum() for letter in self.text)

    @property
    def is_doubtful(self) -> bool:
        """Whether it should be decoded again in another way."""
        return self.loops or self.average_log_probability < LOWEST_AVERAGE_LOG_PROBABILITY

    @property
    def is_worthless(self) -> bool:
        """Whether it is better to hear nothing, when no other attempt was better."""
        suspect = self.is_doubtful and self.no_speech_probability > SUSPECT_NO_SPEECH_PROBABILITY
        return suspect or self.average_log_probability < HOPELESS_LOG_PROBABILITY


def compression_ratio(text: str) -> float:
    """How many times shorter the text gets when compressed: looping text compresses well. 0 for empty text."""
    encoded = text.encode()
    return len(encoded) / len(zlib.compress(encoded)) if encoded else 0.0


def most_tokens(audio_s: float, *, english_only: bool) -> int:
    """The most text tokens that so much speech can have.

    Fast English stays below 8 tokens a second; scripts that the tokenizer knows badly need twice that.
    """
    rate = _TOKENS_PER_SECOND_ENGLISH if english_only else _TOKENS_PER_SECOND_ANY
    return min(_TOKENS_AT_ONCE + math.ceil(audio_s * rate), _MOST_TOKENS)


def best_of(attempts: list[Attempt]) -> Attempt:
    """The attempt to believe when all are doubtful: the most probable of those that do not loop, if there are any."""
    sane = [attempt for attempt in attempts if not attempt.loops]
    return max(sane or attempts, key=lambda attempt: attempt.average_log_probability)
