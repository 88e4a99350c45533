"""What was said before in a session, as far as this worker heard it."""

from collections import OrderedDict, deque

from moderation.events import ContextUtterance

MAX_SESSIONS = 5_000
"""Sessions remembered; the least recently heard is forgotten first."""


class SessionContexts:
    """The latest utterances of each session, masked.

    Bounded, in memory, and of this worker only: tracks of one session may be served by several workers, and a killed
    worker takes its memory along. Context helps a moderator; no decision depends on it.
    """

    def __init__(self, *, utterances: int, max_sessions: int = MAX_SESSIONS) -> None:
        self._utterances = utterances
        self._max_sessions = max_sessions
        self._sessions: OrderedDict[tuple[str, str], deque[ContextUtterance]] = OrderedDict()

    def before(self, tenant_id: str, session_id: str) -> tuple[ContextUtterance, ...]:
        """The latest utterances of the session, oldest first."""
        return tuple(self._sessions.get((tenant_id, session_id), ()))

    def remember(self, tenant_id: str, session_id: str, utterance: ContextUtterance) -> None:
        """Add the utterance that was just published."""
        key = (tenant_id, session_id)
        self._sessions.setdefault(key, deque(maxlen=self._utterances)).append(utterance)
        self._sessions.move_to_end(key)
        while len(self._sessions) > self._max_sessions:
            self._sessions.popitem(last=False)
