"""Speech in chunk 2^63 - 1 ended every worker: the chunk after it, where its stream goes on, fits no long."""

from dataclasses import replace

import pytest
from support.streaming import audio_chunk

from moderation.contracts.audio_chunk import MAX_SEQUENCE, require_valid
from moderation.contracts.limits import ContractLimits
from moderation.errors import InvalidMessage
from moderation.events import AudioChunk
from moderation.settings import Settings

LIMITS = ContractLimits.of(Settings())


def chunk_with(sequence: int) -> AudioChunk:
    return replace(audio_chunk(0), sequence=sequence)


@pytest.mark.parametrize("sequence", [MAX_SEQUENCE + 1, (1 << 63) - 1])
def test_a_sequence_after_which_none_can_come_is_refused(sequence: int) -> None:
    with pytest.raises(InvalidMessage, match="invalid_field: sequence"):
        require_valid(chunk_with(sequence), LIMITS)


def test_the_greatest_sequence_is_taken() -> None:
    require_valid(chunk_with(MAX_SEQUENCE), LIMITS)
