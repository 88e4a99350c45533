import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Thread

import pytest

from moderation.asr.whisper.turns import Turns
from moderation.errors import InvariantViolation

PATIENCE_S = 20.0


class Machine:
    """Doubles numbers, together, and notes what was done in which order."""

    def __init__(self, *, most_together: int = 4) -> None:
        self.done: list[object] = []
        self.turns: Turns[int, int] = Turns(self._double, workers=1, most_together=most_together)
        self._pool = ThreadPoolExecutor(16)

    def _double(self, numbers: Sequence[int]) -> list[int]:
        self.done.append(sorted(numbers))
        if any(int(number) == 13 for number in numbers):
            raise ValueError("thirteen")
        return [number * 2 for number in numbers]

    def begin(self, name: str) -> Future[None]:
        return self._submit(lambda: self.turns.begin(lambda: self.done.append(name)))

    def end(self, name: str) -> Future[None]:
        return self._submit(lambda: self.turns.end(lambda: self.done.append(name)))

    def join(self, number: int, kind: str = "") -> Future[int]:
        return self._submit(lambda: self.turns.join(number, kind=kind))

    def behind(self, work: Callable[[], object]) -> Future:
        def wait() -> object:
            with self.turns.behind():
                return work()

        return self._submit(wait)

    def _submit(self, work: Callable[[], object]) -> Future:
        before = self._waiting()
        submitted = self._pool.submit(work)
        while self._waiting() == before and not submitted.done():
            threading.Event().wait(0.001)
        return submitted

    def _waiting(self) -> int:
        turns = self.turns
        return len(turns._ending) + len(turns._beginning) + len(turns._waiting) + len(turns._behind)

    @contextmanager
    def busy(self) -> Iterator[None]:
        """While this lasts the only thread is at work."""
        started, go_on = threading.Event(), threading.Event()

        def work() -> None:
            started.set()
            assert go_on.wait(PATIENCE_S)

        occupied = self._pool.submit(lambda: self.turns.begin(work))
        assert started.wait(PATIENCE_S)
        yield
        go_on.set()
        occupied.result(PATIENCE_S)


def test_those_who_wait_are_served_together() -> None:
    machine = Machine()
    with machine.busy():
        doubled = [machine.join(number) for number in (1, 2, 3)]
    assert [future.result(PATIENCE_S) for future in doubled] == [2, 4, 6]
    assert machine.done == [[1, 2, 3]]


def test_a_batch_waits_for_what_begins_until_it_is_full() -> None:
    machine = Machine(most_together=2)
    with machine.busy():
        waiting = [machine.join(1), machine.begin("a"), machine.join(2), machine.join(3), machine.begin("b")]
    for future in waiting:
        future.result(PATIENCE_S)
    assert machine.done == [[1, 2], "a", "b", [3]]


def test_a_batch_does_not_wait_for_ever() -> None:
    machine = Machine(most_together=2)
    with machine.busy():
        waiting = [machine.join(1, "rare"), *(machine.begin(name) for name in "abc"), machine.join(2), machine.join(3)]
    for future in waiting:
        future.result(PATIENCE_S)
    assert machine.done == ["a", "b", [1], [2, 3], "c"]


def test_what_ends_an_utterance_goes_first() -> None:
    machine = Machine(most_together=1)
    with machine.busy():
        waiting = [machine.begin("a"), machine.join(1), machine.end("z")]
    for future in waiting:
        future.result(PATIENCE_S)
    assert machine.done == ["z", [1], "a"]


def test_only_one_kind_is_served_at_a_time_and_the_oldest_first() -> None:
    machine = Machine()
    with machine.busy():
        waiting = [machine.join(1, "x"), machine.join(2, "y"), machine.join(3, "x")]
    assert [future.result(PATIENCE_S) for future in waiting] == [2, 4, 6]
    assert machine.done == [[1, 3], [2]]


def test_requests_that_cannot_be_compared_are_told_apart() -> None:
    class Incomparable(int):
        __hash__ = int.__hash__

        def __eq__(self, other: object) -> bool:
            raise ValueError("arrays have no truth")

    machine = Machine()
    with machine.busy():
        waiting = [machine.join(Incomparable(number), "xyx"[number]) for number in range(3)]
    assert [int(future.result(PATIENCE_S)) for future in waiting] == [0, 2, 4]


def test_what_goes_wrong_is_told_to_all_who_were_served_and_to_nobody_else() -> None:
    machine = Machine()
    with machine.busy():
        waiting = [machine.join(13), machine.join(1)]
    for future in waiting:
        with pytest.raises(ValueError, match="thirteen"):
            future.result(PATIENCE_S)
    assert machine.join(4).result(PATIENCE_S) == 8


def test_what_waits_when_it_is_closed_is_still_served_and_nothing_after() -> None:
    machine = Machine()
    with machine.busy():
        waiting = machine.join(1)
        closing = [Thread(target=machine.turns.close) for _ in range(2)]
        for thread in closing:
            thread.start()
    for thread in closing:
        thread.join(PATIENCE_S)
        assert not thread.is_alive()
    assert waiting.result(PATIENCE_S) == 2
    with pytest.raises(InvariantViolation, match="closed"):
        machine.turns.join(1, kind="")


def test_what_may_wait_comes_behind_everything_else_and_alone() -> None:
    machine = Machine()
    turns = machine.turns
    with machine.busy():
        waiting = [
            machine.behind(lambda: turns.begin(lambda: machine.done.append("late a"))),
            machine.behind(lambda: turns.join(5, kind="")),
            machine.behind(lambda: turns.end(lambda: machine.done.append("late z"))),
            machine.join(1),
            machine.begin("a"),
            machine.end("z"),
            machine.join(2),
        ]
    assert [future.result(PATIENCE_S) for future in waiting][1] == 10
    assert machine.done == ["z", "a", [1, 2], "late a", [5], "late z"]


def test_only_what_is_asked_for_meanwhile_may_wait() -> None:
    machine = Machine()

    def work() -> None:
        with machine.turns.behind():
            pass
        machine.turns.begin(lambda: machine.done.append("first"))

    with machine.busy():
        waiting = [
            machine.behind(lambda: machine.turns.begin(lambda: machine.done.append("last"))),
            machine._submit(work),
        ]
    for future in waiting:
        future.result(PATIENCE_S)
    assert machine.done == ["first", "last"]
