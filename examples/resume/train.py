#!/usr/bin/env python3
"""Trains a linear classifier on handwritten digits for some epochs, and goes on from its checkpoint where there is one.

    luthier tune --num-runs 27 --budget epochs=1:27 --metric accuracy --param alpha=1e-6:1:log --param eta0=1e-4:1:log -- \\
        python train.py --alpha :alpha: --eta0 :eta0: --epochs :epochs:

Each trial begins with one epoch. The best third goes on to three, of these the best third to nine: the same command, with
more epochs and the same checkpoint folder. So `--epochs` is the number the model is to have in the end, not how many more.
"""

import argparse
import os
import pickle
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import train_test_split

# Without Luthier, too: then the checkpoint is kept here.
CHECKPOINT = Path(os.environ.get("LUTHIER_CHECKPOINT_DIR", ".")) / "model.pickle"


def begin(alpha: float, eta0: float) -> dict:
    """A model that has seen nothing, and how many epochs that were."""
    seed = int(os.environ.get("LUTHIER_SEED", "0"))
    model = SGDClassifier(
        loss="log_loss", alpha=alpha, learning_rate="constant", eta0=eta0, random_state=seed
    )
    return {"model": model, "epochs": 0}


def save(state: dict) -> None:
    """Writes the checkpoint whole or not at all: a program may be ended at any line."""
    draft = CHECKPOINT.with_suffix(".new")
    draft.write_bytes(pickle.dumps(state))
    draft.replace(CHECKPOINT)


def main() -> None:
    """Trains up to the epoch that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--alpha", type=float, default=1e-4)
    parser.add_argument("--eta0", type=float, default=0.01)
    parser.add_argument("--epochs", type=int, default=10)
    chosen = parser.parse_args()
    images, labels = load_digits(return_X_y=True)
    # The split is the same in every trial: trials are compared with one another.
    train_x, valid_x, train_y, valid_y = train_test_split(
        images / 16, labels, random_state=0, stratify=labels
    )
    state = pickle.loads(CHECKPOINT.read_bytes()) if CHECKPOINT.exists() else begin(chosen.alpha, chosen.eta0)
    print(f"begins after epoch {state['epochs']}", flush=True)
    if state["epochs"] >= chosen.epochs:  # it was ended after its last epoch, before it could say so
        print(f"accuracy={state['model'].score(valid_x, valid_y):.6f} step={state['epochs']}")
    while state["epochs"] < chosen.epochs:
        order = np.random.default_rng(state["epochs"]).permutation(len(train_x))
        state["model"].partial_fit(train_x[order], train_y[order], classes=range(10))
        state["epochs"] += 1
        save(state)
        print(f"accuracy={state['model'].score(valid_x, valid_y):.6f} step={state['epochs']}", flush=True)


if __name__ == "__main__":
    main()
