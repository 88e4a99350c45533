"""Payloads of one stream to mono float32: which decoder serves which encoding."""

from typing import Protocol

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
            InvalidMessage: UNDECODABLE_AUDIO, AUDIO_LIMIT_EXCEEDED, UNSUPPORTED_FORMAT or INVALID_FIELD.
        """
        ...


def open_decoder(stream_format: StreamFormat, limits: AudioSettings) -> PayloadDecoder:
    """A fresh decoder for a stream of the given format, which `limits.check_chunk` has accepted."""
    match stream_format.encoding:
        case AudioEncoding.OPUS:
            return OpusPacketDecoder(limits)
        case AudioEncoding.OGG_OPUS | AudioEncoding.FLAC:
            return FileDecoder(stream_format, limits)
        case _:
            return PcmDecoder(stream_format, limits)
