"""Help and usage errors in both languages: click parses, this module speaks."""

import re
from typing import Any

import click

from jingwei.faces.cli.language import say


class Speaking(click.Command):
    """A command whose help is laid out and worded by our catalogue; `examples` close it."""

    def __init__(self, *args: Any, examples: tuple[str, ...] = (), **kwargs: Any) -> None:  # Any: click's own signature
        super().__init__(*args, **kwargs)
        self.examples = examples

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """Return `--help` with a text in the current language."""
        option = super().get_help_option(ctx)
        if option:
            option.help = say("help-option")
        return option

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Lay out: usage, what it does, arguments, options or commands, examples."""
        pieces = [piece for piece in self.collect_usage_pieces(ctx) if piece != "[OPTIONS]"]
        if len(self.get_params(ctx)) > 1:
            pieces.append(say("help-options-place"))
        formatter.write_usage(ctx.command_path, " ".join(pieces), prefix=say("help-usage") + " ")
        if self.help:
            formatter.write_paragraph()
            with formatter.indentation():
                formatter.write_text(self.help)
        rows = [record for parameter in self.get_params(ctx) if (record := _record(parameter, ctx))]
        if rows:
            with formatter.section(say("help-options")):
                formatter.write_dl(rows)
        self.format_commands(ctx, formatter)
        if self.examples:
            with formatter.section(say("help-examples")):
                for example in self.examples:
                    formatter.write(f"{'':>{formatter.current_indent}}{example}\n")

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List subcommands; a plain command has none."""


def _record(parameter: click.Parameter, ctx: click.Context) -> tuple[str, str] | None:
    if isinstance(parameter, click.Argument):
        about = getattr(parameter, "about", "")
        return (parameter.make_metavar(ctx), about) if about else None
    return parameter.get_help_record(ctx)


class Told(click.Argument):
    """An argument with a line of help, which click's own lack."""

    def __init__(self, *args: Any, about: str = "", **kwargs: Any) -> None:  # Any: click's own signature
        super().__init__(*args, **kwargs)
        self.about = about


class LazyGroup(Speaking, click.Group):
    """A group whose commands are imported when they are called; its help needs none of them.

    Args:
        commands_at: command name → `"module:attribute"`.
    """

    command_class: type[click.Command] | None = Speaking

    def __init__(self, *args: Any, commands_at: dict[str, str] | None = None, **kwargs: Any) -> None:  # Any: click's
        super().__init__(*args, **kwargs)
        self.commands_at = commands_at or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order they were given: the order of the loop."""
        return [*self.commands_at, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        place = self.commands_at.get(cmd_name)
        if place is None:
            return super().get_command(ctx, cmd_name)
        from importlib import import_module

        module, _, attribute = place.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands, each with the sentence its catalogue entry gives."""
        group = ctx.command.name or ""
        rows = [
            (name, say(f"about-{name}" if group in {"", "jingwei", "main"} else f"about-{group}-{name}"))
            for name in self.list_commands(ctx)
        ]
        with formatter.section(say("help-commands")):
            formatter.write_dl(rows)


def usage_text(error: click.UsageError) -> str:
    """Say a usage error in the current language."""
    match error:
        case click.NoSuchOption():
            hint = say("usage-did-you-mean", names=", ".join(error.possibilities)) if error.possibilities else ""
            return say("usage-no-such-option", name=error.option_name) + hint
        case click.NoSuchCommand():
            hint = say("usage-did-you-mean", names=", ".join(error.possibilities)) if error.possibilities else ""
            return say("usage-no-such-command", name=error.command_name) + hint
        case click.MissingParameter() if error.param:
            return say("usage-missing", name=error.param.get_error_hint(error.ctx))
        case click.BadParameter() if error.param:
            return say("usage-bad-value", name=error.param.get_error_hint(error.ctx), why=_why(error))
        case click.BadOptionUsage():
            return say("usage-needs-value", name=error.option_name)
    extra = re.search(r"unexpected extra arguments? \((.*)\)", error.message)
    return say("usage-extra", names=extra[1]) if extra else say("usage-other", why=error.message)


def _why(error: click.BadParameter) -> str:
    """Say what is wrong with a value: click gives English only, but also the type that refused it."""
    kind = error.param.type if error.param else None
    quoted = re.search(r"'(.*?)'", error.message)
    given = quoted[1] if quoted else ""
    match kind:
        case click.Choice():
            return say("usage-choose", given=given, names=", ".join(str(each) for each in kind.choices))
        case click.IntRange() | click.FloatRange():
            return say("usage-number", given=given or error.message.split(" ")[0], bounds=_bounds(kind))
        case click.DateTime():
            return say("usage-date", given=given)
        case click.Path():
            return _path_wrong(kind, given, error.message)
    return error.message


def _bounds(kind: click.IntRange | click.FloatRange) -> str:
    return f"{'' if kind.min is None else kind.min} … {'' if kind.max is None else kind.max}".strip()


def _path_wrong(kind: click.Path, given: str, message: str) -> str:
    if "does not exist" in message:
        return say("usage-file-missing" if kind.file_okay else "usage-folder-missing", given=given)
    if "is a directory" in message:
        return say("usage-not-a-file", given=given)
    return say("usage-not-a-folder" if "is a file" in message else "usage-unreadable", given=given)
