"""Vosk in processes of its own: streaming, with partials; a crash takes no more with it than its process."""
