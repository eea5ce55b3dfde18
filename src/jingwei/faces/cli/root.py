"""The root command, and the one place where errors become exit codes.

Exit codes: 0 fine · 1 findings, an incomplete examination, or a broken signature · 2 wrong use · 3 refused, gate
closed · 4 nothing could be examined, or something outside is down · 130 interrupted.
"""

import errno
import os
import sys

import click

from jingwei.core.errors import InputError, JingweiError, Refused, Tampered, Unavailable
from jingwei.faces.cli.help import LazyGroup, usage_text
from jingwei.faces.cli.language import current, say

COMMANDS = {
    "demo": "jingwei.faces.cli.demo:demo",
    "detect": "jingwei.faces.cli.detect:detect",
    "scan": "jingwei.faces.cli.scan:scan",
    "fix": "jingwei.faces.cli.fix:fix",
    "model": "jingwei.faces.cli.signing:model",
    "check": "jingwei.faces.cli.check:check",
    "evaluate": "jingwei.faces.cli.evaluate:evaluate",
    "judge": "jingwei.faces.cli.judge:judge",
    "assess": "jingwei.faces.cli.assess:assess",
    "serve": "jingwei.faces.cli.serve:serve",
    "gateway": "jingwei.faces.cli.gateway:gateway",
    "system": "jingwei.faces.cli.system:system",
    "evidence": "jingwei.faces.cli.evidence:evidence",
    "policy": "jingwei.faces.cli.policy:policy",
    "gate": "jingwei.faces.cli.gate:gate",
    "lexicon": "jingwei.faces.cli.lexicon:lexicon",
    "candidate": "jingwei.faces.cli.candidate:candidate",
    "campaign": "jingwei.faces.cli.campaign:campaign",
    "approval": "jingwei.faces.cli.approval:approval",
    "mcp": "jingwei.faces.cli.mcp:mcp",
    "job": "jingwei.faces.cli.job:job",
    "knowledge": "jingwei.faces.cli.knowledge:knowledge",
    "event": "jingwei.faces.cli.event:event",
    "sharing": "jingwei.faces.cli.sharing:sharing",
    "ledger": "jingwei.faces.cli.ledger:ledger",
    "catalog": "jingwei.faces.cli.catalog:catalog",
    "account": "jingwei.faces.cli.account:account",
}

EXIT_CODES: tuple[tuple[type[JingweiError], int], ...] = (
    (InputError, 2),
    (Refused, 3),
    (Unavailable, 4),
    (Tampered, 1),
)


def exit_code(error: JingweiError) -> int:
    """Return the exit code of an error's class."""
    return next(code for kind, code in EXIT_CODES if isinstance(error, kind))


@click.group(cls=LazyGroup, name="jingwei", commands_at=COMMANDS, help=say("about"), invoke_without_command=True,
             examples=("jingwei demo", "jingwei scan model.pt", "jingwei serve"))  # fmt: skip
@click.option("--lang", type=click.Choice(["zh", "en"]), expose_value=False, help=say("option-lang"))
@click.version_option(package_name="jingwei-ai", message="jingwei %(version)s", help=say("option-version"))
@click.pass_context
def root(context: click.Context) -> None:
    """Show the help when called bare."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def main() -> None:
    """Run the command line; translate every error once."""
    try:
        result = root.main(standalone_mode=False)
        sys.exit(result if isinstance(result, int) else 0)
    except click.UsageError as error:
        click.secho(usage_text(error), fg="red", err=True)
        if error.ctx:
            click.echo(say("usage-see-help", command=error.ctx.command_path), err=True)
        sys.exit(2)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo(say("interrupted"), err=True)
        sys.exit(130)
    except JingweiError as error:
        show_error(error)
        sys.exit(exit_code(error))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read us has read enough
        sys.exit(0)
    except OSError as error:
        show_error(of_file(error))
        sys.exit(4)


def of_file(error: OSError) -> JingweiError:
    """Say a file failure that nothing below said: a full disk, a folder that may not be written."""
    why, path = error.strerror or str(error), str(error.filename or "")
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return Unavailable("core:disk-full", place=path or why)
    return Unavailable("faces.cli:file-unusable", path=path, why=why)


def show_error(error: JingweiError) -> None:
    """Print one error: what, where, and its stable code."""
    from jingwei.faces.cli.output import printable

    where = f"{error.field}: " if error.field else ""
    said = printable(f"{where}{error.message.of(current())}", kept="\n\t")
    click.secho(f"✗ {said}", fg="red", err=True)
    click.secho(f"  {error.code}", dim=True, err=True)
