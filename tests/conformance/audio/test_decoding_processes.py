"""What happens to decoding when its processes die, hang, grow or lie, on real processes."""

import os
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from support import ogg
from support.audio import voiced
from support.saboteur import SABOTEUR

from moderation.audio.confined.decoding import ATTEMPTS, ConfinedDecoding
from moderation.audio.confined.server_process import ServerProcess
from moderation.audio.container import FileDecoder
from moderation.audio.encode import ChunkEncoder
from moderation.audio.limits import StreamFormat
from moderation.errors import DeadLetterCode, EngineFailed, InvalidMessage, InvariantViolation
from moderation.events import AudioEncoding
from moderation.settings import AudioSettings

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

PATIENCE_S = 20.0
FORMAT = StreamFormat(encoding=AudioEncoding.FLAC, sample_rate_hz=16_000, channels=1)
OGG = StreamFormat(encoding=AudioEncoding.OGG_OPUS, sample_rate_hz=16_000, channels=1)
(FLAC_FILE,) = ChunkEncoder(AudioEncoding.FLAC, 16_000, 200).encode(voiced(0.2))
(OGG_FILE,) = ChunkEncoder(AudioEncoding.OGG_OPUS, 16_000, 200).encode(voiced(0.2))
MIB = 1024 * 1024


@contextmanager
def running(
    program: str = SABOTEUR, *, on_lost: Callable[[], None] = lambda: None, **settings: float
) -> Iterator[ConfinedDecoding]:
    start = partial(ServerProcess, program=program)
    with ConfinedDecoding(AudioSettings(**settings), start, on_lost=on_lost) as decoding:
        yield decoding


@pytest.fixture(scope="module")
def shared() -> Iterator[ConfinedDecoding]:
    """Decoding that survives what the tests do to it."""
    with running() as decoding:
        yield decoding


def refused_with(decoding: ConfinedDecoding, payload: bytes, stream_format: StreamFormat = FORMAT) -> DeadLetterCode:
    with pytest.raises(InvalidMessage) as refusal:
        decoding.decode(stream_format, payload)
    return refusal.value.code


def process_of(decoding: ConfinedDecoding) -> int:
    decoding.prepare()
    return decoding.pids[1]


def is_gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state == "Z"


def wait_until(condition: partial[bool]) -> bool:
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.01)
    return True


@pytest.mark.parametrize("encoding", [AudioEncoding.FLAC, AudioEncoding.OGG_OPUS])
@pytest.mark.parametrize("rate", [8_000, 16_000, 48_000])
def test_samples_are_those_of_decoding_in_this_process(
    shared: ConfinedDecoding, encoding: AudioEncoding, rate: int
) -> None:
    stream_format = StreamFormat(encoding=encoding, sample_rate_hz=rate, channels=1)
    for payload in ChunkEncoder(encoding, rate, 200).encode(voiced(1, rate=rate)):
        here = FileDecoder(stream_format, AudioSettings()).decode(payload)
        assert np.array_equal(shared.decode(stream_format, payload), here)


@pytest.mark.parametrize("deed", ["die", "crash", "leave", "hang", "stop", "flood", "babble", "lie"])
def test_a_payload_that_costs_processes_their_life_is_refused(shared: ConfinedDecoding, deed: str) -> None:
    process, lost = process_of(shared), shared.processes_lost
    assert refused_with(shared, f"DO {deed}".encode()) is DeadLetterCode.UNDECODABLE_AUDIO
    assert shared.processes_lost == lost + ATTEMPTS
    assert len(shared.decode(FORMAT, FLAC_FILE)) == 3_200
    assert process_of(shared) != process
    assert is_gone(process)


def test_a_payload_that_takes_too_much_processor_time_costs_one_process(shared: ConfinedDecoding) -> None:
    lost = shared.processes_lost
    assert refused_with(shared, b"DO spin") is DeadLetterCode.AUDIO_LIMIT_EXCEEDED
    assert shared.processes_lost == lost + 1
    assert len(shared.decode(FORMAT, FLAC_FILE)) == 3_200


def test_a_process_has_no_more_memory_than_it_may(shared: ConfinedDecoding) -> None:
    with pytest.raises(InvalidMessage, match="MemoryError"):
        shared.decode(FORMAT, b"DO allocate")
    with running(decode_memory_mb=600, decode_cpu_ms=5_000, decode_deadline_ms=20_000) as generous:
        assert len(generous.decode(FORMAT, b"DO allocate")) == 0


@pytest.mark.parametrize("deed", ["open_file", "open_socket", "start_process"])
def test_a_process_can_open_and_start_nothing(shared: ConfinedDecoding, deed: str) -> None:
    with pytest.raises(InvalidMessage, match="OSError"):
        shared.decode(FORMAT, f"DO {deed}".encode())


def test_a_process_is_limited_in_every_way(shared: ConfinedDecoding) -> None:
    process = process_of(shared)
    limits = {line[:25].strip(): line[25:].split()[:2] for line in _proc(process, "limits").splitlines()[1:]}
    assert limits["Max open files"] == ["5", "5"]
    assert limits["Max processes"] == limits["Max file size"] == limits["Max core file size"] == ["0", "0"]
    descriptors = sorted(Path(f"/proc/{process}/fd").iterdir())
    assert [each.name for each in descriptors] == ["0", "1", "2", "3", "4"]
    places = [str(each.readlink()) for each in descriptors]
    assert places[:3] == ["/dev/null"] * 3
    assert places[3].startswith("socket:")
    assert places[4].endswith("/statm")
    assert "NoNewPrivs:\t1" in _proc(process, "status")


def _proc(pid: int, name: str) -> str:
    return Path(f"/proc/{pid}/{name}").read_text()


def test_a_process_that_grew_is_replaced_before_it_refuses_good_audio(shared: ConfinedDecoding) -> None:
    seen = set()
    for _ in range(40):
        shared.decode(FORMAT, b"DO hoard")
        seen.add(process_of(shared))
        assert len(shared.decode(FORMAT, FLAC_FILE)) == 3_200
    assert 3 <= len(seen) <= 20


@pytest.mark.parametrize("victim", [0, 1], ids=["server", "process"])
@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGSTOP])
def test_what_happens_between_payloads_costs_no_audio(
    shared: ConfinedDecoding, victim: int, sign: signal.Signals
) -> None:
    shared.prepare()
    pids = shared.pids
    os.kill(pids[victim], sign)
    if sign is signal.SIGKILL:
        assert wait_until(partial(is_gone, pids[1]))
    assert len(shared.decode(FORMAT, FLAC_FILE)) == 3_200
    os.kill(shared.pids[0], signal.SIGCONT)


def test_a_process_killed_in_the_middle_of_a_payload_costs_no_audio(shared: ConfinedDecoding) -> None:
    process = process_of(shared)
    os.kill(process, signal.SIGSTOP)
    killer = threading.Timer(0.1, os.kill, (process, signal.SIGKILL))
    killer.start()
    assert len(shared.decode(FORMAT, FLAC_FILE)) == 3_200
    killer.join()
    assert process_of(shared) != process


@pytest.mark.parametrize(
    ("program", "settings"),
    [
        ("raise SystemExit(1)", {}),
        ("import time; time.sleep(60)", {"decode_start_timeout_s": 0.1}),
        (SABOTEUR, {"decode_memory_mb": 1}),
        (SABOTEUR, {"max_chunk_ms": 60_000, "decode_cpu_ms": 1}),
    ],
)
def test_a_process_that_cannot_start_stops_the_worker_and_blames_no_audio(
    program: str, settings: dict[str, float]
) -> None:
    with running(program, decode_start_attempts=2, **settings) as decoding:
        with pytest.raises(EngineFailed, match="MODERATION_AUDIO__DECODE"):
            decoding.prepare()
        with pytest.raises(EngineFailed):
            decoding.decode(FORMAT, FLAC_FILE)


def test_a_server_that_the_system_will_not_start_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with running() as decoding, pytest.raises(EngineFailed, match="No such file"):
        decoding.prepare()


@pytest.mark.parametrize("is_stopped", [False, True])
def test_processes_end_with_a_worker_that_was_killed(is_stopped: bool) -> None:
    program = (
        "import sys; from moderation.audio.confined.decoding import ConfinedDecoding\n"
        "from moderation.settings import AudioSettings\n"
        "with ConfinedDecoding(AudioSettings()) as decoding:\n"
        "    decoding.prepare(); print(*decoding.pids, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as worker:
        assert worker.stdout is not None
        server, process = map(int, worker.stdout.readline().split())
        if is_stopped:
            os.kill(process, signal.SIGSTOP)
        worker.kill()
    assert wait_until(partial(is_gone, server))
    assert wait_until(partial(is_gone, process))


def test_nothing_is_left_behind_and_nothing_piles_up() -> None:
    told: list[bool] = []
    with running(on_lost=lambda: told.append(True)) as decoding:
        decoding.decode(FORMAT, FLAC_FILE)
        server = decoding.pids[0]
        ours, theirs = _open_files("self"), _open_files(server)
        for number in range(3_000):
            if number % 100 == 0:
                assert refused_with(decoding, b"DO die") is DeadLetterCode.UNDECODABLE_AUDIO
            elif number % 2:
                assert len(decoding.decode(FORMAT, FLAC_FILE)) == 3_200
            else:
                refused_with(decoding, b"fLaC" + bytes(number % 50))
        assert decoding.pids[0] == server
        assert decoding.processes_lost == len(told) == 30 * ATTEMPTS
        assert _children(server) == [process_of(decoding)]
        assert _open_files("self") == ours
        assert _open_files(server) == theirs
        last = decoding.pids
    assert not any(Path(f"/proc/{pid}").exists() for pid in last)


def _open_files(pid: int | str) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def _children(pid: int) -> list[int]:
    return [int(child) for child in _proc(pid, f"task/{pid}/children").split()]


def test_threads_take_turns(shared: ConfinedDecoding) -> None:
    def lengths(stream_format: StreamFormat, payload: bytes) -> set[int]:
        return {len(shared.decode(stream_format, payload)) for _ in range(50)}

    with ThreadPoolExecutor(6) as pool:
        flac = [pool.submit(lengths, FORMAT, FLAC_FILE) for _ in range(3)]
        opus = [pool.submit(lengths, OGG, OGG_FILE) for _ in range(3)]
        assert [each.result() for each in flac] == [{3_200}] * 3
        assert [each.result() for each in opus] == [{9_600}] * 3


def test_after_the_end_nothing_is_decoded() -> None:
    with running() as decoding:
        decoding.prepare()
    decoding.close()
    with pytest.raises(InvariantViolation):
        decoding.decode(FORMAT, FLAC_FILE)


def flac_with(*blocks: bytes) -> bytes:
    """The good file with metadata blocks (type and content) behind STREAMINFO. Source: RFC 9639, section 8."""
    packed = [bytes([each[0]]) + (len(each) - 1).to_bytes(3, "big") + each[1:] for each in blocks]
    audio = FLAC_FILE[FLAC_FILE.index(b"\xff\xf8", 42) :]
    return b"fLaC\x00" + FLAC_FILE[5:42] + b"".join(packed) + b"\x81\x00\x00\x00" + audio


def picture(size: int) -> bytes:
    head = struct.pack(">II9sIIIIII", 3, 9, b"image/png", 0, 100, 100, 24, 0, size)
    return b"\x06" + head + bytes(size)


def comments(count: int) -> bytes:
    return struct.pack("<II", 0, count) + b"".join(b"\x05\x00\x00\x00%03x=x" % (n % 4_096) for n in range(count))


BEGIN = ogg.opus_head() + ogg.opus_tags()
HOSTILE = {
    "a picture of 900 kB": (FORMAT, flac_with(picture(900_000))),
    "20,000 pictures": (FORMAT, flac_with(*[picture(1)] * 20_000)),
    "100,000 comments": (FORMAT, flac_with(b"\x04" + comments(100_000))),
    "an endless cue sheet": (FORMAT, flac_with(b"\x05" + bytes(395) + b"\xff" + bytes(36 * 255))),
    "1 MB of ID3": (FORMAT, b"ID3\x04\x00\x00\x3f\x7f\x7f\x7f" + bytes(MIB - 10)),
    "500,000 sync words": (FORMAT, FLAC_FILE[:60] + b"\xff\xf8" * 500_000),
    "a thousand files in one": (FORMAT, (FLAC_FILE * 1_000)[:MIB]),
    "SDP": (
        OGG,
        b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 5004 RTP/AVP 0\r\n",
    ),
    "a playlist": (OGG, b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"),
    "20,000 empty pages": (OGG, BEGIN + b"".join(ogg.page(b"", b"", sequence=n) for n in range(2, 20_000))),
    "a million empty packets": (OGG, BEGIN + ogg.page(b"", bytes(255), sequence=2) * 3_600),
    "packets of one byte": (OGG, BEGIN + ogg.packets(*[b"\x78"] * 255, sequence=2, granule=960) * 1_900),
    "100,000 tags": (OGG, ogg.opus_head() + ogg.large_packet(b"OpusTags" + comments(100_000), 1)),
    "20,000 tracks": (OGG, b"".join(ogg.opus_head(serial=n) for n in range(20_000))),
    "200,000 page marks": (OGG, b"OggS" * 200_000),
    "a file that says it is endless": (OGG, BEGIN + ogg.packets(b"\x78" * 3, sequence=2, granule=2**63 - 1)),
    "a thousand chained files": (OGG, (OGG_FILE * 1_200)[:MIB]),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_and_good_ones_beside_them_are_not(shared: ConfinedDecoding, name: str) -> None:
    stream_format, payload = HOSTILE[name]
    assert len(payload) <= MIB
    assert refused_with(shared, payload, stream_format) in {
        DeadLetterCode.UNDECODABLE_AUDIO,
        DeadLetterCode.AUDIO_LIMIT_EXCEEDED,
        DeadLetterCode.UNSUPPORTED_FORMAT,
    }
    assert len(shared.decode(OGG, OGG_FILE)) == 9_600


@pytest.mark.parametrize("payload", [flac_with(b"\x01" + bytes(MIB // 2)), flac_with(*[b"\x02abcd"] * 50_000)])
def test_needless_metadata_is_skipped(shared: ConfinedDecoding, payload: bytes) -> None:
    assert len(shared.decode(FORMAT, payload)) == 3_200


def test_files_cut_short_are_decoded_as_far_as_they_go_or_refused(shared: ConfinedDecoding) -> None:
    lost = shared.processes_lost
    for stream_format, payload in ((FORMAT, FLAC_FILE), (OGG, OGG_FILE)):
        for length in range(1, len(payload), 29):
            try:
                assert len(shared.decode(stream_format, payload[:length])) <= 9_600
            except InvalidMessage as refusal:
                assert refusal.code is not DeadLetterCode.PROCESSING_FAILED  # noqa: PT017  either is right
    assert shared.processes_lost == lost
