"""What may be tried: parameters, their domains and conditions, and the grammars users write them in.

Pure: nothing here reads a file, a clock or a random number, and importing it does not load numpy. Begin with
`space.py`. A search receives a `Space` and answers with `Configuration`s of it; `search/` is where that happens.
"""

from luthier.space.choices import Categorical, Constant, Ordinal
from luthier.space.conditions import Condition, parse_conditions
from luthier.space.configuration import Configuration
from luthier.space.domains import Domain, domain_from_dict
from luthier.space.nearest import hint, nearest
from luthier.space.normal import LogNormal, Normal
from luthier.space.parameter import Parameter
from luthier.space.ranges import Float, Integer
from luthier.space.space import ConditionError, Space
from luthier.space.value import Value, canonical_text

__all__ = [
    "Categorical",
    "Condition",
    "ConditionError",
    "Configuration",
    "Constant",
    "Domain",
    "Float",
    "Integer",
    "LogNormal",
    "Normal",
    "Ordinal",
    "Parameter",
    "Space",
    "Value",
    "canonical_text",
    "domain_from_dict",
    "hint",
    "nearest",
    "parse_conditions",
]
