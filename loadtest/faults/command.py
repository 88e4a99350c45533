"""`python -m loadtest faults`."""

import asyncio
import json
import logging
import shutil
import sys
import tempfile
from pathlib import Path

import click

from loadtest.faults.options import FaultCounts, FaultOptions
from loadtest.faults.run import FaultRun
from loadtest.processes import ProcessFailed
from loadtest.run import to_stderr


@click.command(
    epilog="Example: python -m loadtest faults --json --seconds 1200 --kills 20 --engine-kills 10 --joins 5 --stops 3 "
    "--terms 3 --outages 2"
)
@click.option("--seconds", default=300.0, show_default=True, help="How long streams are played with faults.")
@click.option("--kills", default=5, show_default=True, help="SIGKILLs of workers, blackouts of all of them included.")
@click.option("--engine-kills", default=3, show_default=True, help="SIGKILLs of Vosk processes.")
@click.option("--joins", default=1, show_default=True, help="Workers that join beyond those wanted.")
@click.option(
    "--stops", default=1, show_default=True, help="SIGSTOPs for longer than the session timeout, and SIGCONT."
)
@click.option("--terms", default=1, show_default=True, help="SIGTERMs of workers.")
@click.option("--outages", default=1, show_default=True, help="Times that the broker cannot be reached for seconds.")
@click.option("--streams", default=24, show_default=True, help="Streams at a time.")
@click.option("--workers", default=2, show_default=True, help="Workers that are wanted; others replace those that end.")
@click.option("--seed", default=1, show_default=True, help="Same seed, same talk and same schedule.")
@click.option("--talk-ratio", default=0.3, show_default=True, help="Share of the time that a stream talks.")
@click.option(
    "--session-timeout", type=click.IntRange(3), help="The group's session timeout, s. [default: the product's]"
)
@click.option("--idle-utterance", type=float, help="MODERATION_STREAMING__IDLE_UTTERANCE_S. [default: the product's]")
@click.option("--reference-speed", default=2.0, show_default=True, help="Speed of the reference run; 1 is real time.")
@click.option("--keep", is_flag=True, help="Keep the folder with the logs.")
@click.option("--broker", help="host:port of a Kafka to use. [default: an embedded one]")
@click.option("--json", "as_json", is_flag=True, help="The figures as one JSON object on the last line of stdout.")
def faults(
    *,
    seconds: float,
    kills: int,
    engine_kills: int,
    joins: int,
    stops: int,
    terms: int,
    outages: int,
    streams: int,
    workers: int,
    seed: int,
    talk_ratio: float,
    session_timeout: int | None,
    idle_utterance: float | None,
    reference_speed: float,
    broker: str | None,
    keep: bool,
    as_json: bool,
) -> None:
    """Kill, stop and cut off workers while people talk; then check from the topics that nothing was lost.

    Starts everything itself: a broker, workers with topics of their own, streams in real time and, between them,
    messages that no worker can process. Afterwards one undisturbed worker hears the same streams, and the topics of
    both runs are compared utterance by utterance.

    A chunk that this machine is too slow to send in time counts as a silence to a worker, as it should: when
    producer_late_ms_max comes near idle_utterance_s, the runs cannot be compared.

    Exits with 1 when anything was lost, told otherwise, told in another order or told twice with different content, or
    when the dead letters are not exactly the messages that could not be processed.
    """
    if broker and outages:
        raise click.UsageError("outages need the embedded broker; with --broker say --outages 0")
    # It says ten times a second that a broker is away; what had to be sent again is counted.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    folder = Path(tempfile.mkdtemp(prefix="loadtest-faults-"))
    options = FaultOptions(
        counts=FaultCounts(
            kills=kills, engine_kills=engine_kills, terms=terms, stops=stops, joins=joins, outages=outages
        ),
        seconds=seconds,
        streams=streams,
        workers=workers,
        seed=seed,
        talk_ratio=talk_ratio,
        session_timeout_s=session_timeout,
        idle_utterance_s=idle_utterance,
        reference_speed=reference_speed,
        broker=broker,
        folder=folder,
    )
    try:
        result = asyncio.run(FaultRun(options, on_progress=to_stderr).run())
    except ProcessFailed as error:
        raise click.ClickException(f"{error}\nThe logs are in {folder}.") from None
    print(result.report())
    if keep:
        print(f"The logs are in {folder}.")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    if as_json:
        print(json.dumps(result.to_json()))
    sys.exit(0 if result.is_clean else 1)
