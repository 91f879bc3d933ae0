"""hyperopt's words, spoken by Luthier: `from luthier.compat.hyperopt import fmin, hp, tpe, Trials, STATUS_OK`.

    expression (pyll, hp) ──▶ space.py ──▶ luthier.space
    documents (Trials) ────▶ record.py ──▶ luthier.history ──▶ luthier.search ──▶ suggest ──▶ documents
    fmin.py and driving.py turn the handle

`base`, `pyll_utils` and `pyll.base` are only the places where its users import from. NumPy is loaded by the first search
that needs it.
"""

from luthier.compat.hyperopt import (
    anneal,
    atpe,
    auto,
    base,
    early_stop,
    exceptions,
    hp,
    mix,
    pyll,
    pyll_utils,
    rand,
    tpe,
)
from luthier.compat.hyperopt.documents import (
    JOB_STATE_DONE,
    JOB_STATE_ERROR,
    JOB_STATE_NEW,
    JOB_STATE_RUNNING,
    JOB_STATES,
    STATUS_FAIL,
    STATUS_NEW,
    STATUS_OK,
    STATUS_RUNNING,
    STATUS_STRINGS,
    STATUS_SUSPENDED,
)
from luthier.compat.hyperopt.domain import Domain
from luthier.compat.hyperopt.early_stop import no_progress_loss
from luthier.compat.hyperopt.exceptions import AllTrialsFailed
from luthier.compat.hyperopt.fmin import (
    FMinIter,
    Trials,
    fmin,
    fmin_pass_expr_memo_ctrl,
    generate_trials_to_calculate,
    partial,
    space_eval,
    trials_from_docs,
)
from luthier.compat.hyperopt.pyll import scope
from luthier.compat.hyperopt.trials import Ctrl

__all__ = [
    "JOB_STATES",
    "JOB_STATE_DONE",
    "JOB_STATE_ERROR",
    "JOB_STATE_NEW",
    "JOB_STATE_RUNNING",
    "STATUS_FAIL",
    "STATUS_NEW",
    "STATUS_OK",
    "STATUS_RUNNING",
    "STATUS_STRINGS",
    "STATUS_SUSPENDED",
    "AllTrialsFailed",
    "Ctrl",
    "Domain",
    "FMinIter",
    "Trials",
    "anneal",
    "atpe",
    "auto",
    "base",
    "early_stop",
    "exceptions",
    "fmin",
    "fmin_pass_expr_memo_ctrl",
    "generate_trials_to_calculate",
    "hp",
    "mix",
    "no_progress_loss",
    "partial",
    "pyll",
    "pyll_utils",
    "rand",
    "scope",
    "space_eval",
    "tpe",
    "trials_from_docs",
]

__version__ = "0.3.0"
"""The version of hyperopt whose words these are."""
