"""How likely each frame of audio is speech: Silero VAD v6, laid out so that it runs fast (`vad_graph`).

The graph takes frames of 512 samples at 16 kHz, each preceded by the 64 samples before it, as one sequence: input
(frames, 576), h and c (1, 1, 128); it returns one probability a frame and the new h and c. Its encoder has no memory;
its LSTM runs over the frames in order. So the frames of one stream that came together go in one call: the results are
bit for bit those of single calls (0.07 ms a frame alone, 0.03 ms by sixes).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import onnxruntime

from moderation.audio.overlapping import overlapping
from moderation.audio.utterance import Samples

FRAME_SAMPLES = 512
"""32 ms at 16 kHz: the VAD's analysis window."""

CONTEXT_SAMPLES = 64
_HIDDEN = (1, 1, 128)
MODEL_FILE = Path(__file__).with_name("silero_vad_v6.onnx")


@dataclass(frozen=True, slots=True, kw_only=True)
class VadState:
    """What the model remembers of the audio so far. Immutable: scoring returns a new one."""

    hidden: npt.NDArray[np.float32] = field(repr=False)
    cell: npt.NDArray[np.float32] = field(repr=False)
    context: Samples = field(repr=False)


def fresh_state() -> VadState:
    """The state before any audio."""
    return VadState(
        hidden=np.zeros(_HIDDEN, np.float32),
        cell=np.zeros(_HIDDEN, np.float32),
        context=np.zeros(CONTEXT_SAMPLES, np.float32),
    )


class SpeechScorer(Protocol):
    """A model of voice activity, shared by all streams; thread-safe."""

    def score(self, state: VadState, samples: Samples) -> tuple[Sequence[float], VadState]:
        """The speech probability of each frame, and the state after them.

        `samples` holds whole frames: its length is a multiple of FRAME_SAMPLES. How the frames of a stream are spread
        over calls does not change any probability.
        """
        ...


class SileroVad:
    """The Silero model in ONNX Runtime, on one thread of the caller."""

    def __init__(self) -> None:
        """Load the model."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(MODEL_FILE, options, providers=["CPUExecutionProvider"])

    def score(self, state: VadState, samples: Samples) -> tuple[Sequence[float], VadState]:
        """Contract: `SpeechScorer.score`."""
        if len(samples) == 0:
            return (), state
        joined = np.concatenate((state.context, samples))
        windows = overlapping(
            joined, window=CONTEXT_SAMPLES + FRAME_SAMPLES, hop=FRAME_SAMPLES, count=len(samples) // FRAME_SAMPLES
        )
        probabilities, hidden, cell = self._session.run(
            ("speech_probs", "hn", "cn"),
            {"input": np.ascontiguousarray(windows), "h": state.hidden, "c": state.cell},
        )
        return probabilities.tolist(), VadState(hidden=hidden, cell=cell, context=joined[-CONTEXT_SAMPLES:])
