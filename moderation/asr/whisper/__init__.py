"""Whisper through CTranslate2: encoder window trimmed to the utterance, guarded, with word times."""
