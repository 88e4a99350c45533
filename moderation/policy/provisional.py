"""What to tell of an utterance that goes on. Pure."""

from dataclasses import replace

from moderation.events import Detection, DetectionKind, Severity
from moderation.policy.verdict import Verdict

_Category = tuple[DetectionKind, str]


def news(told: Verdict | None, now: Verdict) -> Verdict | None:
    """What to tell, given what was told of the utterance last and what is concluded now; None: nothing new.

    Only a flagged verdict with a category that was not told, or with a higher severity, is news. What is told next
    holds what was told before as well: an interim decode hears the end of the utterance, and nothing that was found is
    taken back before all of it was heard.
    """
    if not now.flagged:
        return None
    if told is None:
        return now
    before, found = _by_category(told), _by_category(now)
    is_worse = now.severity.rank > told.severity.rank
    if not is_worse and found.keys() <= before.keys():
        return None
    together = {**found, **{at: kept for at, kept in before.items() if _worst(kept) >= _worst(found.get(at, []))}}
    detections = sorted((one for kept in together.values() for one in kept), key=lambda one: -one.severity.rank)
    return replace(now if is_worse else told, detections=tuple(detections))


def _by_category(verdict: Verdict) -> dict[_Category, list[Detection]]:
    found: dict[_Category, list[Detection]] = {}
    for detection in verdict.detections:
        found.setdefault((detection.kind, detection.category), []).append(detection)
    return found


def _worst(detections: list[Detection]) -> int:
    return max((one.severity.rank for one in detections), default=Severity.NONE.rank)
