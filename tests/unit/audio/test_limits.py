from datetime import UTC, datetime

import pytest
from support.audio import chunk

from moderation.audio.limits import check_chunk
from moderation.errors import DeadLetterCode, InvalidMessage
from moderation.settings import AudioSettings


def refused_with(
    settings: AudioSettings | None = None, payload: bytes = bytes(320), **fields: object
) -> DeadLetterCode:
    with pytest.raises(InvalidMessage) as refusal:
        check_chunk(chunk(payload, **fields), settings or AudioSettings())
    return refusal.value.code


def test_a_payload_larger_than_the_limit_is_refused() -> None:
    settings = AudioSettings(max_payload_bytes=100)
    check_chunk(chunk(bytes(100)), settings)
    assert refused_with(settings, bytes(101)) is DeadLetterCode.PAYLOAD_TOO_LARGE


@pytest.mark.parametrize("rate", [-1, 0, 7_999, 48_001, 2**31 - 1])
def test_sample_rates_out_of_bounds_are_refused(rate: int) -> None:
    assert refused_with(sample_rate_hz=rate) is DeadLetterCode.INVALID_FIELD


def test_the_bounds_of_sample_rates_are_settings() -> None:
    settings = AudioSettings(min_sample_rate_hz=16_000, max_sample_rate_hz=24_000)
    assert refused_with(settings, sample_rate_hz=8_000) is DeadLetterCode.INVALID_FIELD
    assert refused_with(settings, sample_rate_hz=48_000) is DeadLetterCode.INVALID_FIELD


@pytest.mark.parametrize("channels", [-1, 0, 3, 2**31 - 1])
def test_channel_counts_out_of_bounds_are_refused(channels: int) -> None:
    assert refused_with(channels=channels) is DeadLetterCode.INVALID_FIELD


def test_the_most_channels_is_a_setting() -> None:
    assert refused_with(AudioSettings(max_channels=1), channels=2) is DeadLetterCode.INVALID_FIELD


def test_an_instant_that_nothing_can_follow_is_refused() -> None:
    assert refused_with(captured_at=datetime.max.replace(tzinfo=UTC)) is DeadLetterCode.INVALID_FIELD


def test_an_empty_payload_is_refused_unless_it_ends_the_stream() -> None:
    check_chunk(chunk(b"", end_of_stream=True), AudioSettings())
    assert refused_with(payload=b"") is DeadLetterCode.UNDECODABLE_AUDIO
