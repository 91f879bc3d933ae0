"""What a problem is: some dimensions, a loss, a budget. Knows no optimizer; `problems/` makes them, `peers/` search them.

A problem is described twice, once as plain `Dim`s that every adapter can read and once as the Luthier space made of
them, so that no peer is told more than another.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from luthier.space import Categorical, Condition, Domain, Float, Integer, Ordinal, Parameter, Space

__all__ = ["FAMILIES", "Dim", "Failed", "Problem", "choice", "integer", "number", "ordinal"]

FAMILIES = (
    "numeric",
    "categorical",
    "mixed",
    "conditional",
    "noisy",
    "high-dimensional",
    "failing",
    "parallel",
)

Values = Mapping[str, Any]


class Failed(Exception):
    """The configuration can't be evaluated: the trial fails."""


@dataclass(frozen=True)
class Dim:
    """One parameter. `kind` is float, int, choice (no order) or ordinal (in the order listed); `when` is the earlier
    choice and its values under which this one exists."""

    name: str
    kind: str
    low: float = 0.0
    high: float = 1.0
    log: bool = False
    choices: tuple[Any, ...] = ()
    when: tuple[str, tuple[Any, ...]] | None = None

    def exists(self, values: Values) -> bool:
        """Whether it is active beside these values of the earlier dimensions."""
        return self.when is None or values.get(self.when[0]) in self.when[1]

    def parameter(self) -> Parameter:
        """The same as Luthier has it."""
        domain: Domain
        if self.kind == "float":
            domain = Float(self.low, self.high, "log" if self.log else "linear")
        elif self.kind == "int":
            domain = Integer(int(self.low), int(self.high), "log" if self.log else "linear")
        else:
            domain = (Ordinal if self.kind == "ordinal" else Categorical).of(self.choices)
        when = (Condition(self.when[0], "in", self.when[1]),) if self.when else ()
        return Parameter(self.name, domain, when)


def number(name: str, low: float, high: float, log: bool = False, when: Any = None) -> Dim:
    """A range of numbers."""
    return Dim(name, "float", low, high, log, when=when)


def integer(name: str, low: int, high: int, log: bool = False, when: Any = None) -> Dim:
    """A range of integers."""
    return Dim(name, "int", low, high, log, when=when)


def choice(name: str, *choices: Any, when: Any = None) -> Dim:
    """Values without an order."""
    return Dim(name, "choice", choices=choices, when=when)


def ordinal(name: str, *choices: Any, when: Any = None) -> Dim:
    """Values in order."""
    return Dim(name, "ordinal", choices=choices, when=when)


@dataclass(frozen=True)
class Problem:
    """A loss over dimensions, less is better.

    `score` is the loss that counts, without noise; it raises Failed where a trial fails. `noisy`, if given, is what a
    trial observes: a function of the values and a generator that belongs to the trial. `best` is the least score
    there is, where it is known exactly. `revision` rises with every change of the loss, so that old results end.
    """

    name: str
    family: str
    dims: tuple[Dim, ...]
    score: Callable[[Values], float]
    budget: int
    noisy: Callable[[Values, np.random.Generator], float] | None = None
    best: float | None = None
    workers: int = 1
    revision: int = 1
    draws: int = 2000
    tags: frozenset[str] = field(default_factory=frozenset)

    @cached_property
    def space(self) -> Space:
        """The dimensions as Luthier has them."""
        return Space([dim.parameter() for dim in self.dims])

    @property
    def base(self) -> str:
        """The name without the number of workers: a problem and its parallel twin are always in the same half."""
        return self.name.partition("@")[0]

    @property
    def half(self) -> str:
        """`tune` or `held-out`: the parity of a digest of the name, fixed for ever."""
        return ("tune", "held-out")[hashlib.sha256(self.base.encode()).digest()[0] & 1]

    @cached_property
    def digest(self) -> str:
        """Changes with everything that makes old results worthless, but for the loss itself: see `revision`."""
        known = [repr(self.dims), self.budget, self.workers, self.revision]
        return hashlib.sha256(json.dumps(known).encode()).hexdigest()[:10]

    def observe(self, values: Values, seed: int, trial: int) -> float:
        """What a trial with these values observes. The same for every peer with the same seed and trial number.

        **Raises** Failed.
        """
        if self.noisy is None:
            return self.score(values)
        return self.noisy(values, generator(self.base, "noise", seed, trial))

    def seconds(self, seed: int, trial: int) -> float:
        """How long a trial takes in the simulation: about a minute, some three times that."""
        return float(generator(self.base, "seconds", seed, trial).lognormal(4.0, 0.5))


def generator(*purpose: object) -> np.random.Generator:
    """Random numbers by name, the same in every process."""
    digest = hashlib.sha256(repr(purpose).encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "big")))
