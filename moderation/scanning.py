"""The pipeline on audio files: intake, recognition and judgement of a file as if it were a stream, without a broker."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from moderation.audio.files import read_audio_file
from moderation.audio.intake import StreamIntake
from moderation.audio.utterance import SAMPLE_RATE_HZ, IntakeResult, Samples
from moderation.events import AudioChunk, AudioEncoding
from moderation.pipeline import Pipeline, StreamPipeline, UtteranceOutcome

CHUNK_MS = 200


def scan_file(
    path: Path,
    *,
    pipeline: Pipeline,
    new_intake: Callable[[], StreamIntake],
    language_hint: str | None = None,
    on_progress: Callable[[float], None] | None = None,
) -> Iterator[UtteranceOutcome]:
    """Judge the utterances of a file, in order, as they are found. Times count from the start of the file.

    `on_progress` is told how many seconds of audio were read. Utterances in which nothing was said are left out.

    Raises:
        ConfigurationError: the file cannot be read as audio.
    """
    intake = new_intake()
    stream = pipeline.open_stream(stream_id=f"scan:{path.name}", language_hint=language_hint)
    try:
        for chunk in chunks_of(read_audio_file(path, CHUNK_MS)):
            yield from _judged(stream, intake.accept(chunk))
            if on_progress:
                on_progress((chunk.sequence + 1) * CHUNK_MS / 1000)
        yield from _judged(stream, intake.finish())
    finally:
        stream.close()


def _judged(stream: StreamPipeline, result: IntakeResult) -> Iterator[UtteranceOutcome]:
    for event in result.events:
        if stream.wants(event):
            outcome = stream.handle(event)
            if isinstance(outcome, UtteranceOutcome) and outcome.judgement.heard.text:
                yield outcome


def chunks_of(blocks: Iterable[Samples]) -> Iterator[AudioChunk]:
    """Mono 16 kHz blocks of CHUNK_MS (the last may be shorter) as the chunks of a stream."""
    started_at = datetime.now(UTC)
    for sequence, block in enumerate(blocks):
        yield _chunk(block, sequence, started_at)


def _chunk(samples: Samples, sequence: int, started_at: datetime) -> AudioChunk:
    return AudioChunk(
        tenant_id="local",
        session_id="scan",
        stream_id="scan",
        speaker_id="file",
        sequence=sequence,
        captured_at=datetime.fromtimestamp(started_at.timestamp() + sequence * CHUNK_MS / 1000, tz=UTC),
        encoding=AudioEncoding.PCM_F32LE,
        sample_rate_hz=SAMPLE_RATE_HZ,
        channels=1,
        payload=samples.astype("<f4").tobytes(),
    )
