import numpy as np
import pytest

from moderation.audio.confined.messages import (
    MAX_REFUSAL_BYTES,
    Decoded,
    DecodeRequest,
    Refused,
    Reply,
    longest_reply_bytes,
)
from moderation.audio.limits import StreamFormat
from moderation.errors import DeadLetterCode
from moderation.events import AudioEncoding


@pytest.mark.parametrize("encoding", [AudioEncoding.FLAC, AudioEncoding.OGG_OPUS])
def test_a_request_arrives_as_it_was_sent(encoding: AudioEncoding) -> None:
    stream_format = StreamFormat(encoding=encoding, sample_rate_hz=44_100, channels=2)
    arrived = DecodeRequest.unpack(DecodeRequest(stream_format, b"audio").pack())
    assert arrived.stream_format == stream_format
    assert bytes(arrived.payload) == b"audio"


@pytest.mark.parametrize("is_worn", [False, True])
def test_samples_arrive_as_they_were_sent(is_worn: bool) -> None:
    samples = np.linspace(-1, 1, 999, dtype=np.float32)
    message = Reply(Decoded(samples), is_worn).pack()
    assert len(message) <= longest_reply_bytes(999)
    arrived = Reply.unpack(bytearray(message))
    assert arrived.is_worn is is_worn
    assert isinstance(arrived.answer, Decoded)
    assert np.array_equal(arrived.answer.samples, samples)
    assert arrived.answer.samples.flags.aligned


def test_a_refusal_arrives_as_it_was_sent() -> None:
    refused = Refused(DeadLetterCode.INVALID_FIELD, "the file holds 6 channels")
    message = Reply(refused).pack()
    assert len(message) <= longest_reply_bytes(0)
    assert Reply.unpack(message) == Reply(refused)


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"S",
        b"?\x00\x00\x00",
        b"S\x00\x00\x00" + bytes(3),
        b"S\x00\x00\x00" + np.array([0, np.nan], "<f4").tobytes(),
        b"S\x00\x00\x00" + np.array([0, 1.01], "<f4").tobytes(),
        b"S\x00\x00\x00" + np.array([-np.inf], "<f4").tobytes(),
        b"R\x00\x00\x00" + b"not JSON",
        b"R\x00\x00\x00" + b'["no_such_code", "why"]',
        b"R\x00\x00\x00" + b'{"code": 1}',
        b"R\x00\x00\x00" + b'["invalid_field", 7]',
        b"R\x00\x00\x00" + b'["invalid_field", "' + b"x" * MAX_REFUSAL_BYTES + b'"]',
    ],
)
def test_what_is_no_reply_is_refused(message: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  of several kinds
        Reply.unpack(message)
