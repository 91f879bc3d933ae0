"""Numbers written no more precisely than they are known: two digits of the spread are kept, the rest is noise."""

from __future__ import annotations

from math import floor, isfinite, log10

__all__ = ["chance", "rounded"]


def rounded(value: float, spread: float) -> str:
    """The value with two significant digits of its spread: `0.9421` for a spread of 0.0061. Six digits of the value
    where the spread is nothing or not known."""
    if not (isfinite(value) and isfinite(spread) and spread > 0):
        return f"{value:.6g}"
    decimals = 1 - floor(log10(spread))
    if decimals <= 6 and abs(value) < 1e9 and spread < 1e9:
        return f"{round(value, decimals) + 0.0:.{max(decimals, 0)}f}"
    magnitude = floor(log10(abs(value))) if value else 0
    return f"{value:.{min(max(magnitude + 1 + decimals, 1), 17)}g}"


def chance(probability: float) -> str:
    """A probability with two digits, never a certainty that a simulation can't give: `0.61`, `over 0.99`."""
    if probability > 0.99:
        return "over 0.99"
    return "under 0.01" if probability < 0.01 else f"{probability:.2f}"
