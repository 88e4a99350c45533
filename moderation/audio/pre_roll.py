"""How much audio a fresh decoder and resampler need until what they return no longer depends on where they began."""

from moderation.audio.opus import OPUS_PRE_ROLL_MS
from moderation.audio.resample import PRE_ROLL_MS
from moderation.audio.utterance import SAMPLE_RATE_HZ
from moderation.events import AudioEncoding


def pre_roll_samples(encoding: AudioEncoding, decoded_rate_hz: int) -> int:
    """In samples at 16 kHz. 0 where neither keeps state."""
    decoder_ms = OPUS_PRE_ROLL_MS if encoding is AudioEncoding.OPUS else 0
    resampler_ms = 0 if decoded_rate_hz == SAMPLE_RATE_HZ else PRE_ROLL_MS
    return (decoder_ms + resampler_ms) * SAMPLE_RATE_HZ // 1000
