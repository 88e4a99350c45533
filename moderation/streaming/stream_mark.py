"""The resume mark of one stream, as its session moves it."""

from dataclasses import replace
from typing import Protocol

from moderation.clock import Clock
from moderation.events import ResumeMark, ResumePoint
from moderation.language.stream import LanguageMemory
from moderation.streaming.received import ReceivedChunk


class Marking(Protocol):
    """Publishes a mark."""

    async def __call__(self, mark: ResumeMark) -> None:
        """Return when the broker has confirmed it; raises BrokerUnavailable."""
        ...


class StreamMark:
    """Where a stream was finished. Each move returns when the broker has confirmed it, and raises BrokerUnavailable.

    Without `publish` nothing is kept: dead letters that are replayed are no part of the live stream.
    """

    def __init__(self, clock: Clock, *, resume: ResumeMark | None, publish: Marking | None) -> None:
        self._clock = clock
        self._publish = publish
        self.current = resume
        """None before anything was heard of the stream."""

    @property
    def is_kept(self) -> bool:
        """Whether a successor would know what is marked."""
        return self._publish is not None and self.current is not None

    @property
    def owed_flag_id(self) -> str | None:
        """The flag that was told of the open utterance and awaits its final revision."""
        return None if self.current is None else self.current.provisional_flag_id

    def forget(self) -> None:
        """The stream id is used again: nothing that is known holds for the new stream."""
        self.current = None

    async def begin(self, origin: ResumePoint, first: ReceivedChunk) -> None:
        """Keep where the timeline of the stream begins. Nothing is finished yet: the chunk itself is needed again."""
        chunk, offset = first.chunk, first.message.offset
        await self._move(
            ResumeMark(
                tenant_id=chunk.tenant_id,
                stream_id=chunk.stream_id,
                point=origin,
                origin_offset=offset,
                last_sequence=origin.sequence - 1,
                last_offset=offset - 1,
                last_captured_at=chunk.captured_at,
                is_ended=False,
                heard=None,
                read=None,
                marked_at=self._clock.now(),
            )
        )

    async def owe(self, flag_id: str) -> None:
        """A flag is about to be told of the open utterance: a final revision is owed from now on."""
        if self.current is not None and self.current.provisional_flag_id != flag_id:
            await self._move(replace(self.current, provisional_flag_id=flag_id))

    async def advance(self, point: ResumePoint, last: ReceivedChunk, memory: LanguageMemory) -> None:
        """Everything up to a chunk is told; intake goes on at `point`."""
        if self.current is not None:
            known = replace(self.current, point=point, heard=memory.heard, read=memory.read, provisional_flag_id=None)
            await self._move(_behind(known, last))

    async def end(self, last: ReceivedChunk) -> None:
        """The stream said that it ends with this chunk."""
        if self.current is not None:
            await self._move(_behind(replace(self.current, is_ended=True), last))

    async def _move(self, mark: ResumeMark) -> None:
        self.current = replace(mark, marked_at=self._clock.now())
        if self._publish is not None:
            await self._publish(self.current)


def _behind(mark: ResumeMark, last: ReceivedChunk) -> ResumeMark:
    return replace(
        mark,
        last_sequence=last.chunk.sequence,
        last_offset=last.message.offset,
        last_captured_at=last.chunk.captured_at,
    )
