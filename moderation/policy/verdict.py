"""What the policy concluded."""

from dataclasses import dataclass
from enum import StrEnum

from moderation.events import Detection, Severity


class Action(StrEnum):
    """What a policy recommends; whoever consumes the flags carries it out."""

    NONE = "none"
    """Nothing."""
    LOG = "log"
    """Keep it on record."""
    MASK = "mask"
    """The text is published masked; nobody needs to act."""
    REVIEW = "review"
    """A moderator should look."""
    WARN = "warn"
    """Warn the speaker."""
    MUTE = "mute"
    """Mute the speaker until a moderator has looked."""
    ESCALATE = "escalate"
    """Somebody must look now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the policy concluded about one utterance. `detections` are ordered from most to least severe."""

    severity: Severity
    action: Action
    flagged: bool
    policy_id: str
    policy_version: str
    detections: tuple[Detection, ...]
