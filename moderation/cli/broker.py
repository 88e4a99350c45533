"""`moderation broker`: the embedded broker in the foreground."""

import signal
import threading

import click

from moderation.settings import Settings

_POLL_S = 0.5


@click.command("broker")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="Port on 127.0.0.1; 0 takes a free one. [default: MODERATION_EMBEDDED_BROKER_PORT]",
)
@click.pass_context
def command(context: click.Context, port: int | None) -> None:
    """Run a Kafka-compatible broker on this machine until Ctrl-C, and print its address.

    For development, demos and tests only: it keeps everything in memory, loses it when it stops, and lets everybody on
    this machine in. With the default settings (MODERATION_BROKER=embedded) the other commands find it by themselves.

    \b
    moderation broker &
    moderation topics apply
    moderation worker
    """
    from moderation.broker.embedded import EmbeddedBroker

    settings: Settings = context.obj
    chosen = settings.embedded_broker_port if port is None else port
    asked_to_stop = _stop_signals()
    with EmbeddedBroker(chosen or None) as broker:
        click.echo(broker.bootstrap_servers)
        click.echo(
            "A broker for development, demos and tests only: everything is lost when it stops (Ctrl-C).", err=True
        )
        while not asked_to_stop.wait(_POLL_S):
            if not broker.running:
                click.echo("The broker ended by itself; its last words are above.", err=True)
                context.exit(1)


def _stop_signals() -> threading.Event:
    asked_to_stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _signal, _frame: asked_to_stop.set())
    return asked_to_stop
