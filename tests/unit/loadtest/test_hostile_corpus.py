from collections import Counter
from datetime import UTC, datetime
from itertools import islice

import pytest
from aiokafka.record.default_records import DefaultRecordBatch

from loadtest.hostile_batches import COMPRESSIONS, batch_of
from loadtest.hostile_corpus import HostileCorpus
from loadtest.hostile_forge import ACCEPTED, Envelope, Forge, number, text
from moderation.contracts.codecs import load_codecs
from moderation.errors import DeadLetterCode
from moderation.settings import Settings

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def corpus(seed: int = 1) -> HostileCorpus:
    return HostileCorpus(Settings(), seed=seed, neighbours=["good"], now=NOW)


def test_the_same_seed_gives_the_same_messages_and_another_seed_gives_others() -> None:
    first, again, other = (list(islice(corpus(seed), 200)) for seed in (1, 1, 2))
    assert [item.envelope for item in first] == [item.envelope for item in again]
    assert [item.envelope for item in first] != [item.envelope for item in other]


def test_every_outcome_is_one_that_a_worker_can_have() -> None:
    known = {ACCEPTED, *DeadLetterCode} - {DeadLetterCode.PROCESSING_FAILED}
    for case in corpus().cases:
        assert case.outcomes
        assert case.outcomes <= known, case.name


def test_every_code_that_a_message_alone_can_cause_is_the_only_outcome_of_some_case() -> None:
    certain = {next(iter(case.outcomes)) for case in corpus().cases if len(case.outcomes) == 1}
    assert certain >= set(DeadLetterCode) - {"processing_failed", "format_changed", "late_chunk", "unreadable_batch"}


def test_case_names_are_unique() -> None:
    names = Counter(case.name for case in corpus().cases)
    assert [name for name, times in names.items() if times > 1] == []


def test_values_are_small_on_average() -> None:
    sizes = [len(item.envelope.value or b"") for item in islice(corpus(), 3_000)]
    assert sum(sizes) / len(sizes) < 2_048


def test_the_forge_writes_what_the_codec_reads() -> None:
    forge = Forge(Settings(), seed=1, run_id="r", now=NOW)
    chunk = load_codecs(Settings()).audio_chunks.decode(forge.value(forge.fields(language_hint=number(1) + text("en"))))
    assert (chunk.stream_id, chunk.language_hint, chunk.captured_at) == ("hostile-r-1", "en", NOW)
    assert chunk.payload == bytes(640)


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_a_batch_holds_the_messages_in_their_order(compression: int) -> None:
    sent = [Envelope(place="p", key=bytes([n]), value=b"v" * n, timestamp_ms=n) for n in range(5)]
    records = list(DefaultRecordBatch(batch_of(sent, compression)._build()))
    assert [(item.key, item.value, item.timestamp) for item in records] == [
        (item.key, item.value, item.timestamp_ms) for item in sent
    ]


def test_a_batch_can_hold_header_names_that_are_not_text() -> None:
    batch = DefaultRecordBatch(
        batch_of([Envelope(place="p", key=b"", value=b"", headers=(("\udcff", b"x"),))], 1)._build()
    )
    assert batch.validate_crc()
    with pytest.raises(UnicodeDecodeError):
        list(batch)
