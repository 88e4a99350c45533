"""What the demo plays: streams, and the clips that are heard in each of them."""

from typing import Literal, Self

from pydantic import Field, ValidationError

from moderation.demo.manifest import Entry, read_yaml
from moderation.errors import ConfigurationError
from moderation.events import AudioEncoding


class Play(Entry):
    """A clip, after `gap_s` of silence."""

    gap_s: float = Field(ge=0)
    clip: str


class StreamPlan(Entry):
    """One speaker's track: how it is encoded and what is heard in it."""

    stream_id: str
    session_id: str
    speaker_id: str
    encoding: AudioEncoding
    sample_rate_hz: int
    language_hint: str | None = None
    plays: tuple[Play, ...]


class Scenario(Entry):
    """Streams that all begin at once and last `duration_s`, in chunks of `chunk_ms`."""

    version: Literal[1]
    duration_s: float = Field(gt=0)
    chunk_ms: int = Field(ge=20, le=1000)
    tenant_id: str
    streams: tuple[StreamPlan, ...] = Field(min_length=1)

    def shortened(self, duration_s: float) -> Self:
        """The same streams, ending earlier; never later."""
        return self.model_copy(update={"duration_s": min(duration_s, self.duration_s)})


def load_scenario() -> Scenario:
    """Read scenario.yaml.

    Raises: ConfigurationError: it is refused; the message names the place.
    """
    try:
        return Scenario.model_validate(read_yaml("scenario.yaml"))
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False))
        raise ConfigurationError(f"moderation/demo/scenario.yaml is refused: {problems}") from None
