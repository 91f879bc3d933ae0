"""An experiment at a glance as a piece of HTML: how far it is, the best trial, the leaders, and the course so far.

A notebook shows it for the last line of a cell. It is whole in itself, has no script, is light or dark as the page
around it, and every name in it is escaped.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from luthier.store import ExperimentRecord, Store
from luthier.trial import Outcome, Trial
from luthier.view.experiments import best_trials
from luthier.view.figures.looks import themed
from luthier.view.figures.results import Results, many, read, short
from luthier.view.front import front_places
from luthier.view.scales import label, range_of, written
from luthier.view.svg import element, path, title

__all__ = ["summary"]

_TOP = 5
_SHOWN = 6
_WIDTH, _HEIGHT = 260.0, 64.0
_MOST = 300

_RULES = """\
.luthier{font:13px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;background:var(--paper);color:var(--ink);\
border:1px solid var(--grid);border-radius:8px;padding:12px 16px;max-width:760px;font-variant-numeric:tabular-nums}
.luthier .top{display:flex;flex-wrap:wrap;gap:8px 28px;align-items:flex-start;justify-content:space-between}
.luthier .name{font-size:15px;font-weight:600}.luthier .soft{color:var(--soft)}.luthier .big{font-size:22px;font-weight:600}
.luthier .bar{height:5px;border-radius:3px;background:var(--grid);margin:6px 0 2px;min-width:220px}
.luthier .bar i{display:block;height:5px;border-radius:3px;background:var(--result)}
.luthier .pair{display:inline-block;margin:0 14px 0 0}.luthier .pair b{font-weight:500;color:var(--soft)}
.luthier table{border-collapse:collapse;margin:10px 0 0;background:none}
.luthier th,.luthier td{padding:2px 18px 2px 0;text-align:left;border:0;color:var(--ink);background:none;font-size:12.5px;\
max-width:180px;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.luthier th{color:var(--soft);font-weight:500}.luthier tbody tr{border-top:1px solid var(--grid);background:none}
.luthier svg{display:block}.luthier .spark{fill:none;stroke:var(--best);stroke-width:1.8}
.luthier .speck{fill:none;stroke:var(--result);stroke-width:3.4;stroke-linecap:round;stroke-opacity:.55}"""


def summary(store: Store, record: ExperimentRecord) -> str:
    """The piece of HTML. **Cost** one reading of all trials."""
    of = read(store, record)
    leaders = best_trials(store, record, _TOP)
    parts = [f'<div class="top"><div>{_progress(of)}</div>{_spark(of)}</div>', _best(of, leaders)]
    if len(leaders) > 1:
        parts.append(_table(of, leaders))
    return f'<div class="luthier"><style>{themed(".luthier")}\n{_RULES}</style>{"".join(parts)}</div>'


def _words(text: str, width: int = 60) -> str:
    return escape(label(text, width))


def _progress(of: Results) -> str:
    """The name, what is searched for, how many trials ended, and how."""
    record = of.record
    what = record.description
    head = f"Experiment {record.id}" + (f": {what.name}" if what.name else "")
    goal = ", ".join(str(objective) for objective in what.objectives) or "no objective"
    goal = " with ".join(filter(None, (goal, ", ".join(str(limit) for limit in what.constraints))))
    target = record.target
    stopped = of.store.unsuccessful(record.id).get(Outcome.STOPPED, 0)
    share = 100.0 * min(record.finished / target, 1.0) if target else 0.0
    bar = f'<div class="bar"><i style="width:{share:.1f}%"></i></div>' if target else ""
    of_all = f" of {target:,}" if target else ""
    counts = [f"{record.finished:,}{of_all} trials finished"]
    counts += [
        f"{count:,} {word}"
        for count, word in (
            (record.finished - record.succeeded - stopped, "without success"),
            (stopped, "stopped early"),
            (record.running, "running"),
            (record.queued, "queued"),
        )
        if count
    ]
    said = f"{goal}, by {what.labels.get('imported', what.algorithm.name)}"
    return (
        f'<div class="name">{_words(head)}</div><div class="soft">{_words(said, 160)}</div>{bar}'
        f'<div class="soft">{", ".join(counts)}</div>'
    )


def _best(of: Results, leaders: Sequence[Trial]) -> str:
    """The best value and the configuration that reached it."""
    if not leaders:
        why = of.why_nothing() or "No trial has succeeded with a comparable value yet."
        return f'<p class="soft">{escape(why)}</p>'
    best = leaders[0]
    value = best.result.value if best.result else None
    pairs = "".join(
        f'<span class="pair"><b>{_words(name, 30)}</b> {_words(short(best.configuration[name]), 40)}</span>'
        for name in (best.configuration or ())
        if best.configuration is not None
    )
    shown = written(value) if value is not None else "–"
    return (
        f'<div style="margin-top:8px"><span class="big">{escape(shown)}</span> '
        f'<span class="soft">best {_words(of.objective)}, trial {best.number}{_front(of)}</span></div><div>{pairs}</div>'
    )


def _front(of: Results) -> str:
    """How many trials are on the front, where there are several objectives."""
    if len(of.record.description.objectives) < 2:
        return ""
    return f"; {many(len(front_places(of.history)), 'trial')} on the front of all objectives"


def _table(of: Results, leaders: Sequence[Trial]) -> str:
    """The best trials, with the parameters that vary."""
    names = of.space.dimensions[:_SHOWN]
    more = len(of.space.dimensions) - len(names)
    heads = "".join(f"<th>{_words(head, 24)}</th>" for head in ("trial", of.objective, *names))
    rows = "".join(
        f"<tr><td>{t.number}</td><td>{written(t.result.value) if t.result and t.result.value is not None else ''}</td>"
        + "".join(f"<td>{_cell(t, name)}</td>" for name in names)
        + "</tr>"
        for t in leaders
    )
    left = f'<div class="soft">and {many(more, "parameter")} more</div>' if more > 0 else ""
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>{left}"


def _cell(trial: Trial, name: str) -> str:
    configuration = trial.configuration
    return (
        "–" if configuration is None or name not in configuration else _words(short(configuration[name]), 24)
    )


def _spark(of: Results) -> str:
    """The course of the search, small: the results and the best so far."""
    if len(of.scored) < 2:
        return ""
    lowest = np.minimum.accumulate(of.losses)
    best = -lowest if of.maximize else lowest
    low, high = range_of(best, np.empty(0), np.empty(0), of.values.tolist())
    numbers = np.array([t.number for t in of.scored], dtype=np.float64)
    x = 3 + (numbers - numbers[0]) / max(float(np.ptp(numbers)), 1.0) * (_WIDTH - 6)

    def y(values: np.ndarray) -> list[float]:
        places = np.clip((values - low) / (high - low), 0.0, 1.0)
        return list(_HEIGHT - 3 - places * (_HEIGHT - 6))

    steps = np.flatnonzero(np.diff(lowest, prepend=np.inf) < 0)
    line = [(float(x[0]), y(best)[0])]
    for i in steps[1:].tolist():
        line += [(float(x[i]), line[-1][1]), (float(x[i]), y(best[i : i + 1])[0])]
    line.append((float(x[-1]), line[-1][1]))
    every = max(1, -(-len(x) // _MOST))
    specks = "".join(
        f"M{a:.1f} {b:.1f}h0" for a, b in zip(x[::every].tolist(), y(of.values[::every]), strict=True)
    )
    return element(
        "svg",
        title(f"{of.objective} over {len(x)} results, and the best so far"),
        element("path", d=specks, class_="speck"),
        path(line, "spark"),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {_WIDTH:g} {_HEIGHT:g}",
        width=_WIDTH,
        height=_HEIGHT,
        role="img",
    )
