"""The demo's sound files: Ogg Opus, written the same every time, read as mono audio."""

import hashlib
import io

import av
import numpy as np
import soxr

from moderation.demo.noise import Audio

CLIP_RATE_HZ = 24_000
"""Rate at which clips are made. Opus files always decode to 48 kHz."""
_BIT_RATE = 20_000


def encode_clip(audio: Audio) -> bytes:
    """Ogg Opus of mono audio at CLIP_RATE_HZ, about 20 kbit/s; the same audio gives the same bytes."""
    samples = (np.clip(audio, -1, 1) * 32767).astype(np.int16)
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="ogg", container_options={"fflags": "+bitexact"}) as container:
        options = {"application": "voip", "frame_duration": "20", "vbr": "on", "flags": "+bitexact"}
        stream = container.add_stream("libopus", rate=CLIP_RATE_HZ, layout="mono", options=options)
        stream.bit_rate = _BIT_RATE
        frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        frame.sample_rate = CLIP_RATE_HZ
        for part in (frame, None):
            container.mux(stream.encode(part))
    return buffer.getvalue()


def decode_clip(data: bytes, rate_hz: int) -> Audio:
    """Mono audio of an Ogg Opus file at `rate_hz`."""
    with av.open(io.BytesIO(data), format="ogg") as container:
        parts = [frame.to_ndarray().reshape(-1) for frame in container.decode(audio=0)]
    return resample(np.concatenate(parts).astype(np.float32), 48_000, rate_hz)


def resample(audio: Audio, from_hz: float, to_hz: float) -> Audio:
    """Audio at another rate, high quality."""
    return audio if from_hz == to_hz else np.asarray(soxr.resample(audio, from_hz, to_hz, "HQ"), dtype=np.float32)


def sha256(data: bytes) -> str:
    """The checksum in the list of clips, hexadecimal."""
    return hashlib.sha256(data).hexdigest()
