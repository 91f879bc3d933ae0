"""`luthier explain`: why a trial was tried, or what a search believes now, in words, charts and pictures."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from luthier.cli.app import Example
from luthier.cli.options import ID, Id, Place, as_json, with_store
from luthier.cli.output import can_print, emit, emit_json, one_line, paint, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from luthier.store import ExperimentRecord, Store
    from luthier.view.decisions import DecisionRow
    from luthier.view.explaining import Along
    from luthier.view.explanation import Explanation

__all__ = ["command"]

_EXAMPLE = """\
luthier explain 144.7                     why this trial was tried
luthier explain 144                       what the search believes now
luthier explain 144 --parameter rate
luthier explain 144 --html search.html    with pictures, and the search step by step
"""
_SHOWN = 3
_STYLES = {
    "title": ("bold",),
    "band": ("dim",),
    "mean": ("blue",),
    "far": ("dim",),
    "chosen": ("bold", "yellow"),
    "promise": ("green",),
    "axis": ("dim",),
}


@click.command("explain", cls=Example, example=_EXAMPLE)
@click.argument("id", required=False, type=ID)
@click.option("--all", "all_", is_flag=True, help="A chart for every parameter, and every prediction.")
@click.option(
    "--parameter", "names", multiple=True, metavar="NAME", help="Only this parameter; may be repeated."
)
@click.option("--svg", metavar="FILE", help="Write the pictures as one SVG file.")
@click.option(
    "--html", metavar="FILE", help="Write a page with the pictures and, for an experiment, its steps."
)
@with_store
@as_json
def command(
    place: Place,
    id: Id | None,
    all_: bool,
    names: tuple[str, ...],
    svg: str | None,
    html: str | None,
    as_json: bool,
) -> None:
    """Tells why a trial was tried: who proposed it, from what, what was expected of it and what came. Of an experiment
    it tells what the search believes now.

    The charts show the belief along the three parameters that move it most, while the others stay as they are in
    this configuration.
    """
    from dataclasses import asdict

    from luthier.view.decisions import decisions_of
    from luthier.view.explanation import explained
    from luthier.view.whole import write_whole

    with place.read() as store:
        record = place.record(store, id)
        found = explained(store, record, id.trial if id else None, tuple(dict.fromkeys(names)))
        decisions = decisions_of(store, record.id, id.trial) if id is not None and id.trial else ()
        if html:
            write_whole(Path(html), _page(store, record, found).encode())
        if svg:
            write_whole(Path(svg), found.sheet().encode())
    if as_json:
        own = {"decisions": [asdict(each) for each in decisions]} if id is not None and id.trial else {}
        emit_json(found.schema, found.document() | own)
    else:
        _show(found, decisions, all_ or bool(names), every=all_)
    for file in filter(None, (html, svg)):
        say(f"Pictures written to {file}")


def _page(store: Store, record: ExperimentRecord, found: Explanation) -> str:
    """The page; of an experiment with the steps along its most influential parameter."""
    from luthier.view.explaining import steps
    from luthier.view.explanation import Standing

    if not isinstance(found.of, Standing) or not found.along:
        return found.page()
    return found.page(tuple(steps(store, record, found.along[0].parameter)))


# ---------------------------------------------------------------------- for people


def _show(found: Explanation, decisions: Sequence[DecisionRow], whole: bool, *, every: bool) -> None:
    _print(found.title, "bold")
    facts = found.facts()
    width = max(len(head) for head, _ in facts)
    for head, words in facts:
        _print(f"  {head:<{width}}  {one_line(words)}")
    if decisions:
        from luthier.cli.decided import show_decisions

        show_decisions(decisions)
    _show_charts(found, found.along if whole else found.along[:_SHOWN])
    hidden = [along.parameter for along in found.along[_SHOWN:]]
    if hidden and not whole and found.has_belief:
        say(f"Along {one_line(', '.join(hidden))} it moves less; see all with --all")
    lines = found.prediction_lines(None if every else 10)
    if lines:
        from luthier.cli.output import table

        heads = ("TRIAL", "PREDICTED", "OBSERVED", "OFF BY")
        emit()
        _print(table(heads, lines, right=heads[1:]))


def _print(text: str, *styles: str) -> None:
    """Prints a text, in plainer characters where the terminal has no others."""
    if not can_print(text):
        coding = sys.stdout.encoding or "ascii"
        plain = text.replace("±", "+-").replace("…", "...")
        text = plain.encode(coding, "replace").decode(coding)
    emit(paint(text, *styles))


def _show_charts(found: Explanation, views: Sequence[Along]) -> None:
    """The charts with a sentence above and their legend below."""
    from luthier.view.text_chart import ASCII, UNICODE, chart, legend

    if not found.has_belief:
        _print(f"\n{found.why_no_belief()}")
        return
    marks = UNICODE if can_print("░⠒●∙◆▲│┤└─┴╵✕○▁█┃") else ASCII

    def tint(text: str, part: str) -> str:
        return paint(text, *_STYLES.get(part, ()))

    _print(f"\n{found.caption()}")
    width = shutil.get_terminal_size((80, 24)).columns
    for along in views:
        emit()
        for line in chart(along, width, marks, tint):
            _print(line)
    emit()
    states = {dot.state for along in views if not along.is_category for dot in along.dots}
    _print(legend(marks, found.chosen, states), "dim")
