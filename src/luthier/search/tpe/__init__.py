"""The tree-structured Parzen estimator: two densities, one of the good trials and one of the rest.

It proposes where the first is high and the second low. `searcher.py` holds the algorithm, `groups.py` the tree of
conditional parameters, `kernels.py` the densities.
"""

from luthier.search.tpe.searcher import Tpe

__all__ = ["Tpe"]
