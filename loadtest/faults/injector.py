"""Carries the schedule of faults out."""

import asyncio
import contextlib
import os
import random
import signal
import time
from collections.abc import Callable, Sequence

from loadtest.faults.broker import Outages
from loadtest.faults.fleet import Fleet, Member
from loadtest.faults.schedule import Fault, FaultKind

SUPERVISE_EVERY_S = 0.2
MEASURE_EVERY_S = 5.0
SERVER_SHARE = 0.25
"""Share of the engine kills that hit the process that holds the model."""
PATIENCE_S = 90.0
"""How long a fault waits for a victim; then it is skipped, and told as such."""
_POLL_S = 0.1


class Injector:
    """Injects faults in their order, each at its time or as soon after it as there is a victim.

    A kill, a termination or a stop waits until another worker serves beside the victim, so that one is alive most of
    the time; a blackout kills all that are there. A stopped worker stands still while other faults happen.
    """

    def __init__(
        self, fleet: Fleet, outages: Outages | None, *, rng: random.Random, on_progress: Callable[[str], None]
    ) -> None:
        self._fleet = fleet
        self._outages = outages
        self._rng = rng
        self._tell = on_progress

    async def run(self, faults: Sequence[Fault], begin_s: float) -> None:
        """Return when all faults are over. `begin_s` is the start of the streams on the monotonic clock."""
        async with asyncio.TaskGroup() as lasting:
            for fault in faults:
                await asyncio.sleep(max(0.0, begin_s + fault.at_s - time.monotonic()))
                self._tell(f"{fault.at_s:.0f} s: {fault.kind.value}")
                await self._inject(fault, lasting)

    async def supervise(self) -> None:
        """Replace workers and watch their memory, for ever."""
        measured = 0.0
        while True:
            self._fleet.supervise()
            if time.monotonic() - measured >= MEASURE_EVERY_S:
                self._fleet.measure()
                measured = time.monotonic()
            await asyncio.sleep(SUPERVISE_EVERY_S)

    async def _inject(self, fault: Fault, lasting: asyncio.TaskGroup) -> None:
        match fault.kind:
            case FaultKind.JOIN:
                self._fleet.start()
                self._fleet.log.joins += 1
            case FaultKind.ENGINE_KILL:
                await self._kill_engine(fault)
            case FaultKind.OUTAGE:
                await self._outage(fault.lasts_s)
            case _:
                if victim := await self._victim(fault):
                    self._hurt(victim, fault, lasting)

    def _hurt(self, victim: Member, fault: Fault, lasting: asyncio.TaskGroup) -> None:
        match fault.kind:
            case FaultKind.TERM:
                self._fleet.terminate(victim, replaced_after_s=fault.pause_s)
            case FaultKind.STOP:
                lasting.create_task(self._stand_still(victim, fault.lasts_s))
            case FaultKind.KILL:
                self._fleet.kill(victim, replaced_after_s=fault.pause_s)
            case _:
                for member in self._fleet.members:
                    self._fleet.kill(member, replaced_after_s=fault.pause_s)

    async def _victim(self, fault: Fault) -> Member | None:
        """A worker that serves, once another does as well; None when there was none in time."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            serving = self._fleet.serving
            if len(serving) >= 2:
                return self._rng.choice(serving)
            await asyncio.sleep(_POLL_S)
        self._fleet.log.skipped.append(fault.kind.value)
        return None

    async def _kill_engine(self, fault: Fault) -> None:
        """SIGKILL a Vosk process; now and then the one that holds the model, with which its engines die."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            if engines := self._fleet.engines():
                engine = self._rng.choice(engines)
                is_server = self._rng.random() < SERVER_SHARE
                # An engine ends with its utterance, maybe just now.
                with contextlib.suppress(ProcessLookupError):
                    os.kill(engine.parent if is_server else engine.pid, signal.SIGKILL)
                    self._fleet.log.engine_kills += 1
                    self._fleet.log.engine_server_kills += is_server
                    return
            await asyncio.sleep(_POLL_S)
        self._fleet.log.skipped.append(fault.kind.value)

    async def _stand_still(self, member: Member, seconds: float) -> None:
        member.is_standing_still = True
        member.worker.suspend()
        self._fleet.log.stops += 1
        await asyncio.sleep(seconds)
        member.worker.resume()
        member.is_standing_still = False

    async def _outage(self, seconds: float) -> None:
        if self._outages is None:
            self._fleet.log.skipped.append(FaultKind.OUTAGE.value)
            return
        self._fleet.log.outages += 1
        await self._outages.cut()
        await asyncio.sleep(seconds)
        await self._outages.restore()
