"""When to stop a trial early: pure functions from the curves so far to go on, or stop and why.

A rule is a small frozen record of settings with one verb, `decide`. It keeps no state: what it decides depends on its
settings and on the points that were added, so every decision can be made again from the record. `conditions.py` looks
at single points of any metric, `promotion.py` at trials that wait between two rungs; the others stand in modules of
their name, and `registry.py` finds them.
"""

from luthier.stopping.conditions import Conditions
from luthier.stopping.promotion import Promotion, promotion
from luthier.stopping.registry import RULES, stopping_rule
from luthier.stopping.rule import Decision, StoppingRule

__all__ = ["RULES", "Conditions", "Decision", "Promotion", "StoppingRule", "promotion", "stopping_rule"]
