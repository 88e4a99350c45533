"""Kafka from outside the worker: play audio, read what was published, apply topics. No consumer groups, no faust."""
