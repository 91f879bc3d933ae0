"""Computes an expression: only what is needed, each node once, one branch of every switch.

Values that are already known, such as those of hyperparameters, come in as a memo from nodes to values. The walk keeps
a stack of its own, so that a sum of a thousand hyperparameters is no deeper than Python allows.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any

from luthier.compat.hyperopt.exceptions import NoValue
from luthier.compat.hyperopt.pyll.graph import Apply, Literal, as_apply, scope

__all__ = ["rec_eval"]


def rec_eval(
    expr: Any, deepcopy_inputs: bool = False, memo: Mapping[Apply, Any] | None = None, **_: Any
) -> Any:
    """The value of an expression, where nodes in `memo` have the values it says.

    hyperopt's debugging options are accepted and have no effect. **Raises** NoValue for a hyperparameter that is needed
    and in no memo; whatever the functions raise.
    """
    if deepcopy_inputs not in (False, True):
        raise ValueError("deepcopy_inputs should be bool", deepcopy_inputs)
    top = as_apply(expr)
    known: dict[Apply, Any] = dict(memo) if memo else {}
    stack = [top]
    while stack:
        node = stack[-1]
        if node in known:
            stack.pop()
        elif isinstance(node, Literal):
            known[node] = node.obj
        elif needed := _missing(node, known):
            stack += reversed(needed)
        else:
            known[node] = _computed(node, known, stack)
    return known[top]


def _missing(node: Apply, known: Mapping[Apply, Any]) -> list[Apply]:
    """The nodes that have to be computed before this one."""
    if node.name != "switch":
        return [child for child in node.inputs() if child not in known]
    index = node.pos_args[0]
    if index not in known:
        return [index]
    chosen = _chosen(node, known[index])
    return [] if chosen in known else [chosen]


def _chosen(node: Apply, value: Any) -> Apply:
    """The branch of a switch. **Raises** TypeError, ValueError, IndexError for what is no index of one."""
    if getattr(value, "shape", None) not in (None, ()):
        value = value.item()
    try:
        index = operator.index(value)
    except TypeError:
        if not isinstance(value, float) or not value.is_integer():
            raise TypeError("switch argument was", value) from None
        index = int(value)
    if index < 0:
        raise ValueError("switch pos must be positive int", index)
    if index >= len(node.pos_args) - 1:
        raise IndexError(f"option {index} of a choice of {len(node.pos_args) - 1}; the first one is 0")
    return node.pos_args[index + 1]


def _computed(node: Apply, known: dict[Apply, Any], stack: list[Apply]) -> Any:
    if node.name == "switch":
        return known[_chosen(node, known[node.pos_args[0]])]
    args = [known[child] for child in node.pos_args]
    kwargs = {key: known[child] for key, child in node.named_args}
    try:
        value = scope._impls[node.name](*args, **kwargs)
    except NoValue:
        raise NoValue(_who(node, stack)) from None
    if isinstance(value, Apply):  # a function that builds an expression means its value
        return rec_eval(value, memo=known)
    return value


def _who(node: Apply, stack: list[Apply]) -> str:
    for above in reversed(stack):
        if above.name == "hyperopt_param" and above.pos_args[-1] is node:
            label = above.pos_args[0]
            assert isinstance(label, Literal)
            return f"hyperparameter {label.obj!r} has no value; give it one"
    return (
        f"scope.{node.name} without a label has no value; make it an hp.{node.name} with one, or give it rng="
    )
