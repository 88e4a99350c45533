"""One utterance with a Vosk worker process of its own."""

from threading import Semaphore
from zlib import crc32

from moderation.asr.engine import Partial, Recognition, Samples
from moderation.asr.recognition import audio_ms, recognition_of
from moderation.asr.vosk.blocks import BLOCK_BYTES, Blocks
from moderation.asr.vosk.link import WorkerLink
from moderation.asr.vosk.messages import FinalReply, Operation, PartialReply, Request, TokenTime
from moderation.asr.vosk.supply import WorkerSupply
from moderation.asr.vosk.tokens import spoken_form
from moderation.errors import InvariantViolation
from moderation.events import Word

_REQUEST_BYTES = 5 * BLOCK_BYTES
"""One second a request, so that the timeout covers one second of audio."""


class VoskRecognizer:
    """An utterance. Asks for a process with its first block; where there is none to be had, again with each further
    one, and at the end insists.

    Beside what every recogniser raises, `accept` and `finish` raise EngineFailed when the engine is beyond repair.
    """

    def __init__(self, supply: WorkerSupply, turns: Semaphore, language: str, *, stream_id: str) -> None:
        self._supply = supply
        self._turns = turns
        self._stream_id = stream_id
        self._identity: int | None = None
        self._language = language
        self._blocks = Blocks()
        self._waiting = b""
        self._said = ""
        self._link: WorkerLink | None = None
        self._ended = False

    def accept(self, samples: Samples) -> Partial | None:
        """Hand over whole blocks of 200 ms; a partial comes when the text changed."""
        self._require_open()
        self._waiting += self._blocks.push(samples)
        if self._waiting and self._link is None:
            self._link = self._supply.begin_early()
        if self._link is None or not self._waiting:
            return None
        text = _spoken(self._hand_over(self._link))
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
        if self._link is None:
            self._link = self._supply.begin()
        self._hand_over(self._link)
        reply = FinalReply.unpack(self._ask(self._link, Operation.FINISH, self._blocks.rest()))
        self.close()
        return recognition_of(_words(reply.tokens), language=self._language, audio_ms=length_ms)

    def close(self) -> None:
        """Want nothing more; the process ends."""
        self._ended = True
        self._waiting = b""
        if self._link is not None:
            self._supply.end(self._link)

    def _hand_over(self, link: WorkerLink) -> str:
        """Give the worker what waits; returns the tokens so far."""
        waiting, self._waiting = self._waiting, b""
        text = ""
        for start in range(0, len(waiting), _REQUEST_BYTES):
            text = PartialReply.unpack(self._ask(link, Operation.ACCEPT, waiting[start : start + _REQUEST_BYTES])).text
        return text

    def _ask(self, link: WorkerLink, operation: Operation, pcm: bytes) -> bytes:
        self._identity = self._identity or self._identified_by(pcm)
        with self._turns:
            return link.request(Request(operation, pcm), utterance=self._identity)

    def _identified_by(self, pcm: bytes) -> int | None:
        """The same number whenever the same utterance is tried, however it is fed; None while it is digital silence.

        Utterances begin with padding, which is the same in many.
        """
        blocks = (pcm[start : start + BLOCK_BYTES] for start in range(0, len(pcm), BLOCK_BYTES))
        return next((crc32(block, crc32(self._stream_id.encode())) for block in blocks if any(block)), None)

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
