"""The sentences about metrics: why an objective is missing, and which way is better by its name.

Pure text from names. Who is told, and when, is decided in `drive/` and `cli/`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from luthier.description import Constraint, Objective

__all__ = ["direction_hint", "is_made_small", "missing_reason"]

_SHOWN = 8
_SMALL_IS_GOOD = re.compile(
    ".*(?:loss|error|entropy)|errors?|err|mse|rmse|rmsd|mae|mase|mape|smape|wape|rmsle|msle|nll|bce|ce|kl"
    "|divergence|perplexity|ppl|wer|cer|ter|eer|fid|brier|deviance|regret|hinge|latency|runtime|cost|distance"
)
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def missing_reason(objective: Objective | Constraint, seen: Iterable[str]) -> str:
    """Says that the objective's metric was not reported, what was, and which of that may have been meant."""
    metric, names = objective.metric, sorted(set(seen))
    if not names:
        return (
            f"it reported no {metric}, nor any other metric: print a line such as '{metric}: 0.5', "
            f'or append {{"{metric}": 0.5}} to the file $LUTHIER_METRICS'
        )
    rest = len(names) - _SHOWN
    listed = _list(names if rest <= 0 else [*names[:_SHOWN], "one other" if rest == 1 else f"{rest} others"])
    near = _nearest(metric, names)
    question = f", did you mean {near}?" if near else ""
    return f"it reported no {metric}; it did report {listed}{question}"


def is_made_small(metric: str) -> bool:
    """Whether a metric is named like a loss or an error, so that less of it is better."""
    words = [word.lower() for word in _WORDS.findall(metric)]
    if not words or words[0] in ("neg", "negative", "minus", "inverse") or "reduction" in words:
        return False  # scikit-learn's neg_log_loss is made to be maximized
    return any(_SMALL_IS_GOOD.fullmatch(word) for word in words)


def direction_hint(metric: str) -> str | None:
    """A sentence for whoever maximizes a metric named like a loss or an error; None for the others."""
    if not is_made_small(metric):
        return None
    return f"{metric} sounds like a thing to make small, and it is being maximized: is --minimize missing?"


def _nearest(metric: str, names: list[str]) -> str | None:
    from difflib import SequenceMatcher

    def likeness(name: str) -> float:
        ratio = SequenceMatcher(None, _bare(metric), _bare(name)).ratio()
        whole = set(_bare(metric).split()) & set(_bare(name).split())
        return ratio + (0.25 if whole else 0.0)

    best = max(names, key=likeness)
    return best if likeness(best) >= 0.6 else None


def _bare(name: str) -> str:
    return " ".join(_WORDS.findall(name)).lower().replace("accuracy", "acc")


def _list(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
