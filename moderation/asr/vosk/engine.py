"""The Vosk engine: a model server, and worker processes that streams stick to."""

import threading
import zlib
from collections.abc import Callable
from pathlib import Path

from moderation.asr.engine import EngineCapabilities
from moderation.asr.vosk.crashes import CrashHistory
from moderation.asr.vosk.link import WorkerLink
from moderation.asr.vosk.recognizer import VoskRecognizer
from moderation.asr.vosk.server_process import LoadTimeout, ServerProcess
from moderation.asr.vosk.slot import RestartCause, WorkerSlot
from moderation.clock import Clock, SystemClock
from moderation.errors import ConfigurationError, EngineCrashed, EngineFailed, InvariantViolation
from moderation.events import UNKNOWN_LANGUAGE, primary_tag
from moderation.settings import AsrSettings

OnRestart = Callable[[str, RestartCause], None]


class VoskEngine:
    """A Vosk model in processes of its own, shared by all streams. Thread-safe.

    Utterances of one stream go to one process. A process that dies, hangs or grows is replaced; its open utterances
    raise EngineCrashed, and all of them EngineFailed once that happened too often. Grammars are not offered: a
    malformed one kills the process.
    """

    def __init__(
        self,
        folder: Path,
        *,
        name: str,
        version: str,
        languages: frozenset[str] | None,
        settings: AsrSettings,
        clock: Clock | None = None,
        on_restart: OnRestart | None = None,
    ) -> None:
        """Load the model; takes seconds.

        `folder` is an unpacked Vosk model, `languages` what it knows (None: not known, any is accepted). `on_restart`
        is told the engine's name and the cause of each replacement of a worker process, from any thread.

        Raises:
            ConfigurationError: the folder is not a model, or it did not load in time.
        """
        if not folder.is_dir():
            raise ConfigurationError(f"there is no Vosk model in {folder}; see `moderation models list`")
        self._folder = folder
        self._name = name
        self._version = version
        self._settings = settings
        self._capabilities = EngineCapabilities(
            partials=True, word_times=True, word_confidence=True, languages=languages
        )
        self._lock = threading.Lock()
        self._closed = False
        self._server = ServerProcess(folder, settings)
        self._on_restart = on_restart
        clock = clock or SystemClock()
        self._slots = [
            WorkerSlot(self._fork, self._history(), clock, on_restart=self._restarted)
            for _ in range(settings.vosk_processes)
        ]

    @property
    def name(self) -> str:
        return self._name

    @property
    def model_version(self) -> str:
        return self._version

    @property
    def capabilities(self) -> EngineCapabilities:
        return self._capabilities

    @property
    def server_pid(self) -> int:
        """The process that holds the model."""
        return self._server.pid

    def worker_pid(self, stream_id: str) -> int | None:
        """The process that served the last utterance of the stream's slot; None before the first."""
        link = self._slot(stream_id).link
        return link.pid if link else None

    def recognizer(self, *, stream_id: str, language: str | None) -> VoskRecognizer:
        """Begin an utterance; talks to no process yet.

        Raises:
            ConfigurationError: the model does not know the language.
        """
        return VoskRecognizer(
            self._slot(stream_id), self._known(language), self._replace_when_large, stream_id=stream_id
        )

    def close(self) -> None:
        with self._lock:
            self._closed = True
            for slot in self._slots:
                slot.close()
            self._server.close()

    def _slot(self, stream_id: str) -> WorkerSlot:
        return self._slots[zlib.crc32(stream_id.encode()) % len(self._slots)]

    def _fork(self) -> WorkerLink:
        with self._lock:
            if self._closed:
                raise InvariantViolation("a Vosk engine was used after it was closed")
            if not self._server.is_running():
                self._restart_server()
            return self._server.fork_worker()

    def _restart_server(self) -> None:
        self._server.close()
        try:
            self._server = ServerProcess(self._folder, self._settings)
        except LoadTimeout as error:
            # It loaded in time before, so the machine is in trouble, and trying again would take as long.
            raise EngineFailed(f"the process that holds the Vosk model died, and again: {error}") from None
        except ConfigurationError:
            raise EngineCrashed("the process that holds the Vosk model died, and died again while loading") from None

    def _restarted(self, cause: RestartCause) -> None:
        if self._on_restart is not None:
            self._on_restart(self._name, cause)

    def _replace_when_large(self, link: WorkerLink, private_mb: int) -> None:
        if private_mb > self._settings.vosk_max_rss_mb:
            link.retire()

    def _history(self) -> CrashHistory:
        return CrashHistory(max_crashes=self._settings.vosk_max_crashes, window_s=self._settings.vosk_crash_window_s)

    def _known(self, language: str | None) -> str:
        known = self._capabilities.languages
        if language is None:
            return min(known) if known else UNKNOWN_LANGUAGE
        tag = primary_tag(language)
        if known is not None and tag not in known:
            raise ConfigurationError(
                f"{self._name} does not know the language {language!r}; name another engine for it in "
                "MODERATION_ASR__ENGINES"
            )
        return tag
