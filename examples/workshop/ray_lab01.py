#!/usr/bin/env python3
"""Ray lab 01: a function of a config dict that reports each epoch, tuned by random search, with ASHA, and by TPE.

    luthier ray up --nodes 2 --cpus 1
    eval "$(luthier ray env)"
    python ray_lab01.py
    luthier ray down

Where the variables name a Ray the trials run there, as many as fit, else on this machine. The record stays in ./lab01:
`luthier list --store lab01` shows it, and a second run goes on where the first was killed.
"""

import argparse
import os

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import train_test_split

import luthier

SPACE = {
    "alpha": luthier.loguniform(1e-6, 1e-1),
    "eta0": luthier.loguniform(1e-4, 1),
    "batch": luthier.integers(64, 512, log=True),
    "penalty": luthier.choice(["l2", "l1", "elasticnet"]),
}
images, labels = load_digits(return_X_y=True)
rest, locked_away, rest_labels, locked_labels = train_test_split(
    images / 16, labels, test_size=0.2, random_state=0
)
parts = train_test_split(rest, rest_labels, test_size=0.25, random_state=0)


def train(config, epochs, seed):
    """Trains epoch by epoch and reports each one's accuracy on the validation set; returns the model."""
    training, validation, training_labels, validation_labels = parts
    model = SGDClassifier(
        alpha=config["alpha"],
        eta0=config["eta0"],
        penalty=config["penalty"],
        learning_rate="constant",
        random_state=0,
    )
    order = np.random.default_rng(seed)
    for epoch in range(1, epochs + 1):
        shuffled = order.permutation(len(training))
        for batch in np.array_split(shuffled, len(training) // config["batch"]):
            model.partial_fit(training[batch], training_labels[batch], classes=range(10))
        luthier.report(step=epoch, accuracy=model.score(validation, validation_labels))
    return model


class Lab:
    """The searches of the lab, of so many trials with so many epochs."""

    def __init__(self, trials, epochs):
        self.trials, self.epochs = trials, epochs
        self.on = {"workers": 2}
        if "RAY_HEAD_SERVICE_HOST" in os.environ:
            import ray

            host, port = os.environ["RAY_HEAD_SERVICE_HOST"], os.environ["RAY_HEAD_SERVICE_PORT"]
            ray.init(f"ray://{host}:{port}", log_to_driver=False)
            self.on = {"on": "ray"}  # that one, for this program is connected to it

    def search(self, title, trials, **options):
        """Runs one search and shows the trials, the best configuration and how far each trial came."""
        epochs = self.epochs

        def objective(config):
            train(config, epochs, luthier.seed())  # what it reports last is its value

        found = luthier.maximize(
            objective,
            SPACE,
            trials,
            metric="accuracy",
            seed=1,
            store="lab01",
            name=title,
            **options,
            **self.on,
        )
        stopped = sum(trial.outcome == "stopped" for trial in found.trials)
        print(f"\n{title}: {len(found)} trials, {stopped} of them stopped early")
        print(f"  the best: trial {found.best.number}, accuracy {found.best.value:.4f}, {found.best.params}")
        lengths = {number: len(points) for number, points in found.curves("accuracy").items()}
        print(f"  epochs of each trial: {lengths}")
        return found

    def run(self):
        """Random search, twice as many trials with ASHA, and TPE; then the best of all on the test set, once."""
        asha = f"asha:min_resource=1,eta=4,max_resource={self.epochs}"
        searches = [
            self.search("random", self.trials, algorithm="random", early_stopping="none"),
            self.search("asha", 2 * self.trials, algorithm="random", early_stopping=asha),
            self.search("tpe", self.trials, algorithm="tpe", early_stopping="none"),
        ]
        frame = searches[1].curves_frame(form="wide")  # a row for each epoch of each trial
        print(f"\nper-epoch frame: {len(frame)} rows, columns {', '.join(map(str, frame.columns))}")
        searches[1].plot("curves").save("curves.svg")
        best = max((found.best for found in searches), key=lambda trial: trial.value)
        model = train(best.params, self.epochs, best.seed)
        again = model.score(parts[1], parts[3])
        print(f"the best, trained again: accuracy {again:.4f}, the same: {again == best.value}")
        print(f"on the test set, which no search has seen: {model.score(locked_away, locked_labels):.4f}")


if __name__ == "__main__":
    words = argparse.ArgumentParser(description="Ray lab 01")
    words.add_argument(
        "--trials", type=int, default=10, help="of random search and of TPE; ASHA has twice as many"
    )
    words.add_argument("--epochs", type=int, default=64)
    Lab(**vars(words.parse_args())).run()
