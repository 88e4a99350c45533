"""What happens to the Vosk engine when its processes die, hang or grow, on real processes and the real model."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path

import pytest

from moderation.asr.engine import Samples
from moderation.asr.vosk.engine import OnRestart, VoskEngine
from moderation.asr.vosk.worker import private_mb
from moderation.errors import ConfigurationError, EngineCrashed, EngineFailed, InvariantViolation
from moderation.models.store import ModelStore
from moderation.settings import AsrSettings
from moderation.streaming.process_memory import MIB, ProcessMemory

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

PATIENCE_S = 20.0
KILLS = 4


@contextmanager
def running(
    store: ModelStore, *, folder: Path | None = None, on_restart: OnRestart | None = None, **settings: float
) -> Iterator[VoskEngine]:
    engine = VoskEngine(
        folder or store.require("vosk:ko"),
        name="vosk:ko",
        version="test",
        languages=frozenset({"ko"}),
        settings=AsrSettings(**settings),
        on_restart=on_restart,
    )
    try:
        yield engine
    finally:
        engine.close()


def recognise(engine: VoskEngine, samples: Samples, stream: str = "s") -> str:
    recognizer = engine.recognizer(stream_id=stream, language="ko")
    recognizer.accept(samples)
    return recognizer.finish().text


def is_gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state == "Z"


def wait_until_gone(*pids: int) -> bool:
    deadline_s = time.monotonic() + PATIENCE_S
    while not all(is_gone(pid) for pid in pids):
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.05)
    return True


@pytest.fixture(scope="module")
def loaded(store: ModelStore) -> Iterator[VoskEngine]:
    """An engine that survives what the tests do to it."""
    with running(store, engine_timeout_s=8.0, vosk_processes=2) as engine:
        yield engine


@pytest.fixture
def shared(loaded: VoskEngine, speech: Samples) -> VoskEngine:
    """That engine, over what the test before did to it: each of its processes has answered."""
    for n in range(8):
        recognise_patiently(loaded, speech[:1_600], f"stream {n}")
    return loaded


@pytest.fixture(scope="module")
def speech(korean: Samples) -> Samples:
    return korean[: len(korean) // 2]


def test_a_killed_worker_costs_its_open_utterances_and_is_replaced(shared: VoskEngine, speech: Samples) -> None:
    before = recognise(shared, speech)
    server, worker = shared.server_pid, shared.worker_pid("s")
    open_utterance = shared.recognizer(stream_id="s", language="ko")
    open_utterance.accept(speech)
    os.kill(worker, signal.SIGKILL)
    with pytest.raises(EngineCrashed):
        open_utterance.finish()
    open_utterance.close()
    assert recognise(shared, speech) == before
    assert shared.server_pid == server
    assert shared.worker_pid("s") != worker


def test_a_killed_server_is_replaced_with_its_workers(shared: VoskEngine, speech: Samples) -> None:
    before = recognise(shared, speech)
    server, worker = shared.server_pid, shared.worker_pid("s")
    os.kill(server, signal.SIGKILL)
    assert wait_until_gone(server, worker)
    with pytest.raises(EngineCrashed):
        recognise(shared, speech)
    assert recognise(shared, speech) == before
    assert shared.server_pid != server


def test_a_hanging_worker_is_replaced_after_the_timeout(shared: VoskEngine, speech: Samples) -> None:
    before = recognise(shared, speech)
    worker = shared.worker_pid("s")
    os.kill(worker, signal.SIGSTOP)
    with pytest.raises(EngineCrashed, match="MODERATION_ASR__ENGINE_TIMEOUT_S"):
        recognise(shared, speech)
    assert wait_until_gone(worker)
    assert recognise(shared, speech) == before


def test_a_stream_stays_with_its_process(shared: VoskEngine, speech: Samples) -> None:
    recognise(shared, speech)
    worker = shared.worker_pid("s")
    for n in range(8):
        recognise(shared, speech[:4_000], f"stream {n}")
    recognise(shared, speech)
    assert shared.worker_pid("s") == worker
    assert len({shared.worker_pid(f"stream {n}") for n in range(8)}) == 2


def test_workers_share_the_memory_of_the_model(shared: VoskEngine, speech: Samples) -> None:
    recognise(shared, speech[:8_000])
    worker = shared.worker_pid("s")
    assert private_mb(worker) < resident_mb(worker) // 2


def test_memory_is_told_apart_by_what_the_processes_do(shared: VoskEngine, speech: Samples) -> None:
    recognise(shared, speech[:8_000])
    held = ProcessMemory().by_role()
    assert held["engine_server"] > 50 * MIB
    assert held["engine"] > MIB
    assert ProcessMemory().by_role(shared.worker_pid("s")) == {"worker": pytest.approx(held["engine"], rel=0.9)}


def test_an_engine_whose_workers_keep_crashing_fails(store: ModelStore, speech: Samples) -> None:
    with running(store, vosk_max_crashes=1) as engine:
        for part in (speech[:4_000], speech[4_000:8_000]):
            open_utterance = engine.recognizer(stream_id="s", language="ko")
            open_utterance.accept(part)
            os.kill(engine.worker_pid("s"), signal.SIGKILL)
            with pytest.raises(EngineCrashed):
                open_utterance.finish()
        with pytest.raises(EngineFailed, match="MODERATION_ASR__VOSK_MAX_CRASHES"):
            recognise(engine, speech)


def recognise_patiently(engine: VoskEngine, samples: Samples, stream: str) -> str:
    """As the contract of recognisers asks: whatever an utterance lost is given to a new one."""
    while True:
        recognizer = engine.recognizer(stream_id=stream, language="ko")
        try:
            for start in range(0, len(samples), 8_000):
                recognizer.accept(samples[start : start + 8_000])
            return recognizer.finish().text
        except EngineCrashed:
            continue
        finally:
            recognizer.close()


def test_no_utterance_is_lost_or_changed_while_processes_are_killed_under_load(
    store: ModelStore, speech: Samples
) -> None:
    restarts: list[tuple[str, str]] = []
    utterances = [speech[start:] for start in range(0, 20_000, 5_000)]
    with running(store, vosk_processes=2, on_restart=lambda *told: restarts.append(told)) as engine:
        undisturbed = [recognise(engine, utterance) for utterance in utterances]
        with ThreadPoolExecutor(4) as pool:
            told = [
                pool.submit(recognise_patiently, engine, utterance, f"stream {n}")
                for n, utterance in enumerate(utterances * 2)
            ]
            kills = 0
            while not all(future.done() for future in told):
                victims = [slot.link.pid for slot in engine._slots if slot.link and not is_gone(slot.link.pid)]
                if kills < KILLS and victims:
                    os.kill(victims[kills % len(victims)], signal.SIGKILL)
                    kills += 1
                wait(told, timeout=0.3)
        assert [future.result() for future in told] == undisturbed * 2
    assert kills == KILLS
    assert set(restarts) == {("vosk:ko", "died")}
    assert 1 <= len(restarts) <= kills


def test_a_server_killed_while_utterances_are_open_is_started_again_and_changes_nothing(
    shared: VoskEngine, speech: Samples
) -> None:
    before = recognise(shared, speech)
    server = shared.server_pid
    with ThreadPoolExecutor(2) as pool:
        told = [pool.submit(recognise_patiently, shared, speech, f"stream {n}") for n in range(4)]
        os.kill(server, signal.SIGKILL)
        _, late = wait(told, timeout=PATIENCE_S * 3)
    assert not late
    assert [future.result() for future in told] == [before] * 4
    assert shared.server_pid != server


def test_a_server_that_cannot_be_started_again_makes_the_engine_fail(
    store: ModelStore, speech: Samples, tmp_path: Path
) -> None:
    with running(store, folder=copy_of(store.require("vosk:ko"), tmp_path / "model")) as engine:
        recognise(engine, speech[:8_000])
        os.kill(engine.server_pid, signal.SIGKILL)
        shutil.rmtree(tmp_path / "model")
        with pytest.raises(EngineFailed, match="could not be started"):
            recognise_patiently(engine, speech, "s")


def copy_of(model: Path, folder: Path) -> Path:
    """A copy that may be broken; large files are linked, not copied."""
    return Path(shutil.copytree(model, folder, copy_function=lambda source, target: Path(target).symlink_to(source)))


def test_a_large_worker_is_replaced_when_its_utterances_are_over(store: ModelStore, speech: Samples) -> None:
    with running(store, vosk_max_rss_mb=1, vosk_idle_recognizers=1) as engine:
        other = engine.recognizer(stream_id="other", language="ko")
        other.accept(speech)
        first = engine.worker_pid("s")
        before = recognise(engine, speech)
        assert recognise(engine, speech) == before
        assert not is_gone(first)
        assert other.finish().text == before
        assert wait_until_gone(first)


def resident_mb(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024**2


@pytest.mark.parametrize("hanging", [False, True])
def test_no_process_outlives_an_application_that_is_killed(store: ModelStore, *, hanging: bool) -> None:
    program = (
        "import sys, time; from pathlib import Path; import numpy as np;"
        "from moderation.asr.vosk.engine import VoskEngine; from moderation.settings import AsrSettings;"
        "e = VoskEngine(Path(sys.argv[1]), name='vosk:ko', version='1', languages=None, settings=AsrSettings());"
        "r = e.recognizer(stream_id='s', language=None); r.accept(np.zeros(16000, dtype=np.float32));"
        "print(e.server_pid, e.worker_pid('s'), flush=True); time.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(store.require("vosk:ko"))],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as application:
        assert application.stdout is not None
        server, worker = map(int, application.stdout.readline().split())
        if hanging:
            os.kill(worker, signal.SIGSTOP)
        application.kill()
    assert wait_until_gone(server, worker)


def test_a_closed_engine_leaves_no_process(store: ModelStore, speech: Samples) -> None:
    with running(store) as engine:
        recognise(engine, speech[:8_000])
        processes = (engine.server_pid, engine.worker_pid("s"))
        engine.close()
        engine.close()
        assert wait_until_gone(*processes)
        with pytest.raises(InvariantViolation):
            recognise(engine, speech)


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(ConfigurationError, match="moderation models"):
            VoskEngine(folder, name="vosk:xx", version="1", languages=None, settings=AsrSettings())


def test_a_model_that_loads_too_slowly_is_refused(store: ModelStore) -> None:
    with pytest.raises(ConfigurationError, match="VOSK_LOAD_TIMEOUT_S"), running(store, vosk_load_timeout_s=0.01):
        pass
