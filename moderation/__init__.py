"""Content moderation for voice chat on Kafka: audio chunks in, flagged events out."""

__version__ = "0.1.0"
