"""hyperopt's own searches, where a program still imports them: Luthier's of the same name stand in for them.

`from luthier.compat.hyperopt import fmin` beside `from hyperopt import tpe` is half a change of imports. hyperopt's
`suggest` reaches into its own `Domain`, so it can't search here; what was meant is known by its module. Knows of
hyperopt by name only, and never imports it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from luthier.compat.hyperopt import anneal, atpe, mix, rand, tpe
from luthier.compat.hyperopt.documents import Document

__all__ = ["ours"]

Suggest = Callable[..., list[Document]]
OURS: dict[str, Suggest] = {
    "hyperopt.tpe": tpe.suggest,
    "hyperopt.rand": rand.suggest,
    "hyperopt.anneal": anneal.suggest,
    "hyperopt.atpe": atpe.suggest,
    "hyperopt.mix": mix.suggest,
}


def ours(algo: Any) -> Any:
    """Luthier's search for one of hyperopt's, with the options it was given; everything else as it is.

    **Raises** ValueError for one of hyperopt's that has no counterpart here.
    """
    if isinstance(algo, partial):
        options = dict(algo.keywords)
        if "p_suggest" in options:
            options["p_suggest"] = [(share, ours(one)) for share, one in options["p_suggest"]]
        return partial(ours(algo.func), *algo.args, **options)
    module = getattr(algo, "__module__", None) or ""
    if module.partition(".")[0] != "hyperopt":
        return algo
    if module in OURS and getattr(algo, "__name__", "") == "suggest":
        return OURS[module]
    raise ValueError(
        f"{module}.{getattr(algo, '__name__', algo)} is hyperopt's own and searches in hyperopt's fmin only; "
        "take one of luthier.compat.hyperopt: tpe, rand, anneal, atpe or mix, .suggest each"
    )
