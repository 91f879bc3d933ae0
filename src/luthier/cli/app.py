"""The click group behind `luthier`: finds a command's file when it is asked for, and turns errors into exit codes.

A command's file has a click command named `command` (or, where one file has several, `COMMANDS` of that file by
name). A command returns its exit code or None for 0. Foreseen errors become one message on standard error and the
code of their kind; anything else keeps its traceback and leaves with 70.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from luthier.cli.index import COMMANDS, top_help
from luthier.errors import LuthierError

__all__ = ["CONTEXT", "Example", "app", "forget_output", "quiet_pipe", "run"]

_UNUSABLE = 2
_BUG = 70
_INTERRUPTED = 130
_PIPE = 141
CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
"""How every group and command of ours, and of the doors, is set up."""


class Example(click.Command):
    """A command whose help ends with an example.

    `example` is printed as it is, under its own heading, before the options.
    """

    def __init__(self, *args: Any, example: str = "", **settings: Any) -> None:
        settings["context_settings"] = {**CONTEXT, **(settings.get("context_settings") or {})}
        super().__init__(*args, **settings)
        self.example = example

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the text, then the example."""
        super().format_help_text(ctx, formatter)
        if self.example:
            with formatter.section("Example"):
                for line in self.example.strip().splitlines():
                    formatter.write(f"  {line}\n")


class _Luthier(click.Group):
    """Lists commands from the table and imports the one that is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module = importlib.import_module(f"luthier.cli.{COMMANDS[name][0]}")
        found: click.Command = module.command if hasattr(module, "command") else module.COMMANDS[name]
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from luthier.space.nearest import hint

            raise click.UsageError(f"there is no command {args[0]!r}{hint(args[0], COMMANDS)}", ctx)
        return super().resolve_command(ctx, args)

    def get_help(self, ctx: click.Context) -> str:
        return top_help().removesuffix("\n")

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Nothing: the page is `top_help`'s."""


def _show_version(ctx: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    if wanted:
        from luthier import __version__

        click.echo(f"luthier {__version__}")
        ctx.exit()


@click.group(cls=_Luthier, name="luthier", context_settings=CONTEXT)
@click.option("--store", metavar="FOLDER")
@click.option("--no-color", is_flag=True)
@click.option("--version", is_flag=True, expose_value=False, is_eager=True, callback=_show_version)
@click.pass_context
def app(ctx: click.Context, store: str | None, no_color: bool) -> None:
    """Tunes any training program."""
    ctx.obj = store
    if no_color:
        os.environ["NO_COLOR"] = "1"
        os.environ.pop("FORCE_COLOR", None)


def run(words: Sequence[str]) -> int:
    """Runs one command line and returns its exit code; never raises what is foreseen.

    **Holds** what was printed has left this process, or the exit code says that it has not.
    """
    code = _run(words)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return quiet_pipe()
    except OSError as error:
        from luthier.cli.output import unwritten

        forget_output()
        if code:  # whatever it was has been said
            return code
        _say(unwritten(error))
        return _UNUSABLE
    except ValueError:  # an export that could not be written has closed it
        forget_output()
    return code


def _run(words: Sequence[str]) -> int:
    instruction = os.environ.get("_LUTHIER_COMPLETE")
    if instruction:
        from click.shell_completion import shell_complete

        return shell_complete(app, {}, "luthier", "_LUTHIER_COMPLETE", instruction)
    try:
        with app.make_context("luthier", list(words)) as ctx:
            code = app.invoke(ctx)
        return code if isinstance(code, int) else 0
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except click.ClickException as error:
        return _usage(error)
    except LuthierError as error:
        _say(str(error))
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        sys.stderr.write("\n")
        return _INTERRUPTED
    except BrokenPipeError:
        return quiet_pipe()
    except OSError as error:
        if _stands_nowhere():
            _say("the folder you are in was removed; cd to one that is there and type it again")
            return 2
        if not _is_of_click(error):
            return _bug(words)
        from luthier.cli.output import unwritten

        _say(unwritten(error))
        return _UNUSABLE
    except Exception:  # noqa: BLE001 - the last resort: said with its traceback, never swallowed
        return _bug(words)


def _stands_nowhere() -> bool:
    """Whether the working directory is gone, so that nothing can be found from it."""
    try:
        os.getcwd()
    except OSError:
        return True
    return False


def _is_of_click(error: OSError) -> bool:
    """Whether it was click that could not write, a page of help or the version; what we print says so itself (`emit`)."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_code is click.echo.__code__


def _bug(words: Sequence[str]) -> int:
    import traceback

    traceback.print_exc()
    _say(f"this is a bug in Luthier; please report it with the lines above and: luthier {_joined(words)}")
    return _BUG


def _usage(error: click.ClickException) -> int:
    """Shows what click has to say about the words, in our form, and where to read more."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        sys.stderr.write(error.format_message() + "\n")
        return 2
    path = context.command_path if context else "luthier"
    message = error.format_message().rstrip(".")
    sys.stderr.write(f"{path}: {message[:1].lower()}{message[1:]}; see: {path} --help\n")
    return 2


def _say(message: str) -> None:
    sys.stderr.write(f"luthier: {message}\n")


def _joined(words: Sequence[str]) -> str:
    import shlex

    return shlex.join(words)


def quiet_pipe() -> int:
    """Ends quietly because the reader of our output went away, as `head` does."""
    forget_output()
    return _PIPE


def forget_output() -> None:
    """Lets go of a standard output that can't be written: Python flushes it once more at its end."""
    sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - it stays open to the end
