"""The topics, as `topics/<topic>.yaml` describes them."""

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from moderation.contracts.catalogue import load_schemas, locate
from moderation.errors import InvariantViolation
from moderation.settings import StreamingSettings

TopicName = Annotated[str, Field(pattern=r"^[a-zA-Z0-9._-]{1,249}$")]
Sentence = Annotated[str, Field(min_length=3)]
Positive = Annotated[int, Field(gt=0)]

_MS_PER_HOUR = 3_600_000
_COMPACTION = {
    # A compacted topic is read whole by whoever takes a partition over: small segments, which are cleaned soon.
    "segment.ms": str(10 * 60 * 1000),
    "segment.bytes": str(16 * 1024 * 1024),
    "min.cleanable.dirty.ratio": "0.1",
    "delete.retention.ms": str(_MS_PER_HOUR),
}
_ROLES = {
    "audio_chunk": "audio_topic",
    "transcript": "transcripts_topic",
    "moderation_flag": "flags_topic",
    "dead_letter": "dead_letters_topic",
    "resume_mark": "resume_marks_topic",
    "dead_letter_replay": "replays_topic",
}
"""Event to the setting that names its topic."""


class Topic(BaseModel):
    """One topic. Unknown names in its file are refused, so that a typo is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: TopicName
    purpose: Sentence = Field(description="What it holds and what for.")
    key: Sentence = Field(description="What messages are keyed by: those with the same key stay in order.")
    event: Literal[
        "audio_chunk", "transcript", "moderation_flag", "dead_letter", "resume_mark", "dead_letter_replay"
    ] = Field(alias="schema", description="The event it holds: `schemas/<event>.v<N>.avsc`.")
    partitions: Positive
    replication: Annotated[int, Field(gt=0, le=32_767)] = Field(description="Copies of each partition.")
    min_insync_replicas: Positive = Field(description="Copies that must have a message before it counts as written.")
    retention_hours: Positive = Field(description="How long messages are kept, hours.")
    cleanup_policy: Literal["delete", "compact"]
    max_message_bytes: Positive = Field(description="Largest batch of messages that the broker takes, bytes.")
    owner: Sentence = Field(description="Who answers for it.")
    producers: Annotated[list[Sentence], Field(min_length=1)]
    consumers: Annotated[list[Sentence], Field(min_length=1)]

    @model_validator(mode="after")
    def _replicas_suffice(self) -> "Topic":
        if self.min_insync_replicas > self.replication:
            raise ValueError("min_insync_replicas exceeds replication: nothing could ever be written")
        return self

    def broker_configuration(self, replication: int) -> dict[str, str]:
        """Kafka's configuration of the topic, were it to have `replication` copies: name to value."""
        configuration = {
            "cleanup.policy": self.cleanup_policy,
            "retention.ms": str(self.retention_hours * _MS_PER_HOUR),
            "max.message.bytes": str(self.max_message_bytes),
            "min.insync.replicas": str(max(1, min(self.min_insync_replicas, replication - 1))),
        }
        return configuration | (_COMPACTION if self.cleanup_policy == "compact" else {})


def load_topics(root: Path | None = None) -> tuple[Topic, ...]:
    """Every topic of `root` (default: `locate("topics")`), ordered by name.

    Raises:
        InvariantViolation: a file breaks a rule, names a schema that does not exist, or is not named after its topic.
    """
    root = root or locate("topics")
    events = {file.event for file in load_schemas()}
    topics = tuple(_read(path) for path in sorted(root.glob("*.yaml")))
    for topic in topics:
        if topic.event not in events:
            raise InvariantViolation(f"the topic {topic.name} names the schema {topic.event}, which does not exist")
    if not topics:
        raise InvariantViolation(f"no topics in {root}; install the package again")
    return topics


def configured_topics(topics: tuple[Topic, ...], streaming: StreamingSettings) -> tuple[Topic, ...]:
    """The topics under the names that the settings give them."""
    return tuple(topic.model_copy(update={"name": getattr(streaming, _ROLES[topic.event])}) for topic in topics)


def _read(path: Path) -> Topic:
    try:
        topic = Topic.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except yaml.YAMLError:
        raise InvariantViolation(f"{path} is not YAML") from None
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False))
        raise InvariantViolation(f"{path} breaks the rules of topics: {problems}") from None
    if path.stem != topic.name:
        raise InvariantViolation(f"{path} must be named after its topic, {topic.name}.yaml")
    return topic
