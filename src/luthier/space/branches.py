"""From the parameters met in a user's tree to a `Space`: their names, and the conditions under which they exist.

A parameter is named by the keys that lead to it, `model.C`. Where two options of a choice have a parameter of the same
name and domain it is one parameter, active under both, so that what is learned of it counts for both; where the domains
differ, the option's name tells them apart: `model.svm.C` and `model.tree.C`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from luthier.errors import SpaceError
from luthier.space.conditions import Condition, parse_conditions
from luthier.space.domains import Domain
from luthier.space.parameter import Parameter

__all__ = ["Leaf", "placed", "resolved"]


@dataclass(eq=False)
class Leaf:
    """One parameter where it stands in the tree: the keys that lead there, the same with the options on the way
    (`labels`), and the choices it is under. `options` are a choice's own objects; `name` is found by `resolved`."""

    path: tuple[str, ...]
    labels: tuple[str, ...]
    domain: Domain
    under: tuple[tuple[Leaf, Any], ...] = ()
    when: Any = None
    options: tuple[Any, ...] = ()
    name: str = field(default="")


def resolved(leaves: Sequence[Leaf]) -> list[Parameter]:
    """Names every leaf and returns the parameters, in the order they were met.

    **Raises** SpaceError for a condition on something that is no parameter.
    """
    places: dict[tuple[str, ...], list[Leaf]] = {}
    for leaf in leaves:
        places.setdefault(leaf.path, []).append(leaf)
    for same in places.values():
        shared = len(same) > 1 and _is_one(same)
        for leaf in same:
            leaf.name = ".".join(leaf.path if shared or len(same) == 1 else leaf.labels)
    made: dict[str, Parameter] = {}
    by_name = {leaf.name: leaf for leaf in leaves}
    shown: dict[str, Leaf] = {}
    for leaf in leaves:
        twin = shown.setdefault(leaf.name, leaf)
        if twin is not leaf and twin.path != leaf.path:
            raise SpaceError(
                f"{placed(twin.path)} and {placed(leaf.path)} are both named {leaf.name!r}; rename one of them"
            )
        if leaf.name not in made:
            when = (*_under(places[leaf.path], leaf), *_written(leaf, by_name))
            made[leaf.name] = Parameter(leaf.name, leaf.domain, when)
    return list(made.values())


def placed(path: tuple[str, ...]) -> str:
    """Where something stands in the user's space, as a program would write it."""
    return "space" + "".join(f"[{key!r}]" for key in path)


def _is_one(same: Sequence[Leaf]) -> bool:
    """Whether leaves of one place are one parameter: equal domains and conditions, under options of one choice."""
    first = same[0]
    return all(
        not leaf.options
        and leaf.domain == first.domain
        and leaf.when == first.when
        and [p for p, _ in leaf.under] == [p for p, _ in first.under]
        and leaf.under[:-1] == first.under[:-1]
        for leaf in same
    ) and bool(first.under)


def _under(same: Sequence[Leaf], leaf: Leaf) -> list[Condition]:
    """The choices that must have been made for a parameter to exist."""
    conditions = []
    for depth, (parent, option) in enumerate(leaf.under):
        options = [option]
        if depth == len(leaf.under) - 1:
            options = [other.under[depth][1] for other in same if other.name == leaf.name]
        operator = "in" if len(options) > 1 else "=="
        conditions.append(Condition(parent.name, operator, tuple(options)))
    return conditions


def _written(leaf: Leaf, by_name: Mapping[str, Leaf]) -> list[Condition]:
    """The conditions a person wrote; objects in them are named as in the record."""
    if leaf.when is None:
        return []
    when = leaf.when
    if isinstance(when, Mapping):
        when = {parent: _named(by_name.get(str(parent)), wanted) for parent, wanted in when.items()}
    try:
        return list(parse_conditions(when))
    except SpaceError as error:
        raise SpaceError(f"parameter {leaf.name!r}: {error}") from None


def _named(parent: Leaf | None, wanted: Any) -> Any:
    if parent is None or not parent.options:
        return wanted
    names = [choice.value for choice in getattr(parent.domain, "choices", ())]
    for name, option in zip(names, parent.options, strict=True):
        if option is wanted or (isinstance(wanted, tuple) and type(option) is tuple and option == wanted):
            return [name] if isinstance(name, list) else name
    if isinstance(wanted, (list, tuple)):
        return [_named(parent, one) for one in wanted]
    return wanted
