"""hyperopt's spaces: what is drawn from them, what they become, and what is refused."""

from __future__ import annotations

import pickle
from math import exp, log
from typing import Any

import pytest

from luthier.compat.hyperopt import Domain, Trials, fmin, hp, pyll, rand, scope, space_eval
from luthier.compat.hyperopt.exceptions import BadSearchSpace, DuplicateLabel, NoValue
from luthier.compat.hyperopt.pyll.stochastic import sample
from luthier.compat.hyperopt.space import SearchSpace
from luthier.space import Categorical, Float, Integer


def values(node: Any, label: str = "x", n: int = 200) -> list[Any]:
    """What a search draws for a label; repeats are allowed."""
    trials = Trials()
    fmin(lambda point: 0.0, node, algo=rand.suggest, max_evals=n, trials=trials, rstate=1, repeats=True)
    return [doc["misc"]["vals"][label][0] for doc in trials.trials if doc["misc"]["vals"][label]]


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (hp.randint("x", 5), {0, 1, 2, 3, 4}),
        (hp.randint("x", 2, 5), {2, 3, 4}),
        (hp.randint("x", upper=3), {0, 1, 2}),
        (hp.uniformint("x", 1, 4), {1, 2, 3, 4}),
        (hp.uniformint("x", low=0, high=2), {0, 1, 2}),
        (hp.quniform("x", 0, 10, 3), {0.0, 3.0, 6.0, 9.0}),
        (hp.quniform("x", 1, 10, 3), {3.0, 6.0, 9.0}),  # hyperopt gives 0 too
        (hp.quniform("x", 0.1, 0.35, 0.1), {0.1, 0.2, 0.3}),
        (scope.int(hp.quniform("x", 2, 6, 2)), {2, 4, 6}),
        (hp.qloguniform("x", log(1), log(5), 2), {2.0, 4.0}),
        (hp.quniform("x", 1.2, 1.4, 1), {1.0}),  # no multiple inside: what hyperopt rounds to
        (hp.choice("x", ["a", None, 0, 1, "anything"]), {0, 1, 2, 3, 4}),
        (hp.pchoice("x", [(0.5, "a"), (0.0, "never"), (0.5, "b")]), {0, 2}),
    ],
)
def test_every_value_of_a_finite_hyperparameter_is_drawn_and_no_other(node: Any, expected: set[Any]) -> None:
    drawn = values(node)
    assert set(drawn) == expected
    assert {type(v) for v in drawn} == {type(v) for v in expected}


def test_whole_numbers_are_equally_likely_at_the_ends() -> None:
    drawn = values(hp.uniformint("x", 1, 4), n=2000)
    assert all(430 < drawn.count(v) < 570 for v in (1, 2, 3, 4))


@pytest.mark.parametrize(
    ("node", "low", "high"),
    [
        (hp.uniform("x", -1, 2), -1, 2),
        (hp.loguniform("x", log(1e-5), log(0.1)), 1e-5, 0.1),
        (hp.normal("x", 5, 1), -5, 15),
        (hp.lognormal("x", 0, 1), 0, exp(9)),
        (hp.qnormal("x", 0, 10, 2), -90, 90),
        (hp.qlognormal("x", 0, 1, 1), 0, exp(9)),
    ],
)
def test_numbers_lie_in_their_range_and_spread_over_it(node: Any, low: float, high: float) -> None:
    drawn = values(node)
    assert all(low <= v <= high for v in drawn)
    assert all(isinstance(v, float) for v in drawn)
    assert len(set(drawn)) > 10


def test_options_are_drawn_by_their_probabilities() -> None:
    drawn = values(hp.pchoice("x", [(0.1, "a"), (0.9, "b")]), n=1000)
    assert 60 < drawn.count(0) < 145


def test_a_space_becomes_luthiers_with_conditions() -> None:
    shared = hp.uniform("shared", 0, 1)
    model = hp.choice(
        "model",
        [
            {"kind": "svm", "C": hp.loguniform("C", log(0.1), log(10)), "shared": shared},
            {"kind": "tree", "depth": hp.uniformint("depth", 1, 9), "shared": shared},
            {"kind": "none"},
        ],
    )
    space = SearchSpace({"model": model, "batch": hp.choice("batch", [16, 32, 64])}).space
    assert {p.name: (p.domain, [str(c) for c in p.when]) for p in space.parameters} == {
        "model": (Categorical.of(["svm", "tree", "none"]), []),
        "C": (Float(0.1, 10, "log"), ["model == svm"]),
        "shared": (Float(0, 1), ["model in svm, tree"]),
        "depth": (Integer(1, 9, step=1), ["model == tree"]),
        "batch": (Categorical.of([16, 32, 64]), []),
    }


def test_the_space_of_hyperopts_page_reads_as_it_is_meant() -> None:
    space = hp.choice(
        "classifier_type",
        [
            {"type": "naive_bayes"},
            {
                "type": "svm",
                "C": hp.lognormal("svm_C", 0, 1),
                "kernel": hp.choice(
                    "svm_kernel",
                    [{"ktype": "linear"}, {"ktype": "RBF", "width": hp.lognormal("svm_rbf_width", 0, 1)}],
                ),
            },
            {"type": "dtree", "max_depth": hp.choice("depth", [None, hp.qlognormal("depth_int", 3, 1, 1)])},
        ],
    )
    assert str(SearchSpace(space).space).splitlines() == [
        "classifier_type: naive_bayes, svm, dtree",
        "svm_C: lognormal(0, 1) when classifier_type == svm",
        "svm_kernel: linear, RBF when classifier_type == svm",
        "svm_rbf_width: lognormal(0, 1) when classifier_type == svm and svm_kernel == RBF",
        "depth: null, depth_int when classifier_type == dtree",
        "depth_int: lognormal(3, 1, q=1) when classifier_type == dtree and depth == depth_int",
    ]


def test_a_label_used_in_every_option_is_always_there() -> None:
    z = hp.uniform("z", 0, 10)
    assert SearchSpace(hp.choice("a", [z + 1, z - 1])).space["z"].when == ()


def test_labels_of_other_branches_are_absent_from_a_trial() -> None:
    space = hp.choice("a", [hp.uniform("b", 0, 1), (hp.choice("c", [hp.normal("d", 0, 1), 7]), 1)])
    trials = Trials()
    fmin(lambda point: 0.0, space, algo=rand.suggest, max_evals=60, trials=trials, rstate=0)
    seen = {tuple(sorted(label for label, v in doc["misc"]["vals"].items() if v)) for doc in trials.trials}
    assert seen == {("a", "b"), ("a", "c", "d"), ("a", "c")}
    assert all(set(doc["misc"]["idxs"]) == set("abcd") for doc in trials.trials)


def test_the_objective_gets_values_never_indices_and_ints_are_ints() -> None:
    class Loss:
        pass

    loss, got = Loss(), []
    space = {
        "optimizer": hp.choice("o", [{"type": dict, "momentum": hp.choice("m", [0, 0.5])}, {"type": list}]),
        "n": scope.int(hp.quniform("n", 1, 3, 1)),
        "loss": loss,
        "x": 1 + hp.uniform("x", 0, 1) * 2,
        "layers": [4, hp.randint("l", 3)],
    }
    fmin(lambda point: got.append(point) or 0.0, space, algo=rand.suggest, max_evals=20, rstate=0)
    assert {point["optimizer"]["type"] for point in got} == {dict, list}
    assert {point["optimizer"].get("momentum") for point in got} == {None, 0, 0.5}
    assert all(point["loss"] is loss and type(point["n"]) is int and 1 <= point["x"] <= 3 for point in got)
    assert all(type(point["layers"]) is tuple and type(point["layers"][1]) is int for point in got)


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (
            lambda: hp.uniform("x", 3, 1),
            ValueError,
            "low should be less than high: 3 is not smaller than 1.*'x'",
        ),
        (lambda: hp.uniform("x", 0, -1), ValueError, "0 is not smaller than -1"),
        (lambda: hp.uniform("x", 1, 0), ValueError, "1 is not smaller than 0"),
        (lambda: hp.randint("x", 0), ValueError, "'x'"),
        (lambda: hp.randint("x", 5, 5), ValueError, "'x'"),
        (lambda: hp.normal("x", 0, 0), ValueError, "sigma should be above 0.*'x'"),
        (lambda: hp.quniform("x", 0, 1, 0), ValueError, "q should be above 0.*'x'"),
        (lambda: hp.uniform(3, 0, 1), TypeError, "require string label"),
        (lambda: hp.choice("x", []), BadSearchSpace, "'x' has no options"),
        (lambda: hp.pchoice("x", [(0.9, 1), (0.9, 2)]), BadSearchSpace, "'x'.*1.8"),
        (lambda: SearchSpace([hp.uniform("x", 0, 1), hp.uniform("x", 0, 1)]), DuplicateLabel, "'x'"),
        (
            lambda: SearchSpace(hp.choice("a", [hp.uniform("x", 0, 1), hp.normal("x", 0, 1)])),
            DuplicateLabel,
            "'x'",
        ),
        (
            lambda: SearchSpace(hp.uniform("x", 0, hp.uniform("y", 1, 2))),
            BadSearchSpace,
            "'x': its high depends on another",
        ),
        (lambda: SearchSpace(hp.loguniform("x", 1, 1000)), BadSearchSpace, "'x'.*logarithms"),
        (lambda: space_eval(hp.uniform("x", 0, 1), {}), NoValue, "'x' has no value"),
        (lambda: space_eval(hp.choice("x", [1, 2]), {"x": 2}), IndexError, "option 2 of a choice of 2"),
    ],
)
def test_what_is_wrong_with_a_space_is_said_with_its_label(make: Any, error: type, said: str) -> None:
    with pytest.raises(error, match=said):
        make()


def test_space_eval_is_lazy_and_takes_what_fmin_returns() -> None:
    space = hp.choice("a", [("case 1", 1 + hp.lognormal("c1", 0, 1)), ("case 2", hp.uniform("c2", -10, 10))])
    assert space_eval(space, {"a": 0, "c1": 1.0}) == ("case 1", 2.0)
    assert space_eval(space, {"a": 1, "c2": 3.5}) == ("case 2", 3.5)


def test_a_sum_of_very_many_hyperparameters_can_be_searched() -> None:
    total = sum((hp.uniform(f"x{i}", 0, 1) for i in range(1500)), start=0)
    assert 0 < fmin(lambda v: v, total, algo=rand.suggest, max_evals=1, rstate=0).loss < 1500


def test_users_functions_are_applied_and_travel_with_a_pickled_space() -> None:
    @scope.define
    def doubled_for_test(x: float) -> float:
        return 2 * x

    try:
        node = scope.doubled_for_test(hp.randint("x", 3))
        assert {fmin(lambda v: v, node, algo=rand.suggest, max_evals=3, rstate=0).params["x"]} == {0}
        cloudpickle = pytest.importorskip("cloudpickle")
        sent = cloudpickle.dumps(node)
        scope.undefine("doubled_for_test")
        assert space_eval(pickle.loads(sent), {"x": 2}) == 4
    finally:
        scope.undefine("doubled_for_test")


def test_branches_by_name_and_functions_of_the_scope() -> None:
    x = hp.uniform("x", -1, 1)
    node = {
        "s": scope.kwswitch(hp.choice("k", ["sq", "neg"]), sq=x**2, neg=-x),
        "f": scope.sqrt(scope.exp(scope.max(x, 0))),
        "g": scope.asarray([x, 2])[1],
    }
    got = space_eval(node, {"k": 1, "x": 0.5})
    assert got == {"s": -0.5, "f": pytest.approx(exp(0.25)), "g": 2}


def test_sample_draws_the_whole_expression() -> None:
    np = pytest.importorskip("numpy")
    space = {"x": hp.uniform("x", 0, 1), "c": hp.choice("c", [hp.quniform("q", 1, 10, 3), "b"])}
    one, same = (sample(space, np.random.default_rng(3)) for _ in range(2))
    assert one == same
    drawn = [sample(space)["c"] for _ in range(60)]
    assert set(drawn) == {3.0, 6.0, 9.0, "b"}


def test_a_space_of_the_real_hyperopt_is_taken_without_importing_it() -> None:
    pytest.importorskip("hyperopt", reason="hyperopt is not installed: make bench installs it")
    from hyperopt import hp as real

    shared = real.uniform("s", 0, 1)
    space = real.choice(
        "a", [{"lr": real.loguniform("lr", -5, 0), "s": shared}, [real.randint("n", 3), shared]]
    )
    read = SearchSpace(space).space
    assert read.names == ("a", "lr", "s", "n")
    assert read["s"].when == ()
    trials = Trials()
    best = fmin(
        lambda p: p["lr"] if isinstance(p, dict) else 9.0, space, max_evals=20, trials=trials, rstate=0
    )
    assert best["a"] == 0 and best.loss < 0.05
    assert space_eval(space, best)["lr"] == best["lr"]


def test_a_domain_survives_pickling() -> None:
    domain = pickle.loads(pickle.dumps(Domain(abs, hp.choice("a", [hp.uniform("x", -2, -1), 3]))))
    assert domain.search.space.names == ("a", "x")
    assert domain.evaluate({"a": 0, "x": -1.5}, None)["loss"] == 1.5


def test_nodes_print_and_unpack() -> None:
    a, b = pyll.as_apply((1, 2))
    assert (a + b * 3).eval() == 7
    assert str(a + 1).splitlines()[0] == "0 add"


def test_check_37_all_functions_of_the_page_sample_valid_values() -> None:
    space = {
        "randint": hp.randint("randint", 7),
        "uniform": hp.uniform("uniform", -1, 2),
        "loguniform": hp.loguniform("loguniform", log(1e-3), log(10)),
        "normal": hp.normal("normal", 0, 1),
        "lognormal": hp.lognormal("lognormal", 0, 1),
        "quniform": hp.quniform("quniform", 0, 10, 3),
        "qloguniform": hp.qloguniform("qloguniform", log(1), log(100), 5),
        "qnormal": hp.qnormal("qnormal", 0, 10, 2),
        "qlognormal": hp.qlognormal("qlognormal", 0, 1, 0.5),
        "choice": hp.choice(
            "choice", [hp.uniform("sub_1", 5, 6), hp.normal("sub_2", 100, 1), None, 0, 1, "anything"]
        ),
    }
    steps = {"quniform": 3, "qloguniform": 5, "qnormal": 2, "qlognormal": 0.5}
    seen: list[dict[str, Any]] = []
    fmin(lambda point: seen.append(dict(point)) or 0.0, space, algo=rand.suggest, max_evals=150, rstate=2)
    for point in seen:
        assert type(point["randint"]) is int and 0 <= point["randint"] < 7
        assert -1 <= point["uniform"] <= 2 and 1e-3 <= point["loguniform"] <= 10
        assert abs(point["normal"]) < 9 and 0 < point["lognormal"] < exp(9)
        assert all(abs(point[name] / q - round(point[name] / q)) < 1e-9 for name, q in steps.items())
    chosen = [point["choice"] for point in seen]
    assert {None, 0, 1, "anything"} <= set(chosen)
    assert {5, 100} <= {round(c, -2) or int(c) for c in chosen if isinstance(c, float)}
