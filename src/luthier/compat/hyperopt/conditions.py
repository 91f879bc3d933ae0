"""When a hyperparameter is needed: the choices on the way to it, read off the expression.

A label may be reached on several ways; each is a tuple of `Cond`s that all hold. The ways of a label that is reached
whatever is chosen are empty.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from luthier.compat.hyperopt.exceptions import DuplicateLabel
from luthier.compat.hyperopt.pyll import Apply, Literal, as_apply, rec_eval

__all__ = ["EQ", "Cond", "expr_to_config", "hyperparameter_under", "label_of", "options_of"]

CASTS = ("int", "float")


@dataclass(frozen=True)
class Cond:
    """The hyperparameter `name` compared with `val`."""

    name: str
    val: Any
    op: str

    def __str__(self) -> str:
        return f"Cond{{{self.name} {self.op} {self.val}}}"

    __repr__ = __str__


def EQ(name: str, val: Any) -> Cond:  # noqa: N802  hyperopt's name
    """The condition that a hyperparameter has a value."""
    return Cond(name, val, "=")


def label_of(node: Apply) -> str:
    """The label of a `hyperopt_param` node."""
    label = node.pos_args[0] if node.pos_args else node.arg["label"]
    assert isinstance(label, Literal)
    text = label.obj
    return text.decode() if isinstance(text, bytes) else str(text)


def hyperparameter_under(node: Apply) -> Apply | None:
    """The hyperparameter that a node is but for a cast to int or float; None where it is something else."""
    while node.name in CASTS:
        node = node.pos_args[0]
    return node if node.name == "hyperopt_param" else None


def options_of(distribution: Apply) -> range | None:
    """The indices that a distribution over whole numbers draws from; None for every other distribution."""
    if distribution.name == "categorical":
        return range(len(rec_eval(distribution.arg["p"])))
    if distribution.name != "randint":
        return None
    low, high = distribution.arg["low"], distribution.arg["high"]
    bounds = [int(rec_eval(b)) for b in (low, high) if isinstance(b, Apply) and rec_eval(b) is not None]
    return range(*bounds)


def expr_to_config(expr: Any, conditions: tuple[Any, ...] | None, hps: dict[str, dict[str, Any]]) -> None:
    """Fills `hps` with the hyperparameters of an expression: label to its distribution (`node`), its `label` and the set
    of ways that lead to it (`conditions`), each beginning with those given.

    **Raises** DuplicateLabel where two hyperparameters share a label.
    """
    given = () if conditions is None else conditions
    _walk(as_apply(expr), given, hps)
    for found in hps.values():
        if _is_always(found["conditions"], given, hps):
            found["conditions"] = {given}


def _walk(top: Apply, given: tuple[Any, ...], hps: dict[str, dict[str, Any]]) -> None:
    """Goes every way through an expression, in the order in which it is written."""
    seen: set[tuple[Apply, tuple[Any, ...]]] = set()
    waiting = [(top, given)]
    while waiting:
        node, way = waiting.pop()
        if (node, way) in seen:
            continue
        seen.add((node, way))
        if node.name == "hyperopt_param":
            _meet(node, way, hps)
        elif node.name == "switch":
            waiting += reversed([(node.pos_args[0], way), *_branches(node, way)])
        else:
            waiting += [(child, way) for child in reversed(node.inputs())]


def _meet(node: Apply, way: tuple[Any, ...], hps: dict[str, dict[str, Any]]) -> None:
    label = label_of(node)
    known = hps.setdefault(label, {"node": node.arg["obj"], "conditions": set(), "label": label})
    if known["node"] is not node.arg["obj"]:
        raise DuplicateLabel(
            f"two hyperparameters have the label {label!r}; give each its own, also in different options of a choice"
        )
    known["conditions"].add(way)


def _branches(node: Apply, way: tuple[Any, ...]) -> list[tuple[Apply, tuple[Any, ...]]]:
    """The options of a switch and the ways to them; where no hyperparameter chooses, any of them may be needed."""
    index = hyperparameter_under(node.pos_args[0])
    if index is None or options_of(index.arg["obj"]) is None:
        return [(option, way) for option in node.pos_args[1:]]
    return [(option, (*way, EQ(label_of(index), place))) for place, option in enumerate(node.pos_args[1:])]


def _is_always(ways: set[tuple[Any, ...]], given: tuple[Any, ...], hps: dict[str, dict[str, Any]]) -> bool:
    """Whether the ways are all the options of one choice, so that one of them is always open."""
    last = [way[len(given) :] for way in ways]
    if any(len(conds) != 1 for conds in last):
        return False
    names = {conds[0].name for conds in last}
    if len(names) != 1:
        return False
    return _is_all({conds[0].val for conds in last}, hps[names.pop()]["node"])


def _is_all(values: Iterable[Any], distribution: Apply) -> bool:
    options = options_of(distribution)
    return options is not None and set(values) == set(options)
