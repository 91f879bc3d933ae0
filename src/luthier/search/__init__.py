"""What to try next: pure functions from (space, history, seed, ordinals) to proposals.

A searcher is a small frozen record of settings with one verb, `propose`. It keeps no state: what it proposes depends
on its arguments alone, never on the process, the batch or the order it was asked in, so resume is a query and any
search can be replayed. Nothing here knows of stores, commands or time. The searchers stand in modules of their name;
`registry.py` finds them.
"""

from luthier.search.registry import ALGORITHMS, LEARNING, explain_choice, searcher
from luthier.search.searcher import Searcher

__all__ = ["ALGORITHMS", "LEARNING", "Searcher", "explain_choice", "searcher"]
