"""Whisper: encoder window trimmed to the utterance, a decoder of our own, guarded, with word times."""
