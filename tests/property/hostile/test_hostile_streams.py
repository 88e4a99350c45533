"""Hostile messages through decoding and intake, as a worker takes them, in memory: each has an outcome it may have."""

from collections import Counter, OrderedDict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.audio import chunk

from loadtest.hostile_corpus import HostileCorpus
from loadtest.hostile_forge import ACCEPTED, HostileMessage
from moderation.audio.confined.decoding import ConfinedDecoding
from moderation.audio.decode import OpenDecoder, open_confined_decoder
from moderation.audio.intake import StreamIntake
from moderation.audio.vad import SileroVad
from moderation.contracts.audio_chunk import require_key
from moderation.contracts.codecs import Codecs
from moderation.errors import InvalidMessage
from moderation.events import AudioEncoding
from moderation.settings import AudioSettings, Settings

NOW = datetime(2026, 1, 1, tzinfo=UTC)
AUDIO = AudioSettings()
MOST_STREAMS = 300

PAYLOADS = st.one_of(
    st.binary(max_size=400),
    st.integers(1, 800).map(lambda samples: bytes(2 * samples)),
    st.binary(min_size=1, max_size=60).map(lambda packet: len(packet).to_bytes(2, "big") + packet),
)
STEPS = st.tuples(
    PAYLOADS,
    st.integers(1, 1 << 62),
    st.timedeltas(min_value=timedelta(days=-8_000), max_value=timedelta(days=20_000)),
    st.sampled_from(AudioEncoding),
    st.sampled_from([8_000, 16_000, 44_100, 48_000, 0, -1, 1 << 30]),
    st.integers(-1, 3),
    st.booleans(),
)


class Intakes:
    """What a worker does with a message, but for waiting, speech recognition and publishing."""

    def __init__(self, codecs: Codecs, vad: SileroVad, decoders: OpenDecoder) -> None:
        self._codecs = codecs
        self._new = lambda: StreamIntake(AUDIO, vad, open_decoder=decoders)
        self._open: OrderedDict[tuple[str, str], tuple[StreamIntake, int]] = OrderedDict()

    def outcome(self, message: HostileMessage) -> str:
        try:
            self._take(message)
        except InvalidMessage as invalid:
            return invalid.code
        return ACCEPTED

    def _take(self, message: HostileMessage) -> None:
        taken = self._codecs.audio_chunks.decode(message.envelope.value)
        require_key(taken, message.envelope.key)
        key = (taken.tenant_id, taken.stream_id)
        intake, last = self._open.pop(key, (self._new(), -1))
        if taken.sequence <= last:
            intake = self._new()
        if not taken.end_of_stream:
            self._open[key] = (intake, taken.sequence)
        if len(self._open) > MOST_STREAMS:
            self._open.popitem(last=False)
        held = intake.held_samples
        intake.accept(taken)
        assert intake.held_samples - held <= AUDIO.max_chunk_ms * 16 + 4_096


@pytest.fixture(scope="module")
def decoders() -> Iterator[OpenDecoder]:
    with ConfinedDecoding(AUDIO) as decoding:
        yield open_confined_decoder(decoding)


@pytest.mark.parametrize("seed", [1, 2])
def test_every_hostile_message_has_an_outcome_that_it_may_have(
    codecs: Codecs, vad: SileroVad, decoders: OpenDecoder, seed: int
) -> None:
    corpus = HostileCorpus(Settings(), seed=seed, neighbours=["good"], now=NOW)
    intakes = Intakes(codecs, vad, decoders)
    wrong: Counter[tuple[str, str]] = Counter()
    for message in [*corpus.each(), *islice(corpus, 2_000)]:
        outcome = intakes.outcome(message)
        if outcome not in message.case.outcomes:
            wrong[message.case.name, outcome] += 1
    assert not wrong


@settings(max_examples=150, deadline=None)
@given(steps=st.lists(STEPS, max_size=6))
def test_a_stream_of_anything_is_refused_or_harmless(
    vad: SileroVad,
    steps: list[tuple[bytes, int, timedelta, AudioEncoding, int, int, bool]],
) -> None:
    intake, sequence = StreamIntake(AUDIO, vad), 0
    for payload, step, later, encoding, rate, channels, ends in steps:
        sequence = min(sequence + step, (1 << 63) - 1)
        try:
            intake.accept(
                chunk(
                    payload,
                    sequence,
                    captured_at=NOW + later,
                    encoding=encoding,
                    sample_rate_hz=rate,
                    channels=channels,
                    end_of_stream=ends,
                )
            )
        except InvalidMessage:
            continue
        sequence += 1
    assert intake.finish().needed_from_sequence is None
    assert intake.held_samples == 0
