"""Speech recognition: one Protocol, two engines (Whisper, Vosk)."""
