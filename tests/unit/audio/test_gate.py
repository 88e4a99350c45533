from collections.abc import Sequence

import numpy as np
import pytest
from support.audio import silence, voiced, with_noise

from moderation.audio.buffer import SampleBuffer
from moderation.audio.gate import QUIET_FRAMES, QUIET_PEAK, Gate
from moderation.audio.utterance import Samples
from moderation.audio.vad import FRAME_SAMPLES, SileroVad, VadState
from moderation.audio.vad_run import VadRun
from moderation.demo.manifest import clips_folder, load_manifest
from moderation.demo.sound_file import decode_clip


class Counting:
    """Says that everything is speech, and counts what it was asked."""

    def __init__(self) -> None:
        self.scored = 0

    def score(self, state: VadState, samples: Samples) -> tuple[Sequence[float], VadState]:
        frames = len(samples) // FRAME_SAMPLES
        self.scored += frames
        return [1.0] * frames, state


def frames_of(peaks: Sequence[float]) -> Samples:
    """A frame for each peak."""
    return np.repeat(np.array(peaks, np.float32), FRAME_SAMPLES)


def heard(scorer: object, samples: Samples, *, start: int = 0, step: int | None = None) -> list[tuple[int, float]]:
    """What the gate says about audio that comes in pieces of `step`."""
    buffer, found = SampleBuffer(), []
    gate = Gate(scorer, buffer, start)  # type: ignore[arg-type]
    for at in range(0, len(samples), step or len(samples)):
        buffer.append(samples[at : at + (step or len(samples))])
        while (frame := gate.next_frame(buffer.end)) is not None:
            found.append(frame)
    return found


def test_it_falls_asleep_in_silence_and_wakes_with_the_first_sound() -> None:
    scorer = Counting()
    quiet = QUIET_PEAK / 2
    said = heard(scorer, frames_of([quiet] * 40 + [QUIET_PEAK] + [quiet] * 3))
    asleep = 40 - (QUIET_FRAMES - 1)
    assert [probability for _, probability in said] == [1.0] * (QUIET_FRAMES - 1) + [0.0] * asleep + [1.0] * 4
    assert scorer.scored == len(said) - asleep


def test_short_silences_are_listened_through() -> None:
    scorer = Counting()
    heard(scorer, frames_of(([0.0] * (QUIET_FRAMES - 1) + [0.1]) * 4))
    assert scorer.scored == 4 * QUIET_FRAMES


@pytest.mark.parametrize("step", [100, 512, 3_200, 16_000])
def test_how_the_audio_arrives_changes_no_bit(vad: SileroVad, step: int) -> None:
    samples = np.concatenate([voiced(0.5), silence(1), with_noise(voiced(0.7)), silence(0.7), voiced(0.3)])
    assert heard(vad, samples, start=77, step=step) == heard(vad, samples, start=77)


def test_awake_it_says_what_a_fresh_pass_says(vad: SileroVad) -> None:
    samples = np.concatenate([silence(2), with_noise(voiced(1))])
    said = heard(vad, samples)
    first = next(number for number, (_, probability) in enumerate(said) if number >= QUIET_FRAMES and probability)
    buffer = SampleBuffer()
    buffer.append(samples)
    run = VadRun(vad, buffer, said[first][0])
    assert said[first:] == [run.next_frame(buffer.end) for _ in said[first:]]


def test_speech_that_is_too_soft_to_wake_it_is_no_speech_to_the_vad_either(vad: SileroVad) -> None:
    highest = 0.0
    for clip in load_manifest().clips:
        samples = decode_clip((clips_folder() / clip.file_name).read_bytes(), 16_000)
        soft = samples * np.float32(QUIET_PEAK / np.abs(samples).max())
        buffer = SampleBuffer()
        buffer.append(soft)
        run = VadRun(vad, buffer, 0)
        while (frame := run.next_frame(buffer.end)) is not None:
            highest = max(highest, frame[1])
    assert highest < 0.35
