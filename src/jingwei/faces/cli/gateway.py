"""`jingwei gateway`: the guard gateway alone, beside a platform or without one."""

from contextlib import nullcontext
from pathlib import Path

import click

from jingwei.faces.cli.help import Speaking
from jingwei.faces.cli.language import say


def run(*, config: Path, workers: int | None, check: bool) -> None:
    """Serve until a signal, or only look whether the configuration holds."""
    from jingwei.faces.gateway.config import read_config
    from jingwei.faces.gateway.standalone import Standalone
    from jingwei.faces.gateway.workers import listening
    from jingwei.faces.gateway.workers import run as serve

    told = read_config(config)
    if check:
        click.echo(say("gateway-config-holds", file=config.name))
        return
    local = Standalone(told.systems, told.settings.snapshot_path) if told.settings.standalone else None
    with listening(told.host, told.port) as listener, local.renewing() if local else nullcontext():
        host, port = listener.getsockname()[:2]
        click.echo(say("gateway-listens", url=f"http://{f'[{host}]' if ':' in host else host}:{port}/v1"))
        if local:
            click.secho(say("gateway-standalone"), fg="yellow", err=True)
        serve(told.settings, listener, workers=workers or told.workers)


gateway = Speaking(
    name="gateway",
    callback=run,
    help=say("about-gateway"),
    params=[
        click.Option(
            ["--config"],
            required=True,
            type=click.Path(path_type=Path, dir_okay=False),
            help=say("option-gateway-config"),
        ),
        click.Option(["--workers"], type=click.IntRange(1, 64), help=say("option-workers")),
        click.Option(["--check"], is_flag=True, help=say("option-gateway-check")),
    ],
    examples=("jingwei gateway --config gateway.yaml", "jingwei gateway --config gateway.yaml --workers 2"),
)
