"""The composition root: the only code that picks implementations from settings."""
