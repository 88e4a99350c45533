"""The package's clips as Opus packets, ready to send: a load test spends its CPU on the system under test."""

from dataclasses import dataclass
from fractions import Fraction
from importlib.resources import files

import av
import numpy as np
import yaml

PACKET_MS = 20
SAMPLE_RATE_HZ = 48_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """One utterance: its Opus packets of PACKET_MS each, and whether it ought to be flagged."""

    clip_id: str
    packets: tuple[bytes, ...]
    flagged: bool

    @property
    def duration_ms(self) -> int:
        """Length in ms."""
        return len(self.packets) * PACKET_MS


def load_clips() -> list[Clip]:
    """Every clip of the demo in which somebody speaks, in the order of its manifest."""
    folder = files("moderation") / "demo"
    manifest = yaml.safe_load((folder / "manifest.yaml").read_text(encoding="utf-8"))
    return [
        Clip(
            clip_id=entry["id"],
            packets=_packets(folder / "clips" / f"{entry['id']}.ogg"),
            flagged=entry["expect"]["flagged"],
        )
        for entry in manifest["clips"]
        if entry.get("text")
    ]


def _packets(path: object) -> tuple[bytes, ...]:
    with av.open(str(path), format="ogg") as container:
        return tuple(bytes(packet) for packet in container.demux(audio=0) if packet.size)


def silence_packet() -> bytes:
    """PACKET_MS of silence."""
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = SAMPLE_RATE_HZ, "mono", "s16"
    encoder.time_base = Fraction(1, SAMPLE_RATE_HZ)
    encoder.options = {"application": "voip", "frame_duration": str(PACKET_MS)}
    samples = np.zeros((1, SAMPLE_RATE_HZ * PACKET_MS // 1000), dtype=np.int16)
    frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
    frame.sample_rate = SAMPLE_RATE_HZ
    frames = [bytes(packet) for _ in range(4) for packet in encoder.encode(frame)]
    return frames[-1]
