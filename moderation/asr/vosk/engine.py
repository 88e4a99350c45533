"""The Vosk engine: a model server, and a worker process for each utterance."""

import threading
from collections.abc import Callable
from pathlib import Path

import structlog

from moderation.asr.engine import EngineCapabilities, Recognition, Samples
from moderation.asr.vosk.crashes import CrashHistory
from moderation.asr.vosk.link import WorkerLink
from moderation.asr.vosk.recognizer import VoskRecognizer
from moderation.asr.vosk.server_process import LoadTimeout, ServerProcess
from moderation.asr.vosk.supply import WorkerSupply
from moderation.clock import Clock, SystemClock
from moderation.errors import ConfigurationError, EngineCrashed, EngineFailed, InvariantViolation
from moderation.events import UNKNOWN_LANGUAGE, primary_tag
from moderation.settings import AsrSettings

OnCrash = Callable[[str], None]

_SERVER_ENDS_WITHIN_S = 0.1
"""The kernel kills the workers of a server that dies before it tells that the server is dead."""

log = structlog.get_logger(__name__)


class VoskEngine:
    """A Vosk model in processes of its own, shared by all streams. Thread-safe.

    Each utterance is heard by a process of its own, a fork that begins where every other begins: what it tells does
    not depend on what was heard before, and a process that dies, hangs or grows raises EngineCrashed for its utterance
    alone. When that happens too often all raise EngineFailed. Grammars are not offered: a malformed one kills the
    process.
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
        on_crash: OnCrash | None = None,
    ) -> None:
        """Load the model; takes seconds.

        `folder` is an unpacked Vosk model, `languages` what it knows (None: not known, any is accepted). `on_crash`
        is told the engine's name whenever one of its processes died, from any thread.

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
        self._on_crash = on_crash
        self._turns = threading.BoundedSemaphore(settings.vosk_workers)
        self._supply = WorkerSupply(
            self._fork,
            CrashHistory(max_crashes=settings.vosk_max_crashes, window_s=settings.vosk_crash_window_s),
            clock or SystemClock(),
            max_workers=settings.vosk_max_processes,
        )

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

    @property
    def worker_pids(self) -> tuple[int, ...]:
        """The processes that serve open utterances."""
        return tuple(link.pid for link in self._supply.open_links)

    def recognizer(self, *, stream_id: str, language: str | None) -> VoskRecognizer:
        """Begin an utterance; talks to no process yet.

        Raises:
            ConfigurationError: the model does not know the language.
        """
        return VoskRecognizer(self._supply, self._turns, self._known(language), stream_id=stream_id)

    def interim(self, samples: Samples, *, language: str) -> Recognition:  # noqa: ARG002  the Protocol's
        raise InvariantViolation("a Vosk engine was asked for an interim decode; its partials tell as much")

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._supply.close()
            self._server.close()

    def _fork(self) -> WorkerLink:
        with self._lock:
            if self._closed:
                raise InvariantViolation("a Vosk engine was used after it was closed")
            if not self._server.is_running():
                self._restart_server()
            return self._server.fork_worker(self._worker_died)

    def _restart_server(self) -> None:
        log.warning("engine_server_died", engine=self._name, pid=self._server.pid)
        self._crashed(utterance=None)
        self._server.close()
        try:
            self._server = ServerProcess(self._folder, self._settings)
        except LoadTimeout as error:
            # It loaded in time before, so the machine is in trouble, and trying again would take as long.
            raise EngineFailed(f"the process that holds the Vosk model died, and again: {error}") from None
        except ConfigurationError:
            raise EngineCrashed("the process that holds the Vosk model died, and died again while loading") from None

    def _worker_died(self, link: WorkerLink, utterance: int | None) -> None:
        # When the server dies, all die with it: that is one crash, and counts when the server is started again.
        if not self._server.ends_within(_SERVER_ENDS_WITHIN_S):
            log.warning("engine_process_died", engine=self._name, pid=link.pid)
            self._crashed(utterance)

    def _crashed(self, utterance: int | None) -> None:
        self._supply.record_crash(utterance)
        if self._on_crash is not None:
            self._on_crash(self._name)

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
