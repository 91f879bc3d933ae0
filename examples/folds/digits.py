"""Handwritten digits in two parts: 1,347 for the search, which it may cut into folds, and 450 that it never sees."""

import argparse

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.svm import SVC

Part = tuple[np.ndarray, np.ndarray]


def parts() -> tuple[Part, Part]:
    """The images and labels of the search, and those of the test set. The same in every trial and on every machine."""
    images, labels = load_digits(return_X_y=True)
    search_x, test_x, search_y, test_y = train_test_split(images, labels, random_state=0, stratify=labels)
    return (search_x, search_y), (test_x, test_y)


def options() -> argparse.ArgumentParser:
    """What is tuned."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--C", type=float, default=1.0)
    parser.add_argument("--gamma", type=float, default=0.001)
    return parser


def svm(chosen: argparse.Namespace) -> SVC:
    """The model of a configuration."""
    return SVC(C=chosen.C, gamma=chosen.gamma, max_iter=20_000)
