"""Where a training job finds its parameters and its data, and where its results go: as kaos lays it out (`/pfs`; without
a container `luthier kaos` puts its own folder there), under Luthier's own commands, and by hand."""

import json
import os
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
PIPELINE = Path("/pfs")


def hyperparams(params: dict) -> dict:
    """The static parameters with those of this trial laid over them; a trial need not name all.

    Luthier writes them to the file LUTHIER_PARAMS_FILE; in a job of kaos they are the only *.json under /pfs/hyper. By hand
    there are none.
    """
    found = None
    if "LUTHIER_PARAMS_FILE" in os.environ:
        found = Path(os.environ["LUTHIER_PARAMS_FILE"]).read_text(encoding="utf-8")
    elif "LUTHIER_PARAMS" in os.environ:
        found = os.environ["LUTHIER_PARAMS"]
    else:
        files = sorted((PIPELINE / "hyper").rglob("*.json"))
        if len(files) > 1:
            raise SystemExit(f"{len(files)} parameter files under {PIPELINE / 'hyper'}, expected one")
        if files:
            found = files[0].read_text(encoding="utf-8")
    return {**params, **json.loads(found)} if found else dict(params)


def data_folder() -> Path:
    """The folder that has training/, validation/ and test/."""
    if "MNIST_DATA" in os.environ:
        return Path(os.environ["MNIST_DATA"])
    for training in sorted((PIPELINE / "data").glob("*/training")):
        return training.parent
    # templates/mnist/model-train/mnist/model -> templates/mnist/data/features
    return HERE.parents[2] / "data" / "features"


def load(part: str) -> tuple[np.ndarray, np.ndarray]:
    """The images of a part of the data as rows of 784 values from 0 to 1, and the digit each one shows."""
    with np.load(data_folder() / part / "mnist.npz") as archive:
        images, labels = archive["images"], archive["labels"]
    return images.reshape(len(images), -1) / 255.0, labels


def report(metrics: dict) -> None:
    """Tells Luthier the numbers as JSON lines; anywhere else it does nothing."""
    if "LUTHIER_METRICS" in os.environ:
        numbers = {name: value for name, value in metrics.items() if isinstance(value, float)}
        with open(os.environ["LUTHIER_METRICS"], "a", encoding="utf-8") as file:
            file.write(json.dumps(numbers) + "\n")
