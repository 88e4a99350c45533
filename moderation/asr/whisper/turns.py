"""Who computes next, when several utterances want the same model.

A decoding step reads all weights of the decoder, for one utterance or for many: eight together take about two fifths of
the processor time of eight in a row, and each gets the same tokens and scores to the last bit. Encodings are large
enough alone. So what is encoded waits for others to be encoded too, as long as there are others, and no longer.
"""

import threading
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from moderation.errors import InvariantViolation

Request = TypeVar("Request")
Answer = TypeVar("Answer")
Result = TypeVar("Result")


@dataclass(slots=True, eq=False)
class _Job:
    work: Callable[[], Any]
    result: Future[Any]


@dataclass(slots=True, eq=False)
class _Waiting(Generic[Request, Answer]):
    request: Request
    kind: Hashable
    since: int
    """How many utterances had been begun before."""
    result: Future[Answer]


class Turns(Generic[Request, Answer]):
    """Runs work on `workers` threads of its own. Thread-safe; callers block.

    First comes what ends an utterance, then a batch that is full or has waited for as many beginnings as it has places,
    then what begins an utterance, then any other batch. When nothing of this waits, one thing is done that may wait
    (`behind`).
    """

    def __init__(
        self, together: Callable[[Sequence[Request]], Sequence[Answer]], *, workers: int, most_together: int
    ) -> None:
        """`together` answers up to `most_together` requests of one kind, in order."""
        self._together = together
        self._most_together = most_together
        self._ending: deque[_Job] = deque()
        self._beginning: deque[_Job] = deque()
        self._waiting: deque[_Waiting[Request, Answer]] = deque()
        self._behind: deque[_Job] = deque()
        self._caller = threading.local()
        self._news = threading.Condition()
        self._begun = 0
        self._is_closed = False
        self._threads = [
            threading.Thread(target=self._work, name=f"whisper-{number}", daemon=True) for number in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    @contextmanager
    def behind(self) -> Iterator[None]:
        """Whatever this thread asks for meanwhile waits for all that others ask for, and is done alone."""
        self._caller.may_wait = True
        try:
            yield
        finally:
            self._caller.may_wait = False

    def begin(self, work: Callable[[], Result]) -> Result:
        """Do what an utterance begins with. Raises what it raises."""
        return self._run(self._beginning, work)

    def end(self, work: Callable[[], Result]) -> Result:
        """Do what an utterance ends with. Raises what it raises."""
        return self._run(self._ending, work)

    def join(self, request: Request, *, kind: Hashable) -> Answer:
        """Have a request answered together with others of its kind. Raises what `together` raises."""
        if self._may_wait:
            return self._run(self._behind, lambda: self._together([request])[0])
        result: Future[Answer] = Future()
        with self._news:
            self._require_open()
            self._waiting.append(_Waiting(request, kind, self._begun, result))
            self._news.notify()
        return result.result()

    def close(self) -> None:
        """End the threads, and wait for it; what is under way or waits is done before. Harmless when called twice.

        A thread that outlives its engine would let go of the model while the interpreter ends, which aborts it.
        """
        with self._news:
            self._is_closed = True
            self._news.notify_all()
        for thread in self._threads:
            thread.join()

    def _run(self, queue: deque[_Job], work: Callable[[], Result]) -> Result:
        result: Future[Result] = Future()
        with self._news:
            self._require_open()
            (self._behind if self._may_wait else queue).append(_Job(work, result))
            self._news.notify()
        return result.result()

    @property
    def _may_wait(self) -> bool:
        return getattr(self._caller, "may_wait", False)

    def _require_open(self) -> None:
        if self._is_closed:
            raise InvariantViolation("a Whisper engine was used after it was closed")

    def _work(self) -> None:
        while (turn := self._next()) is not None:
            if isinstance(turn, _Job):
                _settle([turn.result], partial(_alone, turn.work))
            else:
                requests = [member.request for member in turn]
                _settle([member.result for member in turn], partial(self._together, requests))

    def _next(self) -> _Job | list[_Waiting[Request, Answer]] | None:
        with self._news:
            while True:
                if self._ending:
                    return self._ending.popleft()
                batch = self._oldest_batch()
                if self._beginning and not self._is_due(batch):
                    self._begun += 1
                    return self._beginning.popleft()
                if batch:
                    for member in batch:
                        self._waiting.remove(member)
                    return batch
                if self._behind:
                    return self._behind.popleft()
                if self._is_closed:
                    return None
                self._news.wait()

    def _is_due(self, batch: Sequence[_Waiting[Request, Answer]]) -> bool:
        most = self._most_together
        return len(batch) == most or (bool(batch) and self._begun - batch[0].since >= most)

    def _oldest_batch(self) -> list[_Waiting[Request, Answer]]:
        """Of the kind that has waited longest."""
        if not self._waiting:
            return []
        kind = self._waiting[0].kind
        return [member for member in self._waiting if member.kind == kind][: self._most_together]


def _alone(work: Callable[[], Any]) -> Sequence[Any]:
    return [work()]


def _settle(results: Sequence[Future[Any]], work: Callable[[], Sequence[Any]]) -> None:
    try:
        answers = work()
    except BaseException as error:  # noqa: BLE001  it belongs to whoever waits
        for result in results:
            result.set_exception(error)
    else:
        for result, answer in zip(results, answers, strict=True):
            result.set_result(answer)
