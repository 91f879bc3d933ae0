"""The distributions an expression may draw from, and `sample`, which draws the whole expression once.

This is how a space is looked at by hand. A search does not draw here: it asks `luthier.search`, which draws by the
same distributions. Stepped distributions stay within their bounds, as the searches do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from luthier.compat.hyperopt.exceptions import NoValue
from luthier.compat.hyperopt.pyll.evaluate import rec_eval
from luthier.compat.hyperopt.pyll.graph import Apply, Literal, as_apply, clone, dfs, scope

__all__ = ["implicit_stochastic_symbols", "recursive_set_rng_kwarg", "sample"]

implicit_stochastic_symbols: set[str] = set()
"""The names of the functions that draw."""


def implicit_stochastic(f: Callable[..., Any]) -> Callable[..., Any]:
    """Marks a function as one that draws, by its argument `rng`."""
    implicit_stochastic_symbols.add(f.__name__)
    return f


def _drawing(f: Callable[..., Any]) -> Callable[..., Any]:
    return scope.define(implicit_stochastic(f))


def _by(rng: Any) -> Any:
    if rng is None:
        raise NoValue("there is no generator to draw a value with")
    return rng


def _plain(value: Any) -> Any:
    """A single number as Python's own, arrays as they are."""
    return value.item() if getattr(value, "shape", None) == () else value


@scope.define
def rng_from_seed(seed: Any) -> Any:
    """NumPy's generator of this seed."""
    import numpy as np

    return np.random.default_rng(seed)


@_drawing
def uniform(low: float, high: float, rng: Any = None, size: Any = ()) -> Any:
    """Evenly between two numbers."""
    return _plain(_by(rng).uniform(low, high, size=size))


@_drawing
def loguniform(low: float, high: float, rng: Any = None, size: Any = ()) -> Any:
    """exp of an even draw."""
    import numpy as np

    return _plain(np.exp(_by(rng).uniform(low, high, size=size)))


@_drawing
def quniform(low: float, high: float, q: float, rng: Any = None, size: Any = ()) -> Any:
    """An even draw as the nearest multiple of q between the bounds."""
    return _stepped(_by(rng).uniform(low, high, size=size), low, high, q)


@_drawing
def qloguniform(low: float, high: float, q: float, rng: Any = None, size: Any = ()) -> Any:
    """exp of an even draw as the nearest multiple of q between exp of the bounds."""
    import numpy as np

    return _stepped(np.exp(_by(rng).uniform(low, high, size=size)), np.exp(low), np.exp(high), q)


@_drawing
def normal(mu: float, sigma: float, rng: Any = None, size: Any = ()) -> Any:
    """From the normal distribution."""
    return _plain(_by(rng).normal(mu, sigma, size=size))


@_drawing
def qnormal(mu: float, sigma: float, q: float, rng: Any = None, size: Any = ()) -> Any:
    """A normal draw as the nearest multiple of q."""
    return _stepped(_by(rng).normal(mu, sigma, size=size), None, None, q)


@_drawing
def lognormal(mu: float, sigma: float, rng: Any = None, size: Any = ()) -> Any:
    """exp of a normal draw."""
    import numpy as np

    return _plain(np.exp(_by(rng).normal(mu, sigma, size=size)))


@_drawing
def qlognormal(mu: float, sigma: float, q: float, rng: Any = None, size: Any = ()) -> Any:
    """exp of a normal draw as the nearest multiple of q."""
    import numpy as np

    return _stepped(np.exp(_by(rng).normal(mu, sigma, size=size)), None, None, q)


@_drawing
def randint(low: int, high: int | None = None, rng: Any = None, size: Any = ()) -> Any:
    """A whole number below `low`, or from `low` to below `high`."""
    return _plain(_by(rng).integers(low, high, size))


@_drawing
def categorical(p: Any, rng: Any = None, size: Any = ()) -> Any:
    """An index i with probability p[i]."""
    import numpy as np

    weights = np.asarray(p, dtype=float)
    return _plain(_by(rng).choice(len(weights), size=size or None, p=weights / weights.sum()))


def _stepped(draw: Any, low: Any, high: Any, q: float) -> Any:
    import numpy as np

    places = np.round(draw / q)
    if low is not None:
        first, last = np.ceil(low / q - 1e-9), np.floor(high / q + 1e-9)
        if first <= last:
            places = np.clip(places, first, last)
    return _plain(places * q)


def one_of(*args: Any) -> Apply:
    """One of the arguments, each equally likely."""
    return scope.switch(scope.randint(len(args)), *args)


def choice(args: Any) -> Apply:
    """One of a list, each equally likely."""
    return one_of(*args)


scope.define_as_nodes("one_of", one_of)
scope.define_as_nodes("choice", choice)


def recursive_set_rng_kwarg(expr: Apply, rng: Any = None) -> Apply:
    """Makes every node of an expression that draws do so with this generator; changes the expression."""
    if rng is None:
        import numpy as np

        rng = np.random.default_rng()
    generator = as_apply(rng)
    for node in dfs(expr):
        if node.name in implicit_stochastic_symbols:
            node.named_args = [pair for pair in node.named_args if pair[0] != "rng"] + [["rng", generator]]
    return expr


def sample(expr: Any, rng: Any = None, **kwargs: Any) -> Any:
    """One draw of the whole expression. `rng` is NumPy's generator; without one, draws differ every time."""
    if rng is None:
        import numpy as np

        rng = np.random.default_rng()
    return rec_eval(recursive_set_rng_kwarg(clone(as_apply(expr)), Literal(rng)), **kwargs)
