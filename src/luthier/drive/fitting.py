"""Whether a worker can ever run the trials of an experiment: its cores, GPUs, memory and tags beside what one trial needs.

A worker that can't must not claim: the trial would fail for want of what another worker has. Where trials are placed by Ray,
Ray says what fits; only the tags are asked for here.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from luthier.description import NEEDS, Description
from luthier.errors import UsageError

__all__ = ["Means", "means_of", "misfit"]


class Means(NamedTuple):
    """What a worker can give its trials; None where that is not its own affair or not known. GPUs are asked for when an
    experiment needs them: `nvidia-smi` takes a second."""

    tags: tuple[str, ...]
    cpus: int | None = None
    memory_bytes: int | None = None
    gpus: Callable[[], int | str] | None = None


def means_of(tags: tuple[str, ...], *, elsewhere: bool = False) -> Means:
    """What this machine has; with `elsewhere`, trials run on others and only the tags count."""
    if elsewhere:
        return Means(tags)
    from luthier.drive.surroundings import machine

    here = machine()
    return Means(tags, here["cpus"], here["memory_bytes"], _gpus)


@cache
def _gpus() -> int | str:
    """How many GPUs there are, or why nobody knows."""
    from luthier.run.gpus import discover

    try:
        return len(discover(os.environ))
    except UsageError as error:
        return str(error)


def misfit(what: Description, means: Means, *, any_tag: bool = False) -> str:
    """Why a worker can never run its trials, as half a sentence; empty where it can. With `any_tag` a person named the
    experiment and knows better than a tag."""
    found = []
    limits, tag = what.limits, what.labels.get(NEEDS)
    if tag is not None and tag not in means.tags and not any_tag:
        found.append(f"a worker tagged {tag} (this one is {_named(means.tags)})")
    if means.cpus is not None and limits.cpus is not None and limits.cpus > means.cpus:
        found.append(f"{_many(limits.cpus, 'core')} each (here: {means.cpus})")
    if means.gpus is not None and limits.gpus:
        have = means.gpus()
        if isinstance(have, str) or limits.gpus > have:
            found.append(f"{_many(limits.gpus, 'GPU')} each (here: {have or 'none'})")
    if means.memory_bytes is not None and (limits.memory_bytes or 0) > means.memory_bytes:
        found.append(f"{_size(limits.memory_bytes)} of memory each (here: {_size(means.memory_bytes)})")
    return f"its trials need {' and '.join(found)}" if found else ""


def _named(tags: tuple[str, ...]) -> str:
    return ", ".join(tags) or "not tagged"


def _many(n: float, noun: str) -> str:
    return f"{n:g} {noun}" if n <= 1 else f"{n:g} {noun}s"


def _size(size: int | None) -> str:
    return f"{(size or 0) / 2**30:.3g} GiB"
