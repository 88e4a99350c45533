"""The engine's end of the process that holds the model."""

import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from moderation.asr.vosk.link import OnDeath, WorkerLink
from moderation.asr.vosk.messages import MAX_MESSAGE_BYTES
from moderation.asr.vosk.model_server import ATTACHED, PLAIN
from moderation.errors import ConfigurationError, EngineCrashed
from moderation.processes.framing import BrokenFrame, receive_frame, send_frame
from moderation.processes.lifetime import ONE_THREAD, import_path
from moderation.settings import AsrSettings

_PROGRAM = "from moderation.asr.vosk.model_server import main; main()"
_EXIT_PATIENCE_S = 5.0


class LoadTimeout(ConfigurationError):
    """The model did not load in time."""


class ServerProcess:
    """A running model server. Thread-safe.

    It runs in a session of its own, so that Ctrl-C in a terminal reaches the application only, which then finishes its
    utterances; it ends with the application in any case, because its connection ends.
    """

    def __init__(self, folder: Path, settings: AsrSettings) -> None:
        """Start it and wait until the model is loaded.

        Raises:
            LoadTimeout: it did not load in time.
            ConfigurationError: the folder is not a model.
        """
        self._settings = settings
        self._turn = threading.Lock()
        self._has_answered = False
        self._control, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603  our own program
                [
                    *(sys.executable, "-P", "-c", _PROGRAM),
                    *(str(theirs.fileno()), str(folder), str(settings.vosk_max_rss_mb)),
                ],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
                env={**os.environ, **ONE_THREAD, "PYTHONPATH": import_path()},
            )
        self._wait_until_ready(folder)

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self._process.pid

    def is_running(self) -> bool:
        """Whether the process is there."""
        return self._process.poll() is None

    def ends_within(self, seconds: float) -> bool:
        """Whether the process is gone, now or so much later."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def fork_worker(self, on_death: OnDeath) -> WorkerLink:
        """A new worker process, which shares the model's memory. `on_death` is told when it dies unasked.

        Raises:
            EngineCrashed: the server died.
        """
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                pid = self._ask({"fork": True}, descriptor=theirs.fileno())["pid"]
        except EngineCrashed:
            ours.close()
            raise
        return WorkerLink(ours, pid, kill=self._kill, on_death=on_death, timeout_s=self._settings.engine_timeout_s)

    def close(self) -> None:
        """End it and its workers. Harmless when called twice."""
        self._control.close()
        try:
            self._process.wait(_EXIT_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _wait_until_ready(self, folder: Path) -> None:
        try:
            answer = json.loads(
                receive_frame(self._control, max_bytes=MAX_MESSAGE_BYTES, timeout_s=self._settings.vosk_load_timeout_s)
            )
        except TimeoutError:
            self._process.kill()
            self.close()
            raise LoadTimeout(
                f"the Vosk model in {folder} did not load within {self._settings.vosk_load_timeout_s:g} s; raise "
                "MODERATION_ASR__VOSK_LOAD_TIMEOUT_S or use a smaller model"
            ) from None
        except BrokenFrame:
            answer = {}
        if not answer.get("ready"):
            self.close()
            raise ConfigurationError(f"{folder} could not be loaded as a Vosk model; see `moderation models verify`")

    def _kill(self, pid: int) -> None:
        try:
            self._ask({"kill": pid})
        except EngineCrashed:
            # With the server its workers are gone.
            return

    def _ask(self, request: dict[str, Any], descriptor: int | None = None) -> dict[str, Any]:
        with self._turn:
            # The first answer comes after the recogniser has warmed up, and large models take their time.
            asr = self._settings
            timeout_s = asr.engine_timeout_s if self._has_answered else asr.vosk_load_timeout_s
            try:
                self._control.settimeout(timeout_s)
                if descriptor is None:
                    self._control.sendall(PLAIN)
                else:
                    socket.send_fds(self._control, [ATTACHED], [descriptor])
                send_frame(self._control, json.dumps(request).encode(), timeout_s)
                answer = receive_frame(self._control, max_bytes=MAX_MESSAGE_BYTES, timeout_s=timeout_s)
            except (OSError, BrokenFrame):
                # TimeoutError is an OSError. Its workers die with it.
                self._process.kill()
                self._process.wait()
                raise EngineCrashed("the process that holds the Vosk model died; it is started again") from None
            self._has_answered = True
        decoded: dict[str, Any] = json.loads(answer)
        return decoded
