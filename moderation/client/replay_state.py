"""What the ledger of replays says: a pure fold of its entries."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from moderation.contracts.replay import DeadLetterReplay, ReplayState


@dataclass(frozen=True, slots=True)
class _Claim:
    run_id: str
    until: datetime


class ReplayStates:
    """Entries of the ledger, applied in the order of their partitions.

    A letter belongs to the first run that claims it, until it releases it or its claim runs out: the broker's order
    decides between two that claim at once, and all who read come to the same conclusion. Their clocks are trusted to
    agree within the claim's duration.
    """

    def __init__(self, *, claim_s: float) -> None:
        self._claim = timedelta(seconds=claim_s)
        self._claims: dict[str, _Claim] = {}
        self._replayed: set[str] = set()

    def apply(self, entry: DeadLetterReplay) -> None:
        """Take the next entry."""
        letter_id = entry.dead_letter_id
        held = self._claims.get(letter_id)
        match entry.state:
            case ReplayState.REPLAYED:
                self._replayed.add(letter_id)
                self._claims.pop(letter_id, None)
            case ReplayState.RELEASED:
                if held is not None and held.run_id == entry.run_id:
                    del self._claims[letter_id]
            case ReplayState.CLAIMED:
                if held is None or held.run_id == entry.run_id or held.until <= entry.stated_at:
                    self._claims[letter_id] = _Claim(entry.run_id, entry.stated_at + self._claim)

    @property
    def replayed(self) -> frozenset[str]:
        """The ids of the letters that were replayed."""
        return frozenset(self._replayed)

    def was_replayed(self, letter_id: str) -> bool:
        """Whether the letter was replayed."""
        return letter_id in self._replayed

    def claimed_by(self, run_id: str, letter_ids: Iterable[str], now: datetime) -> frozenset[str]:
        """Which of the letters this run holds."""
        return frozenset(i for i in letter_ids if (c := self._claims.get(i)) and c.run_id == run_id and now < c.until)
