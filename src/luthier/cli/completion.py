"""`luthier completion`: the script that lets a shell complete our words."""

from __future__ import annotations

import click

from luthier.cli.app import Example
from luthier.cli.output import emit
from luthier.errors import UsageError

__all__ = ["command"]

_EXAMPLE = """\
luthier completion bash >> ~/.bashrc
luthier completion zsh >> ~/.zshrc
luthier completion fish > ~/.config/fish/completions/luthier.fish
"""


@click.command("completion", cls=Example, example=_EXAMPLE)
@click.argument(
    "shell", required=False, metavar="{bash|zsh|fish}", type=click.Choice(["bash", "zsh", "fish"])
)
def command(shell: str | None) -> None:
    """Prints the script that completes commands and options in your shell."""
    from click.shell_completion import get_completion_class

    from luthier.cli.app import app

    if shell is None:
        raise UsageError("name your shell: luthier completion bash, zsh or fish")
    kind = get_completion_class(shell)
    assert kind is not None, "click knows these shells"
    if shell == "bash":
        # click would run bash to learn its version; the script itself needs 4.4, as every supported system has
        completion = kind(app, {}, "luthier", "_LUTHIER_COMPLETE")
        emit(completion.source_template % completion.source_vars())
    else:
        emit(kind(app, {}, "luthier", "_LUTHIER_COMPLETE").source())
