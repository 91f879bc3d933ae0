"""Texts with half a character (lone surrogates), as a file name that is no UTF-8 leaves in Python: said in one sentence,
or they work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import luthier
from luthier.compat.hyperopt import Trials, fmin, hp, rand
from luthier.compat.hyperopt.mongoexp import MongoTrials
from luthier.errors import UsageError

HALF = "a\udc80"


@pytest.fixture(params=["memory", "durable"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Path | None:
    return tmp_path if request.param == "durable" else None


class Named:
    def __repr__(self) -> str:
        return HALF


@pytest.mark.parametrize(
    ("space", "place"),
    [
        ({HALF: luthier.uniform(0, 1)}, r"the name 'a\\udc80'"),
        ({"x": luthier.choice([HALF, "b"])}, r"space\['x'\]: 'a\\udc80'"),
        ({"x": [HALF, "b"]}, r"space\['x'\]: 'a\\udc80'"),
        ({"x": [[HALF], "b"]}, r"space\['x'\]: .*a\\udc80.*"),
        ({"x": luthier.uniform(0, 1), "k": HALF}, r"space\['k'\]: 'a\\udc80'"),
        ({"x": luthier.choice({HALF: 1, "b": 2})}, r"space\['x'\]: 'a\\udc80'"),
        ({"x": luthier.choice([{"kind": HALF, "y": luthier.uniform(0, 1)}, 2])}, r"space\['x'\]: 'a\\udc80'"),
        ([f"x={HALF},b"], r"'a\\udc80'"),
    ],
)
def test_a_space_that_no_record_can_keep_is_refused_with_the_place(
    space: Any, place: str, store: Path | None
) -> None:
    with pytest.raises(
        UsageError, match=f"{place} holds half a character .a lone surrogate.*write it in UTF-8"
    ):
        luthier.minimize(lambda **_: 1.0, space, 2, workers=0, store=store, progress=False)


@pytest.mark.parametrize("workers", [0, 1])
def test_an_option_with_a_name_may_be_anything(workers: int, store: Path | None) -> None:
    seen = luthier.choice({"odd": HALF, "plain": "bb c"})
    other = luthier.choice([Named(), 2])
    options: dict[str, Any] = {"workers": workers, "store": store, "progress": False}
    found = luthier.minimize(lambda path, other: len(path), {"path": seen, "other": other}, 4, **options)
    assert found.best.params["path"] == HALF and found.best.values["path"] == "odd"
    assert {t.values["other"] for t in found.trials} == {r"a\udc80", 2}


def test_what_a_function_says_is_kept_as_far_as_it_can_be(store: Path | None) -> None:
    def train(x: int) -> dict[str, float]:
        if x == 1:
            raise ValueError(HALF)
        return {"loss": 1.0, HALF: 2.0}

    experiment = luthier.Experiment.create({"x": [1, 2, 3]}, trials=3, store=store, algorithm="grid")
    experiment.run(train, workers=0, progress=False)
    assert [t.outcome for t in experiment.trials] == ["failed", "succeeded", "succeeded"]
    assert "udc80" in ascii(experiment.trial(1).reason)
    experiment.close()


@pytest.mark.parametrize("option", ["name", "metric", "algorithm"])
def test_texts_of_an_experiment_are_refused(option: str, store: Path | None) -> None:
    with pytest.raises(UsageError, match=rf"{option}='a\\udc80' is not a text"):
        luthier.Experiment.create({"x": [1, 2]}, store=store, **{option: HALF})
    with pytest.raises(UsageError, match=r"also='minimize:a\\udc80' is not a text"):
        luthier.Experiment.create({"x": [1, 2]}, store=store, also=[f"minimize:{HALF}"])


@pytest.mark.parametrize("workers", [0, 1])
def test_hyperopts_options_and_keys_work_and_labels_are_refused(workers: int) -> None:
    trials = Trials()
    space = {HALF: hp.choice("x", [HALF, "b"])}
    best = fmin(lambda d: len(d[HALF]), space, algo=rand.suggest, max_evals=2, trials=trials, workers=workers)
    assert best.params == {"x": "b"} and sorted(trials.losses()) == [1.0, 2.0]
    with pytest.raises(UsageError, match=r"the name 'a\\udc80' holds half a character"):
        fmin(lambda x: 1, hp.uniform(HALF, 0, 1), algo=rand.suggest, max_evals=2)


def test_mongo_trials_keep_such_options_and_refuse_such_keys(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LUTHIER_STORE", str(tmp_path))
    monkeypatch.setattr("luthier.compat.hyperopt.mongoexp.PATIENCE_SECONDS", 0.0)
    with pytest.raises(UsageError, match="can't name a search"):
        MongoTrials("mongo://h/foo/jobs", exp_key=HALF)
    trials = MongoTrials("mongo://h/foo/jobs")
    best = fmin(len, hp.choice("x", [HALF, "b"]), algo=rand.suggest, max_evals=2, trials=trials)
    assert best.params == {"x": "b"} and sorted(trials.losses()) == [1.0, 2.0]
    trials.close()
