"""Lets a package of another name be modules of ours: their very modules, so that a class has one identity."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence


def stand_in(name: str, ours: str, later: Sequence[str], also: Sequence[tuple[str, str]] = ()) -> None:
    """Puts our package in the place of `name`, with its modules `later` and all that these load; `also` are further names
    of a module, as pairs. **Raises** ModuleNotFoundError, saying what to install, where this Python has no Luthier."""
    try:
        for module in ("", *(f".{each}" for each in later)):
            importlib.import_module(ours + module)
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.partition(".")[0] == "luthier":
            raise ModuleNotFoundError(
                f"this program's {name} is Luthier's, which {sys.executable} has not; install it: "
                f"{sys.executable} -m pip install luthier",
                name="luthier",
            ) from None
        raise
    for known in [each for each in sys.modules if each == ours or each.startswith(f"{ours}.")]:
        sys.modules[name + known.removeprefix(ours)] = sys.modules[known]
    for other, module in also:
        sys.modules[f"{name}.{other}"] = sys.modules[f"{ours}.{module}"]


def gradient(name: str) -> None:
    """The same of Gradient's package, which has had two names."""
    later = ("exceptions", "hyper_parameter", "metrics", "multi_node", "places")
    stand_in(name, "luthier.compat.gradient_sdk", later, [("utils", "places")])
