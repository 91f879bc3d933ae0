"""hyperopt's expression language: nodes, a table of functions, evaluation and drawing."""

from luthier.compat.hyperopt.pyll import functions as functions
from luthier.compat.hyperopt.pyll import lambdas as lambdas
from luthier.compat.hyperopt.pyll import stochastic as stochastic
from luthier.compat.hyperopt.pyll.evaluate import rec_eval
from luthier.compat.hyperopt.pyll.graph import Apply, Literal, as_apply, clone, dfs, scope, toposort

__all__ = ["Apply", "Literal", "as_apply", "clone", "dfs", "rec_eval", "scope", "stochastic", "toposort"]

scope.seal()
