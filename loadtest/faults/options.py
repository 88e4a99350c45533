"""What a fault run is asked to do."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from moderation.settings import KafkaSettings, StreamingSettings

CHUNK_MS = 200
"""Length of every chunk that is sent, ms."""
REFERENCE_IDLE_UTTERANCE_S = 15.0
"""Wait for the next chunk after which the worker of the reference run closes an utterance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultCounts:
    """How often each fault is injected."""

    kills: int = 0
    """SIGKILL of a worker."""
    engine_kills: int = 0
    """SIGKILL of a Vosk process of a worker, or of the process that holds its model."""
    terms: int = 0
    """SIGTERM of a worker."""
    stops: int = 0
    """SIGSTOP of a worker for longer than the session timeout, then SIGCONT."""
    joins: int = 0
    """Start of a worker beyond those that are wanted."""
    outages: int = 0
    """All connections to the broker cut and new ones refused for some seconds."""

    @property
    def total(self) -> int:
        """All faults."""
        return sum(asdict(self).values())


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultOptions:
    """A fault run: how long, how many streams and workers, which faults."""

    counts: FaultCounts
    seconds: float
    streams: int
    workers: int
    seed: int
    talk_ratio: float = 0.3
    session_timeout_s: int | None = None
    """None: the product's default."""
    reference_speed: float = 2.0
    """Playing speed of the reference run; 1 is real time."""
    idle_utterance_s: float | None = None
    """Wait for the next chunk after which faulted workers close an utterance; None: the product's default."""
    poison_every_s: float = 6.0
    """Time between two messages that cannot be processed."""
    broker: str | None = None
    """`host:port` of a Kafka to use; None starts an embedded one."""
    folder: Path
    """Takes the logs."""

    @property
    def effective_session_timeout_s(self) -> int:
        """The session timeout that workers run with, s."""
        return self.session_timeout_s or int(KafkaSettings().session_timeout_s)

    def worker_settings(self) -> dict[str, object]:
        """The settings that differ from the product's defaults, as variables without prefix."""
        idle = {} if self.idle_utterance_s is None else {"STREAMING__IDLE_UTTERANCE_S": self.idle_utterance_s}
        return self._group_settings() | idle

    def reference_settings(self) -> dict[str, object]:
        """The same for the reference run, in which no utterance is closed because a busy machine sent a chunk late."""
        return self._group_settings() | {"STREAMING__IDLE_UTTERANCE_S": REFERENCE_IDLE_UTTERANCE_S}

    def _group_settings(self) -> dict[str, object]:
        """A shorter session needs shorter heartbeats, and a drain that ends within it."""
        session_s = self.session_timeout_s
        if session_s is None:
            return {}
        drain_s = min(float(StreamingSettings().drain_deadline_s), session_s - 1.0)
        return {
            "KAFKA__SESSION_TIMEOUT_S": session_s,
            "KAFKA__HEARTBEAT_INTERVAL_S": max(1, min(3, session_s // 4)),
            "KAFKA__REBALANCE_TIMEOUT_S": min(60, 2 * session_s),
            "STREAMING__DRAIN_DEADLINE_S": drain_s,
        }

    @property
    def effective_idle_utterance_s(self) -> float:
        """How long workers of the faulted run wait for the next chunk, s."""
        return self.idle_utterance_s or float(StreamingSettings().idle_utterance_s)

    def to_json(self) -> dict[str, Any]:
        """What was asked for, without paths."""
        return {
            "seconds_asked": self.seconds,
            "streams": self.streams,
            "workers": self.workers,
            "seed": self.seed,
            "talk_ratio": self.talk_ratio,
            "session_timeout_s": self.effective_session_timeout_s,
            "idle_utterance_s": self.effective_idle_utterance_s,
            "reference_speed": self.reference_speed,
            "chunk_ms": CHUNK_MS,
        }
