"""Valid payloads to damage, encoded once, and bombs: few bytes that decode to much."""

import io
from functools import cached_property

import av
import numpy as np

from loadtest.clips import load_clips, silence_packet

RATE_HZ = 16_000
OPUS_RATE_HZ = 48_000


class AudioSamples:
    """Made when they are first asked for."""

    @cached_property
    def opus(self) -> bytes:
        """200 ms of silence as length-prefixed Opus packets."""
        return packed(silence_packet(), 10)

    @cached_property
    def speech(self) -> bytes:
        """A second in which somebody says something, as length-prefixed Opus packets."""
        longest = max(load_clips(), key=lambda clip: len(clip.packets))
        return b"".join(packed(packet, 1) for packet in longest.packets[5:55])

    @cached_property
    def flac(self) -> bytes:
        """100 ms of noise at 16 kHz as a FLAC file."""
        return encoded_file("flac", "flac", RATE_HZ, noise(RATE_HZ // 10))

    @cached_property
    def ogg_opus(self) -> bytes:
        """100 ms of noise as an Ogg file."""
        return encoded_file("ogg", "libopus", OPUS_RATE_HZ, noise(OPUS_RATE_HZ // 10))

    @cached_property
    def ogg_of_speex(self) -> bytes:
        """An Ogg file that says its codec is another."""
        return self.ogg_opus.replace(b"OpusHead", b"Speex   ")

    @cached_property
    def flac_bomb(self) -> bytes:
        """A minute of silence in a few kilobytes."""
        return encoded_file("flac", "flac", RATE_HZ, np.zeros(60 * RATE_HZ, np.int16))

    @cached_property
    def ogg_bomb(self) -> bytes:
        """A minute of silence as an Ogg file."""
        return encoded_file("ogg", "libopus", OPUS_RATE_HZ, np.zeros(60 * OPUS_RATE_HZ, np.int16))


def packed(packet: bytes, times: int) -> bytes:
    """A packet with its length before it, repeated."""
    return (len(packet).to_bytes(2, "big") + packet) * times


def noise(samples: int) -> "np.ndarray[tuple[int], np.dtype[np.int16]]":
    """Soft noise, the same each time."""
    return np.random.default_rng(1).integers(-500, 500, samples).astype(np.int16)


def encoded_file(
    container: str, codec: str, rate_hz: int, samples: "np.ndarray[tuple[int], np.dtype[np.int16]]"
) -> bytes:
    """Mono samples as a complete file."""
    file = io.BytesIO()
    with av.open(file, "w", format=container, options={"fflags": "+bitexact"}) as output:
        stream = output.add_stream(codec, rate=rate_hz, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = rate_hz
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            output.mux(packet)
    return file.getvalue()
