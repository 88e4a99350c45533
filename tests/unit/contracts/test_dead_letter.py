"""A dead letter is never lost, however large the message was."""

from datetime import UTC, datetime
from typing import Any

import pytest

from moderation.contracts.codecs import load_codecs
from moderation.contracts.dead_letter import fitting
from moderation.events import DeadLetter
from moderation.settings import KafkaSettings, Settings


def _letter(**changes: Any) -> DeadLetter:
    values: dict[str, Any] = {
        "code": "payload_too_large",
        "reason": "too large",
        "topic": "voice-audio",
        "partition": 1,
        "offset": 2,
        "timestamp": None,
        "key": b"key",
        "value": bytes(1_000),
        "headers": (("a", b"b"), ("a", None)),
        "application_version": "0.1.0",
        "failed_at": datetime(2026, 3, 1, tzinfo=UTC),
    }
    return DeadLetter(**{**values, **changes})


def test_a_letter_that_fits_stays_whole() -> None:
    assert fitting(_letter(), 10_000) == _letter()


def test_a_value_that_does_not_fit_is_left_out_and_the_reason_says_so() -> None:
    shorter = fitting(_letter(value=bytes(10_000)), 10_000)
    assert shorter.value is None
    assert shorter.key == b"key"
    assert shorter.headers == _letter().headers
    assert shorter.reason.startswith("too large (the value, 10000 bytes,")
    assert (shorter.topic, shorter.partition, shorter.offset) == ("voice-audio", 1, 2)


@pytest.mark.parametrize("change", [{"key": bytes(10_000)}, {"headers": (("h", bytes(10_000)),)}])
def test_key_and_headers_that_do_not_fit_are_left_out_too(change: dict[str, Any]) -> None:
    shorter = fitting(_letter(**change), 10_000)
    assert (shorter.key, shorter.headers, shorter.value) == (None, (), None)


def test_whatever_its_size_it_is_written_and_within_the_bound() -> None:
    codec = load_codecs(Settings(kafka=KafkaSettings(max_message_bytes=8_192))).dead_letters
    for size in (0, 3_000, 4_000, 5_000, 8_000, 100_000):
        letter = _letter(value=bytes(size))
        value = codec.encode(letter)
        assert len(value) + len(letter.key or b"") <= 8_192
        assert codec.decode(value).offset == letter.offset


def test_headers_keep_their_order_and_their_duplicates() -> None:
    codec = load_codecs(Settings()).dead_letters
    assert codec.decode(codec.encode(_letter())).headers == (("a", b"b"), ("a", None))
