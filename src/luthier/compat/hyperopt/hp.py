"""The hyperparameters: `hp.uniform("x", 0, 1)` and its siblings, each a node with a label.

Every mistake that can be seen here is refused here, with the label in the message.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from luthier.compat.hyperopt.exceptions import BadSearchSpace
from luthier.compat.hyperopt.pyll import Apply, Literal, scope

__all__ = [
    "choice",
    "lognormal",
    "loguniform",
    "normal",
    "pchoice",
    "qlognormal",
    "qloguniform",
    "qnormal",
    "quniform",
    "randint",
    "uniform",
    "uniformint",
    "validate_distribution_range",
    "validate_label",
]

NEARLY_ONE = 0.02
"""How far probabilities may be from 1 in sum, so that 0.33 three times is good."""


def validate_label(f: Callable[..., Apply]) -> Callable[..., Apply]:
    """Makes a function refuse a label that is no text. **Raises** TypeError."""

    @wraps(f)
    def checked(label: Any, *args: Any, **kwargs: Any) -> Apply:
        text = label.obj if isinstance(label, Literal) else label
        if not isinstance(text, (str, bytes)):
            raise TypeError(f"require string label, not {text!r}")
        return f(text, *args, **kwargs)

    return checked


def validate_distribution_range(f: Callable[..., Any]) -> Callable[..., Any]:
    """Makes a function refuse a `low` that is not below `high`. **Raises** ValueError."""

    @wraps(f)
    def checked(label: Any, *args: Any, **kwargs: Any) -> Any:
        low: Any = args[0] if args else kwargs.get("low")
        high: Any = args[1] if len(args) > 1 else kwargs.get("high")
        if _is_known(low) and _is_known(high) and not low < high:
            raise ValueError(
                f"low should be less than high: {low} is not smaller than {high} (label {label!r})"
            )
        return f(label, *args, **kwargs)

    return checked


def _is_known(bound: Any) -> bool:
    """Whether a bound is a number, and no expression or missing."""
    return bound is not None and not isinstance(bound, Apply)


def _positive(label: Any, name: str, value: Any) -> None:
    if _is_known(value) and not value > 0:
        raise ValueError(f"{name} should be above 0, not {value} (label {label!r})")


def _parameter(label: Any, distribution: Apply) -> Apply:
    return scope.hyperopt_param(label, distribution)


def _number(label: Any, distribution: Apply) -> Apply:
    return scope.float(_parameter(label, distribution))


@validate_label
def choice(label: Any, options: Sequence[Any]) -> Apply:
    """One of several options, which may hold hyperparameters of their own: those exist only when it is chosen."""
    options = list(options)
    if not options:
        raise BadSearchSpace(f"the choice {label!r} has no options; list at least one")
    return scope.switch(_parameter(label, scope.randint(len(options))), *options)


@validate_label
def pchoice(label: Any, p_options: Sequence[tuple[float, Any]]) -> Apply:
    """One of several (probability, option) pairs."""
    pairs = list(p_options)
    weights = [float(p) for p, _ in pairs]
    if not pairs:
        raise BadSearchSpace(f"the choice {label!r} has no options; list at least one")
    if min(weights) < 0 or abs(sum(weights) - 1) > NEARLY_ONE:
        raise BadSearchSpace(
            f"the probabilities of {label!r} are {', '.join(map(str, weights))}; none may be below 0, and their sum "
            f"has to be 1, not {sum(weights):g}"
        )
    # hyperopt's graphs hold an array here, and programs look at it
    import numpy as np

    ch = _parameter(label, scope.categorical(Literal(np.asarray(weights))))
    return scope.switch(ch, *[option for _, option in pairs])


@validate_label
def randint(label: Any, low: Any = None, high: Any = None, *, upper: Any = None) -> Apply:
    """A whole number: `randint(label, upper)` from 0 to below upper, `randint(label, low, high)` from low to below high.
    Neighbours count as alike."""
    if low is None:
        low, high = (upper, None) if high is None and upper is not None else (0, high)
    elif upper is not None:
        high = upper
    first: Any = 0 if high is None else low
    last: Any = low if high is None else high
    if _is_known(first) and _is_known(last) and not first < last:
        raise ValueError(
            f"low should be less than high: {first} is not smaller than {last} (label {label!r})"
        )
    bounds = (low,) if high is None else (low, high)
    return scope.int(_parameter(label, scope.randint(*bounds)))


@validate_label
@validate_distribution_range
def uniform(label: Any, low: float, high: float) -> Apply:
    """A number from low to high."""
    return _number(label, scope.uniform(low, high))


@validate_label
@validate_distribution_range
def uniformint(label: Any, low: float, high: float, q: float = 1.0) -> Apply:
    """A whole number from low to high, both included and all equally likely."""
    return scope.int(_number(label, scope.quniform(low, high, 1.0)))


@validate_label
@validate_distribution_range
def quniform(label: Any, low: float, high: float, q: float) -> Apply:
    """A multiple of q from low to high."""
    _positive(label, "q", q)
    return _number(label, scope.quniform(low, high, q))


@validate_label
@validate_distribution_range
def loguniform(label: Any, low: float, high: float) -> Apply:
    """A number from exp(low) to exp(high), its logarithm evenly spread."""
    return _number(label, scope.loguniform(low, high))


@validate_label
@validate_distribution_range
def qloguniform(label: Any, low: float, high: float, q: float) -> Apply:
    """A multiple of q from exp(low) to exp(high), its logarithm evenly spread."""
    _positive(label, "q", q)
    return _number(label, scope.qloguniform(low, high, q))


@validate_label
def normal(label: Any, mu: float, sigma: float) -> Apply:
    """A number from the normal distribution."""
    _positive(label, "sigma", sigma)
    return _number(label, scope.normal(mu, sigma))


@validate_label
def qnormal(label: Any, mu: float, sigma: float, q: float) -> Apply:
    """A multiple of q near a number from the normal distribution."""
    _positive(label, "sigma", sigma)
    _positive(label, "q", q)
    return _number(label, scope.qnormal(mu, sigma, q))


@validate_label
def lognormal(label: Any, mu: float, sigma: float) -> Apply:
    """A positive number whose logarithm is normal with this mean and deviation."""
    _positive(label, "sigma", sigma)
    return _number(label, scope.lognormal(mu, sigma))


@validate_label
def qlognormal(label: Any, mu: float, sigma: float, q: float) -> Apply:
    """A multiple of q near a positive number whose logarithm is normal."""
    _positive(label, "sigma", sigma)
    _positive(label, "q", q)
    return _number(label, scope.qlognormal(mu, sigma, q))
