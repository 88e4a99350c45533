"""A worker of our own under test: the real command in a process of its own, against a real broker."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from moderation.settings import KafkaSettings, Settings, StreamingSettings

READY_DEADLINE_S = 90.0
STOP_DEADLINE_S = 40.0


def settings_for(bootstrap: str, run_id: str) -> Settings:
    """Settings with topics of their own, so that a shared broker may be used, and with short group timeouts."""
    return Settings(
        broker=bootstrap,
        kafka=KafkaSettings(session_timeout_s=6, heartbeat_interval_s=1, rebalance_timeout_s=12, commit_interval_s=0.3),
        streaming=StreamingSettings(
            group_id=f"test-{run_id}",
            audio_topic=f"voice-audio-{run_id}",
            transcripts_topic=f"voice-transcripts-{run_id}",
            flags_topic=f"moderation-flags-{run_id}",
            dead_letters_topic=f"moderation-dead-letters-{run_id}",
            resume_marks_topic=f"moderation-resume-marks-{run_id}",
            drain_deadline_s=5.0,
        ),
    )


def environment_of(settings: Settings) -> dict[str, str]:
    """The settings as the variables that a worker process reads."""
    values: dict[str, object] = {"BROKER": settings.broker}
    for section in ("kafka", "streaming", "asr", "language", "vocabulary"):
        chosen = getattr(settings, section).model_dump(mode="json", exclude_defaults=True)
        values |= {f"{section}__{name}".upper(): value for name, value in chosen.items()}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MODERATION_")}
    return inherited | {
        f"MODERATION_{name}": json.dumps(value) if isinstance(value, (list, dict)) else str(value)
        for name, value in values.items()
    }


@contextmanager
def running_worker(settings: Settings, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A worker that is ready; stopped at the end, unless the test did so. Its log is `folder/worker.log`."""
    ready, log_path = folder / "ready", folder / "worker.log"
    with log_path.open("ab") as log:
        worker = subprocess.Popen(
            [sys.executable, "-m", "moderation", "worker", "--ready-file", str(ready)],
            env=environment_of(settings),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_until_ready(worker, ready, log_path)
            yield worker
        finally:
            stop(worker)


def stop(worker: subprocess.Popen[bytes]) -> int:
    """SIGTERM, and the exit code; killed when it does not end in time."""
    if worker.poll() is None:
        worker.send_signal(signal.SIGTERM)
    try:
        return worker.wait(STOP_DEADLINE_S)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()
        raise


def _wait_until_ready(worker: subprocess.Popen[bytes], ready: Path, log_path: Path) -> None:
    deadline = time.monotonic() + READY_DEADLINE_S
    while not ready.exists():
        if worker.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(f"the worker did not get ready:\n{log_path.read_text()[-4000:]}")
        time.sleep(0.05)
