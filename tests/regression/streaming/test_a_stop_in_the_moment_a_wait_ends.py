"""A session that waited for news in vain cleared what it was told in that very moment, and went on waiting.

With many quiet streams a stop, or the wish to make room, met some of them then: draining took its whole deadline.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.streaming import SPEECH, Bench, audio_chunk, make_bench, until

from moderation.streaming.session import StreamSession


@pytest.mark.parametrize("tell", [StreamSession.stop, StreamSession.retire])
async def test_a_session_hears_what_comes_when_its_wait_ends(
    tell: Callable[[StreamSession], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    with ThreadPoolExecutor(1) as pool:
        bench: Bench = make_bench(pool)
        bench.told.is_silent = False
        session = bench.session()
        running = asyncio.create_task(session.run())
        bench.offer(session, audio_chunk(0, SPEECH))
        await until(lambda: session.has_open_utterance)
        await asyncio.sleep(0)  # it waits for news now
        loop, patience_s = asyncio.get_running_loop(), bench.parts.limits.idle_utterance_s
        now = loop.time
        # Both are due when the loop looks next, the end of the wait first.
        loop.call_at(now() + patience_s + 0.5, tell, session)
        monkeypatch.setattr(loop, "time", lambda: now() + patience_s + 1)
        await asyncio.wait({running}, timeout=5)
        assert running.done()
