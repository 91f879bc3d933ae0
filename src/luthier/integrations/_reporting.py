"""What all callbacks share: a training's metrics become points of the trial that runs it, and a rule's word ends it.

A callback may be left in a program for good: outside a trial it does nothing, and what is no number is passed over. Of a
distributed training only rank 0 reports. When a stopping rule ends the trial, the library is told in its own way, so that
what the program does after training is still done; the trial is stopped with what it reported, or what a function returns.
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
    """Reports those of the values that are numbers. Asks before whether the trial is to end, and so takes it on itself:
    `luthier.report` then raises nothing, and a command is given time."""
    if not is_open():
        return
    luthier.should_stop()
    numbers = {name: number_of(value) for name, value in values.items()}
    found = {name: value for name, value in numbers.items() if value is not None}
    if found:
        luthier.report(found, step=step)


def should_stop(*, together: bool = False) -> bool:
    """Whether the trial is to end early; callbacks ask it after each report.

    In PyTorch's group all processes have to stop at the same step, or they wait for one another for ever. With `together`
    all of them ask here at once and get the answer of rank 0; without, none stops by itself, and the guardian ends them.
    """
    group = _group() if luthier.in_trial() else None
    if group is None or group.get_world_size() == 1:
        return is_open() and luthier.should_stop()
    if not together:
        return False
    said = [is_open() and luthier.should_stop()]
    group.broadcast_object_list(said, src=0)
    return bool(said[0])


def _rank() -> int:
    """This process's place in PyTorch's group, which a program may have made without the environment saying so."""
    group = _group()
    return 0 if group is None else int(group.get_rank())


def _group() -> Any:
    """PyTorch's group of processes, if the program has made one."""
    torch = sys.modules.get("torch")
    distributed = getattr(torch, "distributed", None)
    is_there = distributed is not None and distributed.is_available() and distributed.is_initialized()
    return distributed if is_there else None
