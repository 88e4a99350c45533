"""Raw Opus packets, each preceded by its length as an unsigned 16-bit big-endian integer."""

from collections.abc import Iterator, Sequence

import numpy as np

from moderation.audio.limits import check_duration, refuse
from moderation.audio.opus_codec import Decoded, open_codec
from moderation.audio.silence import silence
from moderation.audio.utterance import Samples
from moderation.errors import DeadLetterCode
from moderation.settings import AudioSettings

OPUS_RATE_HZ = 48_000
"""What durations are counted in, whatever the encoder was fed and the decoder decodes to."""

MAX_PACKET_SAMPLES = OPUS_RATE_HZ * 120 // 1000
"""RFC 6716, section 3.2.5: a packet holds at most 120 ms."""

LENGTH_BYTES = 2

OPUS_PRE_ROLL_MS = 2_400
"""What a decoder that starts in mid-stream is given before its output is used.

RFC 7845, section 4.6, asks for 80 ms at least, and so much sounds right. A replay must be the very same: measured at
2,100 places of noisy speech at 12 to 24 kbit/s, output was that of a decoder that had run all along, bit for bit,
behind 0.3 s (half of the places), 0.54 s (90 %), 1.26 s (99 %) and 1.56 s (all). Behind 1.6 s ten of 65 replays of a
synthetic voice that never breathes still differed (SILK predicts from one pitch period to the next); behind 2.4 s none.
"""


SILENT_FRAME = b"\xff\xfe"
"""What libopus makes of digital silence, and what clients send for it, behind the byte that names mode and duration."""

SETTLED_PACKETS = 5
"""So many equal silent packets that gave nothing but zeros: the decoder is as it was before the last of them, and the
next need not be decoded. Measured: one was enough behind speech (SILK), and behind music at 64 kbit/s (CELT)."""


class OpusPacketDecoder:
    """One libopus decoder for the life of a stream; mono.

    Framing and durations are checked before the first packet is decoded. After a packet that libopus refuses, the
    decoder is made anew: its state would depend on how far it came.
    """

    def __init__(self, limits: AudioSettings) -> None:
        self._limits = limits
        self._codec = open_codec()
        self._last = b""
        self._silent_packets = 0
        self._settled = b""
        self._settled_samples = 0

    @property
    def output_rate_hz(self) -> int:
        """What the decoder decodes to: 16 kHz, or 48 (`opus_codec`)."""
        return self._codec.rate_hz

    def decode(self, payload: bytes) -> Samples:
        """Contract: `PayloadDecoder.decode`."""
        if payload and payload == self._settled:
            return silence(self._settled_samples)
        self._settled = b""
        packets = list(split_packets(payload, self._limits.max_opus_packets))
        durations = [packet_samples(packet) for packet in packets]
        check_duration(sum(durations), OPUS_RATE_HZ, self._limits)
        # Durations are multiples of 2.5 ms, which is a whole number of samples at any rate of libopus.
        lengths = [duration * self.output_rate_hz // OPUS_RATE_HZ for duration in durations]
        try:
            if not self._is_settled(packets):
                return self._decode_packets(packets, lengths)
        except ValueError:
            self._codec = open_codec()
            self._silent_packets = 0
            refuse(DeadLetterCode.UNDECODABLE_AUDIO, "libopus refused a packet of the chunk")
        # The same payload again is told by its bytes alone.
        self._settled, self._settled_samples = payload, sum(lengths)
        return silence(self._settled_samples)

    def _is_settled(self, packets: Sequence[bytes]) -> bool:
        return self._silent_packets >= SETTLED_PACKETS and all(packet == self._last for packet in packets)

    def _decode_packets(self, packets: Sequence[bytes], lengths: Sequence[int]) -> Samples:
        decoded = np.zeros(sum(lengths), np.int16)
        end = 0
        for packet, length in zip(packets, lengths, strict=True):
            start, end = end, end + length
            if self._silent_packets >= SETTLED_PACKETS and packet == self._last:
                continue
            self._codec.decode(packet, decoded[start:end])
            self._note_silence(packet, decoded[start:end])
        return decoded.astype(np.float32) / np.float32(32_768)

    def _note_silence(self, packet: bytes, decoded: Decoded) -> None:
        is_silent = packet[1:] == SILENT_FRAME and not decoded.any()
        goes_on = is_silent and packet == self._last
        self._silent_packets = self._silent_packets + 1 if goes_on else int(is_silent)
        self._last = packet


def split_packets(payload: bytes, max_packets: int) -> Iterator[bytes]:
    """The packets of a payload, in order; none of them is empty.

    Raises:
        InvalidMessage: UNDECODABLE_AUDIO or AUDIO_LIMIT_EXCEEDED.
    """
    position = 0
    count = 0
    while position < len(payload):
        body = position + LENGTH_BYTES
        end = body + int.from_bytes(payload[position:body], "big")
        if end > len(payload) or body > len(payload):
            refuse(DeadLetterCode.UNDECODABLE_AUDIO, f"Opus packet {count} goes beyond the end of the payload")
        if end == body:
            # libopus takes an empty packet for the end of the stream and never decodes again.
            refuse(DeadLetterCode.UNDECODABLE_AUDIO, f"Opus packet {count} is empty")
        if count == max_packets:
            refuse(
                DeadLetterCode.AUDIO_LIMIT_EXCEEDED, f"the chunk holds more than {max_packets} Opus packets; send fewer"
            )
        yield payload[body:end]
        position = end
        count += 1


def packet_samples(packet: bytes) -> int:
    """Samples at 48 kHz that a packet's header declares. Source: RFC 6716, sections 3.1 and 3.2.

    Raises:
        InvalidMessage: UNDECODABLE_AUDIO.
    """
    frames = _frame_count(packet)
    samples = frames * _frame_samples(packet[0] >> 3)
    if not 0 < samples <= MAX_PACKET_SAMPLES:
        refuse(DeadLetterCode.UNDECODABLE_AUDIO, f"an Opus packet declares {frames} frames, which RFC 6716 forbids")
    return samples


def _frame_samples(config: int) -> int:
    if config < 12:  # SILK: 10, 20, 40, 60 ms
        return (480, 960, 1920, 2880)[config % 4]
    if config < 16:  # hybrid: 10, 20 ms
        return (480, 960)[config % 2]
    return (120, 240, 480, 960)[config % 4]  # CELT: 2.5, 5, 10, 20 ms


def _frame_count(packet: bytes) -> int:
    code = packet[0] & 0x03
    if code == 3:
        return packet[1] & 0x3F if len(packet) > 1 else 0
    return 1 if code == 0 else 2
