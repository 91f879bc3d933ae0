"""The place where hyperopt's users import `hp_choice` and the reading of conditions from; see `hp.py`, `conditions.py`."""

from luthier.compat.hyperopt.conditions import EQ, Cond, expr_to_config
from luthier.compat.hyperopt.hp import choice as hp_choice
from luthier.compat.hyperopt.hp import lognormal as hp_lognormal
from luthier.compat.hyperopt.hp import loguniform as hp_loguniform
from luthier.compat.hyperopt.hp import normal as hp_normal
from luthier.compat.hyperopt.hp import pchoice as hp_pchoice
from luthier.compat.hyperopt.hp import qlognormal as hp_qlognormal
from luthier.compat.hyperopt.hp import qloguniform as hp_qloguniform
from luthier.compat.hyperopt.hp import qnormal as hp_qnormal
from luthier.compat.hyperopt.hp import quniform as hp_quniform
from luthier.compat.hyperopt.hp import randint as hp_randint
from luthier.compat.hyperopt.hp import uniform as hp_uniform
from luthier.compat.hyperopt.hp import uniformint as hp_uniformint
from luthier.compat.hyperopt.hp import validate_distribution_range, validate_label

__all__ = [
    "EQ",
    "Cond",
    "expr_to_config",
    "hp_choice",
    "hp_lognormal",
    "hp_loguniform",
    "hp_normal",
    "hp_pchoice",
    "hp_qlognormal",
    "hp_qloguniform",
    "hp_qnormal",
    "hp_quniform",
    "hp_randint",
    "hp_uniform",
    "hp_uniformint",
    "validate_distribution_range",
    "validate_label",
]
