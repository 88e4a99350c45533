"""Hostile messages without end: seeded, each with the outcomes that it may have, in bounded memory."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import accumulate

from loadtest.hostile_audio import audio_cases
from loadtest.hostile_avro import avro_cases
from loadtest.hostile_envelopes import envelope_cases
from loadtest.hostile_fields import field_cases
from loadtest.hostile_forge import Case, Forge, HostileMessage
from loadtest.hostile_stories import StoryCases
from moderation.settings import Settings


class HostileCorpus:
    """An endless iterator of hostile messages. The same arguments give the same messages.

    Values are small, 0.5 kB on average; one message in ten thousand is as large as the topic allows. Most are the only
    message of their stream, with an id that nobody had before; the streams that go on are bounded in number.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        seed: int,
        run_id: str = "0",
        neighbours: Sequence[str] = (),
        now: datetime | None = None,
    ) -> None:
        """`settings` are those of the worker under test: they say what is out of bounds. `neighbours` are stream ids of
        honest producers, which hostile tenants use too."""
        self._forge = Forge(settings, seed=seed, run_id=run_id, now=now)
        stories = StoryCases(self._forge)
        self.cases: tuple[Case, ...] = (
            *avro_cases(),
            *field_cases(),
            *audio_cases(),
            *envelope_cases(neighbours),
            *stories.cases(),
        )
        """Every kind of message that may come."""
        self._weights = list(accumulate(case.weight for case in self.cases))

    def __iter__(self) -> Iterator[HostileMessage]:
        return self

    def __next__(self) -> HostileMessage:
        """The next message."""
        (case,) = self._forge.rng.choices(self.cases, cum_weights=self._weights)
        return self.of(case)

    def each(self) -> Iterator[HostileMessage]:
        """One message of every case."""
        return map(self.of, self.cases)

    def of(self, case: Case) -> HostileMessage:
        """A message of a case."""
        return HostileMessage(case=case, envelope=case.make(self._forge))
