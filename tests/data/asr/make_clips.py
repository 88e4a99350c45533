"""Makes the clips beside this file: `python tests/data/asr/make_clips.py PIPER VOICE_ONNX`. Needs espeak-ng."""

import subprocess
import sys
import tempfile
from pathlib import Path

import av
import numpy as np
from faster_whisper.audio import decode_audio

HERE = Path(__file__).parent
RATE_HZ = 16_000
ENGLISH = "The weather is nice today, so we are going to the park with our friends."
KOREAN = "아버지 어머니"


def english(piper: str, voice: str, wav: Path) -> np.ndarray:
    subprocess.run([piper, "-m", voice, "-f", str(wav)], input=ENGLISH.encode(), check=True)
    return np.pad(decode_audio(str(wav)), (3_200, 6_400))


def korean(wav: Path) -> np.ndarray:
    """Said twice with a pause between that ends a segment inside the recogniser."""
    subprocess.run(["espeak-ng", "-v", "ko+f4", "-s", "140", "-w", str(wav), KOREAN], check=True)
    once = np.pad(decode_audio(str(wav)), (4_800, 8_000))
    return np.concatenate([once, np.zeros(16_000, dtype=np.float32), once])


def write(samples: np.ndarray, path: Path) -> None:
    with av.open(str(path), "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=RATE_HZ, layout="mono", options={"b": "32000"})
        pcm = (np.clip(samples, -1, 1) * 32767).astype(np.int16)[np.newaxis]
        frame = av.AudioFrame.from_ndarray(pcm, format="s16", layout="mono")
        frame.sample_rate = RATE_HZ
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "clip.wav"
        write(english(sys.argv[1], sys.argv[2], wav), HERE / "english.ogg")
        write(korean(wav), HERE / "korean.ogg")
