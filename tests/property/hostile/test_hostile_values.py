"""Whatever bytes a message's value holds: a typed refusal, or a chunk that keeps the contract; memory stays bounded."""

import tracemalloc
from datetime import UTC, datetime
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtest.hostile_corpus import HostileCorpus
from loadtest.hostile_forge import Forge, number, table, text
from moderation.contracts.codecs import Codecs
from moderation.errors import InvalidMessage
from moderation.events import DeadLetter
from moderation.settings import Settings

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FORGE = Forge(Settings(), seed=1, run_id="r", now=NOW)
VALID = FORGE.value(
    FORGE.fields("stream", language_hint=number(1) + text("en"), attributes=table({"client": "1.2", "codec": "pcm"}))
)

EDIT = st.tuples(st.integers(0, len(VALID)), st.integers(0, 12), st.binary(max_size=12))
"""Where, how many bytes are taken out, and what is put there."""

VARINTS = st.integers(-(1 << 70), 1 << 70).map(number)
PIECES = st.one_of(VARINTS, st.binary(max_size=20), st.text(max_size=10).map(text), st.binary(max_size=20).map(text))


def decodes(codecs: Codecs, value: bytes | None) -> bool:
    """Whether the value is a chunk; one that is comes out the same after it was written again."""
    try:
        chunk = codecs.audio_chunks.decode(value)
    except InvalidMessage:
        return False
    assert codecs.audio_chunks.decode(codecs.audio_chunks.encode(chunk)) == chunk
    return True


@settings(max_examples=300, deadline=None)
@given(
    value=st.one_of(st.none(), st.binary(max_size=200), st.binary(max_size=200).map(lambda body: FORGE.header + body))
)
def test_arbitrary_bytes_are_refused_or_a_chunk(codecs: Codecs, value: bytes | None) -> None:
    decodes(codecs, value)


@settings(max_examples=400, deadline=None)
@given(edits=st.lists(EDIT, max_size=6))
def test_an_edited_chunk_is_refused_or_a_chunk(codecs: Codecs, edits: list[tuple[int, int, bytes]]) -> None:
    value = VALID
    for at, taken, put in edits:
        value = value[:at] + put + value[at + taken :]
    assert decodes(codecs, value) or edits


@settings(max_examples=300, deadline=None)
@given(pieces=st.dictionaries(st.sampled_from(sorted(FORGE.fields())), PIECES, max_size=5))
def test_a_chunk_with_other_fields_is_refused_or_a_chunk(codecs: Codecs, pieces: dict[str, bytes]) -> None:
    decodes(codecs, FORGE.value(FORGE.fields("stream", **pieces)))


@pytest.mark.parametrize("name", sorted(case.name for case in HostileCorpus(Settings(), seed=1, now=NOW).cases))
def test_decoding_takes_no_more_memory_than_the_message_allows(codecs: Codecs, name: str) -> None:
    corpus = HostileCorpus(Settings(), seed=2, now=NOW)
    (case,) = (case for case in corpus.cases if case.name == name)
    value = corpus.of(case).envelope.value
    tracemalloc.start()
    try:
        decodes(codecs, value)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak <= 8 * len(value or b"") + (1 << 20)


def test_every_hostile_message_fits_a_dead_letter(codecs: Codecs) -> None:
    for number_, message in enumerate(islice(HostileCorpus(Settings(), seed=3, now=NOW), 1_000)):
        envelope = message.envelope
        headers = tuple((_readable(name), value) for name, value in envelope.headers)
        letter = DeadLetter(
            code="invalid_field",
            reason="a reason",
            topic="voice-audio",
            partition=0,
            offset=number_,
            timestamp=None,
            key=envelope.key,
            value=envelope.value,
            headers=headers,
            application_version="0",
            failed_at=NOW,
        )
        assert codecs.dead_letters.decode(codecs.dead_letters.encode(letter)) == letter


def _readable(name: str) -> str:
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
