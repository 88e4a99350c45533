"""Chunks that are complete files: OGG_OPUS and FLAC."""

import io
from collections.abc import Iterator
from dataclasses import dataclass

import av
import numpy as np

from moderation.audio.limits import StreamFormat, check_duration, refuse
from moderation.audio.opus import OPUS_RATE_HZ
from moderation.audio.pcm import mix_to_mono
from moderation.audio.utterance import Samples
from moderation.errors import DeadLetterCode, InvalidMessage
from moderation.events import AudioEncoding
from moderation.settings import AudioSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class _Family:
    container: str
    codec: str
    codecs_allowed: str


_FAMILIES = {
    AudioEncoding.OGG_OPUS: _Family(container="ogg", codec="opus", codecs_allowed="opus,libopus"),
    AudioEncoding.FLAC: _Family(container="flac", codec="flac", codecs_allowed="flac"),
}

_INTEGER_SCALES = {"i2": 2.0**15, "i4": 2.0**31}


def file_rate_hz(stream_format: StreamFormat) -> int:
    """The sample rate that files of a stream decode to: 48 kHz for Opus, the declared rate for FLAC."""
    return OPUS_RATE_HZ if stream_format.encoding is AudioEncoding.OGG_OPUS else stream_format.sample_rate_hz


class FileDecoder:
    """Each payload is a file of its own. Holds no state between payloads.

    The format is forced and nothing is probed: FFmpeg would take bytes for a playlist or an SDP file, open sockets and
    hang. Every bound is checked while the file is read, never after.
    """

    def __init__(self, stream_format: StreamFormat, limits: AudioSettings) -> None:
        self._format = stream_format
        self._family = _FAMILIES[stream_format.encoding]
        self._limits = limits

    @property
    def output_rate_hz(self) -> int:
        """Contract: `file_rate_hz`."""
        return file_rate_hz(self._format)

    def decode(self, payload: bytes | memoryview) -> Samples:
        """Contract: `PayloadDecoder.decode`."""
        if not payload:
            return np.zeros(0, np.float32)
        try:
            pieces = list(self._frames(payload))
        except InvalidMessage:
            raise
        except MemoryError:
            # FFmpeg's word for more streams than it opens, too.
            refuse(
                DeadLetterCode.AUDIO_LIMIT_EXCEEDED,
                f"the {self._family.container} file takes more memory, or holds more streams, than is allowed",
            )
        except (av.FFmpegError, OSError, ValueError, EOFError):
            refuse(DeadLetterCode.UNDECODABLE_AUDIO, f"the payload is not a readable {self._family.container} file")
        if not pieces:
            refuse(DeadLetterCode.UNDECODABLE_AUDIO, f"the {self._family.container} file holds no audio")
        return np.concatenate(pieces)

    def _frames(self, payload: bytes | memoryview) -> Iterator[Samples]:
        with av.open(
            io.BytesIO(payload),
            "r",
            format=self._family.container,
            container_options={
                "format_whitelist": self._family.container,
                "protocol_whitelist": "pipe",
                "codec_whitelist": self._family.codecs_allowed,
            },
            metadata_errors="ignore",
        ) as container:
            stream = self._only_stream(container)
            stream.codec_context.thread_count = 1
            # No audio frame worth sending is shorter than a millisecond; more packets than that are an attack.
            packets_left = self._limits.max_chunk_ms
            samples = 0
            for packet in container.demux(stream):
                packets_left -= 1
                if packets_left < 0:
                    refuse(DeadLetterCode.AUDIO_LIMIT_EXCEEDED, "the file holds more packets than a chunk may")
                for frame in packet.decode():
                    self._check_frame(frame)
                    samples += frame.samples
                    check_duration(samples, self.output_rate_hz, self._limits)
                    yield frame_to_mono(frame)

    def _only_stream(self, container: av.container.InputContainer) -> av.AudioStream:
        if len(container.streams) != 1 or len(container.streams.audio) != 1:
            refuse(
                DeadLetterCode.UNSUPPORTED_FORMAT,
                f"the file holds {len(container.streams)} streams, exactly one of audio is accepted",
            )
        stream = container.streams.audio[0]
        # A stream whose codec FFmpeg does not know has no context, and touching it crashes the process (PyAV #2344).
        if stream.codec_context is None or stream.codec_context.codec.canonical_name != self._family.codec:
            refuse(DeadLetterCode.UNSUPPORTED_FORMAT, f"the codec in the file is not {self._family.codec}")
        return stream

    def _check_frame(self, frame: av.AudioFrame) -> None:
        channels = len(frame.layout.channels)
        if frame.sample_rate != self.output_rate_hz or channels > self._limits.max_channels:
            refuse(
                DeadLetterCode.INVALID_FIELD,
                f"the file holds {channels} channels at {frame.sample_rate} Hz, the chunk declares "
                f"{self._format.channels} at {self._format.sample_rate_hz}",
            )


def frame_to_mono(frame: av.AudioFrame) -> Samples:
    """A decoded frame of any sample format as mono float32, shape (n,), clipped to [-1, 1]."""
    channels = len(frame.layout.channels)
    array = frame.to_ndarray()
    by_sample = array.T if frame.format.is_planar else array.reshape(-1, channels)
    kind = array.dtype.str[1:]
    if kind == "u1":
        scaled = (by_sample.astype(np.float32) - np.float32(128)) / np.float32(128)
    elif kind in _INTEGER_SCALES:
        scaled = by_sample.astype(np.float32) / np.float32(_INTEGER_SCALES[kind])
    else:
        scaled = np.clip(np.nan_to_num(by_sample.astype(np.float32), nan=0.0, posinf=1.0, neginf=-1.0), -1.0, 1.0)
    return mix_to_mono(scaled)
