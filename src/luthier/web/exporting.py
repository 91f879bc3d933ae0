"""An experiment as one static file: the page with the answers inside that it would have asked the server for."""

from __future__ import annotations

from typing import Any

import msgspec

from luthier import __version__
from luthier.clock import SystemClock
from luthier.errors import LuthierError
from luthier.view.experiments import best_trials
from luthier.web.answers import Answers
from luthier.web.page import Page, one_file

__all__ = ["static_page"]

LOGS_OF = 20
"""The logs and pages of the best trials, and of those that failed last, are inside; of all others only what charts show."""
_CONTOURS = 4


def static_page(answers: Answers, page: Page, experiment: int) -> bytes:
    """The file. **Raises** NotFound. **Cost** a few fits of the model."""
    record = answers.record(experiment)
    inside: dict[str, Any] = {}
    entry = answers.entry(experiment)
    inside["api/session"] = {
        "version": __version__,
        "store": "a file",
        "may_control": False,
        "read_only": True,
        "now": SystemClock().now(),
    }
    inside["api/experiments"] = {"revision": record.revision, "experiments": [entry]}
    at = f"api/experiments/{experiment}"
    inside[at] = answers.details(experiment)
    inside[f"{at}/trials"] = msgspec.json.decode(answers.trials(experiment, None))
    for name in ("front", "timeline", "events"):
        inside[f"{at}/{name}"] = getattr(answers, name)(experiment)
    for metric in inside[at]["metrics"]:
        curves = answers.curves(experiment, metric, 200, None, None)
        inside[f"{at}/curves?metric={_quoted(metric)}&points=200"] = curves
        inside.setdefault(f"{at}/curves", curves)
    _add_models(answers, experiment, inside, at)
    _add_trials(answers, experiment, inside)
    name = record.description.name or f"experiment {experiment}"
    return one_file(page, inside, f"{name} – Luthier")


def _add_models(answers: Answers, experiment: int, inside: dict[str, Any], at: str) -> None:
    """What the model says of the first objective; where it says nothing, neither does the file."""
    record = answers.record(experiment)
    goal = record.description.objective
    if goal is None:
        return
    metric, names = goal.metric, list(record.description.space.dimensions)
    found = _tried(lambda: answers.importance(experiment, metric))
    if found is not None:
        inside[f"{at}/importance?metric={_quoted(metric)}"] = inside[f"{at}/importance"] = found
        ranked = [row["name"] for row in found["rows"]]
        names = ranked or names
    for name in names:
        one = _tried(lambda name=name: answers.slices(experiment, metric, name))
        inside[f"{at}/slices?metric={_quoted(metric)}&parameter={_quoted(name)}"] = one
    pairs = [(a, b) for k, a in enumerate(names) for b in names[k + 1 :]][:_CONTOURS]
    for a, b in pairs:
        surface = _tried(lambda a=a, b=b: answers.contour(experiment, metric, a, b))
        inside[f"{at}/contour?metric={_quoted(metric)}&x={_quoted(a)}&y={_quoted(b)}"] = surface
    for key in [key for key, value in inside.items() if value is None]:
        del inside[key]


def _add_trials(answers: Answers, experiment: int, inside: dict[str, Any]) -> None:
    record = answers.record(experiment)
    numbers = [trial.number for trial in best_trials(answers.store, record, LOGS_OF // 2)]
    numbers += answers.newest_unwell(experiment, LOGS_OF // 2)
    for number in dict.fromkeys(numbers):
        about = answers.trial(experiment, number)
        inside[f"api/trials/{experiment}.{number}"] = about
        for metric in about["curves"]:
            inside[f"api/trials/{experiment}.{number}/points?metric={_quoted(metric)}"] = answers.points(
                experiment, number, metric
            )
        part = answers.log(experiment, number, "stdout", None, None, 1 << 14)
        inside[f"api/trials/{experiment}.{number}/log"] = part.text


def _tried(make: Any) -> Any:
    try:
        return make()
    except LuthierError:
        return None


def _quoted(text: str) -> str:
    """As the page quotes what it asks for."""
    from urllib.parse import quote

    return quote(text, safe="!'()*-._~")
