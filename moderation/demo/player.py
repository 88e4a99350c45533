"""Plays the scenario in real time: every stream at once, as so many clients would."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from moderation.audio.encode import ChunkEncoder
from moderation.client.playback import Playback, StreamSource, TrackFormat
from moderation.clock import Clock
from moderation.demo.manifest import Clip, clips_folder
from moderation.demo.noise import Audio
from moderation.demo.scenario import Scenario, StreamPlan
from moderation.demo.sound_file import decode_clip, resample
from moderation.demo.timeline import Placed, render
from moderation.errors import ConfigurationError
from moderation.events import AudioChunk

CLIP_RATE_HZ = 48_000
"""Rate at which clips are kept until a stream needs them at its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """A stream and its audio, at the rate of its plan."""

    plan: StreamPlan
    audio: Audio = field(repr=False)


def read_clips(clips: Sequence[Clip]) -> dict[str, Audio]:
    """The audio of clips by id, at CLIP_RATE_HZ. Blocks.

    Raises: ConfigurationError: a file is missing.
    """
    try:
        return {clip.id: decode_clip((clips_folder() / clip.file_name).read_bytes(), CLIP_RATE_HZ) for clip in clips}
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"the demo's clip {error.filename} is missing; install the package again, or make the clips with "
            "`python -m moderation.demo.make_clips`"
        ) from None


def durations_ms(clips: Mapping[str, Audio]) -> dict[str, int]:
    """How long the clips of `read_clips` last."""
    return {clip_id: len(audio) * 1000 // CLIP_RATE_HZ for clip_id, audio in clips.items()}


def prepare_tracks(scenario: Scenario, placed: Sequence[Placed], clips: Mapping[str, Audio]) -> list[Track]:
    """The audio of every stream. Blocks."""
    return [_track(plan, scenario.duration_s, placed, clips) for plan in scenario.streams]


async def play(
    tracks: Sequence[Track],
    scenario: Scenario,
    *,
    send: Callable[[AudioChunk], Awaitable[None]],
    clock: Clock,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> int:
    """Send every chunk of every track when its audio would have been captured, then the ends of the streams.

    The tracks begin spread over the length of a chunk, as clients do that know nothing of each other.

    Returns: how many chunks with audio were sent.
    """

    async def play_one(number: int, track: Track) -> int:
        await sleep(number * scenario.chunk_ms / 1000 / len(tracks))
        plan = track.plan
        source = StreamSource(
            tenant_id=scenario.tenant_id,
            session_id=plan.session_id,
            stream_id=plan.stream_id,
            speaker_id=plan.speaker_id,
            language_hint=plan.language_hint,
        )
        form = TrackFormat(encoding=plan.encoding, sample_rate_hz=plan.sample_rate_hz, chunk_ms=scenario.chunk_ms)
        encoder = ChunkEncoder(plan.encoding, plan.sample_rate_hz, scenario.chunk_ms)
        blocks = _blocks(track.audio, plan.sample_rate_hz * scenario.chunk_ms // 1000)
        return (await Playback(source, form, clock=clock, sleep=sleep).run(blocks, encoder, send)).chunks

    playing = [asyncio.create_task(play_one(number, track)) for number, track in enumerate(tracks)]
    try:
        return sum(await asyncio.gather(*playing))
    finally:
        for task in playing:
            task.cancel()


def _track(plan: StreamPlan, duration_s: float, placed: Sequence[Placed], clips: Mapping[str, Audio]) -> Track:
    own = [one for one in placed if one.stream_id == plan.stream_id]
    audio = render(own, clips, duration_s=duration_s, rate_hz=CLIP_RATE_HZ)
    return Track(plan=plan, audio=resample(audio, CLIP_RATE_HZ, plan.sample_rate_hz))


def _blocks(audio: Audio, length: int) -> Iterator[Audio]:
    for start in range(0, len(audio), length):
        yield audio[start : start + length]
