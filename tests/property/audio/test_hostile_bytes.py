"""Whatever bytes arrive: a typed refusal or audio within the limits, and neighbours never notice."""

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.audio import chunk, conversation, pcm_chunks, take_all, utterances_of, voiced

from moderation.audio.encode import ChunkEncoder
from moderation.audio.intake import StreamIntake
from moderation.audio.vad import SileroVad
from moderation.errors import InvalidMessage
from moderation.events import AudioEncoding
from moderation.settings import AudioSettings

EVERY_ENCODING = pytest.mark.parametrize("encoding", list(AudioEncoding))
SETTINGS = AudioSettings()


def offer(intake: StreamIntake, payload: bytes, sequence: int, **fields: object) -> bool:
    """Whether the intake took the payload; what it holds of it stays within the limits."""
    held_before = intake.held_samples
    try:
        intake.accept(chunk(payload, sequence, **fields))
    except InvalidMessage:
        return False
    assert intake.held_samples - held_before <= SETTINGS.max_chunk_ms * 16 + 4_096
    return True


@EVERY_ENCODING
def test_random_bytes_are_refused_or_harmless(vad: SileroVad, encoding: AudioEncoding) -> None:
    @settings(max_examples=60, deadline=None)
    @given(payloads=st.lists(st.binary(max_size=3_000), max_size=4), rate=st.integers(-1, 100_000), end=st.booleans())
    def check(payloads: list[bytes], rate: int, end: bool) -> None:
        intake = StreamIntake(SETTINGS, vad)
        for sequence, payload in enumerate(payloads):
            offer(intake, payload, sequence, encoding=encoding, sample_rate_hz=rate, end_of_stream=end)
        assert intake.finish().needed_from_sequence is None

    check()


@EVERY_ENCODING
def test_damaged_audio_is_refused_or_harmless(vad: SileroVad, encoding: AudioEncoding) -> None:
    (whole,) = ChunkEncoder(encoding, 16_000, 200).encode(voiced(0.2))

    @settings(max_examples=60, deadline=None)
    @given(
        damage=st.lists(st.tuples(st.integers(0, len(whole) - 1), st.integers(0, 255)), max_size=20),
        length=st.integers(1, len(whole)),
    )
    def check(damage: list[tuple[int, int]], length: int) -> None:
        payload = bytearray(whole)
        for place, value in damage:
            payload[place] = value
        intake = StreamIntake(SETTINGS, vad)
        offer(intake, bytes(payload[:length]), 0, encoding=encoding)
        assert offer(intake, whole, 1, encoding=encoding)

    check()


def test_random_opus_packets_are_refused_or_harmless(vad: SileroVad) -> None:
    @settings(max_examples=100, deadline=None)
    @given(packets=st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=20))
    def check(packets: list[bytes]) -> None:
        payload = b"".join(struct.pack(">H", len(packet)) + packet for packet in packets)
        offer(StreamIntake(SETTINGS, vad), payload, 0, encoding=AudioEncoding.OPUS, sample_rate_hz=48_000)

    check()


@pytest.mark.parametrize("encoding", list(AudioEncoding))
def test_a_neighbouring_stream_is_undisturbed(vad: SileroVad, encoding: AudioEncoding) -> None:
    good = pcm_chunks(conversation(1), [3_200])
    alone = utterances_of(take_all(StreamIntake(SETTINGS, vad), good))
    rng = np.random.default_rng(1)
    intake, hostile = StreamIntake(SETTINGS, vad), StreamIntake(SETTINGS, vad)
    results = []
    for sequence, each in enumerate(good):
        offer(hostile, rng.bytes(int(rng.integers(0, 3_000))), sequence, encoding=encoding)
        results.append(intake.accept(each))
    together = utterances_of([*results, intake.finish()])
    assert len(alone) == 3
    assert len(together) == 3
    for one, other in zip(alone, together, strict=True):
        assert np.array_equal(one.samples, other.samples)
