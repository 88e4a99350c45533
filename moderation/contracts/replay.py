"""How a dead letter that is published again says so."""

REPLAY_OF = "moderation-replay-of"
"""Header of a replayed message: the id of the dead letter (its `ce_id`)."""
