"""Luthier tunes any training program.

What a training script needs is here: `report` a metric, read the trial's `params`, its `seed` and its
folders. All of it does nothing, or answers with your default, when the script runs on its own. Names are
found when they are first used (PEP 562), so that `import luthier` inside a training script loads nothing but
this file; what a script uses lives in `metrics/report.py`, which needs the standard library only. Nothing may
be imported at the top of this file.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` itself would cost a training script three milliseconds
    from luthier.metrics.report import (
        MetricWarning,
        checkpoint_dir,
        in_trial,
        output_dir,
        params,
        report,
        seed,
        send_metric,
        trial_id,
    )

    __version__: str

__all__ = [
    "MetricWarning",
    "__version__",
    "checkpoint_dir",
    "in_trial",
    "output_dir",
    "params",
    "report",
    "seed",
    "send_metric",
    "trial_id",
]

_HOMES = {name: "luthier.metrics.report" for name in __all__ if name != "__version__"}


def __getattr__(name: str) -> object:
    """Finds a public name where it lives and keeps it here."""
    if name == "__version__":
        from importlib.metadata import version

        value: object = version("luthier")
    elif name in _HOMES:
        from importlib import import_module

        value = getattr(import_module(_HOMES[name]), name)
    else:
        raise AttributeError(f"module 'luthier' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
