"""`luthier plot`: pictures of an experiment as SVG, PNG or HTML files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from luthier.cli.app import Example
from luthier.cli.options import EXPERIMENT, Id, Place, with_store
from luthier.cli.output import say
from luthier.errors import UsageError

__all__ = ["command"]

# `figures.KINDS`, which is not loaded for a page of help.
_KINDS = (
    "history", "importance", "parallel", "slices", "contour", "curves", "timeline", "pareto", "hypervolume",
)  # fmt: skip
_EXAMPLE = """\
luthier plot 144 history
luthier plot 144 history --over time -o history.png
luthier plot 144 contour --parameter rate --parameter layers
luthier plot 144 curves --metric val_loss --log -o curves.html
"""


@click.command("plot", cls=Example, example=_EXAMPLE)
@click.argument("words", nargs=-1, metavar="[ID] FIGURE")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="Where to, as .svg, .png or .html; the name of the figure and the ID as .svg when left out.",
)
@click.option("--parameter", "parameters", multiple=True, metavar="NAME", help="Only these; may be repeated.")
@click.option("--metric", metavar="NAME", help="The metric whose curves are drawn; default: the objective's.")
@click.option(
    "--over", type=click.Choice(["trial", "time"]), help="What a history goes over; default: trials."
)
@click.option("--log/--linear", "log", default=None, help="The axis of the values; default: as they need it.")
@click.option("--dark", is_flag=True, help="Dark, where a file can't follow the viewer.")
@with_store
def command(
    place: Place,
    words: tuple[str, ...],
    output: str | None,
    parameters: tuple[str, ...],
    metric: str | None,
    over: str | None,
    log: bool | None,
    dark: bool,
) -> None:
    """Draws a figure: history, importance, parallel, slices, contour, curves, timeline, pareto or hypervolume.

    An SVG is light or dark as its viewer is. A PNG needs luthier[plot].
    """
    id, kind = _read(words)
    given: dict[str, Any] = {"parameters": parameters or None, "metric": metric, "x": over, "log": log}
    options = {name: value for name, value in given.items() if value is not None}
    from luthier.view.figures import figure

    with place.read() as store:
        record = place.record(store, id)
        picture = figure(store, record, kind, **options)
    target = Path(output or f"{kind}-{record.id}.svg")
    picture.save(target, theme="dark" if dark else None)
    if picture.chart.words:
        say(picture.chart.words)
    say(f"The {kind} of experiment {record.id} written to {target}")


def _read(words: tuple[str, ...]) -> tuple[Id | None, str]:
    """The experiment, if one is named, and the figure, in either order."""
    kinds = [word for word in words if word in _KINDS]
    rest = [word for word in words if word not in _KINDS]
    if len(kinds) == 1 and len(rest) <= 1:
        return (EXPERIMENT.convert(rest[0], None, None) if rest else None), kinds[0]
    from luthier.space import hint

    unknown = next((word for word in rest if not word.replace(".", "").isdigit()), None)
    said = f"there is no figure {unknown!r}{hint(unknown, _KINDS)}; " if unknown else ""
    raise UsageError(f"{said}name one figure, after the experiment: {', '.join(_KINDS)}")
