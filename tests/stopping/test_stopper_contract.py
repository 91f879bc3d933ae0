"""Every stopping rule keeps the published contract."""

from luthier.stopping import StoppingRule, stopping_rule
from luthier.testing.stopper import StopperContract


class TestAsha(StopperContract):
    def make(self) -> StoppingRule:
        return stopping_rule("asha")


class TestHyperband(StopperContract):
    def make(self) -> StoppingRule:
        return stopping_rule("hyperband")


class TestMedian(StopperContract):
    def make(self) -> StoppingRule:
        return stopping_rule("median")


class TestCurve(StopperContract):
    def make(self) -> StoppingRule:
        return stopping_rule("curve")


class TestPatience(StopperContract):
    alone = True

    def make(self) -> StoppingRule:
        return stopping_rule("patience", {"points": 3})


class TestFolds(StopperContract):
    aggregate = "avg"

    def make(self) -> StoppingRule:
        return stopping_rule("folds")


class TestAuto(StopperContract):
    def make(self) -> StoppingRule:
        return stopping_rule("auto")


class TestAutoOfFolds(StopperContract):
    aggregate = "avg"

    def make(self) -> StoppingRule:
        return stopping_rule("auto")


class TestNone(StopperContract):
    def make(self) -> StoppingRule:
        return stopping_rule("none")
