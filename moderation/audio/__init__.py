"""Chunks of one stream in, utterances out: decode, resample to 16 kHz mono, voice activity, endpointing."""
