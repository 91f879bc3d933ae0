"""The place where hyperopt's users import the expression language from; see `graph.py`, `evaluate.py`."""

from luthier.compat.hyperopt.pyll.evaluate import rec_eval
from luthier.compat.hyperopt.pyll.functions import bincount
from luthier.compat.hyperopt.pyll.graph import (
    Apply,
    Literal,
    MissingArgument,
    PyllImportError,
    SymbolTable,
    SymbolTableEntry,
    apply,
    as_apply,
    clone,
    dfs,
    scope,
    toposort,
)
from luthier.compat.hyperopt.pyll.lambdas import Lambda, clone_merge, p0, p1, p2, p3, p4

__all__ = [
    "Apply",
    "Lambda",
    "Literal",
    "MissingArgument",
    "PyllImportError",
    "SymbolTable",
    "SymbolTableEntry",
    "apply",
    "as_apply",
    "bincount",
    "clone",
    "clone_merge",
    "dfs",
    "p0",
    "p1",
    "p2",
    "p3",
    "p4",
    "rec_eval",
    "scope",
    "toposort",
]
