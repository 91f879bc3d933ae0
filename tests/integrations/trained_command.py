"""A program that trains with a library's callback until it is stopped, tuned as a command by the tests: `LIBRARY rounds`.

It leaves a file when its training returned and the lines after it were run, with how many rounds there were.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

import luthier

X = np.random.RandomState(0).rand(60, 4).astype("float32")
y = (X[:, 0] > 0.5).astype("float32")


def with_xgboost(rounds: int) -> int:
    import xgboost

    from luthier.integrations.xgboost import Callback

    data = xgboost.DMatrix(X, y)
    settings = {"objective": "binary:logistic", "nthread": 1, "eta": 0.01, "max_depth": 1}
    evals = [(data, "val")]
    made = xgboost.train(settings, data, rounds, evals=evals, callbacks=[Callback()], verbose_eval=False)
    return int(made.num_boosted_rounds())


def with_lightgbm(rounds: int) -> int:
    import lightgbm

    from luthier.integrations.lightgbm import callback

    data = lightgbm.Dataset(X, y)
    settings: dict[str, Any] = {"objective": "binary", "verbose": -1, "num_threads": 1, "min_data_in_leaf": 5}
    settings |= {"metric": "binary_logloss", "learning_rate": 0.01, "num_leaves": 2}
    made = lightgbm.train(
        settings, data, rounds, valid_sets=[data], valid_names=["val"], callbacks=[callback()]
    )
    return int(made.current_iteration())


def with_keras(rounds: int) -> int:
    import keras

    from luthier.integrations.keras import Callback

    model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(1, activation="sigmoid")])
    model.compile("sgd", "binary_crossentropy")
    return len(model.fit(X, y, epochs=rounds, verbose=0, callbacks=[Callback()]).epoch)


ran = {"xgboost": with_xgboost, "lightgbm": with_lightgbm, "keras": with_keras}[sys.argv[1]](int(sys.argv[2]))
(luthier.output_dir() / "after").write_text(str(ran), encoding="utf-8")
