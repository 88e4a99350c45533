"""Which language is spoken: evidence from audio and from text, accumulated per stream."""
