"""Luthier tunes any training program.

`minimize` and `maximize` tune a Python function over a space of `uniform`, `loguniform`, `integers`, `choice`, …. What a training script needs is here: `report` a metric, read the trial's `params`, its `seed` and its
folders. All of it does nothing, or answers with your default, when the script runs on its own. Names are
found when they are first used (PEP 562), so that `import luthier` inside a training script loads nothing but
this file; what a script uses lives in `metrics/report.py`, which needs the standard library only. Nothing may
be imported at the top of this file.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` itself would cost a training script three milliseconds
    from luthier.drive.callee import Stop
    from luthier.experiment import Asked, Experiment, Tried, maximize, minimize
    from luthier.metrics.report import (
        MetricWarning,
        checkpoint_dir,
        in_trial,
        output_dir,
        params,
        report,
        seed,
        send_metric,
        should_stop,
        trial_id,
    )
    from luthier.space.distributions import choice, integers, lognormal, loguniform, normal, uniform

    __version__: str

__all__ = [
    "Asked",
    "Experiment",
    "MetricWarning",
    "Stop",
    "Tried",
    "__version__",
    "checkpoint_dir",
    "choice",
    "in_trial",
    "integers",
    "lognormal",
    "loguniform",
    "maximize",
    "minimize",
    "normal",
    "output_dir",
    "params",
    "report",
    "seed",
    "send_metric",
    "should_stop",
    "trial_id",
    "uniform",
]

_HOMES = {
    "luthier.drive.callee": ("Stop",),
    "luthier.experiment": ("Asked", "Experiment", "Tried", "maximize", "minimize"),
    "luthier.metrics.report": (
        "MetricWarning",
        "checkpoint_dir",
        "in_trial",
        "output_dir",
        "params",
        "report",
        "seed",
        "send_metric",
        "should_stop",
        "trial_id",
    ),
    "luthier.space.distributions": ("choice", "integers", "lognormal", "loguniform", "normal", "uniform"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    """Finds a public name where it lives and keeps it here."""
    if name == "__version__":
        from importlib.metadata import version

        value: object = version("luthier")
    elif name in _HOME_OF:
        from importlib import import_module

        value = getattr(import_module(_HOME_OF[name]), name)
    else:
        raise AttributeError(f"module 'luthier' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
