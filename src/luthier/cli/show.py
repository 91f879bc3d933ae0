"""`luthier show`: a page of an experiment's trials, or everything about one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from luthier.cli.app import Example
from luthier.cli.options import ID, Id, Place, as_json, with_store
from luthier.cli.showing import PageShown, page_document, show_page
from luthier.clock import SystemClock
from luthier.errors import UsageError

if TYPE_CHECKING:
    from luthier.store import ExperimentRecord, Sort, Store

__all__ = ["command"]

_HOWS = ("last", "min", "max", "avg")
_EXAMPLE = """\
luthier show 144                          its trials by number
luthier show 144 --sort accuracy --page 2
luthier show 144 --sort loss:min --ascending
luthier show 144 --failed                 which failed, and why
luthier show 144 --curves                 with the objective's course in each trial
luthier show 144.7                        everything about one trial
"""


@click.command("show", cls=Example, example=_EXAMPLE)
@click.argument("id", required=False, type=ID)
@click.option(
    "--sort", metavar="METRIC[:min|max|avg]", help="By a metric, 'value' (the objective) or 'number'."
)
@click.option("--ascending/--descending", default=None, help="Default: best first, other metrics descending.")
@click.option("--page", type=click.IntRange(1), default=1, metavar="N", help="Which page, from 1.")
@click.option(
    "--page-size", type=click.IntRange(0), default=20, show_default=True, metavar="N", help="0: all."
)
@click.option("--failed", is_flag=True, help="Those that ended badly, with reasons and last lines.")
@click.option("--running", is_flag=True, help="Those that run now.")
@click.option(
    "--curves", is_flag=True, help="With the curve of the objective in each trial, all on one scale."
)
@with_store
@as_json
def command(
    place: Place,
    id: Id | None,
    sort: str | None,
    ascending: bool | None,
    page: int,
    page_size: int,
    failed: bool,
    running: bool,
    curves: bool,
    as_json: bool,
) -> None:
    """Shows the trials of an experiment, a page at a time, or everything about one trial."""
    if failed and running:
        raise UsageError("--failed and --running exclude one another; give one of them")
    if sort and (failed or running):
        raise UsageError(
            "--sort does not go with --failed or --running, which are shown by number; leave one out"
        )
    if curves and (failed or as_json):
        raise UsageError(
            "--curves draws in the table of trials; leave out --failed and --json (export --curves has the points)"
        )
    with place.read() as store:
        if id is not None and id.trial is not None:
            from luthier.cli.detail import show_trial

            return show_trial(place, store, id.experiment, id.trial, as_json)
        record = place.record(store, id)
        order, backwards = _order(store, record, sort, ascending, failed, running)
        shown = PageShown(place, store, record, order, backwards, page, page_size, curves)
        if as_json:
            page_document(shown, SystemClock().now())
        else:
            show_page(shown, SystemClock().now())
    return None


def _order(
    store: Store,
    record: ExperimentRecord,
    sort: str | None,
    ascending: bool | None,
    failed: bool,
    running: bool,
) -> tuple[Sort, bool]:
    """What was asked for as the store's order, and whether the newest number comes first."""
    from luthier.store import Sort

    if failed or running:
        return Sort("not well" if failed else "running"), ascending is False
    if sort is None or sort == "number":
        return Sort(), ascending is False
    objective = record.description.objective
    small = ascending
    if sort in ("value", "objective"):
        if objective is None:
            raise UsageError(f"experiment {record.id} has no objective to sort by; give --sort METRIC")
        return Sort(
            "value", smallest_first=objective.direction == "minimize" if small is None else small
        ), False
    metric, how = _metric(store, record, sort)
    if small is None:
        small = objective is not None and objective.metric == metric and objective.direction == "minimize"
    return Sort("metric", metric, how, smallest_first=small), False


def _metric(store: Store, record: ExperimentRecord, text: str) -> tuple[str, str]:
    """A metric that exists, and its aggregate. Names may have colons themselves."""
    names = store.metric_names(record.id)
    if text in names:
        return text, "last"
    name, _, how = text.rpartition(":")
    if name in names:
        if how not in _HOWS:
            raise UsageError(f"--sort {text}: {how!r} is no aggregate; use one of {', '.join(_HOWS)}")
        return name, how
    from luthier.errors import NotFound
    from luthier.space.nearest import hint

    known = ", ".join(names[:20]) or "none yet"
    raise NotFound(f"experiment {record.id} has no metric {text!r}{hint(text, names)}; its metrics: {known}")
