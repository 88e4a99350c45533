"""The demo's clips: what is said, in which voice, over which noise, and what ought to be flagged."""

from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from moderation.errors import ConfigurationError
from moderation.events import Severity

NoiseKind = Literal["hiss", "hum", "keyboard", "music", "babble"]


class Entry(BaseModel):
    """A part of the manifest. Unknown names are refused, so that a typo is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Voice(Entry):
    """How the one synthesised voice is turned into a speaker of its own.

    `shift` multiplies pitch and formants (the audio is played that much faster, by resampling); `pace` is the speed of
    talking that results, relative to the voice's own. `noise_scale` and `noise_width` are Piper's: how lively the sound
    and the durations are.
    """

    pace: float = Field(gt=0.5, lt=2)
    shift: float = Field(gt=0.5, lt=2)
    noise_scale: float = Field(ge=0, le=1)
    noise_width: float = Field(ge=0, le=1)


class Noise(Entry):
    """Noise under the speech. `snr_db`: level of the speech (pauses left out) over that of the noise, in dB."""

    kind: NoiseKind
    snr_db: float


class Overlap(Entry):
    """A second talker: the dry speech of another clip, mixed in from `start_s` on, at `level_db` relative to it."""

    clip: str
    start_s: float = Field(ge=0)
    level_db: float


class Sound(Entry):
    """A clip in which nobody speaks to the listener: noise alone, or near silence."""

    kind: NoiseKind
    level_db: float = Field(description="Root mean square level relative to full scale, dB.")
    duration_s: float = Field(gt=0.5, le=10)


class Expectation(Entry):
    """What a careful listener would want to be detected.

    Every category in `toxicity` (Detoxify's labels), `vocabulary` and `pii` ought to be found. Those in `also` are
    right when found and no fault when not. Anything else is a false detection. `severity` is the least that will do.
    """

    flagged: bool
    severity: Severity = Severity.NONE
    toxicity: tuple[str, ...] = ()
    vocabulary: tuple[str, ...] = ()
    pii: tuple[str, ...] = ()
    also: tuple[str, ...] = ()

    @property
    def required(self) -> frozenset[str]:
        """Every category that ought to be found, whatever its kind."""
        return frozenset((*self.toxicity, *self.vocabulary, *self.pii))

    @property
    def allowed(self) -> frozenset[str]:
        """Every category that may be found."""
        return self.required | frozenset(self.also)


class Clip(Entry):
    """One clip. `text` is what is said to the listener (empty where nobody speaks)."""

    id: str = Field(pattern=r"^[a-z0-9-]+$")
    voice: str | None = None
    text: str = ""
    language: str | None = "en"
    seed: int = 1
    noise: Noise | None = None
    overlap: Overlap | None = None
    sound: Sound | None = None
    expect: Expectation

    @model_validator(mode="after")
    def _speech_or_sound(self) -> "Clip":
        if (self.sound is None) == (self.voice is None) or bool(self.text) != bool(self.voice):
            raise ValueError(f"clip {self.id}: give either voice and text, or sound")
        return self

    @property
    def file_name(self) -> str:
        """Name of the audio file among the clips."""
        return f"{self.id}.ogg"


class Manifest(Entry):
    """All clips, the voices that speak them, and the clips that babble is made of."""

    version: Literal[1]
    voices: dict[str, Voice]
    babble: tuple[str, ...]
    clips: tuple[Clip, ...]

    @model_validator(mode="after")
    def _references_exist(self) -> "Manifest":
        ids = [clip.id for clip in self.clips]
        if len(set(ids)) != len(ids):
            raise ValueError("two clips share an id")
        spoken = {clip.id for clip in self.clips if clip.voice}
        wanted = {*self.babble, *(clip.overlap.clip for clip in self.clips if clip.overlap)}
        if unknown := wanted - spoken:
            raise ValueError(f"no spoken clip has the id {', '.join(sorted(unknown))}")
        if unknown := {clip.voice for clip in self.clips if clip.voice} - self.voices.keys():
            raise ValueError(f"no voice is called {', '.join(sorted(map(str, unknown)))}")
        return self

    def clip(self, clip_id: str) -> Clip:
        """The clip with that id.

        Raises: ConfigurationError: there is none.
        """
        for clip in self.clips:
            if clip.id == clip_id:
                return clip
        raise ConfigurationError(f"no clip is called {clip_id}; the ids are in moderation/demo/manifest.yaml")


def demo_file(name: str) -> Traversable:
    """A file that ships with the demo, wherever the package is installed."""
    return files("moderation.demo").joinpath(name)


def clips_folder() -> Traversable:
    """Where the clips are."""
    return demo_file("clips")


def read_yaml(name: str) -> Any:
    """The content of one of the demo's YAML files."""
    return yaml.safe_load(demo_file(name).read_text(encoding="utf-8"))


def load_manifest() -> Manifest:
    """Read manifest.yaml.

    Raises: ConfigurationError: it contradicts itself; the message names the place.
    """
    try:
        return Manifest.model_validate(read_yaml("manifest.yaml"))
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False))
        raise ConfigurationError(f"moderation/demo/manifest.yaml is refused: {problems}") from None
