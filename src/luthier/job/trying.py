"""A person's own first configurations: what they leave out takes its centre, where searches begin too."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from luthier.errors import SpaceError
from luthier.space import Categorical, Configuration, Parameter, Space, Value

__all__ = ["completed"]


def completed(given: Mapping[str, Any], space: Space) -> Configuration:
    """What was given, and the centre of every other parameter that is active then.

    **Raises** SpaceError for a name or value that is not in the space.
    """

    def pick(parameter: Parameter) -> Value:
        if parameter.name in given:
            with suppress(SpaceError):  # it is said, with the parameter's name, where all are read below
                return parameter.domain.read(given[parameter.name])
        return _centre(parameter)

    centre = space.choose(pick)
    missing = {name: centre[name] for name in centre if name not in given}
    return space.configuration({**missing, **given})


def _centre(parameter: Parameter) -> Value:
    """The middle of a range, the first of a list without an order."""
    domain = parameter.domain
    is_unordered = type(domain) is Categorical and not domain.is_numeric
    return domain.at(0) if is_unordered or domain.count() == 1 else domain.from_unit(0.5)
