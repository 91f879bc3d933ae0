"""`luthier template`: ready projects to begin with."""

from __future__ import annotations

from pathlib import Path

import click

from luthier.cli.app import Example
from luthier.cli.options import as_json
from luthier.cli.output import emit, emit_json, say, table
from luthier.errors import NotFound

__all__ = ["command"]


@click.group("template", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Ready projects: a training program, its data, a grid and a random space.

    Example: luthier template get digits
    """


@command.command("list", cls=Example, example="luthier template list")
@as_json
def list_templates(as_json: bool) -> None:
    """Lists the templates there are."""
    from luthier import templates

    rows = [(name, templates.describe(name)) for name in templates.names()]
    if as_json:
        emit_json("template", {"templates": [{"name": name, "description": text} for name, text in rows]})
    else:
        emit(table(("NAME", "DESCRIPTION"), rows))


@command.command(
    "get", cls=Example, example="luthier template get digits\nluthier template get mnist --to work"
)
@click.argument("name")
@click.option(
    "--to", "folder", type=click.Path(path_type=Path), metavar="DIR", help="Where to.  [default: NAME]"
)
@click.option("--force", is_flag=True, help="Overwrite the files of an earlier copy.")
@as_json
def get(name: str, folder: Path | None, force: bool, as_json: bool) -> None:
    """Copies a template into a folder of your own."""
    from luthier import templates

    known = list(templates.names())
    if name not in known:
        from luthier.space.nearest import hint

        raise NotFound(
            f"there is no template {name!r}{hint(name, known)}; the templates are {', '.join(known)}"
        )
    target = templates.copy(name, folder or Path(name), force=force)
    if as_json:
        emit_json("template-get", {"name": name, "folder": str(target)})
    say(f"{name} is in {target}; read {target / 'README.md'} to begin")
