from pathlib import Path

import pytest
from support.security_certificates import Authority, KeyPair


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pki")


@pytest.fixture(scope="session")
def authority(pki: Path) -> Authority:
    """Who issued the broker's certificate and those of clients."""
    return Authority(pki / "ours", "test authority")


@pytest.fixture(scope="session")
def stranger(pki: Path) -> Authority:
    """Another authority, under the same name."""
    return Authority(pki / "strange", "test authority")


@pytest.fixture(scope="session")
def identity(authority: Authority) -> KeyPair:
    """What the broker shows: it is who it says at 127.0.0.1."""
    return authority.issue("broker", "127.0.0.1")
