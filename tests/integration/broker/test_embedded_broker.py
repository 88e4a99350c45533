"""The embedded broker over its socket."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from click.testing import CliRunner

from moderation.broker import embedded
from moderation.broker.embedded import EmbeddedBroker
from moderation.cli.broker import command
from moderation.settings import Settings

pytestmark = pytest.mark.integration
GONE_WITHIN_S = 10.0


def _brokers_in(folder: Path) -> list[int]:
    """Processes whose working directory lies under `folder`: the brokers of the test that owns it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            working_directory = str((process / "cwd").readlink())
            alive = "Z" not in (process / "stat").read_text().rsplit(")", 1)[1].split()[:1]
        except OSError:
            continue
        if alive and working_directory.startswith(str(folder)):
            found.append(int(process.name))
    return found


def _wait_until_gone(folder: Path) -> None:
    deadline = time.monotonic() + GONE_WITHIN_S
    while time.monotonic() < deadline:
        if not _brokers_in(folder) and not list(folder.glob("voice-*")):
            return
        time.sleep(0.05)
    pytest.fail(f"left behind: {_brokers_in(folder)} {list(folder.iterdir())}")


@pytest.fixture
def folders(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(embedded.tempfile, "tempdir", str(tmp_path))
    return tmp_path


async def test_what_is_produced_is_consumed(folders):
    async with EmbeddedBroker() as broker:
        producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap_servers, enable_idempotence=False, acks="all")
        await producer.start()
        try:
            for number in range(20):
                await producer.send_and_wait("some-topic", key=b"k", value=b"%d" % number, headers=[("h", b"v")])
        finally:
            await producer.stop()
        consumer = AIOKafkaConsumer(
            "some-topic", bootstrap_servers=broker.bootstrap_servers, auto_offset_reset="earliest", group_id=None
        )
        await consumer.start()
        try:
            received = [await asyncio.wait_for(consumer.getone(), 20) for _ in range(20)]
        finally:
            await consumer.stop()
    assert [message.value for message in received] == [b"%d" % number for number in range(20)]
    assert received[0].headers == (("h", b"v"),)
    _wait_until_gone(folders)


def test_a_broker_starts_again_on_its_port_and_has_forgotten_everything(folders):
    broker = EmbeddedBroker()
    broker.start()
    port = broker.port
    broker.stop()
    with EmbeddedBroker(port) as again:
        assert again.running
        assert again.port == port


def test_two_brokers_run_side_by_side(folders):
    with EmbeddedBroker() as first, EmbeddedBroker() as second:
        assert first.port != second.port
        assert len(_brokers_in(folders)) == 2
    _wait_until_gone(folders)


def test_a_broker_that_dies_is_noticed(folders):
    with EmbeddedBroker() as broker:
        os.kill(_brokers_in(folders)[0], signal.SIGKILL)
        assert broker.wait(GONE_WITHIN_S)
        assert not broker.running
    _wait_until_gone(folders)


def test_nothing_is_left_when_the_guard_is_killed(folders):
    with EmbeddedBroker() as broker:
        broker._guard.kill()
        assert broker.wait(GONE_WITHIN_S)
    _wait_until_gone(folders)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_when_the_process_that_started_it_is_killed(tmp_path, number):
    code = (
        "import threading; from moderation.broker.embedded import EmbeddedBroker;"
        # From a thread that ends: the broker belongs to the process, not to a thread.
        "broker = EmbeddedBroker(); t = threading.Thread(target=broker.start); t.start(); t.join();"
        "print(broker.port, flush=True); threading.Event().wait()"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    ) as parent:
        assert int(parent.stdout.readline())
        assert len(_brokers_in(tmp_path)) == 1
        parent.send_signal(number)
        parent.wait(GONE_WITHIN_S)
    _wait_until_gone(tmp_path)


class TestCommand:
    """`moderation broker`."""

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_it_prints_its_address_and_stops_cleanly_when_asked(self, tmp_path, number):
        code = (
            "from moderation.cli.broker import command; from moderation.settings import Settings;"
            "command(obj=Settings())"
        )
        wanted = embedded._free_port()
        environment = {**os.environ, "TMPDIR": str(tmp_path), "MODERATION_EMBEDDED_BROKER_PORT": str(wanted)}
        with subprocess.Popen(
            [sys.executable, "-c", code],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            text=True,
        ) as process:
            assert process.stdout.readline().strip() == f"127.0.0.1:{wanted}"
            process.send_signal(number)
            rest, errors = process.communicate(timeout=GONE_WITHIN_S)
        assert process.returncode == 0
        assert rest == ""
        assert "development, demos and tests only" in errors
        _wait_until_gone(tmp_path)

    def test_its_help_says_what_it_is_for(self):
        help_text = CliRunner().invoke(command, ["--help"], obj=Settings()).output
        assert "development, demos and tests only" in " ".join(help_text.split())
        assert "moderation topics apply" in help_text
