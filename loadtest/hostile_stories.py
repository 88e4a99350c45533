"""Streams whose producers lose count: sequences, clocks, formats and ends in any order."""

from dataclasses import dataclass

from loadtest.hostile_audio import damaged
from loadtest.hostile_forge import ENCODINGS, GREATEST_LONG, Case, Envelope, Forge, case, number, text

CARELESS_STREAMS = 200
"""Streams that go on for the whole run. Bounded: each holds a session of the worker."""

_AFTER_A_CHUNK = "accepted format_changed late_chunk"
_DAMAGED = _AFTER_A_CHUNK + " undecodable_audio audio_limit_exceeded"


@dataclass(slots=True)
class _Careless:
    stream_id: str
    sequence: int = 0
    at_ms: int = 0


class StoryCases:
    """Cases with memory: what each careless stream sent before."""

    def __init__(self, forge: Forge) -> None:
        self._streams = [_Careless(forge.new_stream(), at_ms=forge.now_ms) for _ in range(CARELESS_STREAMS)]

    def cases(self) -> list[Case]:
        """Every case of this kind."""
        return [
            case("stream: next", _AFTER_A_CHUNK, lambda f: self._send(f, step=1), weight=300),
            case("stream: repeated", _AFTER_A_CHUNK, lambda f: self._send(f, step=0), weight=200),
            case("stream: behind", _AFTER_A_CHUNK, lambda f: self._send(f, step=-f.rng.randint(1, 20))),
            case("stream: gap", _AFTER_A_CHUNK, lambda f: self._send(f, step=f.rng.choice([2, 5, 1000, 1 << 40]))),
            case(
                "stream: clock behind",
                _AFTER_A_CHUNK,
                lambda f: self._send(f, step=1, clock_ms=-f.rng.randint(1, 10**9)),
            ),
            case(
                "stream: clock ahead", _AFTER_A_CHUNK, lambda f: self._send(f, step=1, clock_ms=f.rng.randint(1, 10**9))
            ),
            case("stream: begins anew", _AFTER_A_CHUNK, lambda f: self._send(f, step=-GREATEST_LONG, clock_ms=60_000)),
            case("stream: ends", _AFTER_A_CHUNK, lambda f: self._send(f, step=f.rng.randint(0, 1), ends=True)),
            case(
                "stream: an end without audio", _AFTER_A_CHUNK, lambda f: self._send(f, step=1, ends=True, payload=b"")
            ),
            case(
                "stream: another format",
                _AFTER_A_CHUNK,
                lambda f: self._send(f, step=1, encoding="MULAW", payload=bytes(160)),
            ),
            case(
                "stream: damaged in between",
                _DAMAGED,
                lambda f: self._send(f, step=1, encoding="OPUS", payload=damaged(f, f.samples.opus)),
            ),
            case("speech: all in one chunk", "accepted", lambda f: _speech(f, f.rng.randint(0, 1 << 62)), weight=1),
            case("speech: at the last sequence", "accepted", lambda f: _speech(f, 1 << 62), weight=1),
            case("speech: at the last instant", "accepted", lambda f: _speech(f, 0, at_ms=4_102_444_799_999), weight=1),
        ]

    def _send(
        self,
        forge: Forge,
        *,
        step: int,
        clock_ms: int = 20,
        encoding: str = "PCM_S16LE",
        payload: bytes = bytes(640),
        ends: bool = False,
    ) -> Envelope:
        stream = forge.rng.choice(self._streams)
        stream.sequence = min(max(stream.sequence + step, 0), 1 << 62)
        # Within the years that the contract allows.
        stream.at_ms = min(max(stream.at_ms + clock_ms, 10**12), 4 * 10**12)
        return forge.envelope(
            stream.stream_id,
            sequence=number(stream.sequence),
            captured_at=number(stream.at_ms),
            encoding=number(ENCODINGS.index(encoding)),
            payload=text(payload),
            end_of_stream=bytes([ends]),
        )


def _speech(forge: Forge, sequence: int, *, at_ms: int | None = None) -> Envelope:
    """Speech that is published, so that everything derived from the extreme values is as well."""
    return forge.envelope(
        sequence=number(sequence),
        captured_at=number(forge.now_ms if at_ms is None else at_ms),
        encoding=number(ENCODINGS.index("OPUS")),
        sample_rate_hz=number(48_000),
        payload=text(forge.samples.speech),
        language_hint=number(1) + text("en"),
    )
