"""What the commands of `jingwei campaign` are told."""

from pathlib import Path

import click

from jingwei.faces.cli.help import Told
from jingwei.faces.cli.language import say

_DATES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M"]
_SEVERITIES = ["info", "low", "medium", "high", "critical"]

TARGET = Told(["target_id"], metavar="TARGET", about=say("campaign-target-argument"))
CAMPAIGN = Told(["campaign_id"], metavar="CAMPAIGN", about=say("campaign-argument"))
TRY = Told(["try_id"], metavar="TRY", about=say("campaign-try-argument"))
FIND = Told(["find_id"], metavar="FIND", about=say("campaign-find-argument"))
PROMPT = Told(["prompt"], metavar="PROMPT", about=say("campaign-prompt-argument"))
GATEWAY = click.Option(["--gateway"], metavar="URL", help=say("campaign-gateway-option"))
ENDPOINT = (
    click.Option(["--endpoint"], metavar="URL", default="", help=say("campaign-endpoint")),
    click.Option(["--model"], default="", help=say("campaign-model")),
)
TERMS = (
    click.Option(["--title"], required=True, help=say("campaign-title")),
    click.Option(["--purpose"], required=True, metavar="TEXT", help=say("campaign-purpose")),
    click.Option(["--rules"], required=True, metavar="TEXT", help=say("campaign-rules")),
    click.Option(["--from", "since"], type=click.DateTime(_DATES), help=say("campaign-from")),
    click.Option(["--until"], type=click.DateTime(_DATES), required=True, help=say("campaign-until")),
    click.Option(["--requests"], type=click.IntRange(1, 10_000), default=200, show_default=True,
                 help=say("campaign-requests")),
    click.Option(["--per-minute", "per_minute"], type=click.IntRange(1, 60), default=10, show_default=True,
                 help=say("campaign-per-minute")),
    click.Option(["--leaderboard/--no-leaderboard", "board"], default=True, help=say("campaign-board")),
    click.Option(["--named"], is_flag=True, help=say("campaign-named")),
    click.Option(["--draft"], is_flag=True, help=say("campaign-draft-option")),
)  # fmt: skip
CLASS = click.Option(["--class", "category"], required=True, metavar="CLASS", help=say("campaign-class"))
NOTE = click.Option(["--note"], default="", metavar="TEXT", help=say("campaign-note"))
TRIAGE = (
    click.Option(["--accept", "severity"], type=click.Choice(_SEVERITIES), help=say("campaign-accept")),
    click.Option(["--duplicate-of", "duplicate_of"], default="", metavar="FIND", help=say("campaign-duplicate")),
    click.Option(["--reject"], is_flag=True, help=say("campaign-reject")),
)
SUITE = click.Option(["--suite"], type=click.Path(path_type=Path, dir_okay=False), required=True,
                     help=say("campaign-suite"))  # fmt: skip
