"""Uncompressed and companded samples: PCM_S16LE, PCM_F32LE, and G.711's MULAW and ALAW."""

import numpy as np
import numpy.typing as npt

from moderation.audio.limits import StreamFormat, check_duration, refuse
from moderation.audio.utterance import Samples
from moderation.errors import DeadLetterCode
from moderation.events import AudioEncoding
from moderation.settings import AudioSettings

SAMPLE_BYTES = {
    AudioEncoding.PCM_S16LE: 2,
    AudioEncoding.PCM_F32LE: 4,
    AudioEncoding.MULAW: 1,
    AudioEncoding.ALAW: 1,
}
"""Bytes of one sample of one channel."""


class PcmDecoder:
    """Interleaved samples to mono. Holds no state between payloads.

    A payload must hold whole samples of all channels. Float samples that are not finite are refused; finite ones
    beyond [-1, 1] are clipped, because loud microphones produce them and moderation can still hear the words.
    """

    def __init__(self, stream_format: StreamFormat, limits: AudioSettings) -> None:
        self._format = stream_format
        self._limits = limits
        self._table = _companding_table(stream_format.encoding)

    @property
    def output_rate_hz(self) -> int:
        """The declared sample rate."""
        return self._format.sample_rate_hz

    def decode(self, payload: bytes) -> Samples:
        """Contract: `PayloadDecoder.decode`."""
        channels = self._format.channels
        frame_bytes = SAMPLE_BYTES[self._format.encoding] * channels
        if len(payload) % frame_bytes:
            refuse(
                DeadLetterCode.UNDECODABLE_AUDIO,
                f"{len(payload)} bytes are not whole samples of {frame_bytes} bytes; do not split samples over chunks",
            )
        check_duration(len(payload) // frame_bytes, self.output_rate_hz, self._limits)
        return mix_to_mono(self._expand(payload).reshape(-1, channels))

    def _expand(self, payload: bytes) -> Samples:
        if self._table is not None:
            return self._table[np.frombuffer(payload, np.uint8)]
        if self._format.encoding is AudioEncoding.PCM_S16LE:
            return np.frombuffer(payload, "<i2").astype(np.float32) / np.float32(32_768)
        samples = np.frombuffer(payload, "<f4").astype(np.float32)
        if not np.isfinite(samples).all():
            refuse(DeadLetterCode.UNDECODABLE_AUDIO, "the payload holds samples that are not finite numbers")
        return np.clip(samples, -1.0, 1.0)


def mix_to_mono(samples: Samples) -> Samples:
    """Mean of the channels. `samples` has shape (n, channels); the result (n,)."""
    if samples.shape[1] == 1:
        return samples[:, 0]
    mono: Samples = samples.mean(axis=1, dtype=np.float32)
    return mono


def _companding_table(encoding: AudioEncoding) -> Samples | None:
    if encoding is AudioEncoding.MULAW:
        return mulaw_values().astype(np.float32) / np.float32(32_768)
    if encoding is AudioEncoding.ALAW:
        return alaw_values().astype(np.float32) / np.float32(32_768)
    return None


def mulaw_values() -> npt.NDArray[np.int32]:
    """The 16-bit value of each mu-law byte, shape (256,). Source: ITU-T G.711, table 2."""
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    magnitude = ((((code & 0x0F) << 3) + 0x84) << ((code >> 4) & 0x07)) - 0x84
    return np.where(code & 0x80, -magnitude, magnitude)


def alaw_values() -> npt.NDArray[np.int32]:
    """The 16-bit value of each A-law byte, shape (256,). Source: ITU-T G.711, table 1."""
    code = np.arange(256, dtype=np.int32) ^ 0x55
    exponent = (code >> 4) & 0x07
    mantissa = (code & 0x0F) << 4
    magnitude = np.where(exponent == 0, mantissa + 8, (mantissa + 0x108) << np.maximum(exponent - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude)
