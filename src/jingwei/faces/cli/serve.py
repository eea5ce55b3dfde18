"""`jingwei serve`: console, API and gateway in one process, with one job process beside it."""

import signal
import threading

import click

from jingwei.faces.cli.help import Speaking
from jingwei.faces.cli.home import WHERE, settings_from
from jingwei.faces.cli.language import say


def run(**given: object) -> None:
    """Serve until a signal."""
    from jingwei.core.signals import handling
    from jingwei.faces.cli.running import Running
    from jingwei.platform import Platform

    platform = Platform(settings_from(**given))
    ending = threading.Event()
    stopped = handling(lambda *_: ending.set(), signal.SIGINT, signal.SIGTERM)
    with stopped, Running(platform) as running:
        first = platform.first_account()
        click.echo(say("serve-console", url=running.console_url))
        click.echo(say("serve-gateway", url=running.gateway_url))
        if first:
            click.echo(say("serve-first-account", login=first.account.login, password=first.password))
        click.echo(say("serve-stop"))
        ending.wait()
        click.echo(say("serve-ending"))


serve = Speaking(
    name="serve",
    callback=run,
    help=say("serve-help"),
    params=[
        *WHERE,
        click.Option(["--host"], help=say("option-host")),
        click.Option(["--port"], type=click.IntRange(1, 65535), help=say("option-port")),
        click.Option(["--gateway-port"], type=click.IntRange(1, 65535), help=say("option-gateway-port")),
    ],
    examples=("jingwei serve", "jingwei serve --home /var/lib/jingwei --database postgresql://localhost/jingwei"),
)
