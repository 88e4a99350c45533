"""One utterance with a Vosk worker process."""

from collections.abc import Callable
from zlib import crc32

from moderation.asr.engine import Partial, Recognition, Samples
from moderation.asr.recognition import audio_ms, recognition_of
from moderation.asr.vosk.blocks import BLOCK_BYTES, Blocks
from moderation.asr.vosk.link import WorkerLink
from moderation.asr.vosk.messages import FinalReply, Operation, PartialReply, Request, TokenTime
from moderation.asr.vosk.slot import WorkerSlot
from moderation.asr.vosk.tokens import spoken_form
from moderation.errors import EngineCrashed, InvariantViolation
from moderation.events import Word

_REQUEST_BYTES = 5 * BLOCK_BYTES
"""One second a request: utterances of a process take turns, and the timeout covers one second of audio."""


class VoskRecognizer:
    """An utterance. Asks for a process with its first block, not before.

    Beside what every recogniser raises, `accept` and `finish` raise EngineFailed when the engine is beyond repair.
    """

    def __init__(
        self, slot: WorkerSlot, language: str, on_memory: Callable[[WorkerLink, int], None], *, stream_id: str
    ) -> None:
        self._slot = slot
        self._stream_id = stream_id
        self._identity: int | None = None
        self._language = language
        self._on_memory = on_memory
        self._blocks = Blocks()
        self._said = ""
        self._utterance: tuple[WorkerLink, int] | None = None
        self._ended = False

    def accept(self, samples: Samples) -> Partial | None:
        """Hand over whole blocks of 200 ms; a partial comes when the text changed."""
        self._require_open()
        ready = self._blocks.push(samples)
        text = self._said
        for start in range(0, len(ready), _REQUEST_BYTES):
            reply = self._ask(Operation.ACCEPT, ready[start : start + _REQUEST_BYTES])
            text = _spoken(PartialReply.unpack(reply).text)
        if text == self._said:
            return None
        self._said = text
        return Partial(text=text)

    def finish(self) -> Recognition:
        """Hand over the rest."""
        self._require_open()
        length_ms = audio_ms(self._blocks.samples)
        if self._blocks.samples == 0:
            self.close()
            return recognition_of((), language=self._language, audio_ms=0)
        reply = FinalReply.unpack(self._ask(Operation.FINISH, self._blocks.rest()))
        self._end(reply.private_mb)
        return recognition_of(_words(reply.tokens), language=self._language, audio_ms=length_ms)

    def close(self) -> None:
        if self._utterance is not None and not self._ended:
            try:
                self._ask(Operation.DISCARD, b"")
            except EngineCrashed:
                # What is dead has forgotten the utterance.
                pass
            finally:
                self._end(private_mb=0)
        self._ended = True

    def _ask(self, operation: Operation, pcm: bytes) -> bytes:
        if self._utterance is None:
            self._utterance = self._slot.begin()
        link, number = self._utterance
        self._identity = self._identity or self._identified_by(pcm)
        return link.request(Request(operation, number, pcm), utterance=self._identity)

    def _identified_by(self, pcm: bytes) -> int | None:
        """The same number whenever the same utterance is tried, however it is fed; None while it is digital silence.

        Utterances begin with padding, which is the same in many.
        """
        blocks = (pcm[start : start + BLOCK_BYTES] for start in range(0, len(pcm), BLOCK_BYTES))
        return next((crc32(block, crc32(self._stream_id.encode())) for block in blocks if any(block)), None)

    def _end(self, private_mb: int) -> None:
        self._ended = True
        if self._utterance is not None:
            link, number = self._utterance
            self._on_memory(link, private_mb)
            link.end(number)

    def _require_open(self) -> None:
        if self._ended:
            raise InvariantViolation("a recogniser was used after its utterance had ended")


def _spoken(tokens: str) -> str:
    return " ".join(word for token in tokens.split() if (word := spoken_form(token)))


def _words(tokens: tuple[TokenTime, ...]) -> list[Word]:
    return [
        Word(
            text=spoken_form(token.token) or "",
            start_ms=round(token.start_s * 1000),
            end_ms=round(token.end_s * 1000),
            confidence=token.confidence,
        )
        for token in tokens
    ]
