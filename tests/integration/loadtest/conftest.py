import pytest

from moderation.contracts.codecs import Codecs, load_codecs
from moderation.settings import Settings


@pytest.fixture(scope="session")
def codecs() -> Codecs:
    return load_codecs(Settings())


@pytest.fixture(scope="session")
def quick() -> dict[str, object]:
    """Settings of a worker that joins its group soon: the embedded broker waits half a session timeout."""
    return {
        "KAFKA__SESSION_TIMEOUT_S": 6,
        "KAFKA__HEARTBEAT_INTERVAL_S": 1,
        "KAFKA__REBALANCE_TIMEOUT_S": 12,
        "STREAMING__DRAIN_DEADLINE_S": 4,
    }
