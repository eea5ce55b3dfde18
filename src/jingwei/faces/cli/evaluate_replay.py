"""`jingwei evaluate replay`: what a guard lets through of an agent's work, and of attacks on it, with no model."""

import asyncio
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from jingwei.faces.cli.help import Speaking
from jingwei.faces.cli.language import current, say
from jingwei.faces.cli.output import OUTCOME_STYLE, as_json, console, live_progress, table

if TYPE_CHECKING:
    from pydantic import JsonValue, SecretStr

    from jingwei.core.interval import Rate
    from jingwei.develop.evaluate.exchange import Answer, Message
    from jingwei.develop.evaluate.replay import Replayed
    from jingwei.develop.evaluate.replay_outcome import Part

FINDINGS, NOTHING_EXAMINED = 1, 4
_FORMATS = ("text", "json")
_PORT = 8021


def replay_traces(*, sectors: str, gateway: str | None, keys: Path | None, model_port: int, form: str) -> int:
    """Replay, print what came of it, and return the exit code that an evaluation has."""
    from jingwei.core.evidence import Outcome
    from jingwei.develop.evaluate.environments import SECTORS, sector
    from jingwei.develop.evaluate.replay_outcome import examined, parts, shown, worst

    if bool(gateway) != bool(keys):
        raise click.UsageError(say("evaluate-replay-both"))
    named = tuple(dict.fromkeys(each.strip() for each in sectors.split(",") if each.strip())) or SECTORS
    for each in named:
        sector(each)
    if gateway and keys:
        played = _through(gateway, _keys(keys, named), sectors=named, port=model_port, quiet=form == "json")
    else:
        played = _on_loopback(named, quiet=form == "json")
    found = parts(played)
    if form == "json":
        as_json({"outcome": worst(found).value, "traces": len(played), "examined": examined(played),
                 "parts": shown(found)})  # fmt: skip
    else:
        _show(found, played)
    if not examined(played):
        return NOTHING_EXAMINED
    return 0 if worst(found) is Outcome.PASS else FINDINGS


def _on_loopback(sectors: Sequence[str], *, quiet: bool) -> "tuple[Replayed, ...]":
    """Replay through a gateway that is started for it, with the sectors' own policies."""
    from jingwei.develop.evaluate.organisms import script_server, serving
    from jingwei.develop.evaluate.replay import hijacked
    from jingwei.faces.cli.replay_gateway import standing

    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(prefix="jingwei-replay-"))
        upstream = stack.enter_context(serving(script_server(hijacked, name="replay")))
        gateway = stack.enter_context(standing(Path(folder), upstream, sectors=sectors))
        return _played(gateway.url, gateway.keys, sectors=sectors, quiet=quiet)


def _through(url: str, keys: "Mapping[str, SecretStr]", *, sectors: Sequence[str], port: int,
             quiet: bool) -> "tuple[Replayed, ...]":  # fmt: skip
    """Replay through a gateway of one's own, whose model is the script while it lasts.

    Raises:
        Unavailable: the gateway cannot be reached, or asked another model: then nothing was attacked.
    """
    from jingwei.core.errors import Unavailable
    from jingwei.develop.evaluate.target_file import ApiTarget, read_target

    target = read_target(url) if "://" in url else None
    if not isinstance(target, ApiTarget) or target.kind != "openai":
        raise click.UsageError(say("evaluate-replay-url", given=url))
    heard: set[str] = set()
    with _script(port, heard) as upstream:
        played = _played(target.url, keys, sectors=sectors, quiet=quiet)
        if not heard:
            raise Unavailable("faces.cli:evaluate-replay-unheard", field="gateway", upstream=upstream)
    return played


@contextmanager
def _script(port: int, heard: set[str]) -> Iterator[str]:
    """Serve the hijacked model on a port and keep what it was asked to play."""
    from jingwei.core.errors import Unavailable
    from jingwei.develop.evaluate.organisms import script_server, serving
    from jingwei.develop.evaluate.replay import hijacked

    def play(model: str, messages: "Sequence[Message]", tools: "Sequence[JsonValue]") -> "Answer":
        answer = hijacked(model, messages, tools)  # refuses a name that is no trace's
        heard.add(model)
        return answer

    try:
        server = script_server(play, name="replay", port=port)
    except OSError as error:
        raise Unavailable("faces.cli:evaluate-replay-port-taken", field="model-port", port=port) from error
    with serving(server) as url:
        yield url


def _played(url: str, keys: "Mapping[str, SecretStr]", *, sectors: Sequence[str],
            quiet: bool) -> "tuple[Replayed, ...]":  # fmt: skip
    from jingwei.develop.evaluate.replay import replay, traces

    tell = live_progress(say("evaluate-replay-going"), quiet=quiet)
    return asyncio.run(replay(url, keys, chosen=traces(sectors), tell=tell))


def _keys(path: Path, sectors: Sequence[str]) -> "dict[str, SecretStr]":
    """Read which variable holds the key of each sector's System, and the keys.

    Raises:
        InputError: the file is wrong, or lacks a sector.
    """
    from pydantic import SecretStr

    from jingwei.catalog import read_yaml
    from jingwei.core.errors import InputError

    told = read_yaml(path).data
    named = {each: str(told[each]) for each in sectors if each in told} if isinstance(told, Mapping) else {}
    if missing := [each for each in sectors if each not in named]:
        raise InputError("faces.cli:evaluate-replay-keys", field="keys", file=path.name, missing=", ".join(missing))
    if unset := sorted({each for each in named.values() if not os.environ.get(each)}):
        raise click.UsageError(say("evaluate-key-missing", name=", ".join(unset)))
    return {each: SecretStr(os.environ[name]) for each, name in named.items()}


def _show(found: "Sequence[Part]", played: "Sequence[Replayed]") -> None:
    from jingwei.develop.evaluate.replay_outcome import examined, worst

    headers = ("outcome", "sector", "language", "utility", "attacked", "blocked")
    table([say(f"evaluate-column-{name}") for name in headers], [_row(each) for each in found])
    printed, outcome = console(), worst(found)
    faults = len(played) - examined(played)
    printed.print(say("evaluate-replayed", traces=len(played), faults=faults), style="dim")
    printed.print(f"[{OUTCOME_STYLE[outcome]}]● {say(f'outcome-{outcome.value}')}[/]")


def _row(part: "Part") -> list[str]:
    from jingwei.develop.evaluate.environments import sector
    from jingwei.develop.evaluate.replay_outcome import EVERY

    title = say("evaluate-replay-every") if part.sector == EVERY else sector(part.sector).title.of(current())
    style = OUTCOME_STYLE[part.outcome]
    return [
        f"[{style}]{say(f'outcome-{part.outcome.value}')}[/]",
        f"[bold]{title}[/]",
        part.language,
        *(_rate(each) for each in part.share),
    ]


def _rate(rate: "Rate") -> str:
    return f"{rate.value:.1%} [dim]{rate.hits}/{rate.samples}  {rate.low:.1%} – {rate.high:.1%}[/]"


replay = Speaking(
    name="replay",
    callback=replay_traces,
    help=say("evaluate-replay-help"),
    params=[
        click.Option(["--sectors"], default="", metavar="A,B", help=say("evaluate-replay-sectors")),
        click.Option(["--gateway"], metavar="URL", help=say("evaluate-replay-gateway")),
        click.Option(["--keys"], metavar="FILE", type=click.Path(path_type=Path, dir_okay=False),
                     help=say("evaluate-replay-keys-file")),
        click.Option(["--model-port"], type=click.IntRange(1, 65535), default=_PORT, show_default=True,
                     help=say("evaluate-replay-port")),
        click.Option(["--format", "form"], type=click.Choice(_FORMATS), default="text", show_default=True,
                     help=say("evaluate-format")),
        click.Option(["--json", "form"], flag_value="json", help=say("option-json")),
    ],
    examples=(
        "jingwei evaluate replay",
        "jingwei evaluate replay --sectors bank,grid --json",
        "jingwei evaluate replay --gateway http://127.0.0.1:8011/v1 --keys keys.yaml",
    ),
)  # fmt: skip
