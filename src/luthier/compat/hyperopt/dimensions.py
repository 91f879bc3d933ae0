"""One hyperparameter as a Luthier parameter: its domain, and its values in both languages.

hyperopt keeps the index of a choice and a float for every number. Luthier keeps the option itself, or its name, and
integers where the program asked for them. Stepped distributions are multiples of q *inside* the bounds, all equally
likely, where hyperopt's may lie below `low` and are half as likely at the ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal
from math import exp, isclose
from typing import Any

from luthier.compat.hyperopt.conditions import hyperparameter_under, label_of, options_of
from luthier.compat.hyperopt.exceptions import BadSearchSpace, NoValue
from luthier.compat.hyperopt.pyll import Apply, Literal, rec_eval
from luthier.errors import SpaceError
from luthier.space import Categorical, Constant, Domain, Float, Integer, LogNormal, Normal, Value
from luthier.space.naming import named_options

__all__ = ["Dimension", "dimension"]

SMALLEST = 1e-300
WIDE = Context(prec=40)


@dataclass(frozen=True)
class Dimension:
    """A label, Luthier's domain of it, and how values are told. `options` are the indices of a choice, in the domain's
    order; `weights` their probabilities where they are not equal."""

    label: str
    domain: Domain
    options: tuple[int, ...] | None = None
    weights: tuple[float, ...] | None = None

    def to_luthier(self, value: Any) -> Value | None:
        """A hyperopt value as Luthier's; None for one that lies outside the domain."""
        plain = value.item() if hasattr(value, "item") else value
        if self.options is not None:
            if isinstance(plain, float) and plain.is_integer():
                plain = int(plain)
            return self.domain.at(self.options.index(plain)) if plain in self.options else None
        if isinstance(self.domain, Integer) and isinstance(plain, float) and plain.is_integer():
            plain = int(plain)
        for each in (plain, self._clean(plain)):
            try:
                return self.domain.read(each)
            except (SpaceError, TypeError, ValueError, OverflowError):
                continue
        return None

    def to_hyperopt(self, value: Any) -> Any:
        """A plain Luthier value as hyperopt keeps it: an index, an int or a float."""
        return value if self.options is None else self.options[self.domain.index_of(value)]

    def quantile(self, u: float) -> Value:
        """The value that stands at `u` in (0, 1), by the probabilities the user gave."""
        if self.weights is None:
            return self.domain.at(0) if self.domain.count() == 1 else self.domain.from_unit(u)
        left = u * sum(self.weights)
        for place, weight in enumerate(self.weights):
            left -= weight
            if left < 0:
                return self.domain.at(place)
        return self.domain.at(len(self.weights) - 1)

    def _clean(self, number: Any) -> Any:
        """A number as it should have been: 0.3 for 0.30000000000000004, the bound for what is a hair beyond it."""
        if isinstance(number, bool) or not isinstance(number, (int, float)) or number - number != 0:
            return None
        for bound in (getattr(self.domain, "low", None), getattr(self.domain, "high", None)):
            if bound is not None and isclose(number, bound, rel_tol=1e-12):
                return bound
        step = getattr(self.domain, "step", None)
        return _multiple(number, step, ROUND_HALF_EVEN) if step and step > 0 else number


def dimension(label: str, node: Apply, options: Sequence[Apply] | None, is_whole: bool) -> Dimension:
    """The dimension of a label. `options` are the branches of the choice whose index it is, `is_whole` tells that the
    program turns its value into an int.

    **Raises** BadSearchSpace naming the label.
    """
    try:
        indices = options_of(node)
        if options is not None and indices is not None:
            return _choice(label, node, options, indices)
        return Dimension(label, _domain(node, is_whole))
    except BadSearchSpace as error:
        raise _about(label, error) from None
    except SpaceError as error:
        raise _about(label, error) from error


def _about(label: str, error: Exception) -> BadSearchSpace:
    return BadSearchSpace(f"hyperparameter {label!r}: {error}")


def _choice(label: str, node: Apply, options: Sequence[Apply], indices: range) -> Dimension:
    weights = [float(p) for p in rec_eval(node.arg["p"])] if node.name == "categorical" else None
    kept = [i for i in indices if i < len(options) and (weights is None or weights[i] > 0)]
    if not kept:
        raise BadSearchSpace("no option has a probability above 0")
    domain = _categorical([_shown(option) for option in options], kept)
    given = None if weights is None else tuple(weights[i] for i in kept)
    return Dimension(label, domain, tuple(kept), given)


def _categorical(shown: list[Any], kept: list[int]) -> Domain:
    """The options by their values and names; by their places where two of them look alike."""
    try:
        names = named_options(shown, None)
        made = [Value(names[i]) for i in kept]
        return Constant((made[0],)) if len(made) == 1 else Categorical(tuple(made))
    except (SpaceError, TypeError, ValueError):
        return Categorical(tuple(Value(f"#{i}") for i in kept)) if len(kept) > 1 else Constant((Value("#0"),))


def _shown(option: Apply) -> Any:
    """What an option is named after: the object itself, or what is constant of it."""
    if isinstance(option, Literal):
        return option.obj
    inner = hyperparameter_under(option)
    if inner is not None:
        return label_of(inner)
    if option.name == "dict" and not option.pos_args:
        return {key: node.obj if isinstance(node, Literal) else node for key, node in option.named_args}
    if option.name == "pos_args":
        if all(isinstance(node, Literal) for node in option.pos_args):
            return [node.obj for node in option.pos_args if isinstance(node, Literal)]
        return {str(i): node.obj for i, node in enumerate(option.pos_args) if isinstance(node, Literal)}
    return {}


def _domain(node: Apply, is_whole: bool) -> Domain:
    """The domain of a distribution that is no choice."""
    known = {name: _constant(name, value) for name, value in node.arg.items() if name not in ("rng", "size")}
    q: Any = known.get("q")
    match node.name:
        case "randint":
            options = options_of(node)
            assert options is not None
            return _whole(options[0], options[-1], 1)
        case "uniform":
            return Float(known["low"], known["high"])
        case "loguniform":
            return Float(_exp(known["low"]), _exp(known["high"]), "log")
        case "quniform":
            return _stepped(known["low"], known["high"], q, "linear", is_whole)
        case "qloguniform":
            return _stepped(_exp(known["low"]), _exp(known["high"]), q, "log", is_whole)
        case "normal" | "qnormal" | "lognormal" | "qlognormal":
            kind = LogNormal if node.name.endswith("lognormal") else Normal
            as_int = is_whole and q is not None and q == int(q)
            return kind(known["mu"], known["sigma"], q, "int" if as_int else "float")
        case "categorical":
            return _whole(0, len(known["p"]) - 1, 1)
    raise BadSearchSpace(f"is a {node.name}, which can't be searched; use one of hp's distributions")


def _constant(name: str, argument: Any) -> Any:
    if not isinstance(argument, Apply):
        return None
    try:
        value = rec_eval(argument)
    except NoValue:
        raise BadSearchSpace(
            f"its {name} depends on another hyperparameter; make it a number and compute with the two values in the "
            "objective"
        ) from None
    return value.item() if getattr(value, "shape", None) == () else value


def _exp(bound: float) -> float:
    """exp, as the clean number that its user took the logarithm of, where there is one that near."""
    try:
        value = max(exp(bound), SMALLEST)
    except OverflowError:
        raise BadSearchSpace(f"exp({bound:g}) is too large; bounds of loguniform are logarithms") from None
    clean = float(f"{value:.12g}")
    return clean if isclose(clean, value, rel_tol=4e-16 * max(1.0, abs(bound))) else value


def _stepped(low: float, high: float, q: float, scaling: Any, is_whole: bool) -> Domain:
    """The multiples of q from low to high; where there is none, what hyperopt would round the bounds to."""
    first, last = _multiple(low, q, ROUND_CEILING), _multiple(high, q, ROUND_FLOOR)
    if first > last:
        first, last = _multiple(low, q, ROUND_HALF_EVEN), _multiple(high, q, ROUND_HALF_EVEN)
    scale: Any = scaling if first > 0 else "linear"
    if is_whole and q == int(q):
        return _whole(int(first), int(last), int(q), scale)
    return Constant((Value(first),)) if first == last else Float(first, last, scale, float(q))


def _whole(first: int, last: int, step: int, scaling: Any = "linear") -> Domain:
    return Constant((Value(first),)) if first == last else Integer(first, last, scaling, step)


def _multiple(number: float, q: float, rounding: str) -> float:
    """A multiple of q near a number, in decimals, so that 3 times 0.1 is 0.3; a hair beyond a multiple counts as it."""
    step, exact = Decimal(repr(float(q))), Decimal(repr(float(number)))
    places = WIDE.divide(exact, step)
    nearest = places.to_integral_value(ROUND_HALF_EVEN)
    if abs(places - nearest) > Decimal("1e-9"):
        nearest = places.to_integral_value(rounding)
    return float(nearest * step)
