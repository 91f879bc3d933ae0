"""An explanation in words, as plain values, as pictures and as a page: of a trial, or of a whole search.

What it is made of is gathered in `explaining.py`; the command line prints what this returns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import isinf
from typing import Any

from luthier.history import is_partial
from luthier.store import ExperimentRecord, Store
from luthier.trial import Proposal, Trial
from luthier.view.explained_page import Page, page
from luthier.view.explaining import Along, Rationale, Standing, Step, rationale, standing
from luthier.view.pictures import scatter, sheet, slice_picture
from luthier.view.predictions import Prediction, calibration
from luthier.view.rounding import rounded
from luthier.view.scales import short, written

__all__ = ["Explanation", "Standing", "explained"]

_NAMED = 5
_MODELS = ("bayesian", "auto")
_TRANSFORMS = {
    "standard": "results as they are",
    "half-rank": "the worse half of the results by rank alone",
    "power": "results through a power that makes them normal",
}


def explained(
    store: Store, record: ExperimentRecord, number: int | None, names: Sequence[str] = ()
) -> Explanation:
    """The explanation of a trial, or of the experiment where no number is given, along all parameters that vary or those
    named. **Raises** NotFound and UsageError as `explaining.rationale` does."""
    of = rationale(store, record, number, names) if number is not None else standing(store, record, names)
    return Explanation(of)


@dataclass(frozen=True, eq=False, slots=True)
class Explanation:
    """What was gathered, `of` a trial or an experiment, ready to be shown."""

    of: Rationale | Standing

    @property
    def along(self) -> tuple[Along, ...]:
        """What is believed along each parameter, the most influential first."""
        return self.of.along

    @property
    def has_belief(self) -> bool:
        """Whether enough is known for charts."""
        return any(along.belief is not None for along in self.along)

    @property
    def schema(self) -> str:
        """The name of the document that `document` makes."""
        return "explain-trial" if isinstance(self.of, Rationale) else "explain"

    @property
    def title(self) -> str:
        """`Trial 12.7: why it was tried`."""
        if isinstance(self.of, Rationale):
            return f"Trial {self.of.trial.name}: why it was tried"
        return f"Experiment {self.of.record.id}: what {self.of.record.description.algorithm.name} found"

    @property
    def chosen(self) -> str:
        """What the marked place is called."""
        if isinstance(self.of, Standing):
            return "best so far"
        return "proposed" if self.of.is_then else "this trial"

    @property
    def objective(self) -> str:
        """The metric, as axes name it."""
        objective = self.of.record.description.objective
        return objective.metric if objective else "value"

    def facts(self) -> list[tuple[str, str]]:
        """Heads and words, in the order they are read."""
        return _trial_facts(self.of) if isinstance(self.of, Rationale) else _search_facts(self.of)

    def caption(self) -> str:
        """The sentence above the charts."""
        name = self.of.record.description.algorithm.name
        if isinstance(self.of, Rationale) and self.of.is_then:
            return "What it believed then, along each parameter while the others stay as they are:"
        who = "is believed" if name in _MODELS else "a Gaussian process would believe"
        where = "this configuration"
        if isinstance(self.of, Standing) and self.of.best:
            where = self.of.best.name
        return f"What {who} now, along each parameter through {where}:"

    def why_no_belief(self) -> str:
        """The sentence that stands for the charts where there are none."""
        if self.of.record.description.objective is None:
            return (
                "It has no objective, so there is nothing to believe; name one with --metric when you search."
            )
        if not self.of.record.description.space.dimensions:
            return "No parameter varies, so there is nothing to choose."
        return "Too few results to believe anything yet: a model needs two that differ."

    def prediction_lines(self, most: int | None) -> list[tuple[str, str, str, str]]:
        """The newest predictions of a search as rows of a table, at most so many."""
        if isinstance(self.of, Rationale):
            return []
        rows = self.of.predictions if most is None else self.of.predictions[-most:]
        return [
            (f"{self.of.record.id}.{row.trial}", _expected(row), written(row.observed), _off(row.z))
            for row in rows
        ]

    def document(self) -> dict[str, Any]:
        """Everything as the fields `docs/json.md` describes."""
        own = _trial_fields(self.of) if isinstance(self.of, Rationale) else _search_fields(self.of)
        return {**own, "parameters": [_fields_along(along) for along in self.along]}

    def sheet(self) -> str:
        """All pictures as one SVG file."""
        pictures = [slice_picture(along, self.objective, self.chosen) for along in self.along]
        if isinstance(self.of, Standing) and self.of.predictions:
            pictures.append(scatter(self.of.predictions, self.objective))
        return sheet(pictures, self.title)

    def page(self, steps: Sequence[Step] = ()) -> str:
        """All pictures as an HTML page, with the search step by step if `steps` are given."""
        predictions = self.of.predictions if isinstance(self.of, Standing) else ()
        return page(
            Page(
                self.title,
                self.objective,
                self.facts(),
                self.chosen,
                self.along,
                predictions,
                calibration(predictions),
                steps,
            )
        )


# ---------------------------------------------------------------------- words


def _trial_facts(of: Rationale) -> list[tuple[str, str]]:
    trial, proposal = of.trial, of.trial.proposal
    assert proposal is not None and trial.configuration is not None, "a rationale has both"
    facts = [
        (
            "configuration",
            ", ".join(f"{name}={short(trial.configuration[name])}" for name in trial.configuration),
        ),
        ("proposed by", _who(of, proposal)),
        ("because", of.reason),
    ]
    if proposal.mean is not None and proposal.deviation is not None:
        mean, deviation = rounded(proposal.mean, proposal.deviation), proposal.deviation
        facts.append(("predicted", f"{mean} ± {deviation:.2g}, {_came(trial)}{_surprise(of.prediction)}"))
    else:
        facts.append(("what came", _came(trial).removeprefix("observed ")))
    transform = proposal.note.get("transform")
    if transform in _TRANSFORMS:
        facts.append(("model", f"a Gaussian process of {_TRANSFORMS[transform]}"))
    return facts


def _who(of: Rationale, proposal: Proposal) -> str:
    """`bayesian from 23 results (3 to come: 12.21 …) at revision 812 in 14 ms`; `auto (bayesian)` where that chose it."""
    chosen = of.record.description.algorithm.name
    by = f"auto ({proposal.by})" if chosen == "auto" and proposal.by != "auto" else proposal.by
    if proposal.ordinal is None or of.results is None:
        return by
    coming = f" ({_to_come(of.record.id, of.expected)})" if of.expected else ""
    took = f" in {proposal.seconds * 1000:.0f} ms" if proposal.seconds >= 5e-4 else ""
    return f"{by} from {_many(of.results, 'result')}{coming} at revision {proposal.seen}{took}"


def _to_come(experiment: int, numbers: Sequence[int]) -> str:
    """`7 to come: 12.21 12.22 12.23 12.24 12.25 …`."""
    names = " ".join(f"{experiment}.{number}" for number in numbers[:_NAMED])
    return f"{len(numbers)} to come: {names}{' …' if len(numbers) > _NAMED else ''}"


def _came(trial: Trial) -> str:
    """What became of a trial."""
    result = trial.result
    if result is None:
        return f"{trial.state.value} still"
    if result.value is None:
        return f"{result.outcome.value} without a value"
    if is_partial(trial):
        return f"{written(result.value)} part of the way"
    return f"observed {written(result.value)}"


def _surprise(prediction: Prediction | None) -> str:
    """` (0.3 deviations above)`; nothing where there is nothing to compare."""
    if prediction is None or isinf(prediction.z):
        return ""
    return f" ({abs(prediction.z):.1f} deviations {'above' if prediction.z >= 0 else 'below'})"


def _search_facts(of: Standing) -> list[tuple[str, str]]:
    asked = f" of {of.record.target}" if of.record.target is not None else ""
    stopped = f" ({of.stopped} of them stopped early, part of the way)" if of.stopped else ""
    failed = f", {of.failed} failed" if of.failed else ""
    coming = f", {_to_come(of.record.id, of.expected)}" if of.expected else ""
    by = ", ".join(f"{name} {count}" for name, count in of.proposers.items()) or "nobody yet"
    facts = [("results", f"{of.results}{asked}{stopped}{failed}{coming}"), ("proposed by", by)]
    if of.best and of.best.result and of.best.result.value is not None:
        facts.append(("best", f"{written(of.best.result.value)}, trial {of.best.name}"))
        facts.append(("its values", str(of.best.configuration)))
    said = calibration(of.predictions)
    return [*facts, ("predictions", said)] if said else facts


def _expected(row: Prediction) -> str:
    return f"{rounded(row.mean, row.deviation)} ± {row.deviation:.2g}"


def _off(z: float) -> str:
    return f"{z:+.1f} deviations"


def _many(count: int, one: str) -> str:
    return f"{count} {one}{'' if count == 1 else 's'}"


# ---------------------------------------------------------------------- plain values


def _trial_fields(of: Rationale) -> dict[str, Any]:
    trial, proposal = of.trial, of.trial.proposal
    assert proposal is not None and trial.configuration is not None, "a rationale has both"
    return {
        "trial": trial.name,
        "values": trial.configuration.values(),
        "texts": trial.configuration.texts(),
        "proposed_by": proposal.by,
        "ordinal": proposal.ordinal,
        "reason": of.reason,
        "revision": proposal.seen,
        "results": of.results,
        "expected": list(of.expected),
        "seconds": proposal.seconds,
        "predicted_mean": proposal.mean,
        "predicted_deviation": proposal.deviation,
        "outcome": trial.final.outcome.value if trial.final else None,
        "observed": trial.result.value if trial.result else None,
        "surprise": of.prediction.z if of.prediction else None,
        "transform": proposal.note.get("transform"),
        "moment": "then" if of.is_then else "now",
    }


def _search_fields(of: Standing) -> dict[str, Any]:
    return {
        "experiment": of.record.id,
        "algorithm": of.record.description.algorithm.name,
        "results": of.results,
        "expected": list(of.expected),
        "stopped": of.stopped,
        "failed": of.failed,
        "best_trial": of.best.number if of.best else None,
        "best_value": of.best.result.value if of.best and of.best.result else None,
        "proposers": of.proposers,
        "calibration": calibration(of.predictions),
        "predictions": [asdict(row) for row in of.predictions],
    }


def _fields_along(along: Along) -> dict[str, Any]:
    belief = along.belief
    return {
        "name": along.parameter,
        "chosen": along.chosen,
        "influence": along.influence,
        "is_category": along.is_category,
        "places": belief.units.tolist() if belief else [],
        "texts": list(belief.texts) if belief else [],
        "mean": belief.mean.tolist() if belief else [],
        "low": belief.low.tolist() if belief else [],
        "high": belief.high.tolist() if belief else [],
        "promise": belief.promise.tolist() if belief else [],
        "dots": [asdict(dot) for dot in along.dots],
    }
