#!/usr/bin/env python3
"""Trains on all that the search had, and scores the test set: once, with the configuration that was chosen."""

from digits import options, parts, svm

chosen = options().parse_args()
(images, labels), (test_images, test_labels) = parts()
model = svm(chosen).fit(images, labels)
print(f"accuracy={model.score(test_images, test_labels):.6f}")
