"""Encode audio as if a full window of silence followed on it, at the cost of little more than the audio."""

import numpy as np
from onnxruntime import RunOptions

from moderation.asr.engine import Samples
from moderation.asr.whisper.encoder_graph import SILENT_FRAMES, encoder
from moderation.asr.whisper.encoding import Encoding
from moderation.asr.whisper.features import FRAMES_PER_S, LogMel
from moderation.asr.whisper.onnx_session import session, widest_weight
from moderation.asr.whisper.weights import WhisperWeights
from moderation.asr.whisper.window import POSITIONS_PER_S, heard_positions, places_of_silence

_FRAMES_PER_POSITION = FRAMES_PER_S // POSITIONS_PER_S

_LONG = 20 * POSITIONS_PER_S
"""Attention takes memory with the square of this: 28 s take 100 MiB, which ONNX Runtime would keep for the next."""
_GIVING_BACK = RunOptions()
_GIVING_BACK.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")


class ShortEncoder:
    """The encoder of one model. Thread-safe; calls block, mostly without the GIL.

    Its encodings are near to those of a full window, not equal to them: 0.11 to 0.18 of their size apart with tiny.en
    (0.16 to 0.21 where a window of 6 s is all there is), of which rounding to 8 bits is 0.04. What is decoded from them
    is as often right.
    """

    def __init__(self, weights: WhisperWeights, features: LogMel, *, threads: int) -> None:
        """Convert the weights; takes part of a second.

        Raises:
            ConfigurationError: the weights are not those of a whole model.
        """
        self._features = features
        self._session = session(encoder(weights, widest=widest_weight()), threads)

    def encode(self, samples: Samples) -> Encoding:
        """Encode at most `LONGEST_PIECE_S` of audio."""
        positions = heard_positions(len(samples))
        places, counts = places_of_silence(positions)
        emphasis = np.log(np.concatenate((np.ones(positions), counts))).astype(np.float32)
        frames = positions * _FRAMES_PER_POSITION + SILENT_FRAMES
        feeds = {
            "spectrogram": self._features(samples, frames / FRAMES_PER_S),
            "positions": np.array([positions]),
            "places": places,
            "emphasis": emphasis[None, None, None],
        }
        (output,) = self._session.run(["encoding"], feeds, _GIVING_BACK if positions > _LONG else None)
        return Encoding(output, len(samples), emphasis)
