"""Read a Whisper model's weights as CTranslate2 stores them (`model.bin`, binary version 6)."""

import mmap
import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from moderation.errors import ConfigurationError

BINARY_VERSION = 6
_SPECIFICATION = "WhisperSpec"
_BFLOAT16 = 5
_TYPES: Mapping[int, npt.DTypeLike] = {
    0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16, _BFLOAT16: np.uint16
}  # fmt: skip
_SCALE_SUFFIX = "_scale"


class WhisperWeights:
    """The weights of a model, by CTranslate2's names; read from disk when they are asked for."""

    def __init__(self, file: Path) -> None:
        """Find where everything lies.

        Raises:
            ConfigurationError: the file is not a Whisper model in this format.
        """
        try:
            with file.open("rb") as opened:
                self._mapped = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
            self._arrays = _Reader(self._mapped).arrays()
        except (OSError, ValueError, KeyError, struct.error, UnicodeDecodeError) as error:
            raise ConfigurationError(
                f"{file} cannot be read ({error}); see `moderation models verify`, or set "
                "MODERATION_ASR__WHISPER_DECODER=ctranslate2"
            ) from error
        self.layers, self.encoder_layers = self._layers("decoder"), self._layers("encoder")
        self.heads = int(self.array("decoder/num_heads"))
        self.vocabulary, self.width = self.array("decoder/embeddings/weight").shape

    @property
    def mels(self) -> int:
        """Mel bands of the spectrograms that the encoder takes."""
        return int(self.array("encoder/conv1/weight").shape[1])

    def _layers(self, part: str) -> int:
        layers = {name.split("/")[1] for name in self._arrays if name.startswith(f"{part}/layer_")}
        return len(layers - {"layer_norm"})

    def forget(self) -> None:
        """Leave on disk what was read: it is read again where it is needed again."""
        self._mapped.madvise(mmap.MADV_DONTNEED)

    def array(self, name: str) -> npt.NDArray[np.generic]:
        """An array as it is stored, read-only.

        Raises:
            ConfigurationError: there is none of that name.
        """
        try:
            return self._arrays[name]
        except KeyError:
            raise ConfigurationError(f"the Whisper model has no {name}; see `moderation models verify`") from None

    def float32(self, name: str) -> npt.NDArray[np.float32]:
        """An array in single precision, whatever it is stored in."""
        stored = self.array(name)
        if stored.dtype == np.uint16:
            return (stored.astype(np.uint32) << 16).view(np.float32)
        if stored.dtype == np.int8:
            # A scale for each row: what the greatest weight was multiplied with to become 127.
            return stored.astype(np.float32) / self.float32(name + _SCALE_SUFFIX)[:, None]
        return stored.astype(np.float32)

    def linear(self, path: str) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Matrix (outputs, inputs) and bias of a linear layer, the caller's own."""
        return self.float32(f"{path}/weight"), self.float32(f"{path}/bias")


class _Reader:
    """A cursor over the file."""

    def __init__(self, mapped: mmap.mmap) -> None:
        self._bytes = np.frombuffer(mapped, dtype=np.uint8)
        self._place = 0

    def arrays(self) -> dict[str, npt.NDArray[np.generic]]:
        version, specification = self._number("I"), self._text()
        if (version, specification) != (BINARY_VERSION, _SPECIFICATION):
            raise ValueError(f"it is {specification} in version {version}, not {_SPECIFICATION} in {BINARY_VERSION}")
        self._number("I")  # the specification's revision: what it changed is told by the names
        return {self._text(): self._array() for _ in range(self._number("I"))}

    def _number(self, code: str) -> int:
        size = struct.calcsize("<" + code)
        return int(struct.unpack("<" + code, self._take(size).tobytes())[0])

    def _text(self) -> str:
        return self._take(self._number("H")).tobytes().rstrip(b"\0").decode()

    def _array(self) -> npt.NDArray[np.generic]:
        shape = [self._number("I") for _ in range(self._number("B"))]
        kind = np.dtype(_TYPES[self._number("B")])
        return self._take(self._number("I")).view(kind).reshape(shape)

    def _take(self, size: int) -> npt.NDArray[np.uint8]:
        end = self._place + size
        if end > len(self._bytes):
            raise ValueError("it is cut short")
        taken = self._bytes[self._place : end]
        self._place = end
        return taken
