"""When a parameter exists, where nobody wrote it down: found in the configurations that a program has asked for.

A parameter that some configurations lack is explained by an earlier one: by the choices, or the integers, under which it
was there and never else. One that nothing explains has no condition.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from luthier.space.conditions import Condition
from luthier.space.domains import Domain
from luthier.space.value import identity

__all__ = ["observed_condition"]


def observed_condition(
    name: str,
    domains: Mapping[str, Domain],
    whens: Mapping[str, tuple[Condition, ...]],
    seen: Sequence[Mapping[str, Any]],
) -> tuple[Condition, ...] | None:
    """When a parameter exists, as far as the plain values `seen` tell; None where no earlier parameter explains it.

    `whens` has the conditions of the parameters declared before it.
    """
    having = [values for values in seen if name in values]
    lacking = [values for values in seen if name not in values]
    if not lacking or not having:
        return None if lacking else ()
    parents = [parent for parent in whens if domains[parent].count() is not None]
    nearest_first = parents[::-1]
    nearest_first.sort(key=lambda parent: domains[parent].kind == "integer")
    for parent in nearest_first:
        if not all(parent in values for values in having):
            continue
        with_it = [values[parent] for values in having]
        without_it = [values[parent] for values in lacking if parent in values]
        if not without_it and whens[parent]:
            return whens[parent]  # they come and go together
        found = _between(parent, domains[parent], with_it, without_it)
        if found is not None:
            return (found,)
    return None


def _between(parent: str, domain: Domain, with_it: list[Any], without_it: list[Any]) -> Condition | None:
    """What of the parent's values tells the two kinds apart; None where they mix."""
    if domain.kind != "integer":
        theirs = {identity(value): value for value in with_it}
        if theirs and theirs.keys().isdisjoint(map(identity, without_it)):
            return Condition(parent, "in", tuple(theirs[key] for key in sorted(theirs)))
    elif without_it and min(with_it) > max(without_it):
        return Condition(parent, ">=", (min(with_it),))
    elif without_it and max(with_it) < min(without_it):
        return Condition(parent, "<=", (max(with_it),))
    return None
