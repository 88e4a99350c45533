"""The package's clips as 20 ms frames of each encoding that is played."""

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files

import av
import numpy as np
import numpy.typing as npt

from loadtest.clips import PACKET_MS, Clip, load_clips, silence_packet
from moderation.events import AudioEncoding

RATES_HZ = {
    AudioEncoding.OPUS: 48_000,
    AudioEncoding.PCM_S16LE: 16_000,
    AudioEncoding.FLAC: 16_000,
    AudioEncoding.MULAW: 8_000,
}
"""The encodings that are played, and at which rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sounds:
    """Clips and silence of one encoding, in frames of PACKET_MS; all encodings have the same clips in the same order.

    A frame is an Opus packet, or its samples: 16-bit for PCM and FLAC, 8-bit for mu-law.
    """

    encoding: AudioEncoding
    clips: tuple[Clip, ...]
    silence: bytes

    @property
    def sample_rate_hz(self) -> int:
        """The rate that chunks declare."""
        return RATES_HZ[self.encoding]

    def payload(self, frames: Sequence[bytes]) -> bytes:
        """The payload of a chunk of these frames."""
        if self.encoding is AudioEncoding.OPUS:
            return b"".join(len(frame).to_bytes(2, "big") + frame for frame in frames)
        joined = b"".join(frames)
        return flac_file(joined, self.sample_rate_hz) if self.encoding is AudioEncoding.FLAC else joined


def load_sounds(encodings: Iterable[AudioEncoding] = tuple(RATES_HZ)) -> dict[AudioEncoding, Sounds]:
    """The clips in some encodings, each of RATES_HZ."""
    clips = load_clips()
    return {encoding: _encoded(clips, encoding) for encoding in encodings}


def _encoded(clips: Sequence[Clip], encoding: AudioEncoding) -> Sounds:
    if encoding is AudioEncoding.OPUS:
        return Sounds(encoding=encoding, clips=tuple(clips), silence=silence_packet())
    rate_hz = RATES_HZ[encoding]
    frame_bytes = rate_hz * PACKET_MS // 1000 * 2
    quiet = bytes(frame_bytes)
    if encoding is AudioEncoding.MULAW:
        return Sounds(
            encoding=encoding,
            clips=tuple(_with_frames(clip, _mulaw(_samples(clip, rate_hz)), frame_bytes // 2) for clip in clips),
            silence=_mulaw(quiet),
        )
    return Sounds(
        encoding=encoding,
        clips=tuple(_with_frames(clip, _samples(clip, rate_hz), frame_bytes) for clip in clips),
        silence=quiet,
    )


def _with_frames(clip: Clip, content: bytes, frame_bytes: int) -> Clip:
    """The clip with as many frames as it has packets: cut, or filled with its last byte."""
    wanted = len(clip.packets) * frame_bytes
    filled = content[:wanted].ljust(wanted, content[-1:])
    return replace(clip, packets=tuple(filled[at : at + frame_bytes] for at in range(0, wanted, frame_bytes)))


def _samples(clip: Clip, rate_hz: int) -> bytes:
    """The clip as 16-bit little-endian mono PCM."""
    path = files("moderation") / "demo" / "clips" / f"{clip.clip_id}.ogg"
    resampler = av.AudioResampler(format="s16", layout="mono", rate=rate_hz)
    with av.open(str(path), format="ogg") as container:
        frames = [part for frame in container.decode(audio=0) for part in resampler.resample(frame)]
    return b"".join(frame.to_ndarray().tobytes() for frame in [*frames, *resampler.resample(None)])


def _mulaw(pcm: bytes) -> bytes:
    """ITU-T G.711 mu-law of 16-bit samples: sign, exponent and mantissa of the magnitude plus a bias, inverted."""
    samples: npt.NDArray[np.int32] = np.frombuffer(pcm, "<i2").astype(np.int32)
    biased = np.minimum(np.abs(samples), 32_635) + 132
    exponent = np.floor(np.log2(biased)).astype(np.int32) - 7
    mantissa = (biased >> (exponent + 3)) & 0x0F
    sign = np.where(samples < 0, 0x80, 0)
    return bytes((~(sign | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8).tobytes())


def flac_file(pcm: bytes, rate_hz: int) -> bytes:
    """A complete FLAC file of 16-bit mono samples."""
    file = io.BytesIO()
    with av.open(file, "w", format="flac", container_options={"metadata_header_padding": "0"}) as container:
        stream = container.add_stream("flac", rate=rate_hz, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.frombuffer(pcm, "<i2").reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = rate_hz
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return file.getvalue()
