"""What all callbacks share: a training's metrics become points of the trial that runs it.

A callback may be left in a program for good: outside a trial it does nothing, and what is no number is passed over. Of a
distributed training only rank 0 reports.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import luthier
from luthier.metrics.report import number_of, reports_here

__all__ = ["is_open", "report_numbers", "should_stop"]


def is_open() -> bool:
    """Whether this process runs a trial and is the one of its group that reports."""
    return luthier.in_trial() and reports_here() and _rank() == 0


def report_numbers(values: Mapping[str, Any], step: float) -> None:
    """Reports those of the values that are numbers."""
    if not is_open():
        return
    numbers = {name: number_of(value) for name, value in values.items()}
    found = {name: value for name, value in numbers.items() if value is not None}
    if found:
        luthier.report(found, step=step)


def should_stop() -> bool:
    """Whether the trial is to end early. A stopping rule will say so here; all callbacks ask it after each report."""
    return False


def _rank() -> int:
    """This process's place in PyTorch's group, which a program may have made without the environment saying so."""
    torch = sys.modules.get("torch")
    distributed = getattr(torch, "distributed", None)
    if distributed is None or not distributed.is_available() or not distributed.is_initialized():
        return 0
    return int(distributed.get_rank())
