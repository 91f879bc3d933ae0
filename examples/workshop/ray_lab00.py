#!/usr/bin/env python3
"""Ray lab 00: a cluster, its nodes, tasks that run side by side, tasks that wait for tasks, and an actor.

    luthier ray up --nodes 2 --cpus 1
    eval "$(luthier ray env)"
    python ray_lab00.py
    luthier ray down

Any other Ray will do whose client port the two variables name.
"""

import os

import numpy as np
import ray

SIZE = 1000


@ray.remote
def make_array(seed):
    return np.random.default_rng(seed).normal(size=SIZE)


@ray.remote
def add_arrays(a, b):
    return np.add(a, b)


@ray.remote
class Counter:
    """State that tasks share: an actor does one thing after the other, so no lock is needed."""

    def __init__(self):
        self.calls = []

    def increment(self, by):
        self.calls.append(by)
        return len(self.calls)

    def total(self):
        return sum(self.calls)


@ray.remote
def count(counter, by):
    return ray.get(counter.increment.remote(by))


def connect():
    """Connects to the Ray that the environment names."""
    if not ray.is_initialized():
        host, port = os.environ["RAY_HEAD_SERVICE_HOST"], os.environ["RAY_HEAD_SERVICE_PORT"]
        ray.init(f"ray://{host}:{port}", log_to_driver=False)


def main():
    connect()
    living = [node for node in ray.nodes() if node["Alive"]]
    print(f"nodes: {len(living)}, CPUs: {ray.cluster_resources()['CPU']:g}")
    # `remote` returns at once; what is not there yet can be handed to the next task, which waits for it.
    a, b = make_array.remote(1), make_array.remote(2)
    far = ray.get(add_arrays.remote(a, b))
    near = np.random.default_rng(1).normal(size=SIZE) + np.random.default_rng(2).normal(size=SIZE)
    print(f"the same sum as one after the other: {bool((far == near).all())}")
    counter = Counter.options(num_cpus=0).remote()
    order = ray.get([count.options(num_cpus=0.5).remote(counter, by) for by in range(1, 5)])
    print(f"calls of the actor, each at its turn: {sorted(order)}; total: {ray.get(counter.total.remote())}")


if __name__ == "__main__":
    main()
