"""What the benchmarks put in place of Faust and the broker, around the real parts of a worker."""

import pytest

from moderation.bench.clips import load_clips
from moderation.bench.inner_worker import inner_worker, with_engine
from moderation.bench.memory import measure
from moderation.bench.tracks import talking
from moderation.bootstrap import build_pipeline
from moderation.errors import InvalidMessage
from moderation.events import AudioEncoding
from moderation.settings import Settings

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

SETTINGS = with_engine(Settings(), "whisper:tiny.en")


async def test_a_stream_is_heard_to_its_end_and_acked() -> None:
    spoken = [clip for clip in load_clips(None) if clip.text][:2]
    track = talking(spoken, AudioEncoding.OPUS, stream_id="s", language="en")
    with build_pipeline(SETTINGS) as pipeline:
        async with inner_worker(SETTINGS, pipeline) as worker:
            await worker.take(worker.encoded(track.chunks))
            assert worker.unacked > 0
            await worker.finished()
            assert worker.unacked == 0
        assert [engine.name for engine in pipeline.engines.loaded()] == ["whisper:tiny.en"]


async def test_a_chunk_that_breaks_the_contract_is_not_made() -> None:
    track = talking([load_clips(None)[0]], AudioEncoding.OPUS, stream_id="", language="en")
    with build_pipeline(SETTINGS) as pipeline:
        async with inner_worker(SETTINGS, pipeline) as worker:
            with pytest.raises(InvalidMessage):
                worker.encoded(track.chunks)


async def test_memory_is_measured_while_the_utterances_are_open() -> None:
    measured = await measure(SETTINGS, AudioEncoding.OPUS, idle=3, talking=3)
    assert (measured.encoding, measured.idle_streams, measured.talking_streams) == ("OPUS", 3, 3)
