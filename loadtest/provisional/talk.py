"""Long utterances without a pause, with one listed word in each. Pure.

The words are harmless and the list is the load test's own, so that nothing but the list finds them.
"""

import random
from collections.abc import Iterator, Sequence

import numpy as np

from loadtest.clips import PACKET_MS, Clip
from loadtest.conversation import Track, Turn
from loadtest.sounds import Sounds

LISTED = {
    "clean-album": "album",
    "clean-cat": "keyboard",
    "clean-dinner": "kitchen",
    "clean-homework": "history",
    "clean-library": "library",
}
"""Clips of the demo and the word that is listed in each."""
FILLING = ("clean-", "game-")
PAUSE_MS = 2_500
"""Between utterances: none is the beginning of the next."""
QUIET = 0.02
"""Root mean square, full scale is 1: quieter frames at the ends of a clip are left out."""


def word_list() -> str:
    """The list, as YAML for `MODERATION_VOCABULARY__LISTS`."""
    entries = [f"  - {{term: {word}, category: listed, severity: high, method: mask}}" for word in LISTED.values()]
    head = ["name: loadtest", 'version: "1"', "description: Harmless words.", "languages: [en]", "entries:"]
    return "\n".join([*head, *entries, ""])


def make_track(sounds: Sounds, rng: random.Random, *, utterances: int, utterance_ms: int) -> Track:
    """A stream of utterances of 16-bit PCM, each of about the given length with one listed word somewhere."""
    listed = [clip for clip in sounds.clips if clip.clip_id in LISTED]
    filling = [clip for clip in sounds.clips if clip.clip_id.startswith(FILLING) and clip.clip_id not in LISTED]
    pause = [sounds.silence] * (PAUSE_MS // PACKET_MS)
    packets: list[bytes] = list(pause)
    turns: list[Turn] = []
    for _ in range(utterances):
        start_ms, listed_clip = len(packets) * PACKET_MS, rng.choice(listed)
        said = _utterance(listed_clip, filling, utterance_ms // PACKET_MS, rng)
        packets += said
        clip = Clip(clip_id=listed_clip.clip_id, packets=tuple(said), flagged=True)
        turns.append(Turn(clip=clip, start_ms=start_ms, end_ms=len(packets) * PACKET_MS))
        packets += pause
    return Track(packets=tuple(packets), turns=tuple(turns))


def _utterance(listed: Clip, filling: Sequence[Clip], frames: int, rng: random.Random) -> list[bytes]:
    """The listed clip at a random place among others, without a pause, cut to so many frames behind it."""
    core = _trimmed(listed)
    before = _talk(filling, rng.randrange(max(1, frames - len(core))), rng)
    after = _talk(filling, max(0, frames - len(before) - len(core)), rng)
    return [*before, *core, *after]


def _talk(filling: Sequence[Clip], frames: int, rng: random.Random) -> list[bytes]:
    """The ends of so many frames of talk: it may begin within a word."""
    talk: list[bytes] = []
    for clip in _endless(filling, rng):
        if len(talk) >= frames:
            break
        talk = [*_trimmed(clip), *talk]
    return talk[len(talk) - frames :]


def _endless(filling: Sequence[Clip], rng: random.Random) -> Iterator[Clip]:
    while True:
        yield rng.choice(filling)


def _trimmed(clip: Clip) -> list[bytes]:
    loud = [at for at, frame in enumerate(clip.packets) if _level(frame) >= QUIET]
    return list(clip.packets[loud[0] : loud[-1] + 1])


def _level(frame: bytes) -> float:
    samples = np.frombuffer(frame, "<i2").astype(np.float64) / 32_768
    return float(np.sqrt(np.mean(samples * samples)))
