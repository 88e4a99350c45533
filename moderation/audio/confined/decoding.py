"""What the worker uses to decode files: a confined process, replaced whenever it is lost."""

import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

import numpy as np
import structlog

from moderation.audio.confined.confinement import CPU_SIGNAL
from moderation.audio.confined.messages import Decoded, DecodeRequest, Refused, Reply
from moderation.audio.confined.process import DecodingProcess, ProcessLost
from moderation.audio.confined.server_process import CannotStart, ServerProcess
from moderation.audio.container import file_rate_hz
from moderation.audio.limits import StreamFormat
from moderation.audio.utterance import Samples
from moderation.errors import DeadLetterCode, EngineFailed, InvalidMessage, InvariantViolation
from moderation.settings import AudioSettings

log = structlog.get_logger(__name__)

ATTEMPTS = 2
"""Processes that a payload may cost: one may be killed, or stopped with its machine, for reasons of its own."""

_RETRY_PAUSE_S = 0.25


class ConfinedDecoding:
    """Decodes FLAC and OGG_OPUS files of all streams in one process that can be killed. Thread-safe; one at a time.

    A payload that runs out of processor time or memory, and one that costs two processes their life, is refused. A
    process that cannot be started is never a payload's fault.
    """

    def __init__(
        self,
        limits: AudioSettings,
        start_server: Callable[[AudioSettings], ServerProcess] = ServerProcess,
        *,
        on_lost: Callable[[], None] = lambda: None,
    ) -> None:
        """Starts nothing; entering the context does, or the first payload. `on_lost` is told of each process lost."""
        self._limits = limits
        self._on_lost = on_lost
        self._start_server = start_server
        self._turn = threading.Lock()
        self._closed = threading.Event()
        self._server: ServerProcess | None = None
        self._process: DecodingProcess | None = None
        self._lost = 0

    def __enter__(self) -> Self:
        """Begin to start the processes, without waiting: what is wrong with them, `prepare` tells."""
        with self._turn, suppress(CannotStart):
            self._running_server()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pids(self) -> tuple[int, ...]:
        """The server and the decoding process, those of them that were started."""
        return tuple(part.pid for part in (self._server, self._process) if part is not None)

    @property
    def processes_lost(self) -> int:
        """Decoding processes that died, hung or were killed while they had a payload."""
        return self._lost

    def prepare(self) -> None:
        """Wait until the first payload can be decoded without delay.

        Raises:
            EngineFailed: the process cannot be started.
        """
        with self._turn:
            self._present()

    def decode(self, stream_format: StreamFormat, payload: bytes) -> Samples:
        """Contract: `PayloadDecoder.decode`.

        Raises:
            InvalidMessage: the payload is refused.
            EngineFailed: no decoding process can be started; the payload may be good: stop, and let it come again.
            InvariantViolation: after `close`.
        """
        request = DecodeRequest(stream_format, payload).pack()
        max_samples = self._limits.max_chunk_ms * file_rate_hz(stream_format) // 1000
        with self._turn:
            for _ in range(ATTEMPTS):
                process = self._present()
                try:
                    reply = process.ask(request, max_samples=max_samples)
                except ProcessLost:
                    self._give_up_process()
                else:
                    return self._samples(reply)
        raise InvalidMessage(
            DeadLetterCode.UNDECODABLE_AUDIO,
            f"{ATTEMPTS} decoding processes died of the payload, or did not answer within "
            f"{self._limits.decode_deadline_ms} ms",
        )

    def close(self) -> None:
        """End the processes. Harmless when called twice."""
        self._closed.set()
        with self._turn:
            if self._process is not None:
                self._process.hang_up()
                self._process = None
            if self._server is not None:
                self._server.close()
                self._server = None

    def _samples(self, reply: Reply) -> Samples:
        if reply.is_worn:
            self._bury()
        match reply.answer:
            case Decoded(samples):
                return samples
            case Refused(code, sentence):
                raise InvalidMessage(code, sentence)

    def _give_up_process(self) -> None:
        ended_by = self._bury()
        self._lost += 1
        self._on_lost()
        log.warning("decoding_process_lost", ended_by=ended_by)
        if ended_by == CPU_SIGNAL.name:
            raise InvalidMessage(
                DeadLetterCode.AUDIO_LIMIT_EXCEEDED,
                f"decoding the payload takes more than {self._limits.decode_cpu_ms} ms of processor time",
            )

    def _bury(self) -> str:
        process, self._process = self._process, None
        if process is None or self._server is None:
            return "unknown"
        return self._server.bury(process)

    def _present(self) -> DecodingProcess:
        if self._process is None:
            self._process = self._started()
        return self._process

    def _started(self) -> DecodingProcess:
        problem = ""
        for attempt in range(self._limits.decode_start_attempts):
            if self._closed.wait(_RETRY_PAUSE_S * attempt):
                raise InvariantViolation("audio was decoded after the end")
            try:
                return self._running_server().fork()
            except CannotStart as failure:
                problem = str(failure)
                log.warning("decoding_process_not_started", problem=problem)
        raise EngineFailed(
            f"the process that decodes FLAC and OGG_OPUS cannot be started: {problem}. Check the machine's memory and "
            "process limits and MODERATION_AUDIO__DECODE_*, then start the worker again; no audio was lost"
        )

    def _running_server(self) -> ServerProcess:
        if self._closed.is_set():
            raise InvariantViolation("audio was decoded after the end")
        if self._server is None or not self._server.is_running():
            if self._server is not None:
                self._server.close()
            self._server = self._start_server(self._limits)
        return self._server


class ConfinedFileDecoder:
    """The decoder of one stream whose payloads are files. Holds no state between payloads."""

    def __init__(self, decoding: ConfinedDecoding, stream_format: StreamFormat) -> None:
        self._decoding = decoding
        self._format = stream_format

    @property
    def output_rate_hz(self) -> int:
        """48 kHz for Opus, the declared rate for FLAC."""
        return file_rate_hz(self._format)

    def decode(self, payload: bytes) -> Samples:
        """Contract: `ConfinedDecoding.decode`."""
        return self._decoding.decode(self._format, payload) if payload else np.zeros(0, np.float32)
