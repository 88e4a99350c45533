"""Mono samples into the payloads of chunks: what producers do; used to send files, by the demo and by the tests."""

import io
from collections.abc import Callable
from fractions import Fraction
from functools import partial

import av
import numpy as np
import numpy.typing as npt

from moderation.audio.pcm import alaw_values, mulaw_values
from moderation.audio.utterance import Samples
from moderation.errors import ConfigurationError
from moderation.events import AudioEncoding

OPUS_RATES_HZ = (8_000, 12_000, 16_000, 24_000, 48_000)
OPUS_PACKET_MS = 20
OPUS_BITS_PER_SECOND = 24_000
"""Usual for voice chat."""

_NO_PADDING = {"flac": {"metadata_header_padding": "0"}}


class ChunkEncoder:
    """Cuts samples into chunks of `chunk_ms` and encodes each into a payload. State carries over, as in a live client.

    `sample_rate_hz` is the rate of the samples given to `encode`, and what the chunks are to declare; channels is 1.
    """

    def __init__(self, encoding: AudioEncoding, sample_rate_hz: int, chunk_ms: int) -> None:
        """Prepare the encoder.

        Raises:
            ConfigurationError: Opus does not know the rate, or the chunk is not a whole number of Opus packets.
        """
        if chunk_ms <= 0:
            raise ConfigurationError(f"a chunk of {chunk_ms} ms holds no audio; use 20 to 1000 ms")
        is_opus = encoding in (AudioEncoding.OPUS, AudioEncoding.OGG_OPUS)
        if is_opus and sample_rate_hz not in OPUS_RATES_HZ:
            raise ConfigurationError(f"Opus cannot encode {sample_rate_hz} Hz; use one of {OPUS_RATES_HZ}")
        if encoding is AudioEncoding.OPUS and chunk_ms % OPUS_PACKET_MS:
            raise ConfigurationError(f"chunks of Opus are multiples of {OPUS_PACKET_MS} ms, not {chunk_ms} ms")
        self._chunk_samples = sample_rate_hz * chunk_ms // 1000
        self._waiting: Samples = np.zeros(0, np.float32)
        self._encode_chunk = _chunk_encoder(encoding, sample_rate_hz)

    def encode(self, samples: Samples) -> list[bytes]:
        """Take samples, shape (n,); return the payloads that are complete, maybe none. Beyond [-1, 1] is clipped."""
        joined = np.concatenate((self._waiting, np.clip(samples, -1.0, 1.0).astype(np.float32)))
        whole = len(joined) // self._chunk_samples * self._chunk_samples
        self._waiting = joined[whole:]
        return [
            self._encode_chunk(joined[start : start + self._chunk_samples])
            for start in range(0, whole, self._chunk_samples)
        ]

    def flush(self) -> list[bytes]:
        """The last payload, when samples wait for one; Opus fills its last packet with silence."""
        rest, self._waiting = self._waiting, np.zeros(0, np.float32)
        return [self._encode_chunk(rest)] if len(rest) else []


def _chunk_encoder(encoding: AudioEncoding, sample_rate_hz: int) -> Callable[[Samples], bytes]:
    makers: dict[AudioEncoding, Callable[[], Callable[[Samples], bytes]]] = {
        AudioEncoding.PCM_S16LE: lambda: lambda samples: _s16(samples).tobytes(),
        AudioEncoding.PCM_F32LE: lambda: lambda samples: samples.astype("<f4").tobytes(),
        AudioEncoding.MULAW: lambda: _Compander(mulaw_values()).encode,
        AudioEncoding.ALAW: lambda: _Compander(alaw_values()).encode,
        AudioEncoding.OPUS: lambda: _OpusPackets(sample_rate_hz).encode,
        AudioEncoding.OGG_OPUS: lambda: partial(_encode_file, "ogg", "libopus", sample_rate_hz),
        AudioEncoding.FLAC: lambda: partial(_encode_file, "flac", "flac", sample_rate_hz),
    }
    return makers[encoding]()


def _s16(samples: Samples) -> npt.NDArray[np.int16]:
    levels: npt.NDArray[np.int16] = np.clip(np.rint(samples * np.float32(32_768)), -32_768, 32_767).astype("<i2")
    return levels


class _Compander:
    """G.711 by nearest value: each sample becomes the code whose value is closest."""

    def __init__(self, values: npt.NDArray[np.int32]) -> None:
        self._codes = np.argsort(values, kind="stable").astype(np.uint8)
        ordered = values[self._codes]
        self._borders = (ordered[1:] + ordered[:-1]) / 2

    def encode(self, samples: Samples) -> bytes:
        return self._codes[np.searchsorted(self._borders, samples * np.float32(32_768))].tobytes()


class _OpusPackets:
    """One libopus encoder for the life of the stream; packets of 20 ms, each after its length."""

    def __init__(self, sample_rate_hz: int) -> None:
        self._rate = sample_rate_hz
        self._packet_samples = sample_rate_hz * OPUS_PACKET_MS // 1000
        self._next_sample = 0
        self._codec = av.CodecContext.create("libopus", "w")
        _configure_opus(self._codec, sample_rate_hz)
        self._codec.open()

    def encode(self, samples: Samples) -> bytes:
        padded = np.pad(samples, (0, -len(samples) % self._packet_samples))
        payload = bytearray()
        for start in range(0, len(padded), self._packet_samples):
            frame = _frame(padded[start : start + self._packet_samples], self._rate, self._next_sample)
            self._next_sample += self._packet_samples
            for packet in self._codec.encode(frame):
                payload += len(bytes(packet)).to_bytes(2, "big") + bytes(packet)
        return bytes(payload)


def _encode_file(container_format: str, codec: str, sample_rate_hz: int, samples: Samples) -> bytes:
    file = io.BytesIO()
    # FLAC files keep 8 KiB free for tags unless told not to: more than the audio of a chunk.
    with av.open(file, "w", format=container_format, container_options=_NO_PADDING.get(codec, {})) as container:
        stream = container.add_stream(codec, rate=sample_rate_hz, layout="mono")
        if codec == "libopus":
            _configure_opus(stream.codec_context, sample_rate_hz)
        for packet in stream.encode(_frame(samples, sample_rate_hz, 0)):
            container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    return file.getvalue()


def _configure_opus(codec: av.AudioCodecContext, sample_rate_hz: int) -> None:
    codec.sample_rate = sample_rate_hz
    codec.layout = "mono"
    codec.format = "s16"
    codec.bit_rate = OPUS_BITS_PER_SECOND
    codec.options = {"application": "voip", "frame_duration": str(OPUS_PACKET_MS)}


def _frame(samples: Samples, sample_rate_hz: int, first_sample: int) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(_s16(samples).reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate = sample_rate_hz
    frame.pts = first_sample
    frame.time_base = Fraction(1, sample_rate_hz)
    return frame
