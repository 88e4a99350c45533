"""The codecs of all events, built once and passed on."""

from dataclasses import dataclass

from moderation.contracts import audio_chunk, dead_letter, moderation_flag, replay, resume_mark, transcript
from moderation.contracts.audio_chunk import AudioChunkCodec
from moderation.contracts.catalogue import load_schemas
from moderation.contracts.dead_letter import DeadLetterCodec
from moderation.contracts.limits import ContractLimits
from moderation.contracts.moderation_flag import ModerationFlagCodec
from moderation.contracts.record import RecordCodec
from moderation.contracts.registry import NoRegistry, SchemaResolver
from moderation.contracts.replay import DeadLetterReplayCodec
from moderation.contracts.resume_mark import ResumeMarkCodec
from moderation.contracts.transcript import TranscriptCodec
from moderation.errors import ConfigurationError
from moderation.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Codecs:
    """One codec an event. They hold no state but parsed schemas, and may be shared by threads."""

    audio_chunks: AudioChunkCodec
    transcripts: TranscriptCodec
    flags: ModerationFlagCodec
    dead_letters: DeadLetterCodec
    resume_marks: ResumeMarkCodec
    replays: DeadLetterReplayCodec


def load_codecs(settings: Settings, *, resolver: SchemaResolver | None = None) -> Codecs:
    """Read the schemas and build the codecs.

    Raises:
        ConfigurationError: a schema registry is configured and no resolver is given: this version has none of its own.
    """
    if settings.schema_registry.url and resolver is None:
        raise ConfigurationError(
            "schema registries are not supported yet; unset MODERATION_SCHEMA_REGISTRY__URL to use Avro single-object "
            "encoding, which needs none"
        )
    return build_codecs(ContractLimits.of(settings), resolver=resolver or NoRegistry())


def build_codecs(limits: ContractLimits, *, resolver: SchemaResolver) -> Codecs:
    """The codecs under given limits."""
    files = load_schemas()

    def records(event: str, max_items: int) -> RecordCodec:
        return RecordCodec(
            event, files, max_value_bytes=limits.max_message_bytes, max_items=max_items, resolver=resolver
        )

    return Codecs(
        audio_chunks=AudioChunkCodec(records(audio_chunk.EVENT, limits.max_attributes), limits),
        transcripts=TranscriptCodec(records(transcript.EVENT, limits.max_list_items)),
        flags=ModerationFlagCodec(records(moderation_flag.EVENT, limits.max_list_items)),
        dead_letters=DeadLetterCodec(
            records(dead_letter.EVENT, limits.max_list_items), max_value_bytes=limits.max_message_bytes
        ),
        resume_marks=ResumeMarkCodec(records(resume_mark.EVENT, limits.max_list_items)),
        replays=DeadLetterReplayCodec(records(replay.EVENT, limits.max_list_items)),
    )
