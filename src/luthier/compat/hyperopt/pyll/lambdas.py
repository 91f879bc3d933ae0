"""Functions made of expressions: `Lambda`, `scope.partial`, and pipes of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from luthier.compat.hyperopt.pyll.graph import (
    Apply,
    Literal,
    SymbolTableEntry,
    apply,
    as_apply,
    clone,
    dfs,
    scope,
)

__all__ = ["Lambda", "clone_merge", "p0", "p1", "p2", "p3", "p4"]

_numbers = itertools.count()


class UndefinedValue:
    """Stands for the value of a parameter of a `Lambda`."""


p0, p1, p2, p3, p4 = (Literal(UndefinedValue) for _ in range(5))


class Lambda:
    """An expression with parameters, as (name, node) pairs. Called, it gives the expression of its arguments; under its
    name in the scope it may apply itself."""

    def __init__(self, name: str, params: Sequence[tuple[Any, ...]], expr: Apply) -> None:
        self.__name__ = name
        self.params = params
        self.expr = expr

    def __call__(self, *args: Any, **kwargs: Any) -> Apply:
        if len(args) > len(self.params):
            raise TypeError(f"{self.__name__} takes {len(self.params)} arguments, not {len(args)}")
        if len(args) < len(self.params) or kwargs:
            raise NotImplementedError("named / default arguments", (args, self.params))
        return clone(
            self.expr, {param[1]: as_apply(arg) for param, arg in zip(self.params, args, strict=True)}
        )


@scope.define
def partial(name: Any, *args: Any, **kwargs: Any) -> Callable[..., Apply]:
    """A function of one argument: that of this name with the other arguments given."""
    inner = name.apply_name if isinstance(name, SymbolTableEntry) else name
    made = Lambda(f"partial_{inner}_id{next(_numbers)}", [("x", p0)], apply(inner, *args, p0, **kwargs))
    scope.define(made)
    entry: Callable[..., Apply] = getattr(scope, made.__name__)
    return entry


@scope.define
def callpipe1(fn_list: Sequence[Callable[[Any], Any]], arg: Any) -> Any:
    """The functions one after another, each called with what the one before gave."""
    for function in fn_list:
        arg = function(arg)
    return arg


def clone_merge(expr: Apply, memo: dict[Apply, Apply] | None = None, merge_literals: bool = False) -> Apply:
    """A copy of a graph in which equal applications of functions without side effects are one node, equal literals too
    if wanted."""
    made: dict[Apply, Apply] = {} if memo is None else memo
    merged: list[tuple[Any, Apply]] = []
    for node in dfs(expr):
        if node in made:
            continue
        inputs = [made[child] for child in node.inputs()]
        if isinstance(node, Literal):
            what: Any = ("literal", node.obj) if merge_literals else None
        else:
            what = (node.name, inputs, [key for key, _ in node.named_args]) if node.pure else None
        twin = next((other for known, other in merged if what is not None and known == what), None)
        made[node] = node.clone_from_inputs(inputs) if twin is None else twin
        if twin is None and what is not None:
            merged.append((what, made[node]))
    return made[expr]
