"""Spell's `spell.metrics`: `send_metric("loss", 0.2)` within a run; outside one it does nothing.

It is Luthier's own reporter, which loads the standard library only and never raises.
"""

from luthier.metrics.report import MetricWarning as SpellMetricWarning
from luthier.metrics.report import send_metric

__all__ = ["SpellMetricWarning", "send_metric"]
