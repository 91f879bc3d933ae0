"""A hyperopt space as Luthier's, and every value there and back.

The expression stays the truth about what is needed: `assignment` follows it branch by branch. Luthier's conditions are
read off it, and are wider only where a hyperparameter is shared by branches in a way that no conjunction of conditions
tells; then Luthier gives it a value that the trial leaves out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from luthier.compat.hyperopt.conditions import Cond, expr_to_config, hyperparameter_under, label_of
from luthier.compat.hyperopt.dimensions import Dimension, dimension
from luthier.compat.hyperopt.pyll import Apply, as_apply, dfs, rec_eval
from luthier.compat.hyperopt.pyll.stochastic import implicit_stochastic_symbols
from luthier.space import Condition, Configuration, Parameter, Space, Value

__all__ = ["SearchSpace", "space_eval"]

Way = tuple[Cond, ...]


class SearchSpace:
    """An expression with its hyperparameters.

    `space` is Luthier's, `dimensions` the hyperparameters by label, in its order. `is_noisy`: the expression draws
    numbers of its own, so that the same values may give another result.
    **Raises** BadSearchSpace, DuplicateLabel.
    """

    def __init__(self, expr: Any) -> None:
        self.expr = as_apply(expr)
        hps: dict[str, dict[str, Any]] = {}
        expr_to_config(self.expr, (), hps)
        self._nodes = dfs(self.expr)
        self.parameter_nodes = {label_of(n): n for n in self._nodes if n.name == "hyperopt_param"}
        self._switches = [n for n in self._nodes if n.name == "switch"]
        options = self._options()
        whole = self._whole()
        made = {
            label: dimension(label, found["node"], options.get(label), label in whole)
            for label, found in hps.items()
        }
        wanted = {label: _when(found["conditions"]) for label, found in hps.items()}
        order = _parents_first(wanted)
        self.dimensions: dict[str, Dimension] = {label: made[label] for label in order}
        self.space = Space(
            [
                Parameter(label, made[label].domain, tuple(_bound(one, made) for one in wanted[label]))
                for label in order
            ]
        )

    @cached_property
    def is_noisy(self) -> bool:
        """Whether the expression draws numbers that are no hyperparameters."""
        own = {node.arg["obj"] for node in self.parameter_nodes.values()}
        return any(n.name in implicit_stochastic_symbols and n not in own for n in self._nodes)

    @cached_property
    def is_weighted(self) -> bool:
        """Whether some options are likelier than others."""
        return any(d.weights is not None for d in self.dimensions.values())

    def draw(self, u: Callable[[str], float]) -> Configuration:
        """The configuration that stands at `u` of every active label, by the probabilities the user gave."""
        return self.space.choose(lambda p: self.dimensions[p.name].quantile(u(p.name)))

    def assignment(self, configuration: Configuration) -> dict[str, Any]:
        """The values of the hyperparameters that a configuration needs, as hyperopt keeps them."""
        values = {
            label: self.dimensions[label].to_hyperopt(value)
            for label, value in configuration.values().items()
        }
        return self.needed(values) if self._switches else values

    def needed(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Those of the values that the expression needs, given these values."""
        memo = self.memo(values)
        found: dict[str, Any] = {}
        seen: set[Apply] = set()
        waiting = [self.expr]
        while waiting:
            node = waiting.pop()
            if node in seen:
                continue
            seen.add(node)
            if node.name == "hyperopt_param":
                label = label_of(node)
                if label in values:
                    found[label] = values[label]
            elif node.name == "switch":
                index = int(rec_eval(node.pos_args[0], memo=memo))
                waiting += [node.pos_args[0], node.pos_args[index + 1]]
            else:
                waiting += node.inputs()
        return {label: found[label] for label in self.dimensions if label in found}

    def memo(self, values: Mapping[str, Any]) -> dict[Apply, Any]:
        """The values by node, for `rec_eval`."""
        return {
            self.parameter_nodes[label]: values[label] for label in values if label in self.parameter_nodes
        }

    def configuration(self, values: Mapping[str, Any]) -> Configuration | None:
        """What hyperopt keeps of a trial, as a configuration; None where a value lies outside of the space."""
        plain: dict[str, Any] = {}
        items: list[tuple[str, Value]] = []
        for parameter in self.space.parameters:
            if parameter.when and not self.space.is_active(parameter.name, plain):
                continue
            one = self.dimensions[parameter.name]
            value = one.to_luthier(values[one.label]) if one.label in values else one.quantile(0.5)
            if value is None:
                return None
            plain[one.label] = value.value
            items.append((one.label, value))
        return Configuration.of(items)

    def shown(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The values as people read them: an option or its name instead of its index."""
        read = {
            label: self.dimensions[label].to_luthier(v)
            for label, v in values.items()
            if label in self.dimensions
        }
        return {label: values[label] if value is None else value.value for label, value in read.items()}

    def real(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The values as the objective gets them: the chosen option itself instead of its index."""
        memo = self.memo(values)
        real = dict(values)
        for node in self._switches:
            index = hyperparameter_under(node.pos_args[0])
            if index is not None and label_of(index) in values:
                real[label_of(index)] = rec_eval(node, memo=memo)
        return real

    def _options(self) -> dict[str, list[Apply]]:
        """The branches of every choice, by the label of its index."""
        found: dict[str, list[Apply]] = {}
        for node in self._switches:
            index = node.pos_args[0]
            if index.name == "hyperopt_param":
                found.setdefault(label_of(index), node.pos_args[1:])
        return found

    def _whole(self) -> set[str]:
        """The labels whose values the program turns into ints."""
        under = [hyperparameter_under(n) for n in self._nodes if n.name == "int"]
        return {label_of(node) for node in under if node is not None}


def space_eval(space: Any, hp_assignment: Mapping[str, Any]) -> Any:
    """The point of a space that an assignment of values to labels means, such as `fmin` returns it.

    **Raises** NoValue naming a label that is needed and has no value.
    """
    expr = as_apply(space)
    memo = {
        node: hp_assignment[label_of(node)]
        for node in dfs(expr)
        if node.name == "hyperopt_param" and label_of(node) in hp_assignment
    }
    return rec_eval(expr, memo=memo)


def _when(ways: set[Way]) -> list[tuple[str, tuple[Any, ...]]]:
    """What holds on every way: labels with the indices of which one is chosen."""
    listed = [{c.name: c.val for c in way} for way in ways]
    names = [c.name for c in next(iter(sorted(ways, key=len)), ()) if all(c.name in way for way in listed)]
    return [(name, tuple(sorted({way[name] for way in listed}))) for name in names]


def _bound(condition: tuple[str, tuple[Any, ...]], made: Mapping[str, Dimension]) -> Condition:
    name, indices = condition
    parent = made[name]
    read = [parent.to_luthier(index) for index in indices]
    values = tuple(value.value for value in read if value is not None)
    return Condition(name, "==" if len(values) == 1 else "in", values)


def _parents_first(wanted: Mapping[str, list[tuple[str, tuple[Any, ...]]]]) -> list[str]:
    order: dict[str, None] = {}

    def add(label: str) -> None:
        if label not in order:
            for parent, _ in wanted[label]:
                add(parent)
            order[label] = None

    for label in wanted:
        add(label)
    return list(order)
