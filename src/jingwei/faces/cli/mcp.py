"""`jingwei mcp`: stands between a local agent and an MCP server that talks over standard input and output."""

from pathlib import Path

import click

from jingwei.faces.cli.help import Speaking, Told
from jingwei.faces.cli.language import say


def run(*, policy: Path, name: str, log: Path | None, command: tuple[str, ...]) -> int:
    """Start the server and pass on what the policy allows; return the server's exit code."""
    import asyncio

    from jingwei.faces.gateway.mcp.stdio import LocalAgent, passed_on

    return asyncio.run(passed_on(command, LocalAgent.of(policy, server=name, log=log)))


mcp = Speaking(
    name="mcp",
    callback=run,
    help=say("about-mcp"),
    params=[
        click.Option(
            ["--policy"],
            required=True,
            type=click.Path(path_type=Path, dir_okay=False, exists=True),
            help=say("option-mcp-policy"),
        ),
        click.Option(["--name"], default="", metavar="NAME", help=say("option-mcp-name")),
        click.Option(["--log"], type=click.Path(path_type=Path, file_okay=False), help=say("option-mcp-log")),
        Told(["command"], nargs=-1, required=True, metavar="COMMAND…", about=say("mcp-server-argument")),
    ],
    examples=(
        "jingwei mcp --policy guard.yaml -- npx some-mcp-server /data",
        "jingwei mcp --policy guard.yaml --name files -- python server.py",
    ),
)
