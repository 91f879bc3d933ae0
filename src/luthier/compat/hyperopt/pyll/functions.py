"""The functions an expression may apply, under the names hyperopt gives them: `scope.int`, `scope.switch`, ….

NumPy is loaded when a function that needs it is first computed.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

from luthier.compat.hyperopt.pyll.graph import Apply, Literal, as_apply, scope

__all__ = ["bincount", "numpy_or_math"]

for _builtin in (list, dict, range, len, int, float, map, max, min, abs, getattr, str, bool, round):
    scope.define_pure(_builtin)

for _operator in (
    "getitem",
    "add",
    "sub",
    "mul",
    "truediv",
    "floordiv",
    "mod",
    "neg",
    "pow",
    "lt",
    "le",
    "gt",
    "ge",
):
    scope.define_pure(getattr(operator, _operator))
scope.define_pure(operator.eq)
scope.define_pure(operator.ne)


def numpy_or_math(name: str) -> Callable[[Any], Any]:
    """A function of one number, computed by NumPy where the number is NumPy's, which also takes arrays."""
    plain = getattr(math, name)

    def function(x: Any) -> Any:
        if type(x) in (int, float):
            try:
                return plain(x)
            except (OverflowError, ValueError):  # NumPy answers inf or nan here
                pass
        import numpy as np

        return getattr(np, name)(x)

    function.__name__ = name
    return function


for _name in ("exp", "log", "sqrt", "sin", "cos", "tan"):
    scope.define_pure(numpy_or_math(_name))


@scope.define_pure
def pos_args(*args: Any) -> tuple[Any, ...]:
    """A tuple of its arguments."""
    return args


@scope.define_pure
def identity(obj: Any) -> Any:
    """Its argument."""
    return obj


@scope.define_pure
def switch(pos: Any, *args: Any) -> Any:
    """The argument at `pos`; `rec_eval` computes only that one."""
    return args[pos]


@scope.define
def hyperopt_param(label: str, obj: Any) -> Any:
    """Marks a distribution as the hyperparameter of this label."""
    return obj


@scope.define
def call(fn: Callable[..., Any], args: Any = (), kwargs: Any = None) -> Any:
    """Calls a function: what `node(…)` means."""
    return fn(*args, **(kwargs or {}))


@scope.define
def call_method(obj: Any, methodname: str, *args: Any, **kwargs: Any) -> Any:
    """Calls a method."""
    return getattr(obj, methodname)(*args, **kwargs)


@scope.define_pure
def call_method_pure(obj: Any, methodname: str, *args: Any, **kwargs: Any) -> Any:
    """Calls a method that changes nothing."""
    return getattr(obj, methodname)(*args, **kwargs)


@scope.define_pure
def str_join(s: str, seq: Sequence[str]) -> str:
    """The texts of a sequence with `s` between them."""
    return s.join(seq)


@scope.define_pure
def repeat(n_times: int, obj: Any) -> list[Any]:
    """A list of the same object."""
    return [obj] * n_times


@scope.define_pure
def Raise(etype: type[BaseException], *args: Any, **kwargs: Any) -> Any:  # noqa: N802  hyperopt's name
    """Raises an exception, where the branch it stands in is chosen."""
    raise etype(*args, **kwargs)


@scope.define_pure
def sum(x: Any, axis: int | None = None) -> Any:
    """NumPy's sum."""
    import numpy as np

    return np.sum(x, axis=axis)


@scope.define_pure
def minimum(x: Any, y: Any) -> Any:
    """NumPy's minimum."""
    import numpy as np

    return np.minimum(x, y)


@scope.define_pure
def maximum(x: Any, y: Any) -> Any:
    """NumPy's maximum."""
    import numpy as np

    return np.maximum(x, y)


@scope.define_pure
def asarray(a: Any, dtype: Any = None) -> Any:
    """NumPy's asarray."""
    import numpy as np

    return np.asarray(a, dtype=dtype)


@scope.define_pure
def bincount(x: Any, offset: int = 0, weights: Any = None, minlength: int = 0) -> Any:
    """How often each whole number from `offset` on occurs."""
    import numpy as np

    return np.bincount(np.asarray(x, dtype=int) - offset, weights, minlength)


def _kwswitch(kw: Any, **kwargs: Any) -> Apply:
    """The argument whose name is the value of `kw`; only that one is computed."""
    return scope.switch(
        scope.call_method_pure(Literal(tuple(kwargs)), "index", kw), *map(as_apply, kwargs.values())
    )


scope.define_as_nodes("kwswitch", _kwswitch)
