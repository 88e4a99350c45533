"""What happens to the Vosk engine when its processes die, hang or grow, on real processes and the real model."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from moderation.asr.engine import Recognition, Samples
from moderation.asr.vosk.engine import OnCrash, VoskEngine
from moderation.asr.vosk.recognizer import VoskRecognizer
from moderation.errors import ConfigurationError, EngineCrashed, EngineFailed, InvariantViolation
from moderation.models.store import ModelStore
from moderation.settings import AsrSettings
from moderation.streaming.process_memory import MIB, ProcessMemory

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

PATIENCE_S = 20.0
KILLS = 4


@contextmanager
def running(
    store: ModelStore, *, folder: Path | None = None, on_crash: OnCrash | None = None, **settings: float
) -> Iterator[VoskEngine]:
    engine = VoskEngine(
        folder or store.require("vosk:ko"),
        name="vosk:ko",
        version="test",
        languages=frozenset({"ko"}),
        settings=AsrSettings(**settings),
        on_crash=on_crash,
    )
    try:
        yield engine
    finally:
        engine.close()


def recognise(engine: VoskEngine, samples: Samples, stream: str = "s") -> Recognition:
    with opened(engine, samples, stream) as recognizer:
        return recognizer.finish()


@contextmanager
def opened(engine: VoskEngine, samples: Samples, stream: str = "s") -> Iterator[VoskRecognizer]:
    """An utterance that is still spoken."""
    recognizer = engine.recognizer(stream_id=stream, language="ko")
    try:
        recognizer.accept(samples)
        yield recognizer
    finally:
        recognizer.close()


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
    with running(store, engine_timeout_s=8.0) as engine:
        yield engine


@pytest.fixture
def shared(loaded: VoskEngine, speech: Samples) -> VoskEngine:
    """That engine, over what the test before did to it."""
    recognise_patiently(loaded, speech[:1_600], "s")
    return loaded


@pytest.fixture(scope="module")
def speech(korean: Samples) -> Samples:
    return korean[: len(korean) // 2]


def test_a_killed_worker_costs_its_own_utterance_and_no_other(shared: VoskEngine, speech: Samples) -> None:
    before = recognise(shared, speech)
    server = shared.server_pid
    with opened(shared, speech) as other:
        (beside,) = shared.worker_pids
        with opened(shared, speech) as hit:
            os.kill(next(pid for pid in shared.worker_pids if pid != beside), signal.SIGKILL)
            with pytest.raises(EngineCrashed):
                hit.finish()
        assert other.finish() == before
    assert recognise(shared, speech) == before
    assert shared.server_pid == server


def test_a_killed_server_is_replaced_with_its_workers(shared: VoskEngine, speech: Samples) -> None:
    before = recognise(shared, speech)
    server = shared.server_pid
    with opened(shared, speech) as hit:
        workers = shared.worker_pids
        os.kill(server, signal.SIGKILL)
        assert wait_until_gone(server, *workers)
        with pytest.raises(EngineCrashed):
            hit.finish()
    assert recognise(shared, speech) == before
    assert shared.server_pid != server


def test_the_end_of_a_server_is_one_crash_however_many_it_served(store: ModelStore, speech: Samples) -> None:
    crashes: list[str] = []
    with running(store, vosk_max_crashes=1, on_crash=crashes.append) as engine, ExitStack() as stack:
        part = speech[:8_000]
        cut_short = [stack.enter_context(opened(engine, part, f"stream {n}")) for n in range(4)]
        os.kill(engine.server_pid, signal.SIGKILL)
        for each in cut_short:
            with pytest.raises(EngineCrashed):
                each.finish()
        recognise(engine, part)
    assert crashes == ["vosk:ko"]


def test_a_hanging_worker_is_killed_after_the_timeout(shared: VoskEngine, speech: Samples) -> None:
    before = recognise(shared, speech)
    with opened(shared, speech) as hit:
        (worker,) = shared.worker_pids
        os.kill(worker, signal.SIGSTOP)
        with pytest.raises(EngineCrashed, match="MODERATION_ASR__ENGINE_TIMEOUT_S"):
            hit.finish()
    assert wait_until_gone(worker)
    assert recognise(shared, speech) == before


def test_what_is_told_does_not_depend_on_what_was_heard_before(
    store: ModelStore, shared: VoskEngine, korean: Samples, english: Samples
) -> None:
    told = recognise(shared, korean)
    assert told.text
    for other in (english, english[::-1].copy(), korean[8_000:]):
        recognise(shared, other, "another stream")
        assert recognise(shared, korean) == told
    with running(store) as another:
        recognise(another, english)
        assert recognise(another, korean) == told


def test_an_utterance_beyond_the_limit_is_heard_when_it_has_ended(
    store: ModelStore, shared: VoskEngine, speech: Samples
) -> None:
    expected = recognise(shared, speech)
    with running(store, vosk_max_processes=1) as engine, opened(engine, speech) as first:
        with opened(engine, speech, "another stream") as beyond:
            assert len(engine.worker_pids) == 1
            assert beyond.accept(speech[:0]) is None
            assert beyond.finish() == expected
        assert first.finish() == expected
        assert engine.worker_pids == ()


def test_an_utterance_that_had_to_wait_is_heard_as_soon_as_there_is_room(
    store: ModelStore, shared: VoskEngine, speech: Samples
) -> None:
    expected = recognise(shared, speech)
    with (
        running(store, vosk_max_processes=1) as engine,
        opened(engine, speech) as first,
        opened(engine, speech[:16_000], "another stream") as waiting,
    ):
        first.close()
        assert waiting.accept(speech[16_000:]) is not None
        assert len(engine.worker_pids) == 1
        assert waiting.finish() == expected


def test_no_process_is_left_when_nobody_speaks(shared: VoskEngine, speech: Samples) -> None:
    with opened(shared, speech[:8_000]):
        (given_up,) = shared.worker_pids
    recognise(shared, speech[:8_000])
    assert shared.worker_pids == ()
    assert wait_until_gone(given_up)


def test_workers_share_the_memory_of_the_model(shared: VoskEngine, speech: Samples) -> None:
    with opened(shared, speech[:8_000]):
        (worker,) = shared.worker_pids
        assert private_mb(worker) < resident_mb(worker) // 2


def test_memory_is_told_apart_by_what_the_processes_do(shared: VoskEngine, speech: Samples) -> None:
    with opened(shared, speech[:8_000]):
        held = ProcessMemory().by_role()
        assert held["engine_server"] > 50 * MIB
        assert held["engine"] > MIB
        (worker,) = shared.worker_pids
        assert ProcessMemory().by_role(worker) == {"worker": pytest.approx(held["engine"], rel=0.9)}


def test_an_engine_whose_workers_keep_crashing_fails(store: ModelStore, speech: Samples) -> None:
    with running(store, vosk_max_crashes=1) as engine:
        for part in (speech[:4_000], speech[4_000:8_000]):
            with opened(engine, part) as hit:
                os.kill(engine.worker_pids[0], signal.SIGKILL)
                with pytest.raises(EngineCrashed):
                    hit.finish()
        with pytest.raises(EngineFailed, match="MODERATION_ASR__VOSK_MAX_CRASHES"):
            recognise(engine, speech)


def recognise_patiently(engine: VoskEngine, samples: Samples, stream: str) -> Recognition:
    """As the contract of recognisers asks: whatever an utterance lost is given to a new one."""
    while True:
        recognizer = engine.recognizer(stream_id=stream, language="ko")
        try:
            for start in range(0, len(samples), 8_000):
                recognizer.accept(samples[start : start + 8_000])
            return recognizer.finish()
        except EngineCrashed:
            continue
        finally:
            recognizer.close()


def test_no_utterance_is_lost_or_changed_while_processes_are_killed_under_load(
    store: ModelStore, speech: Samples
) -> None:
    crashes: list[str] = []
    utterances = [speech[start:] for start in range(0, 20_000, 5_000)]
    with running(store, vosk_max_crashes=KILLS, on_crash=crashes.append) as engine:
        undisturbed = [recognise(engine, utterance) for utterance in utterances]
        with ThreadPoolExecutor(4) as pool:
            told = [
                pool.submit(recognise_patiently, engine, utterance, f"stream {n}")
                for n, utterance in enumerate(utterances * 2)
            ]
            kills = 0
            while not all(future.done() for future in told):
                victims = [pid for pid in engine.worker_pids if not is_gone(pid)]
                if kills < KILLS and victims:
                    os.kill(victims[kills % len(victims)], signal.SIGKILL)
                    kills += 1
                wait(told, timeout=0.3)
        assert [future.result() for future in told] == undisturbed * 2
    assert kills == KILLS
    assert crashes == ["vosk:ko"] * kills


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


def test_a_worker_may_take_so_much_memory_and_no_more(store: ModelStore, speech: Samples) -> None:
    with running(store, vosk_max_rss_mb=64) as engine, opened(engine, speech):
        (limit,) = resource.prlimit(engine.worker_pids[0], resource.RLIMIT_AS)[:1]
        reserved = int(Path(f"/proc/{engine.server_pid}/statm").read_text().split()[0]) * resource.getpagesize()
        assert reserved + 32 * MIB < limit < reserved + 96 * MIB


@pytest.mark.parametrize(("wanted_mb", "is_allowed"), [(32, True), (128, False)])
def test_who_may_not_grow_does_not(wanted_mb: int, *, is_allowed: bool) -> None:
    program = f"from moderation.asr.vosk.worker import limit_growth; limit_growth(64); bytearray({wanted_mb} << 20)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == is_allowed
    assert ("MemoryError" in done.stderr) != is_allowed


def private_mb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) // 1024


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
        "print(e.server_pid, e.worker_pids[0], flush=True); time.sleep(600)"
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
        with opened(engine, speech[:8_000]):
            processes = (engine.server_pid, *engine.worker_pids)
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
