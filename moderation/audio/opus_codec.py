"""libopus, one packet at a time: called directly where its library is found, else through FFmpeg.

FFmpeg has libopus decode at 48 kHz. Asked directly it decodes at 16 kHz, which takes two thirds of the time and needs
no resampler behind it. PyAV's wheels bring the library; elsewhere it is the system's. Source of the interface: opus.h
of libopus 1.1 and later, https://opus-codec.org/docs/opus_api-1.5/group__opus__decoder.html.
"""

import ctypes
import ctypes.util
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Protocol

import av
import numpy as np
import numpy.typing as npt

from moderation.audio.utterance import SAMPLE_RATE_HZ

FFMPEG_RATE_HZ = 48_000

Decoded = npt.NDArray[np.int16]

_OK = 0
_ONE_PLANE_OF_16_BIT = frozenset({"s16", "s16p"})


class PacketCodec(Protocol):
    """One decoder for the life of a stream; mono (libopus mixes stereo packets itself)."""

    @property
    def rate_hz(self) -> int:
        """The sample rate of what it makes."""
        ...

    def decode(self, packet: bytes, into: Decoded) -> None:
        """Decode the next packet, which must fill `into` exactly.

        Raises:
            ValueError: it cannot be decoded, or is longer or shorter. The codec cannot be used any more.
        """
        ...


def open_codec() -> PacketCodec:
    """A fresh decoder."""
    library = load_libopus()
    return FfmpegCodec() if library is None else LibopusCodec(library)


class LibopusCodec:
    """libopus itself, at 16 kHz. Its state is memory of this object: nothing has to be closed."""

    rate_hz = SAMPLE_RATE_HZ

    def __init__(self, library: ctypes.CDLL) -> None:
        self._decode = library.opus_decode
        self._state = ctypes.create_string_buffer(library.opus_decoder_get_size(1))
        if library.opus_decoder_init(self._state, self.rate_hz, 1) != _OK:
            raise RuntimeError("libopus cannot decode one channel at 16 kHz")

    def decode(self, packet: bytes, into: Decoded) -> None:
        """Contract: `PacketCodec.decode`."""
        samples = self._decode(self._state, packet, len(packet), into.ctypes.data, len(into), 0)
        if samples != len(into):
            raise ValueError(f"libopus returned {samples} instead of {len(into)} samples")


class FfmpegCodec:
    """libopus as FFmpeg has it, at 48 kHz."""

    rate_hz = FFMPEG_RATE_HZ

    def __init__(self) -> None:
        self._codec: av.AudioCodecContext = av.CodecContext.create("libopus", "r")
        self._codec.sample_rate = self.rate_hz
        self._codec.layout = "mono"

    def decode(self, packet: bytes, into: Decoded) -> None:
        """Contract: `PacketCodec.decode`."""
        try:
            decoded = [_samples(frame) for frame in self._codec.decode(av.Packet(packet))]
        except (av.FFmpegError, OSError, EOFError) as error:
            raise ValueError("FFmpeg cannot decode the packet") from error
        if sum(map(len, decoded)) != len(into):
            raise ValueError("FFmpeg decoded another number of samples")
        np.concatenate(decoded, out=into)


def _samples(frame: av.AudioFrame) -> Decoded:
    """What `to_ndarray` returns of 16-bit mono, in a fifth of the time. The plane may be longer than the frame."""
    if frame.format.name not in _ONE_PLANE_OF_16_BIT or len(frame.planes) != 1:
        return np.asarray(frame.to_ndarray(), np.int16).reshape(-1)
    return np.frombuffer(frame.planes[0], np.int16)[: frame.samples]


@cache
def load_libopus() -> ctypes.CDLL | None:
    """The library, or None where there is none that can be called."""
    for place in _places():
        try:
            library = ctypes.CDLL(place)
            library.opus_decoder_get_size.argtypes = [ctypes.c_int]
            library.opus_decoder_init.argtypes = [ctypes.c_void_p, ctypes.c_int32, ctypes.c_int]
            library.opus_decode.argtypes = [
                ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int32, ctypes.c_void_p, ctypes.c_int, ctypes.c_int
            ]  # fmt: skip
            library.opus_get_version_string.restype = ctypes.c_char_p
        except (OSError, AttributeError):
            continue
        return library
    return None


def codec_name() -> str:
    """What decodes Opus packets here, for people."""
    library = load_libopus()
    return "FFmpeg, 48 kHz" if library is None else f"{library.opus_get_version_string().decode()}, 16 kHz"


def _places() -> Iterator[str]:
    package = Path(av.__file__).parent
    # Where wheels are given the libraries they need: auditwheel and delvewheel beside the package, delocate in it.
    for folder in (package.with_name("av.libs"), package / ".dylibs"):
        yield from sorted(str(file) for file in folder.glob("*opus*"))
    if found := ctypes.util.find_library("opus"):
        yield found
