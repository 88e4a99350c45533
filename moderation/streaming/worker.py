"""The worker: one Faust application, its sessions, and an orderly end."""

import asyncio
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import faust
import structlog
from aiokafka.errors import KafkaError
from faust.types import TP

from moderation.errors import BrokerUnavailable, InvariantViolation, ModerationError, TransientError
from moderation.streaming.app import create_app
from moderation.streaming.assembly import INTERIM_THREADS, WorkerParts, assemble, recognition_threads
from moderation.streaming.committing import Committer
from moderation.streaming.messages import raw_message
from moderation.streaming.process_memory import ProcessMemory
from moderation.streaming.sampling import WorkerSampler
from moderation.streaming.supervision import Supervision, SupervisionLimits
from moderation.streaming.transport import Partition, Poll

SWEEP_INTERVAL_S = 10.0
LOG_SAMPLE_INTERVAL_S = 0.25
GATHER_CHECK_S = 0.1
"""Far less than from the first sound of an utterance to the end of the silence behind it."""
APP_STOP_DEADLINE_S = 15.0
RECORDS_A_TURN = 8
"""Records of a poll that are taken in before others have their turn."""

log = structlog.get_logger(__name__)


class Worker:
    """Runs until it is stopped or fails. One per process; `run` is called once, in the process's main event loop."""

    def __init__(self, parts: WorkerParts, *, on_ready: Callable[[], None]) -> None:
        self._parts = parts
        self._on_ready = on_ready
        self._is_ready = False
        self._stop = asyncio.Event()
        self._failure: BaseException | None = None
        self._assigned: frozenset[Partition] = frozenset()

    @property
    def is_ready(self) -> bool:
        """Whether partitions were assigned."""
        return self._is_ready

    @property
    def problems(self) -> list[str]:
        """What is wrong, as codes; nothing means that all is well."""
        return [] if self._failure is None else [f"failed_{type(self._failure).__name__}"]

    @property
    def stopping(self) -> asyncio.Event:
        """Set once the worker has begun to end, asked or not."""
        return self._stop

    def stop(self) -> None:
        """End in order: publish what is under way, ack and commit it, leave the group."""
        self._stop.set()

    async def run(self) -> None:
        """Work until `stop` is called.

        Raises:
            ModerationError: the worker cannot go on; what was acked is published, the rest is delivered again.
        """
        recognising = recognition_threads(self._parts.settings.asr)
        with (
            tempfile.TemporaryDirectory(prefix="voice-moderation-") as data_dir,
            ThreadPoolExecutor(1, thread_name_prefix="intake") as intake_pool,
            ThreadPoolExecutor(recognising, thread_name_prefix="recognition") as recognition_pool,
            ThreadPoolExecutor(INTERIM_THREADS, thread_name_prefix="interim") as interim_pool,
        ):
            app = create_app(self._parts.settings, data_dir=Path(data_dir))
            self._made = assemble(
                self._parts,
                app,
                intake_pool=intake_pool,
                recognition_pool=recognition_pool,
                interim_pool=interim_pool,
                on_failure=self._fail,
            )
            self._attach(app)
            await self._serve(app)
        if self._failure is not None:
            raise self._failure

    async def _serve(self, app: faust.App) -> None:
        app.finalize()
        self._committer = Committer(lambda: app.consumer, on_commit=self._made.observer.committed)
        loops = self._commit_acked(), self._sample_log(app), self._sweep_marks(), self._watch(app), self._gather(app)
        with self._running(*loops):
            try:
                await self._start_unless_stopped(app)
                await self._stop.wait()
            finally:
                await self._drain(for_good=True)
                await self._stop_app(app)

    async def _start_unless_stopped(self, app: faust.App) -> None:
        """A start takes as long as the group needs to gather; who is told to stop meanwhile need not wait for that."""
        starting = asyncio.ensure_future(self._start(app))
        stopping = asyncio.ensure_future(self._stop.wait())
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if starting.done():
            await starting
        else:
            starting.cancel()
            await asyncio.wait({starting})

    async def _start(self, app: faust.App) -> None:
        try:
            await app.start()
        except (KafkaError, OSError) as error:
            raise BrokerUnavailable(
                f"no Kafka broker answered at {self._parts.settings.bootstrap_servers} while the worker started "
                f"({type(error).__name__}); check MODERATION_BROKER and the brokers, then start it again"
            ) from None

    @contextmanager
    def _running(self, *loops: Coroutine[Any, Any, None]) -> Iterator[None]:
        """Run loops beside the body. One that fails stops the worker: what it guards is unguarded then."""

        def ended(task: asyncio.Task[None]) -> None:
            # What fails while the worker ends anyway is not why it ends.
            if not task.cancelled() and (error := task.exception()) is not None and not self._stop.is_set():
                self._fail(error)

        tasks = [asyncio.create_task(loop) for loop in loops]
        for task in tasks:
            task.add_done_callback(ended)
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()

    def _attach(self, app: faust.App) -> None:
        topic = app.topic(self._parts.settings.streaming.audio_topic, key_type=bytes, value_type=bytes)

        async def ingest(stream: faust.Stream[bytes]) -> None:
            async for event in stream.noack().events():
                await self._take_in(app, event.message)

        app.agent(topic, concurrency=1, name="ingest")(ingest)
        app.on_partitions_revoked.connect(self._on_revoked, weak=False)
        app.on_partitions_assigned.connect(self._on_assigned, weak=False)

    async def _take_in(self, app: faust.App, poll: Poll) -> None:
        for at, record in enumerate(poll.records):
            if at % RECORDS_A_TURN == 0:
                # Most need nothing to be waited for: others must have their turn.
                await asyncio.sleep(0)
            if poll.generation_id != app.consumer_generation_id:
                return  # the rest comes again
            message = raw_message(record, poll.generation_id)
            self._made.guard.message()
            self._made.silence.routed((message.topic, message.partition), message.timestamp)
            await self._made.router.route(message)

    async def _on_revoked(self, app: faust.App, revoked: set[TP], **_: Any) -> None:  # noqa: ARG002  Faust's signature
        log.info("partitions_revoked", partitions=len(revoked))
        await self._drain()

    async def _on_assigned(self, app: faust.App, assigned: set[TP], **_: Any) -> None:
        partitions = frozenset((tp.topic, tp.partition) for tp in assigned)
        self._made.observer.assigned(len(partitions))
        app.consumer.forget_fetched(partitions)
        self._made.silence.forget()
        self._committer.keep_only(partitions)
        if not await self._read_marks(partitions):
            return
        self._assigned = partitions
        self._made.router.open_partitions(app.consumer_generation_id)
        log.info("partitions_assigned", partitions=len(partitions), generation=app.consumer_generation_id)
        if not self._is_ready:
            self._is_ready = True
            self._on_ready()

    async def _read_marks(self, partitions: frozenset[Partition]) -> bool:
        """Learn where the streams of these partitions were finished. Without that nothing is taken in."""
        marks, topic = self._made.marks, self._made.mark_topic
        marks.keep_only(partitions)
        topic.keep_only(partitions)
        try:
            marks.load(await topic.read(partitions))
        except ModerationError as error:
            self._fail(error)
            return False
        return True

    async def _drain(self, *, for_good: bool = False) -> None:
        self._assigned = frozenset()
        deadline_s = self._parts.settings.streaming.drain_deadline_s
        await self._made.router.close_partitions(
            deadline_s=deadline_s,
            commit=lambda offsets: self._committer.commit(offsets, deadline_s=deadline_s),
            for_good=for_good,
        )

    async def _stop_app(self, app: faust.App) -> None:
        try:
            await asyncio.wait_for(app.stop(), APP_STOP_DEADLINE_S)
        except TimeoutError:
            log.warning("stop_deadline_passed")

    async def _commit_acked(self) -> None:
        await self._committer.run(
            self._made.router.committable,
            interval_s=self._parts.settings.kafka.commit_interval_s,
            deadline_s=self._parts.settings.streaming.drain_deadline_s,
        )

    async def _sample_log(self, app: faust.App) -> None:
        """Look how far the log was read, which tells a silent stream from a worker that is behind."""
        while True:
            await asyncio.sleep(LOG_SAMPLE_INTERVAL_S)
            if self._assigned:
                self._made.silence.sample(await app.consumer.fetch_states(), routed=self._made.router.routed)

    async def _gather(self, app: faust.App) -> None:
        """Have chunks brought soon while somebody speaks."""
        while True:
            await asyncio.sleep(GATHER_CHECK_S)
            app.consumer.gather(quiet=not self._made.router.hears_speech)

    async def _sweep_marks(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_INTERVAL_S)
            committed = {p: offset for p, offset in self._committer.committed.items() if p in self._assigned}
            try:
                await self._made.marks.sweep(committed, is_open=self._made.router.is_open)
            except BrokerUnavailable:
                log.warning("marks_not_swept")

    async def _watch(self, app: faust.App) -> None:
        """Leave when this worker does no good any more."""
        limits = SupervisionLimits.of(self._parts.settings)
        supervision = Supervision(limits)
        sampler = WorkerSampler(
            app.consumer,
            ProcessMemory(),
            spare=(self._parts.settings.streaming.audio_topic, 0),
            answer_deadline_s=limits.interval_s,
        )
        while not self._stop.is_set():
            await asyncio.sleep(limits.interval_s)
            self._fail_if_crashed(app)
            router = self._made.router
            sample = await sampler.sample(
                committable=router.committable(), is_intake_paused=router.paused_by is not None
            )
            self._made.observer.sampled(router, sample.memory_bytes)
            if error := supervision.judge(self._parts.clock.monotonic_s(), sample):
                self._fail(error)

    def _fail_if_crashed(self, app: faust.App) -> None:
        if app.crashed:
            # Nothing else tells: a crashed application has stopped consuming, and its calls return.
            kind = type(app.crash_reason).__name__
            self._fail(TransientError(f"the Kafka consumer failed with {kind}; check the broker, restart the worker"))

    def _fail(self, error: BaseException) -> None:
        """Remember the first failure and stop."""
        if self._failure is None:
            self._failure = error if isinstance(error, ModerationError) else _unexpected(error)
            log.error("worker_failing", error=type(error).__name__, reason=str(self._failure))
        self._stop.set()


def _unexpected(error: BaseException) -> ModerationError:
    return InvariantViolation(f"{type(error).__name__} escaped a worker's task; please report it")
