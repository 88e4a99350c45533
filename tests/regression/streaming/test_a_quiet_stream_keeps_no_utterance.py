"""A session kept the future of its latest call, and with it the audio of its latest utterance: up to 1 MB a stream."""

import asyncio
import gc
import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from support.streaming import END, SPEECH, ScriptedPipeline, audio_chunk, make_bench, until

from moderation.audio.utterance import Utterance
from moderation.pipeline import UtteranceOutcome


async def test_the_audio_of_an_utterance_goes_when_it_is_published() -> None:
    heard: list[weakref.ref] = []

    class Watched(ScriptedPipeline):
        def handle(self, event: Utterance) -> UtteranceOutcome:
            heard.append(weakref.ref(event.samples))
            return super().handle(event)

    with ThreadPoolExecutor(1) as pool:
        bench = make_bench(pool)
        bench.parts = replace(bench.parts, open_pipeline=lambda first, mark: Watched())
        session = bench.session()
        running = asyncio.create_task(session.run())
        bench.offer(session, audio_chunk(0, SPEECH))
        bench.offer(session, audio_chunk(1, END))
        await until(lambda: bench.acked == [0, 1])
        gc.collect()
        assert [reference() for reference in heard] == [None]
        session.stop()
        await running
