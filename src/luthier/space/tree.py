"""The space as a Python program writes it: dicts, tuples and lists that hold distributions and any objects.

    {"lr": loguniform(1e-5, 1), "model": choice([{"kind": "svm", "C": uniform(0, 9)}, {"kind": "tree", "depth": 3}])}

A `Tree` finds the parameters in it, with their names (`lr`, `model`, `model.C`, which exists only when `model` is svm),
and turns configurations of that space into the user's own structure and back. The record holds names and plain values
only; objects that can't be written down stand in it under a name of theirs. Inside a dict, a list offers its items as
options, a `range` its integers, a tuple stands for itself, and everything else is held fixed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from luthier.errors import SpaceError
from luthier.space.branches import Leaf, placed, resolved
from luthier.space.choices import Categorical, Constant, Ordinal
from luthier.space.configuration import Configuration
from luthier.space.distributions import (
    Choice,
    Distribution,
    choice,
    integers,
    lognormal,
    loguniform,
    normal,
    uniform,
)
from luthier.space.naming import named_options, naming_key
from luthier.space.ranges import Integer
from luthier.space.space import Space
from luthier.space.value import Value

__all__ = ["Tree"]

NUMBERS = {
    uniform: "LOW, HIGH",
    loguniform: "LOW, HIGH",
    integers: "LOW, HIGH",
    normal: "MEAN, DEVIATION",
    lognormal: "MEAN, DEVIATION",
}
"""What each distribution is called with."""
SCALARS = (str, int, float, bool, type(None))


class _Absent:
    """Stands where an inactive parameter has nothing to put."""


ABSENT = _Absent()


@dataclass(frozen=True, eq=False)
class Fixed:
    """An object that is always there."""

    what: Any


@dataclass(frozen=True, eq=False)
class Branches:
    """A choice: which subtree stands there, by the plain value of its name in the record."""

    leaf: Leaf
    names: tuple[Any, ...]
    nodes: tuple[Node, ...]


@dataclass(frozen=True, eq=False)
class Many:
    """A dict (`keys`), or a tuple or list (`keys` None) of subtrees."""

    keys: tuple[Any, ...] | None
    nodes: tuple[Node, ...]
    is_list: bool = False


Node = Fixed | Leaf | Branches | Many


class Tree:
    """A user's space. Made by `Tree.of`; it can be pickled when the objects in it can."""

    def __init__(self, top: Node, space: Space) -> None:
        self._top = top
        self.space = space
        self._is_flat = isinstance(top, Many) and all(
            isinstance(node, Leaf) and node.name == key
            for key, node in zip(top.keys or (), top.nodes, strict=False)
        )

    @property
    def keys(self) -> tuple[str, ...]:
        """The names at the top of the user's structure."""
        return tuple(self._top.keys or ()) if isinstance(self._top, Many) else ()

    @classmethod
    def of(cls, given: object) -> Tree:
        """Reads a user's space: a mapping, a `Space`, or texts as on the command line (`["rate=.001:1:log"]`).

        **Raises** SpaceError with the place in it and what to write instead.
        """
        if isinstance(given, Tree):
            return given
        if isinstance(given, (list, tuple)) and given and all(isinstance(text, str) for text in given):
            from luthier.space.grammar import parse_params

            given = parse_params(given)
        if isinstance(given, Space):
            leaves = [Leaf((p.name,), (p.name,), p.domain, (), p.when) for p in given.parameters]
            for leaf in leaves:
                leaf.name = leaf.path[0]
            return cls(Many(given.names, tuple(leaves)), given)
        if not isinstance(given, Mapping):
            raise SpaceError(
                f"the space is {_shown(given)}; write a dict from names to distributions, such as "
                '{"lr": luthier.loguniform(1e-5, 1)}'
            )
        leaves = []
        top = _Reader(leaves).many(given, (), (), ())
        return cls(top, Space(resolved(leaves)))

    def fill(self, configuration: Configuration) -> Any:
        """The user's structure with the values of a configuration in it; what does not exist is left out."""
        return self.fill_plain(configuration.values())

    def fill_plain(self, values: Mapping[str, Any]) -> Any:
        """The same from plain values by name."""
        if self._is_flat:
            return dict(values)
        return _filled(self._top, values)

    def read(self, given: Mapping[str, Any]) -> Configuration:
        """The configuration that a person wrote: either flat, by the parameters' names, or as `fill` gives it.

        **Raises** SpaceError naming what is unknown, missing or out of range.
        """
        is_filled = any(isinstance(v, Mapping) for v in given.values()) and set(given) <= set(self.keys)
        if not is_filled and all(name in self.space for name in given):
            options = {b.leaf.name: b for b in self._branches()}
            flat = {
                n: options[n].names[_option(options[n], v)] if n in options else v for n, v in given.items()
            }
            return self.space.configuration(flat)
        found: dict[str, Any] = {}
        _read(self._top, given, "the configuration", found)
        return self.space.configuration({n: v for n, v in found.items() if self._has(n, found)})

    def _has(self, name: str, values: Mapping[str, Any]) -> bool:
        return self.space.is_active(name, values)

    def _branches(self) -> Iterator[Branches]:
        waiting: list[Node] = [self._top]
        while waiting:
            node = waiting.pop()
            if isinstance(node, Branches):
                yield node
            if isinstance(node, (Branches, Many)):
                waiting += node.nodes


class _Reader:
    """Walks a user's space and notes the parameters it meets, parents first."""

    def __init__(self, leaves: list[Leaf]) -> None:
        self._leaves = leaves

    def node(self, given: Any, path: tuple[str, ...], labels: tuple[str, ...], under: Any) -> Node:
        """What stands at `path`; `under` are the choices that lead here, each with its option."""
        place = placed(path)
        try:
            if isinstance(given, Distribution):
                return self._leaf(path, labels, given.domain, under, given.when)
            if isinstance(given, range):
                return self._leaf(path, labels, _integers(given), under)
            if isinstance(given, Choice):
                return self._choice(given, path, labels, under)
            if isinstance(given, list) and path:
                return self._choice(Choice(tuple(given)), path, labels, under)
            if type(given) in SCALARS:
                return self._leaf(path, labels, Constant((Value(given),)), under)
        except SpaceError as error:
            raise (error if str(error).startswith("space[") else SpaceError(f"{place}: {error}")) from None
        _refuse_uncalled(given, place)
        if isinstance(given, Mapping) or (isinstance(given, tuple) and _holds_distributions(given)):
            return self.many(given, path, labels, under)
        return Fixed(given)

    def many(self, given: Any, path: tuple[str, ...], labels: tuple[str, ...], under: Any) -> Many:
        """A dict or a tuple."""
        is_mapping = isinstance(given, Mapping)
        keys = tuple(given) if is_mapping else None
        nodes = []
        for key, inner in given.items() if is_mapping else enumerate(given):
            if is_mapping and not (isinstance(key, str) and key.strip()):
                raise SpaceError(f"{placed(path)} has the key {key!r}; the names of parameters are texts")
            nodes.append(self.node(inner, (*path, str(key)), (*labels, str(key)), under))
        return Many(keys, tuple(nodes), isinstance(given, list))

    def _leaf(self, path: Any, labels: Any, domain: Any, under: Any, when: Any = None) -> Leaf:
        leaf = Leaf(path, labels, domain, under, when)
        self._leaves.append(leaf)
        return leaf

    def _choice(self, given: Choice, path: Any, labels: Any, under: Any) -> Node:
        names = named_options(given.options, given.names)
        kind = Constant if len(names) == 1 else Ordinal if given.ordered else Categorical
        leaf = self._leaf(path, labels, kind(tuple(map(Value, names))), under, given.when)
        leaf.options = given.options
        nodes = []
        for name, option in zip(names, given.options, strict=True):
            structured = isinstance(option, (Mapping, Choice, Distribution, range))
            if structured or (isinstance(option, (tuple, list)) and _holds_distributions(option)):
                inner = (*under, (leaf, name))
                nodes.append(self._option(option, name, path, (*labels, str(name)), inner))
            else:
                _refuse_uncalled(option, placed(path))
                nodes.append(Fixed(option))
        return Branches(leaf, tuple(names), tuple(nodes))

    def _option(self, option: Any, name: Any, path: Any, labels: Any, under: Any) -> Node:
        """An option with parameters of its own. A distribution that is an option by itself is named by the option."""
        if isinstance(option, (Mapping, tuple, list)):
            return self._unless_name(option, name, path, labels, under)
        return self.node(option, (*path, str(name)), labels, under)

    def _unless_name(self, option: Any, name: Any, path: Any, labels: Any, under: Any) -> Node:
        """A dict option; the entry that gave it its name is not a parameter besides."""
        if not isinstance(option, Mapping):
            return self.many(option, path, labels, under)
        said = naming_key(option)
        nodes = []
        for key, inner in option.items():
            if not (isinstance(key, str) and key.strip()):
                raise SpaceError(f"{placed(path)} has the key {key!r}; the names of parameters are texts")
            is_name = key == said and inner == name
            nodes.append(Fixed(inner) if is_name else self.node(inner, (*path, key), (*labels, key), under))
        return Many(tuple(option), tuple(nodes))


def _filled(node: Node, values: Mapping[str, Any]) -> Any:
    match node:
        case Fixed():
            return node.what
        case Leaf():
            return values.get(node.name, ABSENT)
        case Branches():
            if node.leaf.name not in values:
                return ABSENT
            return _filled(node.nodes[_place_of(node.names, values[node.leaf.name])], values)
    inner = [_filled(one, values) for one in node.nodes]
    if node.keys is None:
        many = [None if one is ABSENT else one for one in inner]
        return many if node.is_list else tuple(many)
    return {key: one for key, one in zip(node.keys, inner, strict=True) if one is not ABSENT}


def _read(node: Node, given: Any, place: str, found: dict[str, Any]) -> None:
    """Takes the values of all parameters below `node` out of a filled structure."""
    match node:
        case Leaf():
            found[node.name] = given
        case Branches():
            which = _option(node, given, place)
            found[node.leaf.name] = node.names[which]
            _read(node.nodes[which], given, place, found)
        case Many():
            keys = node.keys if node.keys is not None else range(len(node.nodes))
            unknown = [k for k in given if k not in keys] if isinstance(given, Mapping) else []
            if unknown:
                known = ", ".join(map(str, keys))
                raise SpaceError(f"{place} has no {unknown[0]!r}; the parameters are {known}")
            for key, inner in zip(keys, node.nodes, strict=True):
                has = key in given if isinstance(given, Mapping) else key < len(given)
                if has:
                    _read(inner, given[key], f"{place}[{key!r}]", found)


def _option(node: Branches, given: Any, place: str = "") -> int:
    """Which option an object is: by itself, by its name, or, for a dict, by what is fixed in it."""
    for index, (name, inner) in enumerate(zip(node.names, node.nodes, strict=True)):
        if isinstance(inner, Fixed) and (inner.what is given or _equal(inner.what, given)):
            return index
        if type(name) is type(given) and name == given:
            return index
        if isinstance(inner, Many) and isinstance(given, Mapping) and inner.keys is not None:
            fixed = {k: w for k, n in zip(inner.keys, inner.nodes, strict=True) for w in _held(n)}
            if set(given) <= set(inner.keys) and all(k in given and given[k] == v for k, v in fixed.items()):
                return index
    shown = ", ".join(str(name) for name in node.names)
    raise SpaceError(f"{place or node.leaf.name}: {_shown(given)} is not one of {shown}")


def _held(node: Node) -> tuple[Any, ...]:
    """What always stands at a node, if anything does."""
    if isinstance(node, Fixed):
        return (node.what,)
    return (node.domain.at(0).value,) if isinstance(node, Leaf) and isinstance(node.domain, Constant) else ()


def _equal(a: Any, b: Any) -> bool:
    try:
        return type(a) is type(b) and bool(a == b)
    except Exception:  # noqa: BLE001  arrays and other objects whose comparison is no truth
        return False


def _place_of(names: tuple[Any, ...], value: Any) -> int:
    for index, name in enumerate(names):
        if name == value and isinstance(name, bool) == isinstance(value, bool):
            return index
    raise SpaceError(f"{value!r} is not one of {', '.join(map(str, names))}")


def _refuse_uncalled(given: Any, place: str) -> None:
    """**Raises** SpaceError for a distribution whose parentheses were forgotten: held fixed, it would search nothing."""
    made = next((one for one in (*NUMBERS, choice) if given is one), None)
    if made is not None:
        example = "choice([FIRST, SECOND])" if made is choice else f"{made.__name__}({NUMBERS[made]})"
        raise SpaceError(f"{place}: the function {made.__name__} stands there itself; call it: {example}")


def _holds_distributions(given: Any) -> bool:
    if isinstance(given, (Distribution, Choice, range)):
        return True
    inner = (
        given.values() if isinstance(given, Mapping) else given if isinstance(given, (tuple, list)) else ()
    )
    return any(_holds_distributions(one) for one in inner)


def _integers(given: range) -> Any:
    """The numbers of a `range`, whose end does not belong to it."""
    if len(given) == 0:
        raise SpaceError(f"{given} is empty; write range(FIRST, LAST + 1)")
    low, high = min(given), max(given)
    if low == high:
        return Constant((Value(low),))
    step = abs(given.step)
    return Integer(low, high, step=None if step == 1 else step)


def _shown(thing: Any) -> str:
    text = repr(thing)
    return text if len(text) <= 80 else f"{text[:77]}..."
