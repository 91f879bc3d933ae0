"""Every searcher keeps the published contract."""

from luthier.description import Algorithm
from luthier.search import Searcher, searcher
from luthier.testing.searcher import SearcherContract


class TestGrid(SearcherContract):
    finite_only = True
    seedless = True

    def make(self) -> Searcher:
        return searcher(Algorithm("grid"))


class TestRandom(SearcherContract):
    def make(self) -> Searcher:
        return searcher(Algorithm("random"))


class TestSobol(SearcherContract):
    def make(self) -> Searcher:
        return searcher(Algorithm("random", {"sequence": "sobol"}))
