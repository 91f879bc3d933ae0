"""Where a rule looks that could look anywhere: at 1, 2, … 20, 22, … 50, 55, … 100, 110, … and so on.

That is every whole step at first and about every twentieth part later. It bounds what has to be remembered, and trials
whose steps are odd fractions are compared at the same places.
"""

from __future__ import annotations

from math import floor, log10

from luthier.curves import Curve

__all__ = ["checkpoint", "reached_checkpoint"]


def checkpoint(resource: float) -> float:
    """The last of these places that is not beyond a resource above zero."""
    power = floor(log10(resource)) - 1
    digits = floor(resource / 10.0**power * (1 + 1e-9))
    digits -= digits % (1 if digits < 20 else 2 if digits < 50 else 5)
    return digits * 10.0**power if power >= 0 else digits / 10.0**-power


def reached_checkpoint(curve: Curve) -> float | None:
    """The checkpoint that the newest point reached; None where it reached none, or nothing is known there."""
    resource = curve.resource
    if not 0 < resource < 1e300:
        return None
    place = min(checkpoint(resource), resource)
    return place if curve.before < place and curve.at(place) is not None else None
