"""Payloads of one stream to mono float32: which decoder serves which encoding."""

from collections.abc import Callable
from typing import Protocol

from moderation.audio.confined.decoding import ConfinedDecoding, ConfinedFileDecoder
from moderation.audio.container import FileDecoder
from moderation.audio.limits import StreamFormat
from moderation.audio.opus import OpusPacketDecoder
from moderation.audio.pcm import PcmDecoder
from moderation.audio.utterance import Samples
from moderation.events import AudioEncoding
from moderation.settings import AudioSettings


class PayloadDecoder(Protocol):
    """Decodes the payloads of one stream, in order. Used from one thread at a time.

    A refused payload leaves the decoder usable: what follows is decoded as if the refused audio had been lost.
    """

    @property
    def output_rate_hz(self) -> int:
        """The sample rate of what `decode` returns."""
        ...

    def decode(self, payload: bytes) -> Samples:
        """One payload to mono samples at `output_rate_hz`, finite and within [-1, 1].

        Raises:
            InvalidMessage: UNDECODABLE_AUDIO, AUDIO_LIMIT_EXCEEDED, UNSUPPORTED_FORMAT, INVALID_FIELD or, where the
                decoder failed in a way nobody foresaw, PROCESSING_FAILED.
            EngineFailed: decoding takes a process that cannot be started. The payload may be good: stop.
        """
        ...


OpenDecoder = Callable[[StreamFormat, AudioSettings], PayloadDecoder]
"""Makes a fresh decoder for a stream of the given format, which `limits.check_chunk` has accepted."""


CONFINED_ENCODINGS = frozenset({AudioEncoding.OGG_OPUS, AudioEncoding.FLAC})
"""What strangers send of these is decoded in a process apart, which is waited for."""


def open_confined_decoder(decoding: ConfinedDecoding) -> OpenDecoder:
    """What opens decoders for audio that strangers sent: files are decoded in a process that can be killed.

    Samples and raw packets are decoded in this process: NumPy and libopus hold to bounds that are checked before.
    """

    def opener(stream_format: StreamFormat, limits: AudioSettings) -> PayloadDecoder:
        if stream_format.encoding in CONFINED_ENCODINGS:
            return ConfinedFileDecoder(decoding, stream_format)
        return open_decoder(stream_format, limits)

    return opener


def open_decoder(stream_format: StreamFormat, limits: AudioSettings) -> PayloadDecoder:
    """An `OpenDecoder` that decodes everything in this process: for audio of one's own."""
    match stream_format.encoding:
        case AudioEncoding.OPUS:
            return OpusPacketDecoder(limits)
        case AudioEncoding.OGG_OPUS | AudioEncoding.FLAC:
            return FileDecoder(stream_format, limits)
        case _:
            return PcmDecoder(stream_format, limits)
