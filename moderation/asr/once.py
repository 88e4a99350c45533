"""The settings with which an utterance is recognised once, at its end: what a cost per utterance is measured with."""

from types import MappingProxyType

HEARD_ONCE = MappingProxyType({"interim_every_s": 0.0, "early_share": 0.0})
"""Changes of `settings.asr`: nothing is recognised while an utterance goes on, nor at a pause that may be its end."""

HEARD_ONCE_ENVIRONMENT = MappingProxyType(
    {f"MODERATION_ASR__{name.upper()}": str(value) for name, value in HEARD_ONCE.items()}
)
"""The same for a worker process."""
